"""Which work does a provider who cannot come give back, and are they away now?"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.bookings import Booking
from domain.time_off import TimeOff
from domain.unavailability import affected, has_begun
from tests.factories import NOW, PROVIDER, a_booking

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
BEGUN: Final[dict[str, Any]] = {"paid_at": NOW, "started_at": NOW}


def theirs(number: int = 1, **changes: Any) -> Booking:
    return a_booking(**{"id": UUID(int=number), **STAFFED} | changes)


@pytest.mark.parametrize("facts", [{}, {"paid_at": NOW}, {"needs_approval": True}])
def test_what_has_not_begun_is_given_back(facts: dict[str, Any]) -> None:
    ahead = theirs(**facts)
    assert (affected([ahead], at=NOW).given_back, affected([ahead], at=NOW).kept) == ((ahead,), ())


def test_also_when_its_window_has_begun_but_not_when_it_is_over() -> None:
    due = theirs(starts_at=NOW - HOUR)
    assert affected([due], at=due.ends_at - TICK).given_back == (due,)
    assert affected([due], at=due.ends_at).given_back == ()


def test_what_they_are_in_the_middle_of_is_kept() -> None:
    ahead, begun = theirs(), theirs(2, **BEGUN)
    parted = affected([begun, ahead], at=NOW)
    assert (parted.given_back, parted.kept) == ((ahead,), (begun,))


@pytest.mark.parametrize("facts", [{"cancelled_at": NOW}, {**BEGUN, "completed_at": NOW}])
def test_what_is_over_is_neither(facts: dict[str, Any]) -> None:
    parted = affected([theirs(**facts)], at=NOW)
    assert (parted.given_back, parted.kept) == ((), ())


@pytest.mark.parametrize(
    ("after", "away"), [(-TICK, False), (timedelta(), True), (HOUR - TICK, True), (HOUR, False)]
)
def test_they_are_away_from_the_start_until_the_end(after: timedelta, away: bool) -> None:
    time_off = TimeOff(
        id=UUID(int=5),
        provider_id=PROVIDER,
        starts_at=NOW,
        ends_at=NOW + HOUR,
        requested_at=NOW,
        requested_by=PROVIDER,
    )
    assert has_begun(time_off, at=NOW + after) is away
