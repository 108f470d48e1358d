"""Is what nobody pays for called off in time, and brought back by a late payment if it can be?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from db import cancellations, lapsing, offers, paying, providers
from db.tables import providers as providers_table
from db.tables import working_hours
from domain.booking_steps import BookingStatus, WrongStatus
from domain.bookings import Booking, BookingKind
from domain.events import EventType
from domain.offers import OfferState
from domain.payments import PaymentStatus
from domain.refunds import RefundCause
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.factories import (
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_service,
    live_reservations,
    now,
    read_booking,
    read_events,
    read_offers,
    shift_time,
)
from tests.money import books
from tests.paying import asked, hear, pay, read_payment, read_refunds, said, settle

if TYPE_CHECKING:
    from db.engine import Database
    from domain.people import Viewer
    from domain.services import Service

PATIENCE = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
PRICE = 4050


@pytest.fixture
async def service(crowd: Database) -> Service:
    return await add_service(crowd)


@pytest.fixture
async def customer(crowd: Database) -> Viewer:
    return await add_customer(crowd)


@pytest.fixture
async def provider(crowd: Database, service: Service) -> Viewer:
    return await add_provider(crowd, service)


async def begun(
    crowd: Database, customer: Viewer, service: Service, provider: Viewer, **changes: Any
) -> Booking:
    """Work of two hours that should have begun twenty minutes ago, and is not paid."""
    at = await now(crowd)
    start = at - 20 * MINUTE
    facts = {"provider_id": provider.user_id, "assigned_at": start, "match_due_at": None}
    times = {"starts_at": start, "requested_at": start, "kind": BookingKind.IMMEDIATE}
    return await add_booking(crowd, customer, service, **facts | times | changes)


@pytest.fixture
async def booking(crowd: Database, customer: Viewer, service: Service, provider: Viewer) -> Booking:
    return await begun(crowd, customer, service, provider)


async def unpaid(crowd: Database) -> list[Any]:
    return await act(crowd, partial(lapsing.unpaid, patience=PATIENCE, limit=10))


async def lapse(crowd: Database, booking: Booking) -> Booking:
    return await act(crowd, partial(lapsing.lapse, booking_id=booking.id, patience=PATIENCE))


async def test_what_nobody_pays_for_is_found_called_off_and_its_provider_freed(
    crowd: Database, customer: Viewer, service: Service, booking: Booking
) -> None:
    others = [await add_provider(crowd, service) for _ in range(4)]
    at = await now(crowd)
    await begun(crowd, customer, service, others[0], paid_at=at)
    await begun(crowd, customer, service, others[1], starts_at=at - 14 * MINUTE)
    # Found only when its window had begun.
    await begun(crowd, customer, service, others[2], assigned_at=at - 14 * MINUTE)
    await begun(crowd, customer, service, others[3], needs_approval=True)
    assert await unpaid(crowd) == [booking.id]

    after = await lapse(crowd, booking)
    assert after == await read_booking(crowd, booking.id)
    assert after.status is BookingStatus.CANCELLED
    assert (after.lapsed_at, after.fee_minor) == (after.cancelled_at, 0)
    assert await live_reservations(crowd, booking.id) == []
    assert (await read_events(crowd))[-1] is EventType.BOOKING_CANCELLED
    assert await unpaid(crowd) == []
    with pytest.raises(WrongStatus):
        await lapse(crowd, booking)
    await invariants.check(crowd)


async def test_of_a_payment_and_the_clock_at_once_the_first_wins_and_the_money_is_right(
    crowd: Database, customer: Viewer, booking: Booking
) -> None:
    payment = await asked(crowd, booking, customer)
    await hear(crowd, said(payment))
    await race(
        crowd,
        [
            partial(lapsing.lapse, booking_id=booking.id, patience=PATIENCE),
            *[partial(paying.settle, payment_id=payment.id)] * 10,
        ],
    )
    # Whichever was first: the payment brings it back, or it is not called off at all.
    assert (await read_booking(crowd, booking.id)).status is BookingStatus.CONFIRMED
    assert await books(crowd, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}
    assert await read_refunds(crowd, booking) == []
    await invariants.check(crowd)


class TestALatePayment:
    async def test_brings_it_back_once_if_its_provider_is_free(
        self, crowd: Database, customer: Viewer, provider: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await lapse(crowd, booking)
        other = await add_booking(
            crowd, customer, await add_service(crowd), starts_at=booking.starts_at
        )
        await add_offers(crowd, other, [provider])
        for _ in range(3):
            await hear(crowd, said(payment, id="evt_1"))
            await settle(crowd, payment)
        after = await read_booking(crowd, booking.id)
        assert (after.status, after.version) == (BookingStatus.CONFIRMED, 3)
        assert (after.cancelled_at, after.lapsed_at, after.cancel_reason) == (None,) * 3
        assert await live_reservations(crowd, booking.id) == [provider.user_id]
        assert await books(crowd, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}
        assert await read_refunds(crowd, booking) == []
        happened = await read_events(crowd)
        assert happened.count(EventType.BOOKING_RESTORED) == 1
        # What they were offered meanwhile leaves them no time for it.
        withdrawn = (await read_offers(crowd, other.id))[provider.user_id]
        assert withdrawn.state is OfferState.RESCINDED
        await invariants.check(crowd)

    async def refunded(self, crowd: Database, booking: Booking) -> None:
        after = await read_booking(crowd, booking.id)
        assert after.status is BookingStatus.CANCELLED
        assert await read_refunds(crowd, booking) == [(RefundCause.LATE_PAYMENT, PRICE)]
        assert await books(crowd, booking.id) == {}
        await invariants.check(crowd)

    async def test_goes_back_once_if_its_provider_has_other_work_by_then(
        self,
        crowd: Database,
        customer: Viewer,
        service: Service,
        provider: Viewer,
        booking: Booking,
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await lapse(crowd, booking)
        await begun(crowd, customer, service, provider, paid_at=await now(crowd))
        for _ in range(3):
            await hear(crowd, said(payment, id="evt_1"))
            await settle(crowd, payment)
        await self.refunded(crowd, booking)

    async def test_goes_back_once_if_its_window_is_over(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await lapse(crowd, booking)
        await shift_time(crowd, booking, timedelta(hours=2))
        await hear(crowd, said(payment))
        await settle(crowd, payment)
        await self.refunded(crowd, booking)

    @pytest.mark.parametrize("suspended", [True, False])
    async def test_goes_back_once_if_its_provider_works_no_more(
        self,
        crowd: Database,
        customer: Viewer,
        provider: Viewer,
        booking: Booking,
        suspended: bool,
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await lapse(crowd, booking)
        async with crowd.begin() as tx:
            own = providers_table.c.id == provider.user_id
            if suspended:
                at = await now(crowd)
                await tx.execute(update(providers_table).where(own).values(suspended_at=at))
            else:
                theirs = working_hours.c.provider_id == provider.user_id
                await tx.execute(delete(working_hours).where(theirs))
        await hear(crowd, said(payment))
        await settle(crowd, payment)
        await self.refunded(crowd, booking)

    async def test_waits_for_whoever_is_giving_its_provider_other_work(
        self,
        crowd: Database,
        customer: Viewer,
        service: Service,
        provider: Viewer,
        booking: Booking,
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await lapse(crowd, booking)
        await hear(crowd, said(payment))
        same_time = {"starts_at": booking.starts_at, "kind": BookingKind.IMMEDIATE}
        other = await add_booking(crowd, customer, service, **same_time)
        (offer,) = await add_offers(crowd, other, [provider])
        async with crowd.begin() as tx:
            await providers.lock(tx, [provider.user_id])
            settling = await waiting(crowd, partial(paying.settle, payment_id=payment.id))
            await offers.accept(tx, offer_id=offer.id, by=provider.user_id)
        await settling
        await self.refunded(crowd, booking)


class TestWhatIsVoided:
    async def to_void(self, crowd: Database, booking: Booking) -> list[Any]:
        async with crowd.read() as connection:
            found = await paying.to_void(connection, booking.id)
            swept = await paying.bookings_to_void(connection, limit=10)
        assert bool(found) == (booking.id in swept)
        return [one.id for one in found]

    async def test_is_what_is_still_asked_for_a_booking_that_was_called_off(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        await shift_time(crowd, booking, -timedelta(days=2))
        payment = await asked(crowd, booking, customer)
        assert await self.to_void(crowd, booking) == []
        mine: dict[str, Any] = {"booking_id": booking.id, "by": customer}
        await act(crowd, partial(cancellations.cancel, **mine, reason=""))
        assert await self.to_void(crowd, booking) == [payment.id]
        for _ in range(2):
            await act(crowd, partial(paying.void, payment=payment))
        after = await read_payment(crowd, payment.id)
        assert after.status is PaymentStatus.CANCELLED
        assert await self.to_void(crowd, booking) == []

    async def test_is_not_what_may_still_bring_it_back(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await lapse(crowd, booking)
        assert await self.to_void(crowd, booking) == []
        await shift_time(crowd, booking, timedelta(hours=2))
        assert await self.to_void(crowd, booking) == [payment.id]

    async def test_is_not_what_has_come_in_meanwhile(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await act(crowd, partial(pay, booking_id=booking.id, by=customer))
        before = await read_payment(crowd, payment.id)
        await hear(crowd, said(payment))
        await settle(crowd, payment)
        paid = await read_payment(crowd, payment.id)
        await act(crowd, partial(paying.void, payment=before))
        assert await read_payment(crowd, payment.id) == paid
        assert paid.status is PaymentStatus.PAID
