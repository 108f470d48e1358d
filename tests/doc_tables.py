"""How is a table on a page of docs/ read, to be held against the code?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def rows(page: Path, heading: str, *, after: str = "") -> list[list[str]]:
    """The cells of the first table after a text whose first column is headed so, without backticks.

    Raises ValueError when the page has no such text, and AssertionError when it has no such table.
    """
    text = page.read_text()
    pattern = rf"^\| {re.escape(heading)} *\|.*\n\|[-:|]+\n((?:\|.*\n)+)"
    table = re.search(pattern, text[text.index(after) :], re.MULTILINE)
    assert table, f"{page.name} has no table of {heading!r}"
    lines = table[1].replace("`", "").splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
