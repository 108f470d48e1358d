"""Is a booking that its provider gives back free for others at once, and for them never again?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from db import assignments, bookings, lifecycle, matching, offers, withdrawals
from db.tables import bookings as bookings_table
from db.tables import events, history, idempotency_keys, reservations
from db.tables import withdrawals as table
from domain.booking_steps import BookingStatus, WrongStatus
from domain.events import EventType
from domain.history import Source
from domain.idempotency import IdempotencyKeyReused, Key
from domain.matching import HardRule
from domain.offers import OfferState
from domain.providers import ProviderNotEligible
from domain.refusals import InvalidInput, NotFound, Refusal
from domain.withdrawals import TooLateToHandBack, Withdrawal
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_service,
    count_rows,
    live_reservations,
    now,
    read_booking,
    read_events,
    read_offers,
    shift_time,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service

HOUR = timedelta(hours=1)
TRACES = (bookings_table, events, history, idempotency_keys, reservations, table)


@pytest.fixture
async def service(crowd: Database) -> Service:
    return await add_service(crowd)


@pytest.fixture
async def provider(crowd: Database, service: Service) -> Viewer:
    return await add_provider(crowd, service)


def giving_back(booking: Booking, by: Viewer, **changes: Any) -> Any:
    facts: dict[str, Any] = {"booking_id": booking.id, "by": by, "reason": "My van."}
    return partial(withdrawals.hand_back, **facts | changes)


async def won(database: Database, service: Service, by: Viewer, **changes: Any) -> Booking:
    """A paid booking that somebody has accepted."""
    customer, at = await add_customer(database), await now(database)
    booking = await add_booking(database, customer, service, paid_at=at, **changes)
    (offer,) = await add_offers(database, booking, [by])
    return await act(database, partial(offers.accept, offer_id=offer.id, by=by.user_id))


async def kept(database: Database) -> list[Withdrawal]:
    async with database.read() as connection:
        rows = await connection.execute(select(table))
        return [Withdrawal(**row._mapping) for row in rows]


async def test_what_is_given_back_is_somebody_elses_to_have_at_once(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    booking = await won(crowd, service, provider)
    before = len(await read_events(crowd))

    left = await act(crowd, giving_back(booking, provider))

    after = await read_booking(crowd, booking.id)
    assert (after.status, after.provider_id) == (BookingStatus.PAID, None)
    assert after.match_since == after.match_due_at == left.at
    assert await live_reservations(crowd, booking.id) == []
    assert (await read_offers(crowd, booking.id))[provider.user_id].state is OfferState.RESCINDED
    assert await kept(crowd) == [left]
    assert await read_events(crowd, after=before) == [
        EventType.BOOKING_RELEASED,
        EventType.OFFER_RESCINDED,
    ]
    async with crowd.read() as connection:
        *_, line = (await bookings.histories(connection, [booking.id]))[booking.id]
    assert (line.act, line.source, line.reason) == ("RELEASE", Source.PROVIDER, "My van.")
    await invariants.check(crowd)


async def test_who_gave_it_back_is_not_asked_again_and_others_are(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    other = await add_provider(crowd, service)
    booking = await won(crowd, service, provider, preferred_provider_id=provider.user_id)
    await act(crowd, giving_back(booking, provider))

    await act(crowd, partial(matching.advance, booking_id=booking.id))

    found = await read_offers(crowd, booking.id)
    assert found[other.user_id].state is OfferState.OFFERED
    assert found[provider.user_id].state is OfferState.RESCINDED
    await invariants.check(crowd)


async def test_nor_can_staff_give_it_to_them_again(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    booking, staff = await won(crowd, service, provider), await add_dispatcher(crowd)
    await act(crowd, giving_back(booking, provider))
    again = partial(
        assignments.assign,
        booking_id=booking.id,
        provider_id=provider.user_id,
        by=staff,
        override_reason="Please",
    )
    with pytest.raises(ProviderNotEligible) as refused:
        await act(crowd, again)
    assert [one.rule for one in refused.value.broken] == [HardRule.NOT_REJECTED]


async def test_giving_back_again_answers_as_before_and_takes_it_from_nobody(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    other = await add_provider(crowd, service)
    booking = await won(crowd, service, provider)
    first = await act(crowd, giving_back(booking, provider))
    (offer,) = await add_offers(crowd, booking, [other], round=2)
    taken = await act(crowd, partial(offers.accept, offer_id=offer.id, by=other.user_id))
    before = await count_rows(crowd, *TRACES)

    assert await act(crowd, giving_back(booking, provider, reason="Another one")) == first

    assert await count_rows(crowd, *TRACES) == before
    assert await read_booking(crowd, booking.id) == taken


async def test_a_key_is_for_one_booking_and_one_reason(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    booking = await won(crowd, service, provider)
    key = Key(act="handBackBooking", text="mine", body_hash=b"one")
    first = await act(crowd, giving_back(booking, provider, key=key))
    assert await act(crowd, giving_back(booking, provider, key=key)) == first
    reused = Key(act="handBackBooking", text="mine", body_hash=b"other")
    with pytest.raises(IdempotencyKeyReused):
        await act(crowd, giving_back(booking, provider, key=reused))


class TestRefusedWithoutATrace:
    async def test_is_whoever_never_had_it(
        self, crowd: Database, service: Service, provider: Viewer
    ) -> None:
        booking, stranger = await won(crowd, service, provider), await add_provider(crowd, service)
        await self.refuse(crowd, booking, stranger, NotFound)

    async def test_is_what_has_begun(
        self, crowd: Database, service: Service, provider: Viewer
    ) -> None:
        booking = await won(crowd, service, provider)
        await act(crowd, partial(lifecycle.start, booking_id=booking.id, by=provider))
        await self.refuse(crowd, booking, provider, WrongStatus)

    async def test_is_what_should_have_begun(
        self, crowd: Database, service: Service, provider: Viewer
    ) -> None:
        booking = await won(crowd, service, provider)
        await shift_time(crowd, booking, by=25 * HOUR)
        await self.refuse(crowd, booking, provider, TooLateToHandBack)

    async def test_is_a_reason_that_is_none(
        self, crowd: Database, service: Service, provider: Viewer
    ) -> None:
        booking = await won(crowd, service, provider)
        await self.refuse(crowd, booking, provider, InvalidInput, reason="")

    async def refuse(
        self,
        database: Database,
        booking: Booking,
        by: Viewer,
        refusal: type[Refusal],
        **changes: Any,
    ) -> None:
        stands, before = (
            await read_booking(database, booking.id),
            await count_rows(database, *TRACES),
        )
        key = Key(act="handBackBooking", text="mine", body_hash=b"one")
        with pytest.raises(refusal):
            await act(database, giving_back(booking, by, key=key, **changes))
        assert await count_rows(database, *TRACES) == before
        assert await read_booking(database, booking.id) == stands


async def test_a_start_that_waits_for_a_giving_back_finds_it_gone(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    booking = await won(crowd, service, provider)
    async with crowd.begin() as tx:
        await giving_back(booking, provider)(tx)
        start = partial(lifecycle.start, booking_id=booking.id, by=provider)
        task = await waiting(crowd, start)
    with pytest.raises(NotFound):
        await task
    await invariants.check(crowd)


async def test_many_at_once_give_it_back_once(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    booking = await won(crowd, service, provider)

    outcomes = await race(crowd, [giving_back(booking, provider)] * 8)

    assert len(set(outcomes)) == 1
    assert (await read_booking(crowd, booking.id)).version == booking.version + 1
    assert await kept(crowd) == [outcomes[0]]
    await invariants.check(crowd)
