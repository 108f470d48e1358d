"""Is a text cut where a reader would cut it, and fit for where it goes?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.letters.segments import fits, typewritten
from gateways.letters.texts import cut, in_lines, in_one_line, isolated

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
WAVE = "\U0001f44b\U0001f3fd"


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("Chloe", 5, "Chloe"),
        ("Chloe Cleaner", 12, "Chloe Clean…"),
        ("Chloe Cleaner", 8, "Chloe…"),
        ("Maximiliane", 6, "Maxim…"),
        ("A Maximiliane", 8, "A Maxim…"),
        ("Smith, Jones and Brown", 8, "Smith…"),
        # e with an accent of its own is one character to the eye, and so is a family.
        ("Jose\u0301 Maria", 5, "Jos…"),
        (f"A{FAMILY} and more", 4, "A…"),
        (f"Hi {WAVE} there", 5, "Hi…"),
        ("\u0301" * 9, 3, "…"),
    ],
)
def test_it_is_cut_between_words_and_never_within_a_character(
    text: str, limit: int, kept: str
) -> None:
    assert cut(text, limit) == kept
    assert len(kept) <= limit


@given(st.text(), st.integers(min_value=2, max_value=40))
def test_it_is_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit


@given(st.text())
def test_one_line_is_one_line_and_stays_itself(text: str) -> None:
    line = in_one_line(text)
    assert len(line.splitlines()) <= 1
    assert in_one_line(line) == line
    line.encode()


@given(st.text())
def test_lines_have_no_other_ends(text: str) -> None:
    lines = in_lines(text)
    assert lines.splitlines() == [*filter(None, [lines])] or "\n" in lines
    assert lines.split("\n") == (lines.splitlines() or [""])
    lines.encode()


def test_only_what_runs_from_the_right_is_isolated() -> None:
    assert isolated("Chloé 東京 5") == "Chloé 東京 5"
    assert isolated("Mr כהן") == "\u2068Mr כהן\u2069"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Café £5 @ Ñoño", "Café £5 @ Ñoño"),
        ("Łukasz Šimůnek, 9:00\u202fAM \u2013 “ok”…", 'Lukasz Simunek, 9:00 AM - "ok"...'),
        ("Garçon\u2019s", "Garcon's"),
        # One letter of another script, and nothing is gained by writing the rest otherwise.
        ("Šimůnek 東", "Šimůnek 東"),
        ("½ Straße", "½ Straße"),
    ],
)
def test_accents_go_where_that_makes_it_one_segment(text: str, written: str) -> None:
    assert typewritten(text) == written


@pytest.mark.parametrize(
    ("text", "is_short"),
    [
        ("x" * 160, True),
        ("x" * 161, False),
        ("€" * 80, True),
        ("€" * 80 + "x", False),
        ("東" * 134, True),
        ("東" * 135, False),
        ("🧽" * 67, True),
        ("🧽" * 68, False),
    ],
)
def test_a_segment_holds_so_much(text: str, is_short: bool) -> None:
    assert fits(text) is is_short
