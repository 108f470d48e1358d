"""Does a provider's feed tell of what they have, of what they lost, and for how long?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from db import bookings, calendar_links, clock, icalendar, providers
from db.engine import Database
from db.tables import bookings as bookings_table
from db.tables import calendar_links as links_table
from db.tables import history, reservations, users
from domain.booking_steps import Act
from domain.bookings import Booking
from domain.calendar_links import CalendarLink, TooManyCalendarLinks
from domain.icalendar import Entry, EntryStatus
from domain.people import Viewer
from domain.refusals import NotFound
from domain.services import Service
from tests.db.racing import race
from tests.factories import (
    a_viewer,
    add_booking,
    add_customer,
    add_providers,
    add_service,
    count_rows,
    now,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class House:
    """Two providers of a service and somebody who books it."""

    database: Database
    service: Service
    customer: Viewer
    chloe: Viewer
    callum: Viewer
    at: datetime

    async def book(self, provider: Viewer, after: timedelta = DAY, **changes: Any) -> Booking:
        """A paid booking that the provider has."""
        facts = {
            "provider_id": provider.user_id,
            "assigned_at": self.at,
            "paid_at": self.at,
            "starts_at": self.at + after,
            "special_requirements": "Mind the cat",
        }
        return await add_booking(self.database, self.customer, self.service, **facts | changes)

    async def change(self, booking: Booking, act: Act, **facts: Any) -> Booking:
        """The booking after an act that made these facts true."""
        async with self.database.begin() as tx:
            before = await bookings.lock(tx, booking.id)
            await providers.lock(tx, [self.chloe.user_id, self.callum.user_id])
            after = replace(before, version=before.version + 1, **facts)
            await bookings.save(tx, before, after, at=await clock.now(tx), act=act)
        return after

    async def link(self, provider: Viewer, token: bytes = b"t" * 32) -> CalendarLink:
        async with self.database.begin() as tx:
            return await calendar_links.create(
                tx, provider_id=provider.user_id, name="", token_hash=token, by=provider
            )

    async def feed(self, provider: Viewer) -> dict[Any, Entry]:
        """What a link to the provider's calendar tells, by booking."""
        link = CalendarLink(
            id=provider.session_id,
            provider_id=provider.user_id,
            name="",
            created_at=self.at,
            created_by=provider.user_id,
        )
        async with self.database.read() as connection:
            told = await icalendar.feed(connection, link)
        assert (told.provider_name, told.time_zone) == ("John D.", "Europe/London")
        found = {entry.booking_id: entry for entry in told.entries}
        assert len(found) == len(told.entries)
        return found


@pytest.fixture
async def house(database: Database) -> House:
    service = await add_service(database)
    chloe, callum = await add_providers(database, service, count=2)
    customer = await add_customer(database)
    return House(database, service, customer, chloe, callum, await now(database))


async def let_pass(house: House, time: timedelta) -> None:
    """Let everything that was done have been done so much earlier; windows stay."""
    async with house.database.begin() as tx:
        await tx.execute(update(history).values(at=history.c.at - time))
        await tx.execute(update(reservations).values(released_at=reservations.c.released_at - time))


async def test_a_booking_is_told_as_it_stands_to_its_provider_only(house: House) -> None:
    booking = await house.book(house.chloe)
    assert await house.feed(house.callum) == {}
    assert await house.feed(house.chloe) == {
        booking.id: Entry(
            booking_id=booking.id,
            sequence=1,
            changed_at=booking.requested_at,
            starts_at=booking.starts_at,
            ends_at=booking.ends_at,
            status=EntryStatus.CONFIRMED,
            summary="Home clean",
            address=booking.address,
            notes="Mind the cat",
        )
    }


async def test_a_booking_that_moves_in_time_is_the_same_entry_with_a_higher_number(
    house: House,
) -> None:
    booking = await house.book(house.chloe)
    for sequence in (2, 3):
        starts_at = booking.starts_at + sequence * HOUR
        moved = {"starts_at": starts_at, "ends_at": starts_at + HOUR}
        await house.change(booking, Act.RESCHEDULE, **moved)
        (entry,) = (await house.feed(house.chloe)).values()
        assert (entry.booking_id, entry.sequence) == (booking.id, sequence)
        assert (entry.starts_at, entry.ends_at) == (starts_at, starts_at + HOUR)
        assert entry.changed_at > booking.requested_at


async def test_a_booking_that_is_called_off_is_told_as_cancelled_for_a_month(
    house: House,
) -> None:
    booking = await house.book(house.chloe, 40 * DAY)
    await house.change(booking, Act.CANCEL, cancelled_at=house.at)
    (entry,) = (await house.feed(house.chloe)).values()
    assert (entry.status, entry.sequence) == (EntryStatus.CANCELLED, 2)
    assert (entry.address, entry.notes) == (None, "")
    await let_pass(house, 30 * DAY - HOUR)
    assert list(await house.feed(house.chloe)) == [booking.id]
    await let_pass(house, 2 * HOUR)
    assert await house.feed(house.chloe) == {}


async def test_a_booking_given_to_another_is_cancelled_for_the_one_and_new_for_the_other(
    house: House,
) -> None:
    booking = await house.book(house.chloe, 40 * DAY)
    given = {"provider_id": house.callum.user_id, "starts_at": booking.starts_at + HOUR}
    await house.change(booking, Act.REASSIGN, **given)
    # What happens to it afterwards is not Chloe's business.
    await house.change(booking, Act.EDIT, special_requirements="Mind the dog")
    (lost,) = (await house.feed(house.chloe)).values()
    assert (lost.booking_id, lost.status) == (booking.id, EntryStatus.CANCELLED)
    assert (lost.sequence, lost.starts_at) == (2, booking.starts_at)
    assert (lost.address, lost.notes, lost.summary) == (None, "", "Home clean")
    (won,) = (await house.feed(house.callum)).values()
    assert (won.booking_id, won.status) == (booking.id, EntryStatus.CONFIRMED)
    assert (won.sequence, won.starts_at) == (3, booking.starts_at + HOUR)
    await let_pass(house, 30 * DAY - HOUR)
    assert list(await house.feed(house.chloe)) == [booking.id]
    await let_pass(house, 2 * HOUR)
    assert await house.feed(house.chloe) == {}


async def test_a_booking_that_comes_back_is_told_again_with_a_higher_number(house: House) -> None:
    booking = await house.book(house.chloe)
    numbers = []
    for provider in (None, house.chloe, None, house.chloe):
        uid = provider.user_id if provider else None
        facts = {"provider_id": uid, "assigned_at": house.at if provider else None}
        await house.change(booking, Act.ASSIGN if provider else Act.RELEASE, **facts)
        (entry,) = (await house.feed(house.chloe)).values()
        expected = EntryStatus.CONFIRMED if provider else EntryStatus.CANCELLED
        assert entry.status is expected
        numbers.append(entry.sequence)
    assert numbers == [2, 3, 4, 5]


@pytest.mark.parametrize("lost", [True, False])
async def test_a_feed_tells_of_a_month_back_and_a_year_ahead(house: House, lost: bool) -> None:
    minute = timedelta(minutes=1)
    told, _, _, ahead = [
        await house.book(house.chloe, after)
        for after in (
            -30 * DAY - 2 * HOUR + minute,
            -30 * DAY - 4 * HOUR - minute,
            365 * DAY + minute,
            365 * DAY - 3 * HOUR,
        )
    ]
    if lost:
        async with house.database.begin() as tx:
            b = bookings_table.c
            gone = {"provider_id": house.callum.user_id}
            await tx.execute(update(bookings_table).where(b.id.is_not(None)).values(gone))
            await tx.execute(update(reservations).values(released_at=house.at))
    assert set(await house.feed(house.chloe)) == {told.id, ahead.id}


async def test_a_token_opens_its_link_until_that_is_revoked_or_the_account_closed(
    house: House,
) -> None:
    async def opened(token: bytes) -> CalendarLink | None:
        async with house.database.read() as connection:
            return await calendar_links.by_token(connection, token)

    first, second = (
        await house.link(house.chloe, b"1" * 32),
        await house.link(house.chloe, b"2" * 32),
    )
    assert await opened(b"1" * 32) == first
    assert await opened(b"3" * 32) is None
    async with house.database.begin() as tx:
        await calendar_links.revoke(tx, first.id, by=house.chloe)
    assert await opened(b"1" * 32) is None
    assert await opened(b"2" * 32) == second
    async with house.database.begin() as tx:
        closed = update(users).where(users.c.id == house.chloe.user_id)
        await tx.execute(closed.values(disabled_at=house.at))
    assert await opened(b"2" * 32) is None


async def test_of_many_links_made_at_once_only_five_are_made(crowd: Database, house: House) -> None:
    def making(n: int) -> Any:
        return lambda tx: calendar_links.create(
            tx,
            provider_id=house.chloe.user_id,
            name="",
            token_hash=bytes([n]) * 32,
            by=house.chloe,
        )

    outcomes = await race(crowd, [making(n) for n in range(10)])
    made = [one for one in outcomes if isinstance(one, CalendarLink)]
    assert len(made) == 5
    assert sum(isinstance(one, TooManyCalendarLinks) for one in outcomes) == 5
    assert await count_rows(crowd, links_table) == (5,)


async def test_nobody_who_is_no_provider_gets_a_link(house: House) -> None:
    async with house.database.begin() as tx:
        with pytest.raises(NotFound):
            await calendar_links.create(
                tx,
                provider_id=house.customer.user_id,
                name="",
                token_hash=b"t" * 32,
                by=a_viewer(),
            )
    assert await count_rows(house.database, links_table) == (0,)
