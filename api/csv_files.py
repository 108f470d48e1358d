"""How is a table written for spreadsheets? As CSV in which no cell does anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from babel.numbers import get_currency_precision

from domain.money import Money

Cell: TypeAlias = str | int | Decimal | date | None

#: A spreadsheet takes what begins so for a formula, and runs it.
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def written(rows: Iterable[Sequence[Cell]]) -> bytes:
    """The file. Its first bytes tell spreadsheets that it is UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def major(amount: Money) -> Decimal:
    """A sum as a number in whole units of its currency, exactly: 4050 in GBP is 40.50."""
    return Decimal(amount.amount_minor).scaleb(-get_currency_precision(amount.currency))


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    # Numbers and dates are ours, and a minus before a number is a minus.
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULAS) else cell
    return cell.isoformat() if isinstance(cell, date) else str(cell)
