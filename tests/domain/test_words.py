"""Is a list of short texts kept without needless spaces, each once, and checked as it was given?"""

from __future__ import annotations

import pytest

from domain.words import (
    MAX_WORD,
    MAX_WORDS,
    distinct,
    is_slug,
    slug,
    wrong_slugs,
    wrong_words,
)


def test_words_are_kept_once_in_their_first_spelling_and_in_order() -> None:
    said = ["  Land   Rover ", "BMW", "land rover", "\u00e4ther", "bmw", "Audi"]

    assert distinct(said) == ("Land Rover", "BMW", "\u00e4ther", "Audi")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Gas Safe", "gas-safe"),
        (" gas__safe ", "gas-safe"),
        ("GAS - SAFE", "gas-safe"),
        ("nvq3", "nvq3"),
    ],
)
def test_a_text_is_made_a_name_for_programs(text: str, found: str) -> None:
    assert slug(text) == found
    assert is_slug(found)


@pytest.mark.parametrize("text", ["a", "-a", "a-", "a--b", "A", "a b", "\u00e4b", "", "ab\n"])
def test_what_is_no_name_for_programs(text: str) -> None:
    assert not is_slug(text)


def test_a_name_for_programs_has_a_length() -> None:
    assert is_slug("ab")
    assert is_slug("a" * MAX_WORD)
    assert not is_slug("a" * (MAX_WORD + 1))


def test_each_wrong_word_is_told_at_its_own_place() -> None:
    said = ["good", " ", "good", "x" * (MAX_WORD + 1), "nul\x00l", "half\ud800"]

    found = [(error.path, error.message) for error in wrong_words("skills", said)]

    assert found == [
        (("skills", "1"), "Write 1 to 50 characters."),
        (("skills", "3"), "Write 1 to 50 characters."),
        (("skills", "4"), "Leave out null characters and halves of characters."),
        (("skills", "5"), "Leave out null characters and halves of characters."),
    ]


def test_a_list_has_so_many_different_words_and_no_more() -> None:
    enough = [f"word {n}" for n in range(MAX_WORDS)]

    assert list(wrong_words("skills", [*enough, "WORD 1"])) == []
    (error,) = wrong_words("skills", [*enough, "\x00"])
    assert (error.path, error.message) == (("skills",), "Give at most 30.")


def test_names_for_programs_are_checked_in_the_same_way() -> None:
    assert list(wrong_slugs("codes", ["ab", "c-d", "ab"], "e-f")) == []
    (error,) = wrong_slugs("codes", ["ab", "C d", "ab"], "e-f")
    assert error.path == ("codes", "1")
    assert error.message == (
        'Write 2 to 50 small letters, digits and single hyphens, such as "e-f".'
    )
    (error,) = wrong_slugs("codes", [f"c{n}" for n in range(MAX_WORDS + 1)], "e-f")
    assert (error.path, error.message) == (("codes",), "Give at most 30.")
