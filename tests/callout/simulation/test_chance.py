"""Does chance fall the same way on every machine?"""

from __future__ import annotations

from collections import Counter

import pytest

from callout.simulation.chance import Chance


def test_a_stream_is_the_same_for_ever() -> None:
    chance = Chance(1, "answer", 7)

    assert [round(chance.share(), 12) for _ in range(3)] == [
        0.486071723511,
        0.064450704296,
        0.397695083323,
    ]


def test_streams_of_other_names_differ() -> None:
    firsts = {Chance(seed, name).share() for seed in (1, 2) for name in ("a", "b")}

    assert len(firsts) == 4


def test_whole_numbers_reach_both_ends() -> None:
    chance = Chance("whole")

    assert {chance.whole(2, 4) for _ in range(100)} == {2, 3, 4}


def test_what_weighs_more_comes_more_often_and_what_weighs_nothing_never() -> None:
    chance = Chance("weighed")
    drawn = Counter(chance.weighed({"never": 0, "seldom": 1, "often": 9}) for _ in range(1000))

    assert drawn.keys() == {"seldom", "often"}
    assert 850 < drawn["often"] < 950


def test_of_nothing_nothing_can_be_drawn() -> None:
    with pytest.raises(ValueError, match="nothing to choose from"):
        Chance("nothing").weighed({})


def test_some_are_drawn_once_each_and_stay_in_their_order() -> None:
    chance = Chance("some")

    assert all(
        list(drawn) == sorted(set(drawn)) and len(drawn) == 3
        for drawn in (chance.some(range(10), 3) for _ in range(50))
    )
    assert chance.some("ab", 5) == ("a", "b")


def test_what_is_sure_happens_and_what_is_impossible_does_not() -> None:
    chance = Chance("sure")

    assert all(chance.happens(1) and not chance.happens(0) for _ in range(100))
    assert all(3 <= chance.between(3, 4) < 4 for _ in range(100))
