"""Can a cell of a file do anything in a spreadsheet, and is every number what it was?"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.csv_files import Cell, major, written
from domain.money import Money


def cells(*row: Cell) -> list[str]:
    (read,) = csv.reader(io.StringIO(written([row]).decode("utf-8-sig"), newline=""))
    return read


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "  @x"),
        '=HYPERLINK("https://evil.example")',
    ],
)
def test_a_text_that_would_be_a_formula_is_a_text(text: str) -> None:
    assert cells(text, "end") == [f"'{text}", "end"]


@pytest.mark.parametrize("text", ["", "Clean", "A = B", "1-2", "O'Brien", "a\nb", '"', ",", "é"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert cells(text, "end") == [text, "end"]


def test_numbers_and_dates_are_no_texts() -> None:
    assert cells(-5, Decimal("-12.00"), None) == ["-5", "-12.00", ""]
    at = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert cells(at, date(2026, 11, 2)) == ["2026-11-02T09:30:00+00:00", "2026-11-02"]


@given(st.lists(st.text(), min_size=2, max_size=5))
def test_no_text_breaks_out_of_its_cell(texts: list[str]) -> None:
    read = cells(*texts)
    assert len(read) == len(texts)
    for text, cell in zip(texts, read, strict=True):
        storable = text.encode(errors="replace").decode()
        assert cell in {storable, f"'{storable}"}
        assert cell.lstrip(" ")[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (6301, "GBP", "63.01"),
        (-1200, "GBP", "-12.00"),
        (5, "EUR", "0.05"),
        (0, "GBP", "0.00"),
        (500, "JPY", "500"),
        (1234567, "KWD", "1234.567"),
    ],
)
def test_a_sum_is_exact_in_its_own_currency(minor: int, currency: str, said: str) -> None:
    assert str(major(Money(amount_minor=minor, currency=currency))) == said
