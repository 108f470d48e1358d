"""What becomes of a series and its occurrences when it is changed?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lifecycle import Details
from domain.recurrence import parse
from domain.refusals import InvalidInput
from domain.series_changes import Change, Plan, SeriesScope, Split, all_of, plan, split, tail_of
from tests.domain.test_series import DAY, FIRST, NOW, SERIES, WEEK, a_series, every, wall
from tests.factories import PROVIDER, a_request

HOUR = timedelta(hours=1)
TAIL = UUID(int=71)


def a_change(**changes: Any) -> Change:
    """The third occurrence and those that follow, an hour later."""
    facts: dict[str, Any] = {
        "scope": SeriesScope.THIS_AND_FOLLOWING,
        "original_start": FIRST + 2 * WEEK,
        "new_start": FIRST + 2 * WEEK + HOUR,
    }
    return Change(**facts | changes)


def test_a_change_says_by_how_much_times_move() -> None:
    assert a_change().shift == HOUR
    assert a_change(new_start=None).shift == timedelta()
    whole = a_change(scope=SeriesScope.ALL, original_start=None, new_start=None)
    assert whole.shift == timedelta()


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"original_start": None, "new_start": None}, [("originalStart",)]),
        (
            {"scope": SeriesScope.THIS, "original_start": None, "rule": parse("FREQ=DAILY")},
            [("originalStart",), ("originalStart",), ("rrule",)],
        ),
        ({"scope": SeriesScope.ALL, "original_start": None}, [("originalStart",)]),
        ({"scope": SeriesScope.THIS, "rule": parse("FREQ=DAILY")}, [("rrule",)]),
    ],
)
def test_a_change_that_does_not_go_together_is_refused(
    changes: dict[str, Any], paths: list[tuple[str, ...]]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        a_change(**changes)

    assert [error.path for error in refused.value.errors] == paths


def test_a_change_of_all_names_no_occurrence() -> None:
    whole = a_change(scope=SeriesScope.ALL, original_start=None, new_start=None)

    with pytest.raises(ValueError, match="need not name one"):
        _ = whole.start
    assert a_change().start == FIRST + 2 * WEEK


def test_what_is_asked_for_changes_as_far_as_something_is_said() -> None:
    asked = a_request(concern="Dust", preferred_provider_id=UUID(int=8))

    said = a_change(details=Details(concern="Mould", special_requirements="")).applied(asked)
    named = a_change(provider_id=PROVIDER).applied(asked)

    assert said == replace(asked, concern="Mould", special_requirements="")
    assert named == replace(asked, provider_id=PROVIDER, preferred_provider_id=None)


def test_a_counted_series_is_cut_with_its_count() -> None:
    rule = parse("FREQ=WEEKLY;COUNT=5")

    assert split(a_series(rule=rule), FIRST + 2 * WEEK, every) == Split(
        head=replace(rule, count=2), tail=replace(rule, count=3)
    )


def test_an_open_series_is_cut_by_an_end() -> None:
    rule = parse("FREQ=WEEKLY;UNTIL=20261231")

    assert split(a_series(rule=rule), FIRST + 2 * WEEK, every) == Split(
        head=replace(rule, until=FIRST + 2 * WEEK - timedelta(seconds=1)), tail=rule
    )


def test_a_series_is_not_cut_before_its_first() -> None:
    assert split(a_series(), FIRST, every) is None


def test_a_series_is_cut_at_its_starts_only() -> None:
    with pytest.raises(InvalidInput) as refused:
        split(a_series(), FIRST + DAY, every)

    assert [error.path for error in refused.value.errors] == [("originalStart",)]


def test_what_follows_is_a_series_of_its_own() -> None:
    found = a_series(version=3, done_until=FIRST + 3 * WEEK, next_due_at=NOW)

    tail = tail_of(found, found.rule, a_change(), every, series_id=TAIL, at=NOW + DAY)

    assert tail == a_series(
        id=TAIL,
        first_local_start=wall("2026-11-02 10:00"),
        created_at=NOW + DAY,
        follows_id=SERIES,
    )


def test_all_of_a_series_changes_under_its_own_name() -> None:
    found = a_series(version=3, rule=parse("FREQ=WEEKLY;UNTIL=20261109T090000"))

    changed = all_of(found, a_change(details=Details(concern="Mould")), every)

    # Its end moves along, or the last one would be lost.
    assert changed == a_series(
        version=4,
        rule=parse("FREQ=WEEKLY;UNTIL=20261109T100000"),
        first_local_start=FIRST + HOUR,
        asked=a_request(starts_at=None, concern="Mould"),
    )


def test_a_new_rule_takes_the_place_of_the_old() -> None:
    rule = parse("FREQ=DAILY;UNTIL=20261109T090000")

    assert all_of(a_series(), a_change(rule=rule), every).rule == rule


def test_a_new_rule_has_to_fall_on_the_new_first_start() -> None:
    over = parse("FREQ=DAILY;UNTIL=20261001")

    with pytest.raises(InvalidInput) as refused:
        all_of(a_series(), a_change(rule=over), every)

    assert [error.path for error in refused.value.errors] == [("rrule",)]


def test_occurrences_are_matched_by_how_far_they_move() -> None:
    known = [FIRST, FIRST + WEEK, FIRST + 2 * WEEK]
    starts = [FIRST + HOUR, FIRST + 2 * WEEK + HOUR, FIRST + 3 * WEEK + HOUR]

    assert plan(known, starts, HOUR) == Plan(
        kept=((FIRST + 2 * WEEK, FIRST + 2 * WEEK + HOUR), (FIRST, FIRST + HOUR)),
        dropped=(FIRST + WEEK,),
        fresh=(FIRST + 3 * WEEK + HOUR,),
    )


def test_nothing_moves_when_the_time_stays() -> None:
    assert plan([FIRST], [FIRST], timedelta()) == Plan(kept=((FIRST, FIRST),), dropped=(), fresh=())


@given(
    known=st.sets(st.integers(0, 30)),
    starts=st.sets(st.integers(-10, 40)),
    shift=st.integers(-5, 5),
)
def test_everything_is_accounted_for_and_nothing_moves_into_what_still_stands(
    known: set[int], starts: set[int], shift: int
) -> None:
    def days(numbers: set[int]) -> list[Any]:
        return sorted(FIRST + n * DAY for n in numbers)

    made = plan(days(known), days(starts), shift * DAY)

    old, new = [o for o, _ in made.kept], [n for _, n in made.kept]
    assert sorted([*old, *made.dropped]) == days(known)
    assert sorted([*new, *made.fresh]) == days(starts)
    standing = set(old)
    for before, after in made.kept:
        standing.remove(before)
        assert after not in standing
