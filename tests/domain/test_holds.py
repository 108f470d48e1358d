"""Does a hold keep a slot exactly until it expires, and does it become the booking it kept?"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final
from uuid import UUID

import pytest

from domain.bookings import BookingKind
from domain.events import Event, EventType
from domain.holds import HoldEnding, HoldExpired, end, held
from domain.people import Role
from domain.refusals import InvalidInput
from domain.requests import draft
from tests.factories import (
    BOOKING,
    CUSTOMER,
    NOW,
    PROVIDER,
    SERVICE,
    a_booking,
    a_hold,
    a_request,
    a_service,
    a_viewer,
    an_address,
)

HOLD, OTHER = UUID(int=7), UUID(int=77)
EXPIRY: Final = NOW + timedelta(minutes=10)
JUST_BEFORE: Final = EXPIRY - timedelta.resolution


@pytest.mark.parametrize(("at", "is_open"), [(NOW, True), (JUST_BEFORE, True), (EXPIRY, False)])
def test_a_hold_keeps_the_slot_until_the_instant_of_its_expiry(at: datetime, is_open: bool) -> None:
    assert a_hold().is_open(at) is is_open
    assert a_hold().has_lapsed(at) is not is_open


@pytest.mark.parametrize(("ending", "at"), list(product(HoldEnding, [NOW, EXPIRY])))
def test_one_that_has_ended_is_neither_open_nor_lapsed(ending: HoldEnding, at: datetime) -> None:
    over = a_hold(ended_at=NOW, ending=ending)
    assert not over.is_open(at)
    assert not over.has_lapsed(at)


@pytest.mark.parametrize(
    ("user_id", "role", "sees"),
    [
        (CUSTOMER, Role.CUSTOMER, True),
        (PROVIDER, Role.PROVIDER, False),
        (OTHER, Role.CUSTOMER, False),
        (OTHER, Role.ANALYST, False),
        (OTHER, Role.DISPATCHER, True),
        (OTHER, Role.ADMIN, True),
    ],
)
def test_a_hold_is_seen_by_its_customer_and_staff(user_id: UUID, role: Role, sees: bool) -> None:
    assert a_hold().is_visible_to(a_viewer(user_id=user_id, role=role)) is sees


class TestEnding:
    @pytest.mark.parametrize("ending", HoldEnding)
    def test_is_noted_with_its_time_and_how(self, ending: HoldEnding) -> None:
        assert end(a_hold(), ending, at=JUST_BEFORE) == a_hold(ended_at=JUST_BEFORE, ending=ending)

    def test_by_booking_comes_too_late_at_the_instant_of_expiry(self) -> None:
        with pytest.raises(HoldExpired, match="This hold is over"):
            end(a_hold(), HoldEnding.BOOKED, at=EXPIRY)

    @pytest.mark.parametrize("ending", sorted(set(HoldEnding) - {HoldEnding.BOOKED}))
    def test_in_any_other_way_tidies_up_what_has_lapsed(self, ending: HoldEnding) -> None:
        assert end(a_hold(), ending, at=EXPIRY) == a_hold(ended_at=EXPIRY, ending=ending)

    @pytest.mark.parametrize(("earlier", "ending"), list(product(HoldEnding, HoldEnding)))
    def test_happens_once(self, earlier: HoldEnding, ending: HoldEnding) -> None:
        with pytest.raises(HoldExpired):
            end(a_hold(ended_at=NOW, ending=earlier), ending, at=NOW)


@pytest.mark.parametrize("type_", [EventType.SLOT_HELD, EventType.SLOT_FREED])
def test_an_event_names_the_hold_its_provider_and_its_customer(type_: EventType) -> None:
    assert held(type_, a_hold()) == Event(
        type=type_, subject={"hold": HOLD, "provider": PROVIDER, "customer": CUSTOMER}
    )


class TestBookingWhatAHoldKeeps:
    KEPT: Final[dict[str, Any]] = {"provider_id": PROVIDER, "starts_at": a_hold().starts_at}

    def test_takes_its_provider_and_its_time(self) -> None:
        asked = a_request(hold_id=HOLD, starts_at=None, concern="The oven smokes.")
        assert asked.with_hold(a_hold()) == replace(asked, **self.KEPT)

    def test_may_say_again_what_the_hold_keeps(self) -> None:
        asked = a_request(hold_id=HOLD, **self.KEPT)
        assert asked.with_hold(a_hold()) == asked

    def test_names_everything_in_which_the_two_disagree(self) -> None:
        asked = a_request(
            kind=BookingKind.IMMEDIATE,
            service_id=OTHER,
            provider_id=OTHER,
            starts_at=NOW + timedelta(days=9),
        )
        with pytest.raises(InvalidInput) as refused:
            asked.with_hold(a_hold())
        leave_out = "This is not what the hold keeps; leave it out."
        assert [(error.path, error.message) for error in refused.value.errors] == [
            (("serviceId",), leave_out),
            (("providerId",), leave_out),
            (("startsAt",), leave_out),
            (("kind",), "A hold keeps a chosen time; book SCHEDULED."),
        ]

    @pytest.mark.parametrize(
        ("said", "path"),
        [
            ({"service_id": OTHER}, "serviceId"),
            ({"provider_id": OTHER}, "providerId"),
            ({"starts_at": NOW}, "startsAt"),
            ({"kind": BookingKind.IMMEDIATE, "starts_at": None}, "kind"),
        ],
    )
    def test_is_refused_for_one_disagreement_alone(self, said: dict[str, Any], path: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            a_request(**{"starts_at": None, "service_id": SERVICE} | said).with_hold(a_hold())
        assert [error.path for error in refused.value.errors] == [(path,)]

    def test_makes_the_booking_of_the_held_time_with_its_provider(self) -> None:
        asked = a_request(hold_id=HOLD, starts_at=None).with_hold(a_hold())
        made = draft(asked, a_service(), booking_id=BOOKING, at=NOW)
        assert made == a_booking(assigned_at=NOW, match_due_at=None, **self.KEPT)

    def test_prefers_nobody_besides_the_provider_who_is_held(self) -> None:
        asked = a_request(hold_id=HOLD, starts_at=None, preferred_provider_id=OTHER)
        wrong = asked.with_hold(a_hold()).wrong_fields(at=NOW)
        assert [error.path for error in wrong] == [("preferredProviderId",)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"line1": "2 Parliament Square", "postal_code": "SW1A 1AA"}, True),
        ({"postal_code": "SW1P 3BT"}, False),
        ({"country": "IM"}, False),
    ],
)
def test_a_hold_is_for_work_in_its_own_district(changes: dict[str, str], expected: bool) -> None:
    assert a_hold().is_for(an_address(**changes)) is expected
