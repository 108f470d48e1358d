"""Cursors: what we gave out comes back as it was, and nothing else is taken for one."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feed import MalformedCursor, ResyncRequired, decode_cursor, encode_cursor


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_names_its_place(seq: int) -> None:
    assert decode_cursor(encode_cursor(seq)) == seq


def test_a_cursor_says_its_version_and_goes_into_any_address() -> None:
    assert encode_cursor(42) == "djE6NDI"


def coded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "42",
        "not a cursor",
        "é",
        "\x00",
        "a",
        "djE6NDI=",
        "djE6NDI\n",
        coded("42"),
        coded("v2:42"),
        coded("v1:"),
        coded("v1:-1"),
        coded("v1:+1"),
        coded("v1:007"),
        coded("v1: 7"),
        coded("v1:1_000"),
        coded("v1:٤٢"),
        coded(f"v1:{2**63}"),
        coded("v1:" + "9" * 5000),
    ],
)
def test_anything_else_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(MalformedCursor) as refused:
        decode_cursor(cursor)
    (error,) = refused.value.errors
    assert error.path == ("after",)
    assert "cursor" in error.message


def test_a_resync_names_the_place_and_the_remedy() -> None:
    refused = ResyncRequired(7)
    assert refused.seq == 7
    assert "without `after`" in str(refused)
