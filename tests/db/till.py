"""A customer, a provider and a member of staff, and money between them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from db import bookings as db_bookings
from db import cancellations, clock, lifecycle, refund_rows, refunds, settlements
from db import credits as db_credits
from domain.idempotency import key
from domain.refunds import Wish
from domain.work import Handover
from tests.db.racing import act
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_provider,
    add_service,
    now,
)
from tests.money import gbp, pay_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.bookings import Booking
    from domain.payments import Payment
    from domain.people import Viewer
    from domain.refunds import Refund, RefundCause, RefundStatus

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: What a payment is, in minor units, unless said otherwise.
PRICE: Final = 10000
HANDOVER: Final = Handover(notes="Done.", photo_urls=())


class House:
    """A customer, a provider and a member of staff, and a booking between them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def open(self) -> House:
        self.service = await add_service(self.database)
        self.customer = await add_customer(self.database)
        self.provider = await add_provider(self.database, self.service)
        self.staff = await add_dispatcher(self.database)
        return self

    async def book(self, *, ahead: timedelta = 7 * DAY, **facts: Any) -> Booking:
        """Staffed and paid for, by what is said of it."""
        at = await now(self.database)
        usual = {
            "starts_at": at + ahead,
            "ends_at": at + ahead + 2 * HOUR,
            "provider_id": self.provider.user_id,
            "assigned_at": at - DAY,
            "requested_at": at - 2 * DAY,
            "paid_at": at - DAY,
            "match_due_at": None,
        }
        return await add_booking(self.database, self.customer, self.service, **usual | facts)

    async def pay(self, booking: Booking, minor: int = PRICE, **changes: Any) -> Payment:
        at = await now(self.database)
        paying = partial(pay_in, booking_id=booking.id, minor=minor, at=at, **changes)
        return await act(self.database, paying)

    async def do(self, change: Callable[[AsyncConnection], Any]) -> Any:
        return await act(self.database, change)

    async def cancel(self, booking: Booking, *, by: Viewer | None = None) -> Booking:
        who = by or self.customer
        async with self.database.read() as connection:
            quoted = await cancellations.quote(connection, booking_id=booking.id, by=who)
        fee = quoted.fee.amount_minor
        agreed = partial(cancellations.cancel, reason="", expected_fee_minor=fee)
        done: Booking = await self.do(partial(agreed, booking_id=booking.id, by=who))
        return done

    async def work(self, booking: Booking) -> None:
        mine: dict[str, Any] = {"booking_id": booking.id, "by": self.provider}
        await self.do(partial(lifecycle.start, **mine))
        await self.do(partial(lifecycle.complete, **mine, handover=HANDOVER))

    async def grant(self, minor: int) -> None:
        """The customer has so much credit more."""
        whom: dict[str, Any] = {"customer_id": self.customer.user_id, "by": self.staff}
        await self.do(partial(db_credits.grant, **whom, amount=gbp(minor), reason="Sorry."))

    async def given(self, booking: Booking) -> list[tuple[int, RefundCause, RefundStatus]]:
        """What was given back, in order."""
        return [(r.amount.amount_minor, r.cause, r.status) for r in await self.refunds(booking)]

    async def refunds(self, booking: Booking) -> list[Refund]:
        async with self.database.read() as connection:
            return (await refund_rows.of_bookings(connection, [booking.id]))[booking.id]

    async def settle(self, booking: Booking) -> None:
        """Settle it once more."""
        await self.do(partial(settle, booking_id=booking.id))


async def settle(tx: AsyncConnection, booking_id: UUID) -> None:
    """Settle a booking as it stands."""
    locked = await db_bookings.lock(tx, booking_id)
    await settlements.settle(tx, locked, at=await clock.now(tx))


def a_wish(minor: int | None = None, **changes: Any) -> Wish:
    """So much back, or all, to where it came from."""
    amount = None if minor is None else gbp(minor)
    return Wish(**{"amount": amount, "payment_id": None, "to": None, "reason": "Sorry."} | changes)


async def by_hand(
    house: House, booking: Booking, wish: Wish, text: str | None = None
) -> Sequence[Refund]:
    """What staff have given back."""
    given: Sequence[Refund] = await house.do(giving(house, booking, wish, text))
    return given


def giving(
    house: House, booking: Booking, wish: Wish, text: str | None = None
) -> Callable[[AsyncConnection], Any]:
    """Staff give it back; with a key, once."""
    once = key("refundBooking", text, (booking.id, wish))
    return partial(refunds.give_by_hand, booking_id=booking.id, by=house.staff, wish=wish, key=once)


async def read(house: House, refund: Refund) -> Refund:
    """A refund as it stands in the database."""
    async with house.database.read() as connection:
        (found,) = await refund_rows.by_ids(connection, [refund.id])
    return found
