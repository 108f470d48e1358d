"""Who waits for a slot, what do they wait for, and how long is one kept for them?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.availability import Availability
from domain.booking_rules import BookingRules
from domain.bookings import BookingKind
from domain.events import Event, EventType
from domain.holds import Hold, HoldEnding
from domain.house import HouseRules
from domain.people import Role
from domain.refusals import InvalidInput
from domain.requests import ServiceInactive
from domain.services import ServiceMode
from domain.slot_search import Calendar, Diary, Search
from domain.waitlist import (
    AlreadyWaiting,
    Opening,
    WaitlistEntry,
    WaitlistState,
    Wish,
    area,
    grant_ended,
    grant_until,
    happened,
    join,
    leave,
    opening,
)
from tests.domain.clocks import LONDON, week
from tests.factories import (
    CUSTOMER,
    NOW,
    PROVIDER,
    SERVICE,
    a_service,
    a_viewer,
    an_address,
)

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
ENTRY, OTHER, HOLD = UUID(int=11), UUID(int=12), UUID(int=13)
UTC_ZONE = ZoneInfo("UTC")


def a_wish(**changes: Any) -> Wish:
    """A clean tomorrow, whoever does it."""
    facts: dict[str, Any] = {
        "customer_id": CUSTOMER,
        "service_id": SERVICE,
        "address": an_address(),
        "earliest": NOW + DAY,
        "latest": NOW + 2 * DAY,
    }
    return Wish(**facts | changes)


def an_entry(**changes: Any) -> WaitlistEntry:
    """In line since `NOW` for `a_wish`."""
    made = join(a_wish(), a_service(), entry_id=ENTRY, earlier=None, at=NOW)
    return replace(made, **changes)


def a_grant(**changes: Any) -> Hold:
    """A slot of `an_entry`, kept for an hour from `NOW`."""
    facts: dict[str, Any] = {
        "id": HOLD,
        "customer_id": CUSTOMER,
        "service_id": SERVICE,
        "provider_id": PROVIDER,
        "starts_at": NOW + DAY,
        "ends_at": NOW + DAY + 2 * HOUR,
        "address": an_address(),
        "waitlist_entry_id": ENTRY,
        "created_at": NOW,
        "expires_at": NOW + HOUR,
    }
    return Hold(**facts | changes)


def ended(ending: HoldEnding) -> Hold:
    return a_grant(ended_at=NOW + MINUTE, ending=ending)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, WaitlistState.WAITING),
        ({"as_of": NOW + 2 * DAY}, WaitlistState.WAITING),
        ({"as_of": NOW + 2 * DAY + MINUTE}, WaitlistState.EXPIRED),
        ({"as_of": NOW + 3 * DAY, "left_at": NOW + 3 * DAY}, WaitlistState.EXPIRED),
        ({"left_at": NOW + MINUTE}, WaitlistState.LEFT),
        ({"as_of": NOW + 3 * DAY, "left_at": NOW + MINUTE}, WaitlistState.LEFT),
        ({"grant": a_grant()}, WaitlistState.GRANTED),
        ({"grant": a_grant(), "as_of": NOW + HOUR}, WaitlistState.LAPSED),
        ({"grant": ended(HoldEnding.EXPIRED)}, WaitlistState.LAPSED),
        ({"grant": ended(HoldEnding.RELEASED)}, WaitlistState.LAPSED),
        ({"grant": ended(HoldEnding.RELEASED), "left_at": NOW + MINUTE}, WaitlistState.LEFT),
        ({"grant": ended(HoldEnding.BOOKED)}, WaitlistState.TAKEN),
        ({"grant": ended(HoldEnding.BOOKED), "as_of": NOW + 3 * DAY}, WaitlistState.TAKEN),
    ],
)
def test_where_an_entry_stands_follows_from_its_facts(
    changes: dict[str, Any], expected: WaitlistState
) -> None:
    entry = an_entry(**changes)

    assert entry.state is expected
    assert entry.is_open is (expected in {WaitlistState.WAITING, WaitlistState.GRANTED})


def test_joining_takes_the_wish_as_it_is() -> None:
    wish = a_wish(provider_id=PROVIDER)

    entry = join(wish, a_service(), entry_id=ENTRY, earlier=None, at=NOW)

    assert (entry.id, entry.joined_at, entry.provider_id) == (ENTRY, NOW, PROVIDER)
    assert (entry.earliest, entry.latest) == (wish.earliest, wish.latest)
    assert (entry.customer_id, entry.address) == (CUSTOMER, an_address())
    assert happened(EventType.WAITLIST_JOINED, entry) == Event(
        type=EventType.WAITLIST_JOINED, subject={"waitlist_entry": ENTRY, "customer": CUSTOMER}
    )


@pytest.mark.parametrize(
    ("earliest", "latest", "message"),
    [
        (2 * DAY, DAY, "Give the earliest start or a later one."),
        (-DAY, timedelta(), "This has passed; give a later one."),
        (730 * DAY, 732 * DAY, "Give a start within 731 days."),
        (DAY, 32 * DAY + MINUTE, "Give at most 31 days after the earliest start."),
    ],
)
def test_a_window_that_cannot_be_waited_for_is_refused(
    earliest: timedelta, latest: timedelta, message: str
) -> None:
    wish = a_wish(earliest=NOW + earliest, latest=NOW + latest)

    with pytest.raises(InvalidInput) as refused:
        join(wish, a_service(), entry_id=ENTRY, earlier=None, at=NOW)

    assert [(e.path, e.message) for e in refused.value.errors] == [(("latest",), message)]


@pytest.mark.parametrize(
    ("earliest", "latest"),
    [(DAY, DAY), (-DAY, MINUTE), (DAY, 32 * DAY), (700 * DAY, 731 * DAY)],
)
def test_the_edges_of_a_window_can_be_waited_for(earliest: timedelta, latest: timedelta) -> None:
    assert a_wish(earliest=NOW + earliest, latest=NOW + latest).wrong_fields(at=NOW) == ()


def test_every_wrong_field_is_named_at_once() -> None:
    wish = a_wish(address=an_address(city="", line1=""), latest=NOW)

    assert [error.path for error in wish.wrong_fields(at=NOW)] == [
        ("address", "line1"),
        ("address", "city"),
        ("latest",),
    ]


def test_nobody_waits_for_what_cannot_be_booked() -> None:
    with pytest.raises(ServiceInactive):
        join(a_wish(), a_service(active=False), entry_id=ENTRY, earlier=None, at=NOW)


@pytest.mark.parametrize("grant", [None, a_grant()])
def test_nobody_waits_twice_for_one_service(grant: Hold | None) -> None:
    earlier = an_entry(grant=grant)

    with pytest.raises(AlreadyWaiting) as refused:
        join(a_wish(), a_service(), entry_id=OTHER, earlier=earlier, at=NOW)

    assert refused.value.entry == earlier


def test_who_is_over_may_wait_again() -> None:
    earlier = an_entry(grant=ended(HoldEnding.EXPIRED))

    again = join(a_wish(), a_service(), entry_id=OTHER, earlier=earlier, at=NOW + HOUR)

    assert (again.id, again.joined_at, again.state) == (
        OTHER,
        NOW + HOUR,
        WaitlistState.WAITING,
    )


def test_leaving_ends_what_is_open_and_nothing_else() -> None:
    left = leave(an_entry(), at=NOW + MINUTE)
    assert (left.left_at, left.state) == (NOW + MINUTE, WaitlistState.LEFT)

    for over, at in (
        (left, NOW + HOUR),
        (an_entry(grant=ended(HoldEnding.BOOKED)), NOW + MINUTE),
        (an_entry(grant=a_grant()), NOW + HOUR),
        (an_entry(), NOW + 3 * DAY),
    ):
        assert leave(over, at=at) == replace(over, as_of=at)


def test_an_entry_is_seen_by_its_customer_and_by_staff() -> None:
    entry = an_entry()

    assert entry.is_visible_to(a_viewer())
    assert not entry.is_visible_to(a_viewer(user_id=OTHER))
    seeing = {role for role in Role if entry.is_visible_to(a_viewer(user_id=OTHER, role=role))}
    assert seeing == {Role.DISPATCHER, Role.ADMIN}


def test_a_line_is_of_one_district_and_for_a_call_there_is_one_line() -> None:
    assert area(an_address(), a_service()) == "GB SW1A"
    assert area(an_address(), a_service(mode=ServiceMode.VIDEO)) == ""


@pytest.mark.parametrize(
    ("at", "starts_at", "kept"),
    [
        (datetime(2026, 7, 1, 8, tzinfo=UTC), datetime(2026, 7, 1, 15, tzinfo=UTC), 10 * MINUTE),
        (datetime(2026, 7, 1, 8, tzinfo=UTC), datetime(2026, 7, 1, 8, 5, tzinfo=UTC), 5 * MINUTE),
        # Half past midnight in London, though it is the evening before in UTC.
        (
            datetime(2026, 7, 1, 23, 30, tzinfo=UTC),
            datetime(2026, 7, 2, 15, tzinfo=UTC),
            10 * MINUTE,
        ),
        # And the other way round: tomorrow in London.
        (
            datetime(2026, 7, 1, 8, tzinfo=UTC),
            datetime(2026, 7, 1, 23, 30, tzinfo=UTC),
            15.5 * HOUR,
        ),
        (datetime(2026, 7, 1, 8, tzinfo=UTC), datetime(2026, 7, 3, 7, tzinfo=UTC), 47 * HOUR),
        (datetime(2026, 7, 1, 8, tzinfo=UTC), datetime(2026, 7, 9, 8, tzinfo=UTC), 48 * HOUR),
    ],
)
def test_a_slot_is_kept_shortly_on_the_day_longer_before_and_never_past_its_start(
    at: datetime, starts_at: datetime, kept: timedelta
) -> None:
    assert grant_until(starts_at, zone=LONDON, house=HouseRules(), at=at) - at == kept


def test_the_end_of_a_grant_is_told_and_that_of_another_hold_is_not() -> None:
    subject = {"waitlist_entry": ENTRY, "customer": CUSTOMER}

    for ending, type_ in (
        (HoldEnding.BOOKED, EventType.WAITLIST_TAKEN),
        (HoldEnding.EXPIRED, EventType.WAITLIST_LAPSED),
        (HoldEnding.RELEASED, EventType.WAITLIST_LAPSED),
    ):
        assert list(grant_ended(ended(ending))) == [Event(type=type_, subject=subject)]
    assert list(grant_ended(a_grant(waitlist_entry_id=None))) == []


def test_a_wish_asks_for_a_chosen_time_of_one_provider() -> None:
    asked = a_wish().request(provider_id=PROVIDER, starts_at=NOW + DAY)

    assert (asked.customer_id, asked.service_id, asked.provider_id) == (CUSTOMER, SERVICE, PROVIDER)
    assert (asked.kind, asked.starts_at) == (BookingKind.SCHEDULED, NOW + DAY)
    assert asked.address == an_address()


def mornings(hours: str) -> Availability:
    """The same hours on any day."""
    return Availability(zone=UTC_ZONE, hours=week(hours))


def a_calendar(**changes: Any) -> Calendar:
    """The morning after `NOW`: the one begins at ten, the other at nine."""
    search = Search(
        rules=BookingRules(),
        duration=HOUR,
        zone=UTC_ZONE,
        earliest=datetime(2026, 6, 2, tzinfo=UTC),
        latest=datetime(2026, 6, 2, 23, tzinfo=UTC),
        at=NOW,
    )
    late = Diary(provider_id=PROVIDER, availability=mornings("10:00-12:00"))
    early = Diary(provider_id=OTHER, availability=mornings("09:00-12:00"))
    facts: dict[str, Any] = {"search": search, "diaries": [late, early]}
    return Calendar(**facts | changes)


def test_the_first_slot_is_found_with_the_nearest_who_is_free_then() -> None:
    nine, ten = datetime(2026, 6, 2, 9, tzinfo=UTC), datetime(2026, 6, 2, 10, tzinfo=UTC)
    found = a_calendar()
    at_ten = a_calendar(search=replace(found.search, earliest=ten))

    assert opening(found) == Opening(provider_id=OTHER, starts_at=nine)
    assert opening(at_ten) == Opening(provider_id=PROVIDER, starts_at=ten)
    assert opening(found, PROVIDER) == Opening(provider_id=PROVIDER, starts_at=ten)
    assert opening(found, OTHER) == Opening(provider_id=OTHER, starts_at=nine)


def test_where_nobody_is_free_or_the_provider_does_not_come_there_is_no_slot() -> None:
    assert opening(a_calendar(diaries=[])) is None
    assert opening(a_calendar(), SERVICE) is None
