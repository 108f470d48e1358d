"""Does a provider's calendar program get to know what it should of each booking, and no more?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.booking_steps import BookingStatus
from domain.calendar_links import CalendarLink
from domain.icalendar import GONE_TOLD, STATUS, Entry, EntryStatus, entry, gone, reader
from domain.people import Role
from tests.factories import BOOKING, NOW, OFFER, PROVIDER, a_booking, an_address

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LINK = CalendarLink(id=OFFER, provider_id=PROVIDER, name="", created_at=NOW, created_by=PROVIDER)
MINE: dict[str, Any] = {
    "provider_id": PROVIDER,
    "assigned_at": NOW,
    "special_requirements": "Mind the cat",
    "version": 2,
}


def told(**changes: Any) -> Entry | None:
    """What is told an hour after a booking of the provider's took its present version."""
    booking = a_booking(**MINE | changes)
    return entry(
        booking, service_name="Home clean", changed_at=NOW, viewer=reader(LINK), at=NOW + HOUR
    )


def test_a_link_reads_as_its_provider() -> None:
    viewer = reader(LINK)
    assert (viewer.user_id, viewer.role) == (PROVIDER, Role.PROVIDER)
    assert not viewer.is_staff


def test_an_entry_says_what_when_and_where() -> None:
    assert told(paid_at=NOW) == Entry(
        booking_id=BOOKING,
        sequence=2,
        changed_at=NOW,
        starts_at=NOW + DAY,
        ends_at=NOW + DAY + 2 * HOUR,
        status=EntryStatus.CONFIRMED,
        summary="Home clean",
        address=an_address(),
        notes="Mind the cat",
    )


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, EntryStatus.TENTATIVE),
        ({"needs_approval": True}, EntryStatus.TENTATIVE),
        ({"paid_at": NOW}, EntryStatus.CONFIRMED),
        ({"paid_at": NOW, "started_at": NOW}, EntryStatus.CONFIRMED),
        ({"paid_at": NOW, "started_at": NOW, "completed_at": NOW}, EntryStatus.CONFIRMED),
        ({"cancelled_at": NOW}, EntryStatus.CANCELLED),
        ({"declined_at": NOW}, EntryStatus.CANCELLED),
        ({"no_show_at": NOW}, EntryStatus.CANCELLED),
    ],
)
def test_an_entry_is_as_sure_as_the_booking(facts: dict[str, Any], status: EntryStatus) -> None:
    shown = told(**facts)
    assert shown is not None
    assert shown.status is status


def test_every_status_has_a_word() -> None:
    assert set(STATUS) == set(BookingStatus)


@pytest.mark.parametrize("fact", ["cancelled_at", "declined_at", "no_show_at"])
def test_where_the_contact_is_closed_an_entry_tells_neither_place_nor_wishes(fact: str) -> None:
    shown = told(**{fact: NOW})
    assert shown is not None
    assert (shown.address, shown.notes) == (None, "")


def test_place_and_wishes_close_a_month_after_completion() -> None:
    done = a_booking(**MINE, completed_at=NOW)
    at = {"just": NOW + 30 * DAY, "over": NOW + 30 * DAY + timedelta(seconds=1)}
    shown = {
        name: entry(done, service_name="", changed_at=NOW, viewer=reader(LINK), at=then)
        for name, then in at.items()
    }
    assert shown["just"] is not None
    assert (shown["just"].address, shown["just"].notes) == (an_address(), "Mind the cat")
    assert shown["over"] is not None
    assert (shown["over"].address, shown["over"].notes) == (None, "")


def test_that_a_booking_is_called_off_is_told_for_a_month() -> None:
    cancelled = a_booking(**MINE, cancelled_at=NOW)
    last = NOW + GONE_TOLD - timedelta(seconds=1)
    facts: dict[str, Any] = {"service_name": "", "changed_at": NOW, "viewer": reader(LINK)}
    assert entry(cancelled, **facts, at=last) is not None
    assert entry(cancelled, **facts, at=NOW + GONE_TOLD) is None


def test_of_work_that_went_to_somebody_else_only_its_old_time_is_told() -> None:
    facts: dict[str, Any] = {"starts_at": NOW + DAY, "ends_at": NOW + DAY + HOUR}
    assert gone(BOOKING, **facts, sequence=3, service_name="Home clean", at=NOW) == Entry(
        booking_id=BOOKING,
        sequence=3,
        changed_at=NOW,
        **facts,
        status=EntryStatus.CANCELLED,
        summary="Home clean",
    )
