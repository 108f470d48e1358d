"""Is every free slot kept for one who waits, and everyone who waits granted one, at any speed?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from db import booking_rules, holds, requests, waitlist, waitlist_grants
from db.engine import constraint
from db.ids import new_id
from db.tables import bookings, events, job_offers, reservations, services, waitlist_entries
from db.tables import holds as holds_table
from domain.booking_rules import BookingRules
from domain.events import EventType
from domain.holds import Hold, HoldEnding, HoldExpired
from domain.house import HouseRules
from domain.places import Point
from domain.refusals import NotFound
from domain.requests import ServiceInactive
from domain.waitlist import AlreadyWaiting, Opening, WaitlistEntry, WaitlistState, Wish
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.factories import (
    a_request,
    a_viewer,
    add_booking,
    add_customer,
    add_customers,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    an_address,
    count_rows,
    now,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from db.engine import Database
    from domain.people import Viewer
    from domain.services import Service

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


async def full_hour(database: Database, days: int = 3) -> datetime:
    """A whole hour in so many days."""
    soon = await now(database) + days * DAY
    return soon.replace(minute=0, second=0, microsecond=0)


async def join(
    database: Database, customer: Viewer, service: Service, start: datetime, **changes: Any
) -> WaitlistEntry:
    """In line for exactly this start, unless said otherwise."""
    wish = Wish(
        customer_id=customer.user_id,
        service_id=service.id,
        address=an_address(),
        earliest=start,
        latest=start,
    )
    return await act(database, partial(waitlist.join, wish=replace(wish, **changes)))


async def read(database: Database, entry: WaitlistEntry) -> WaitlistEntry:
    async with database.read() as connection:
        return await waitlist.get(connection, entry.id)


async def opening(
    database: Database, entry: WaitlistEntry, provider: Viewer | None = None
) -> Opening | None:
    async with database.read() as connection:
        return await waitlist_grants.opening(
            connection, entry, provider_id=provider.user_id if provider else None
        )


def granting(entry: WaitlistEntry, provider: Viewer, start: datetime, **changes: Any) -> Any:
    found = Opening(provider_id=provider.user_id, starts_at=start)
    return partial(waitlist_grants.grant, entry_id=entry.id, found=found, **changes)


def booking(customer: Viewer, hold: Hold) -> Any:
    asked = a_request(
        customer_id=customer.user_id, service_id=hold.service_id, starts_at=None, hold_id=hold.id
    )
    return partial(requests.request, asked=asked, by=customer)


async def lapse(database: Database, hold: Hold) -> None:
    """Let a hold's time pass."""
    past = await now(database) - MINUTE
    h, r = holds_table.c, reservations.c
    async with database.begin() as tx:
        made = update(holds_table).where(h.id == hold.id)
        await tx.execute(made.values(created_at=past - MINUTE, expires_at=past))
        kept = update(reservations).where(r.hold_id == hold.id)
        await tx.execute(kept.values(expires_at=past))


async def test_a_grant_is_a_hold_an_event_and_the_end_of_waiting(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    entry = await join(database, customer, service, start)
    assert await opening(database, entry) == Opening(provider_id=provider.user_id, starts_at=start)

    hold = await act(database, granting(entry, provider, start))

    found = await read(database, entry)
    assert (found.state, found.grant) == (WaitlistState.GRANTED, hold)
    assert (hold.customer_id, hold.waitlist_entry_id) == (customer.user_id, entry.id)
    assert (hold.starts_at, hold.ends_at) == (start, start + 2 * HOUR)
    assert hold.expires_at - hold.created_at == 48 * HOUR
    assert await read_events(database) == [
        EventType.WAITLIST_JOINED,
        EventType.SLOT_HELD,
        EventType.WAITLIST_GRANTED,
    ]
    async with database.read() as connection:
        told = await connection.scalar(
            select(events.c.subject).where(events.c.type == EventType.WAITLIST_GRANTED)
        )
        assert await waitlist.positions(connection, [entry.id]) == {}
        assert await waitlist_grants.line(connection, provider.user_id, limit=10) == []
    assert told == {"waitlist_entry": str(entry.id), "customer": str(customer.user_id)}
    await invariants.check(database)


async def test_a_booked_grant_is_taken_and_told(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    entry = await join(database, customer, service, start)
    hold = await act(database, granting(entry, provider, start))

    made = await act(database, booking(customer, hold))

    assert (made.provider_id, made.starts_at) == (provider.user_id, start)
    assert (await read(database, entry)).state is WaitlistState.TAKEN
    told = await read_events(database, after=3)
    assert told.count(EventType.WAITLIST_TAKEN) == 1
    assert EventType.SLOT_FREED not in told
    # What is taken can be left no more: it is a booking now.
    left = await act(database, partial(waitlist.leave, entry_id=entry.id, by=customer))
    assert left.state is WaitlistState.TAKEN
    assert (await bookings_of(database, customer)) == [made.id]
    await invariants.check(database)


async def bookings_of(database: Database, customer: Viewer) -> list[UUID]:
    async with database.read() as connection:
        mine = select(bookings.c.id).where(bookings.c.customer_id == customer.user_id)
        return list(await connection.scalars(mine))


async def test_a_lapsed_grant_keeps_nothing_and_is_told_when_it_is_swept(
    database: Database,
) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    entry = await join(database, customer, service, start)
    hold = await act(database, granting(entry, provider, start))
    await lapse(database, hold)
    assert (await read(database, entry)).state is WaitlistState.LAPSED
    with pytest.raises(HoldExpired):
        await act(database, booking(customer, hold))

    # Not yet swept, it is in nobody's way.
    other = await join(database, await add_customer(database), service, start)
    assert isinstance(await act(database, granting(other, provider, start)), Hold)
    after = len(await read_events(database))
    (ended,) = await act(database, partial(holds.expire, limit=10))

    assert (ended.id, ended.ending) == (hold.id, HoldEnding.EXPIRED)
    assert (await read(database, entry)).state is WaitlistState.LAPSED
    assert await read_events(database, after=after) == [
        EventType.WAITLIST_LAPSED,
        EventType.SLOT_FREED,
    ]
    assert await act(database, partial(holds.expire, limit=10)) == []
    await invariants.check(database)


@pytest.mark.parametrize("named", [False, True])
async def test_one_slot_is_granted_once_however_many_grant_it_at_once(
    crowd: Database, named: bool
) -> None:
    service = await add_service(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    whom = {"provider_id": provider.user_id} if named else {}
    people = await add_customers(crowd, count=8)
    line = [await join(crowd, one, service, start, **whom) for one in people]

    came = await race(crowd, [granting(entry, provider, start) for entry in line * 3])

    (hold,) = (one for one in came if one is not None)
    assert await count_rows(crowd, holds_table) == (1,)
    states = [(await read(crowd, entry)).state for entry in line]
    assert sorted(states) == [WaitlistState.GRANTED] + [WaitlistState.WAITING] * 7
    assert hold.waitlist_entry_id in {entry.id for entry in line}
    await invariants.check(crowd)


async def test_who_waits_is_granted_one_slot_however_many_grant_them_one(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    everyone, start = await add_providers(crowd, service, count=10), await full_hour(crowd)
    entry = await join(crowd, customer, service, start)

    came = await race(crowd, [granting(entry, one, start) for one in everyone * 2])

    (hold,) = (one for one in came if one is not None)
    assert await count_rows(crowd, holds_table) == (1,)
    assert (await read(crowd, entry)).grant == hold
    await invariants.check(crowd)


async def test_whoever_comes_second_waits_for_the_first_in_line_to_be_served(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    one, another = await add_providers(crowd, service, count=2)
    start = await full_hour(crowd)
    entry = await join(crowd, customer, service, start)

    async with crowd.begin() as tx:
        assert await granting(entry, one, start)(tx) is not None
        task = await waiting(crowd, granting(entry, another, start))

    assert await task is None


async def test_grants_of_two_providers_keep_to_what_a_service_can_take(crowd: Database) -> None:
    rules = booking_rules.columns(BookingRules(capacity=1))
    service = await add_service(crowd, rules=rules)
    for _ in range(5):
        everyone = await add_providers(crowd, service, count=4)
        start = await full_hour(crowd)
        line = [await join(crowd, c, service, start) for c in await add_customers(crowd, count=4)]
        pairs = zip(line, everyone, strict=True)

        came = await race(crowd, [granting(entry, one, start) for entry, one in pairs])

        assert [one is not None for one in came].count(True) == 1
        async with crowd.begin() as tx:
            for hold in (one for one in came if one is not None):
                await holds.end(tx, hold, HoldEnding.RELEASED, at=hold.created_at)


async def test_whom_a_booking_without_a_provider_needs_is_free_for_who_named_them(
    database: Database,
) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    await add_booking(database, customer, service, starts_at=start)
    anyone = await join(database, await add_customer(database), service, start)
    named = await join(
        database, await add_customer(database), service, start, provider_id=provider.user_id
    )

    assert await opening(database, anyone) is None
    assert await opening(database, anyone, provider) is None
    assert await act(database, granting(anyone, provider, start)) is None
    assert (await read(database, anyone)).state is WaitlistState.WAITING
    found = await opening(database, named)
    assert found == Opening(provider_id=provider.user_id, starts_at=start)
    assert await act(database, granting(named, provider, start)) is not None


async def test_who_can_book_no_more_keeps_their_place(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    ahead = await add_booking(
        database, customer, await add_service(database), starts_at=start + 9 * DAY
    )
    house = HouseRules(customer_limit=1)
    entry = await join(database, customer, service, start)

    assert await act(database, granting(entry, provider, start, house=house)) is None
    assert (await read(database, entry)).state is WaitlistState.WAITING
    assert await count_rows(database, holds_table) == (0,)
    assert (await bookings_of(database, customer)) == [ahead.id]


async def test_nothing_is_kept_against_the_rules_or_for_who_is_gone(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    stranger = await add_provider(database, await add_service(database))
    entry = await join(database, customer, service, start)

    assert await act(database, granting(entry, provider, start + MINUTE)) is None
    assert await act(database, granting(entry, provider, start - 9 * DAY)) is None
    assert await act(database, granting(entry, stranger, start)) is None
    await act(database, partial(waitlist.leave, entry_id=entry.id, by=customer))
    assert await act(database, granting(entry, provider, start)) is None
    with pytest.raises(NotFound):
        await act(database, granting(replace(entry, id=new_id()), provider, start))
    assert await count_rows(database, holds_table, reservations) == (0, 0)


async def test_nothing_is_kept_of_a_service_that_cannot_be_booked(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    entry = await join(database, customer, service, start)

    async with database.begin() as tx:
        await tx.execute(update(services).values(active=False))
    with pytest.raises(ServiceInactive):
        await act(database, granting(entry, provider, start))
    assert await count_rows(database, holds_table) == (0,)


async def test_offers_that_a_grant_leaves_no_time_for_are_withdrawn(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    await add_provider(database, service)
    other = await add_booking(database, await add_customer(database), service, starts_at=start)
    await add_offers(database, other, [provider])
    entry = await join(database, customer, service, start)

    assert await act(database, granting(entry, provider, start)) is not None

    (offer,) = (await read_offers(database, other.id)).values()
    assert offer.state == "RESCINDED"
    assert await count_rows(database, job_offers) == (1,)


async def test_of_two_who_join_for_one_customer_at_once_one_does(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    start = await full_hour(crowd)
    wish = Wish(
        customer_id=customer.user_id,
        service_id=service.id,
        address=an_address(),
        earliest=start,
        latest=start,
    )

    came = await race(crowd, [partial(waitlist.join, wish=wish)] * 6)

    (entry,) = (one for one in came if isinstance(one, WaitlistEntry))
    refused = [one for one in came if isinstance(one, AlreadyWaiting)]
    assert [one.entry.id for one in refused] == [entry.id] * 5
    assert await count_rows(crowd, waitlist_entries) == (1,)


async def test_no_customer_is_in_line_twice_for_a_service_whatever_is_written(
    database: Database,
) -> None:
    service, customer = await add_service(database), await add_customer(database)
    entry = await join(database, customer, service, await full_hour(database))
    async with database.read() as connection:
        mine = select(waitlist_entries).where(waitlist_entries.c.id == entry.id)
        row = (await connection.execute(mine)).one()._asdict()
    with pytest.raises(IntegrityError) as refused:
        await act(database, lambda tx: tx.execute(insert(waitlist_entries), row | {"id": new_id()}))
    assert constraint(refused.value) == "uq_waitlist_entries_in_line"


async def test_who_waits_for_what_has_passed_may_join_again(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    start = await full_hour(database)
    entry = await join(database, customer, service, start)
    w, past = waitlist_entries.c, await now(database) - MINUTE
    async with database.begin() as tx:
        await tx.execute(update(waitlist_entries).values({w.earliest: past, w.latest: past}))
    assert (await read(database, entry)).state is WaitlistState.EXPIRED
    async with database.read() as connection:
        assert await waitlist.positions(connection, [entry.id]) == {}

    again = await join(database, customer, service, start)

    assert (await read(database, entry)).state is WaitlistState.EXPIRED
    assert (await read(database, again)).state is WaitlistState.WAITING


async def test_leaving_and_booking_at_once_end_in_one_of_the_two(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    outcomes = set()
    for n in range(10):
        entry = await join(crowd, customer, service, start)
        hold = await act(crowd, granting(entry, provider, start))
        leaving = partial(waitlist.leave, entry_id=entry.id, by=customer)
        both = [leaving, booking(customer, hold)]

        came = await race(crowd, both if n % 2 else both[::-1])

        state = (await read(crowd, entry)).state
        refused = [one for one in came if isinstance(one, HoldExpired)]
        assert (state, len(refused)) in {(WaitlistState.TAKEN, 0), (WaitlistState.LEFT, 1)}
        outcomes.add(state)
        await invariants.check(crowd)
        start += 3 * DAY
    assert outcomes <= {WaitlistState.TAKEN, WaitlistState.LEFT}


async def test_leaving_while_being_granted_gives_the_slot_back(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    entry = await join(crowd, customer, service, start)

    async with crowd.begin() as tx:
        await granting(entry, provider, start)(tx)
        task = await waiting(crowd, partial(waitlist.leave, entry_id=entry.id, by=customer))
    left = await task

    assert left.state is WaitlistState.LEFT
    assert left.grant is not None
    assert left.grant.ending is HoldEnding.RELEASED
    assert EventType.SLOT_FREED in await read_events(crowd)
    await invariants.check(crowd)


async def test_a_place_in_line_is_one_among_those_of_the_district(database: Database) -> None:
    service, other = await add_service(database), await add_service(database)
    a, b, c, d = await add_customers(database, count=4)
    start = await full_hour(database)
    far = an_address(postal_code="E1 6AN", point=Point(latitude=51.519, longitude=-0.075))
    entries = [
        await join(database, a, service, start),
        await join(database, b, service, start, address=far),
        await join(database, a, other, start),
        await join(database, c, service, start),
        await join(database, d, service, start, address=far),
    ]
    ids = [entry.id for entry in entries]
    async with database.read() as connection:
        places = await waitlist.positions(connection, ids)
        assert [places[uid] for uid in ids] == [1, 1, 1, 2, 2]
    await act(database, partial(waitlist.leave, entry_id=ids[0], by=a))
    async with database.read() as connection:
        assert await waitlist.positions(connection, ids[:1] + ids[3:]) == {ids[3]: 1, ids[4]: 2}


async def test_the_line_of_a_provider_is_of_those_whom_they_could_serve(
    database: Database,
) -> None:
    service, other = await add_service(database), await add_service(database)
    provider, rival = await add_providers(database, service, count=2)
    a, b, c, d = await add_customers(database, count=4)
    start = await full_hour(database)
    first = await join(database, a, service, start)
    await join(database, b, service, start, provider_id=rival.user_id)
    await join(database, c, other, start)
    last = await join(database, d, service, start, provider_id=provider.user_id)

    async with database.read() as connection:
        line = await waitlist_grants.line(connection, provider.user_id, limit=10)
        (head,) = await waitlist_grants.line(connection, provider.user_id, limit=1)

    assert [entry.id for entry in line] == [first.id, last.id]
    assert head.id == first.id


async def test_everyone_in_line_has_their_turn_to_be_looked_for(database: Database) -> None:
    service, start = await add_service(database), await full_hour(database)
    people = await add_customers(database, count=3)
    a, b, c = [(await join(database, one, service, start)).id for one in people]
    overlooked = partial(waitlist_grants.overlooked, limit=2)

    assert await act(database, overlooked) == [a, b]
    async with database.begin() as tx:
        assert await overlooked(tx) == [c, a]
        # Whoever somebody else is looking for already is left to them.
        assert await act(database, overlooked) == [b]
    await act(database, partial(waitlist.leave, entry_id=a, by=people[0]))
    assert await act(database, overlooked) == [c, b]


async def test_a_freed_slot_is_that_of_the_rules_and_of_the_provider(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, start = await add_provider(database, service), await full_hour(database)
    held = a_request(
        customer_id=(await add_customer(database)).user_id,
        service_id=service.id,
        provider_id=provider.user_id,
        starts_at=start + HOUR,
    )
    await act(
        database, partial(requests.request, asked=held, by=a_viewer(user_id=held.customer_id))
    )
    entry = await join(database, customer, service, start, latest=start + 9 * HOUR)

    # Two hours of work from an hour on, and a quarter of an hour after them.
    assert await opening(database, entry, provider) == Opening(
        provider_id=provider.user_id, starts_at=start + 3.25 * HOUR
    )
