"""Is a provider on shift once or not at all, and is nothing left to one who has gone?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from db import lifecycle, offers, shifts
from db.engine import constraint
from db.tables import events
from db.tables import shifts as table
from domain.events import EventType
from domain.offers import Gone, OfferGone, OfferState
from domain.pages import PageRequest
from domain.refusals import InvalidInput
from domain.shifts import AlreadyOnShift, NotOnShift, Presence, Shift, WorkInProgress
from domain.work import Handover
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.factories import (
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    count_rows,
    fall_silent,
    now,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer


def clocking_in(provider: Viewer) -> Any:
    return partial(shifts.clock_in, provider_id=provider.user_id, place="Depot", note="Van 3")


def clocking_out(provider: Viewer, note: str | None = None) -> Any:
    return partial(shifts.clock_out, provider_id=provider.user_id, note=note)


async def presence(database: Database, provider: Viewer) -> Presence:
    async with database.read() as connection:
        return (await shifts.presence_of(connection, [provider.user_id]))[provider.user_id]


async def add_confirmed(database: Database, provider: Viewer) -> Booking:
    at = await now(database)
    facts = {"provider_id": provider.user_id, "assigned_at": at, "paid_at": at}
    customer, service = await add_customer(database), await add_service(database)
    return await add_booking(database, customer, service, match_due_at=None, **facts)


async def test_of_clock_ins_at_once_one_opens_a_shift(crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd), on_shift=False)

    outcomes = await race(crowd, [clocking_in(provider)] * 10)

    (opened,) = [one for one in outcomes if isinstance(one, Shift)]
    refused = [one for one in outcomes if isinstance(one, AlreadyOnShift)]
    assert [one.shift for one in refused] == [opened] * 9
    assert await count_rows(crowd, table, events) == (1, 1)
    assert (opened.place, opened.note) == ("Depot", "Van 3")
    assert await presence(crowd, provider) is Presence.ONLINE


async def test_the_database_allows_one_open_shift_only(crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd))
    at = await now(crowd)
    second = {"id": uuid4(), "provider_id": provider.user_id}
    values = insert(table).values(second | {"started_at": at, "heartbeat_at": at})

    with pytest.raises(IntegrityError) as refused:
        await act(crowd, lambda tx: tx.execute(values))
    assert constraint(refused.value) == "uq_shifts_open"


async def test_clocking_out_withdraws_the_open_offers_in_the_same_act(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    leaving, staying = await add_providers(crowd, service, count=2)
    made = [await add_booking(crowd, customer, service) for _ in range(2)]
    for booking in made:
        await add_offers(crowd, booking, [leaving, staying])
    before = len(await read_events(crowd))

    async with crowd.begin() as tx:
        await shifts.clock_out(tx, provider_id=leaving.user_id, note="Done.")
        # Nobody sees one without the other.
        for booking in made:
            states = {o.state for o in (await read_offers(crowd, booking.id)).values()}
            assert states == {OfferState.OFFERED}

    assert await presence(crowd, leaving) is Presence.OFFLINE
    for booking in made:
        found = await read_offers(crowd, booking.id)
        assert found[leaving.user_id].state is OfferState.RESCINDED
        assert found[staying.user_id].state is OfferState.OFFERED
    assert await read_events(crowd, after=before) == [
        EventType.OFFER_RESCINDED,
        EventType.OFFER_RESCINDED,
        EventType.SEARCH_PLACE_FREED,
        EventType.SEARCH_PLACE_FREED,
        EventType.PROVIDER_CLOCKED_OUT,
    ]
    await invariants.check(crowd)


async def test_of_clock_outs_at_once_one_ends_the_shift(crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd))

    outcomes = await race(crowd, [clocking_out(provider, note="Done.")] * 5)

    (ended,) = [one for one in outcomes if isinstance(one, Shift)]
    assert ended.note == "Done."
    assert ended.ended_at is not None
    assert len([one for one in outcomes if isinstance(one, NotOnShift)]) == 4
    assert await read_events(crowd) == [EventType.PROVIDER_CLOCKED_OUT]


async def test_nobody_clocks_out_in_the_middle_of_a_job(crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd))
    booking = await add_confirmed(crowd, provider)
    await act(crowd, partial(lifecycle.start, booking_id=booking.id, by=provider))
    customer, service = await add_customer(crowd), await add_service(crowd)
    later = await now(crowd) + timedelta(days=3)
    offered = await add_booking(crowd, customer, service, starts_at=later)
    await add_offers(crowd, offered, [provider])
    before = len(await read_events(crowd))

    (refused,) = await race(crowd, [clocking_out(provider)])

    assert isinstance(refused, WorkInProgress)
    assert refused.booking_id == booking.id
    assert await presence(crowd, provider) is Presence.BUSY
    assert (await read_offers(crowd, offered.id))[provider.user_id].state is OfferState.OFFERED
    assert len(await read_events(crowd)) == before

    done = partial(lifecycle.complete, booking_id=booking.id, by=provider, handover=Handover())
    await act(crowd, done)
    await act(crowd, clocking_out(provider))
    await invariants.check(crowd)


async def test_an_acceptance_that_waits_for_a_clock_out_finds_the_offer_withdrawn(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    (offer,) = await add_offers(crowd, booking, [provider])
    accept = partial(offers.accept, offer_id=offer.id, by=provider.user_id)

    async with crowd.begin() as tx:
        await shifts.clock_out(tx, provider_id=provider.user_id, note=None)
        task = await waiting(crowd, accept)
    with pytest.raises(OfferGone) as refused:
        await task

    assert refused.value.why is Gone.RESCINDED
    await invariants.check(crowd)


@pytest.mark.parametrize("note", ["x" * 501, "nu\x00ll"])
async def test_a_refused_note_leaves_the_provider_on_shift(crowd: Database, note: str) -> None:
    provider = await add_provider(crowd, await add_service(crowd))

    (refused,) = await race(crowd, [clocking_out(provider, note=note)])

    assert isinstance(refused, InvalidInput)
    assert await presence(crowd, provider) is Presence.ONLINE
    assert await count_rows(crowd, events) == (0,)


class TestHeartbeats:
    async def test_keep_a_provider_online_without_a_word_to_anybody(self, crowd: Database) -> None:
        provider = await add_provider(crowd, await add_service(crowd))
        before = await now(crowd)

        beaten = await self.beat(crowd, provider)

        assert beaten.heartbeat_at > before
        assert await read_events(crowd) == []

    async def test_going_stale_is_told_once_and_coming_back_is_told(self, crowd: Database) -> None:
        provider = await add_provider(crowd, await add_service(crowd))
        assert await act(crowd, shifts.announce_away) == 0
        await fall_silent(crowd, provider)
        assert await presence(crowd, provider) is Presence.AWAY

        told = await race(crowd, [shifts.announce_away] * 3)
        assert sum(told) == 1
        assert await act(crowd, shifts.announce_away) == 0

        back = await self.beat(crowd, provider, place="Bridge")
        assert (back.place, back.away_announced_at) == ("Bridge", None)
        assert await presence(crowd, provider) is Presence.ONLINE
        assert await read_events(crowd) == [EventType.PROVIDER_PRESENCE_CHANGED] * 2

    async def test_off_shift_are_refused(self, crowd: Database) -> None:
        provider = await add_provider(crowd, await add_service(crowd), on_shift=False)
        with pytest.raises(NotOnShift):
            await self.beat(crowd, provider)

    async def test_that_wait_for_a_clock_out_do_not_revive_the_shift(self, crowd: Database) -> None:
        provider = await add_provider(crowd, await add_service(crowd))

        async with crowd.begin() as tx:
            await shifts.clock_out(tx, provider_id=provider.user_id, note=None)
            task = await waiting(
                crowd, partial(shifts.heartbeat, provider_id=provider.user_id, place=None)
            )
        with pytest.raises(NotOnShift):
            await task

        assert await presence(crowd, provider) is Presence.OFFLINE

    async def beat(self, database: Database, provider: Viewer, place: str | None = None) -> Shift:
        change = partial(shifts.heartbeat, provider_id=provider.user_id, place=place)
        return await act(database, change)


async def test_the_shift_log_is_the_providers_own_newest_first(crowd: Database) -> None:
    service = await add_service(crowd)
    provider, _other = await add_providers(crowd, service, count=2)
    await act(crowd, clocking_out(provider))
    opened = await act(crowd, clocking_in(provider))

    async with crowd.read() as connection:
        page = await shifts.page(connection, PageRequest(limit=10), provider_id=provider.user_id)
        assert await shifts.count(connection, provider_id=provider.user_id) == 2
        assert await shifts.by_id(connection, opened.id) == opened
        assert await shifts.by_id(connection, uuid4()) is None
    assert [one.is_open for one in page.items] == [True, False]
    assert page.items[0] == opened
