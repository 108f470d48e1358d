"""Who may say that they will be late, when, by how much, and what is in danger then?"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.assignments import assign
from domain.booking_steps import Act, WrongStatus
from domain.bookings import Booking, happened
from domain.events import EventType
from domain.lateness import KNOWN_BEFORE, endangered, report, said
from domain.moves import move
from domain.offers import Outcome
from domain.people import Role, Viewer
from domain.places import Point
from domain.refusals import InvalidInput, NotFound, TooEarly
from domain.work import Lateness
from tests.factories import CUSTOMER, NOW, PROVIDER, a_booking, a_viewer, an_address

HOUR, MINUTE, TICK = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
OTHER: Final = UUID(int=32)
START: Final = NOW + timedelta(days=1)
SOON: Final = START - HOUR
BY: Final = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
STAFF: Final = a_viewer(user_id=UUID(int=77), role=Role.DISPATCHER)


def confirmed(**changes: Any) -> Booking:
    facts = {"paid_at": NOW, "match_due_at": None, "provider_id": PROVIDER, "assigned_at": NOW}
    return a_booking(**facts | changes)


def late(**changes: Any) -> Booking:
    facts = {"late_minutes": 20, "late_reason": "Rain", "late_reported_at": SOON, "version": 2}
    return confirmed(**facts | changes)


def tell(booking: Booking, **changes: Any) -> Outcome:
    facts: dict[str, Any] = {"minutes": 20, "reason": "Rain", "by": BY, "at": SOON}
    return report(booking, **facts | changes)


class TestReporting:
    @pytest.mark.parametrize("by", [BY, STAFF])
    @pytest.mark.parametrize("paid", [{}, {"paid_at": None}])
    def test_is_noted_and_told(self, by: Viewer, paid: dict[str, Any]) -> None:
        outcome = tell(confirmed(**paid), by=by)
        after = late(**paid)
        assert outcome == Outcome(
            booking=after, events=(happened(EventType.BOOKING_RUNNING_LATE, after),)
        )
        assert after.lateness == Lateness(
            minutes=20, reason="Rain", reported_at=SOON, expected_at=START + 20 * MINUTE
        )

    def test_counts_as_it_was_said_last(self) -> None:
        after = tell(late(), minutes=45, reason="", at=SOON + MINUTE).booking
        assert after == late(
            late_minutes=45, late_reason="", late_reported_at=SOON + MINUTE, version=3
        )
        assert after.lateness is not None
        assert after.lateness.reason == ""

    def test_of_the_same_again_changes_nothing(self) -> None:
        assert tell(late(), at=SOON + MINUTE) == Outcome(booking=late())

    def test_begins_some_hours_before_the_start(self) -> None:
        possible_from = START - KNOWN_BEFORE
        assert tell(confirmed(), at=possible_from).booking.late_minutes == 20
        with pytest.raises(TooEarly, match="too early to say that you will be late") as refused:
            tell(confirmed(), at=possible_from - TICK)
        assert refused.value.possible_from == possible_from

    def test_goes_on_after_the_start_until_the_work_begins(self) -> None:
        assert tell(confirmed(), at=START + 20 * MINUTE - TICK).booking.late_minutes == 20
        with pytest.raises(WrongStatus) as refused:
            tell(confirmed(started_at=START), at=START + MINUTE)
        assert refused.value.act is Act.REPORT_LATE

    def test_of_a_time_that_has_passed_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="is past already") as refused:
            tell(confirmed(), at=START + 20 * MINUTE)
        assert [error.path for error in refused.value.errors] == [("minutes",)]

    @pytest.mark.parametrize(
        ("wrong", "path"),
        [
            ({"minutes": 0}, "minutes"),
            ({"minutes": 241}, "minutes"),
            ({"reason": "x" * 501}, "reason"),
            ({"reason": "nu\x00ll"}, "reason"),
        ],
    )
    def test_of_what_cannot_be_is_refused(self, wrong: dict[str, Any], path: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            tell(confirmed(), **wrong)
        assert [error.path for error in refused.value.errors] == [(path,)]

    @pytest.mark.parametrize("minutes", [1, 240])
    def test_of_the_least_and_the_most_is_taken(self, minutes: int) -> None:
        assert tell(confirmed(), minutes=minutes).booking.late_minutes == minutes

    @pytest.mark.parametrize(
        ("booking", "by"),
        [
            (confirmed(), a_viewer(user_id=CUSTOMER)),
            (confirmed(), a_viewer(user_id=OTHER, role=Role.PROVIDER)),
            (a_booking(), STAFF),
        ],
    )
    def test_is_the_providers_or_the_houses(self, booking: Booking, by: Viewer) -> None:
        with pytest.raises(NotFound):
            tell(booking, by=by)

    @pytest.mark.parametrize(
        "facts", [{"cancelled_at": NOW}, {"needs_approval": True}, {"no_show_at": NOW}]
    )
    def test_is_of_work_that_is_agreed_and_ahead(self, facts: dict[str, Any]) -> None:
        with pytest.raises(WrongStatus):
            tell(confirmed(**facts))

    def test_is_over_when_another_provider_or_another_time_is_agreed(self) -> None:
        given = assign(late(), [], provider_id=OTHER, at=SOON).booking
        moved = move(
            late(), [], starts_at=START + HOUR, keeps_provider=True, by=STAFF, at=SOON
        ).booking
        for after in (given, moved):
            assert (after.lateness, after.late_minutes, after.late_reason) == (None, None, None)


def test_the_history_says_it_in_one_line() -> None:
    assert said(20, "Rain") == "20 min: Rain"
    assert said(20, "") == "20 min"
    assert len(said(20, "x" * 500)) == 500


class TestEndangered:
    """Work is two hours and wants a quarter of an hour around it."""

    def after(self, minutes: int, **changes: Any) -> Booking:
        """Work that begins so long after the end of the first."""
        starts_at = START + 2 * HOUR + minutes * MINUTE
        return confirmed(**{"id": UUID(int=90 + minutes), "starts_at": starts_at} | changes)

    @pytest.mark.parametrize(("minutes", "in_danger"), [(34, True), (35, False)])
    def test_is_what_comes_too_near_by_its_buffer(self, minutes: int, in_danger: bool) -> None:
        assert endangered(late(), [self.after(minutes)]) == (
            (self.after(minutes),) if in_danger else ()
        )

    def test_is_what_is_too_far_to_get_to_in_time(self) -> None:
        elsewhere = an_address(point=Point(latitude=51.75, longitude=-0.12))
        far, near = self.after(40, address=elsewhere), self.after(40)
        assert endangered(late(), [far]) == (far,)
        assert endangered(late(), [near]) == ()

    def test_is_also_what_would_lie_between_the_agreed_and_the_later_start(self) -> None:
        between = self.after(15, ends_at=START + 3 * HOUR + 15 * MINUTE)
        assert endangered(late(late_minutes=240), [between]) == (between,)

    def test_comes_in_the_order_of_starts_and_is_neither_itself_nor_earlier(self) -> None:
        earlier = confirmed(id=UUID(int=80), starts_at=START - 2 * HOUR)
        first, second = self.after(15), self.after(20)
        assert endangered(late(), [second, late(), earlier, first]) == (first, second)

    def test_is_nothing_that_is_over_nor_anything_while_nobody_is_late(self) -> None:
        assert endangered(late(), [self.after(15, cancelled_at=NOW)]) == ()
        assert endangered(confirmed(), [self.after(0)]) == ()
