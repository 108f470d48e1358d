"""A policy in shadow beside the one in force, by exact numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.matching.comparison import (
    MOST_TIME,
    Comparison,
    ShadowChoice,
    Spread,
    check_asked,
    compare,
    gini,
)
from domain.offers import Wave
from domain.refusals import FieldError, InvalidInput

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ANN, BOB, CAT, DAN = (UUID(int=n) for n in range(1, 5))
FIRST, SECOND, THIRD = (UUID(int=n) for n in range(11, 14))


def a_choice(chosen: list[UUID], live: list[UUID], **changes: Any) -> ShadowChoice:
    facts: dict[str, Any] = {
        "id": UUID(int=99),
        "booking_id": FIRST,
        "round": 1,
        "wave": Wave.TARGETED,
        "at": NOW,
        "policy": "v2",
        "live_policy": "v1",
        "chosen": tuple(chosen),
        "scores": tuple(range(100, 100 + len(chosen))),
        "live_chosen": tuple(live),
        "candidates": 4,
    }
    return ShadowChoice(**facts | changes)


@pytest.mark.parametrize(
    ("chosen", "live", "same_first", "overlap"),
    [
        ([ANN, BOB], [ANN, BOB], True, 1.0),
        ([ANN, BOB], [BOB, ANN], False, 1.0),
        ([ANN, BOB], [ANN, CAT], True, 0.5),
        ([ANN], [ANN, BOB, CAT, DAN], True, 0.25),
        ([ANN, BOB], [CAT, DAN], False, 0.0),
        ([ANN], [], False, 0.0),
        ([], [], True, 1.0),
    ],
)
def test_two_lists_are_alike_by_their_first_and_by_what_they_have_in_common(
    chosen: list[UUID], live: list[UUID], same_first: bool, overlap: float
) -> None:
    one = a_choice(chosen, live)
    assert (one.same_first, one.overlap) == (same_first, overlap)


def test_rounds_bookings_winners_and_spread_are_counted() -> None:
    choices = [
        a_choice([ANN, BOB], [ANN, CAT]),
        # The same booking's next round: whoever was chosen in either counts.
        a_choice([CAT], [CAT], round=2),
        a_choice([DAN, ANN], [ANN, BOB], booking_id=SECOND),
        a_choice([BOB], [ANN], booking_id=THIRD, live_policy="v0"),
        # Nobody could do it: there was nothing to choose.
        a_choice([], [], booking_id=UUID(int=14)),
    ]

    found = compare("v2", choices, {FIRST: BOB, SECOND: ANN, UUID(int=14): DAN}, complete=False)

    assert found == Comparison(
        policy="v2",
        live_policies=("v0", "v1"),
        rounds=4,
        bookings=3,
        complete=False,
        same_first=0.5,
        overlap=(0.5 + 1 + 0.5 + 0) / 4,
        filled=2,
        filled_by_chosen=2,
        filled_by_live_chosen=1,
        # ANN 2, BOB 2, CAT 1, DAN 1.
        shadow=Spread(choices=6, providers=4, share=1.0, most=2, gini=34 / 24 - 5 / 4),
        # ANN 3, BOB 1, CAT 2, DAN 0.
        live=Spread(choices=6, providers=3, share=0.75, most=3, gini=40 / 24 - 5 / 4),
    )


def test_whoever_was_chosen_in_any_round_counts_as_chosen_for_the_booking() -> None:
    rounds = [a_choice([ANN], [BOB]), a_choice([CAT], [CAT], round=2)]
    found = compare("v2", rounds, {FIRST: CAT})
    counts = (found.rounds, found.filled, found.filled_by_chosen, found.filled_by_live_chosen)
    assert counts == (2, 1, 1, 1)


def test_nothing_recorded_is_said_to_be_nothing() -> None:
    nothing = Spread(choices=0, providers=0, share=None, most=0, gini=None)
    assert compare("v2", [], {}) == Comparison(
        policy="v2",
        live_policies=(),
        rounds=0,
        bookings=0,
        complete=True,
        same_first=None,
        overlap=None,
        filled=0,
        filled_by_chosen=0,
        filled_by_live_chosen=0,
        shadow=nothing,
        live=nothing,
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], None),
        ([0, 0], None),
        ([3], 0.0),
        ([2, 2, 2], 0.0),
        ([0, 1], 0.5),
        ([0, 0, 0, 8], 0.75),
        ([1, 2, 3], 2 / 9),
    ],
)
def test_inequality_is_measured(counts: list[int], expected: float | None) -> None:
    assert gini(counts) == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_inequality_is_what_its_definition_says(counts: list[int]) -> None:
    found = gini(counts)
    if not sum(counts):
        assert found is None
        return
    apart = sum(abs(one - other) for one in counts for other in counts)
    assert found == pytest.approx(apart / (2 * len(counts) * sum(counts)), abs=1e-9)
    assert gini(sorted(counts, reverse=True)) == found


def test_a_known_policy_and_up_to_ninety_two_days_can_be_compared() -> None:
    check_asked("v1", earliest=NOW, latest=NOW + timedelta(seconds=1))
    check_asked("v2", earliest=NOW, latest=NOW + MOST_TIME)


@pytest.mark.parametrize("after", [timedelta(), -timedelta(1), MOST_TIME + timedelta(seconds=1)])
def test_other_stretches_of_time_cannot(after: timedelta) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_asked("v2", earliest=NOW, latest=NOW + after)
    message = "Give an instant after `from`, at most 92 days."
    assert refused.value.errors == (FieldError(path=("to",), message=message),)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_asked("v9", earliest=NOW, latest=NOW)
    assert [error.path for error in refused.value.errors] == [("policy",), ("to",)]
    assert refused.value.errors[0].message == "There is no such policy; choose v1 or v2."
