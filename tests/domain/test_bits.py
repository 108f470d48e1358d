"""Do sets and counters of whole numbers count as plain sets and counters do?"""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from domain.bits import Tally, places, stretch, union

SETS = st.lists(st.tuples(st.frozensets(st.integers(0, 200), max_size=20), st.integers(0, 9)))


def as_bits(members: frozenset[int]) -> int:
    return union(1 << place for place in members)


def test_a_stretch_holds_its_first_place_and_not_its_last() -> None:
    assert list(places(stretch(3, 6))) == [3, 4, 5]


def test_a_stretch_that_ends_before_it_begins_is_empty() -> None:
    assert stretch(6, 3) == stretch(4, 4) == 0


def test_nothing_is_in_no_set() -> None:
    assert union([]) == 0
    assert list(places(0)) == []


@given(st.frozensets(st.integers(0, 500)))
def test_places_come_back_in_order(members: frozenset[int]) -> None:
    assert list(places(as_bits(members))) == sorted(members)


@given(SETS, SETS)
def test_a_tally_counts_and_compares_as_counters_do(
    mine: list[tuple[frozenset[int], int]], theirs: list[tuple[frozenset[int], int]]
) -> None:
    tallies, counters = (Tally(), Tally()), (Counter[int](), Counter[int]())
    for tally, counter, sets in zip(tallies, counters, (mine, theirs), strict=True):
        for members, times in sets:
            tally.add(as_bits(members), times)
            counter.update(dict.fromkeys(members, times))

    for place in range(201):
        assert tallies[0].at(place) == counters[0][place]
    more = [place for place in range(201) if counters[0][place] > counters[1][place]]
    assert list(places(tallies[0].exceeds(tallies[1]))) == more


def test_a_set_is_counted_once_unless_said_otherwise() -> None:
    tally = Tally()

    tally.add(0b101)
    tally.add(0b100)

    assert [tally.at(place) for place in range(3)] == [1, 0, 2]
