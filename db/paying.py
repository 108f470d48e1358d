"""Paying: a payment is asked for, the gateway says what became of it, that is brought about.

Lock order: booking, then its provider, then offers, then payments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from db import (
    bookings,
    candidates,
    clock,
    events,
    gateway_events,
    gateway_refunds,
    idempotency,
    ledger,
    offers,
    payment_rows,
    providers,
    refund_rows,
    refunds,
    settlements,
)
from db.ids import new_id
from db.tables import bookings as bookings_table
from db.tables import payments
from domain import lapsing
from domain import paying as rules
from domain.availability import obstacles
from domain.booking_steps import Act, BookingStatus
from domain.payment_events import Said, fold
from domain.payments import Method, PaymentStatus
from domain.refunds import RefundCause
from domain.refunds_elsewhere import is_more_than_known
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.idempotency import Key
    from domain.paying import Asked, Wish
    from domain.payment_events import Report
    from domain.payments import Payment
    from domain.people import Viewer
    from domain.refunds import Refund
    from domain.tips import Wish as TipWish

_B, _P = bookings_table.c, payments.c

#: Where nothing is paid for any more.
_CALLED_OFF: Final = (BookingStatus.CANCELLED, BookingStatus.DECLINED, BookingStatus.NO_SHOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Where a payment stands after all that was said of it, and what staff have to hear of."""

    booking: Booking
    payment: Payment
    #: Has the gateway just said that it took another sum than was asked for?
    mismatched: bool
    #: How many refunds were found that were more than there was to give back.
    refunds_mismatched: int
    #: Has it given back more than the refunds that it told us of, or that we asked for?
    knows_of_more: bool


async def ask(
    tx: AsyncConnection,
    *,
    booking_id: UUID,
    by: Viewer,
    wish: Wish | TipWish,
    rule: Callable[..., Asked] = rules.ask,
    key: Key | None = None,
) -> Asked:
    """The payment that a customer is to make for a booking now, by the `rule` for what they wish;
    by credit it is made at once.

    The same key again answers with the first time's payment. Raises NotFound, WrongStatus,
    NothingToPay, NotEnoughCredit, InvalidInput or IdempotencyKeyReused.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    if booking.customer_id != by.user_id:
        raise NotFound("Booking")
    # Whoever asks the same of the same booking has been waited for.
    first = await idempotency.find(tx, key, user_id=by.user_id) if key else None
    known = await payment_rows.lock_of(tx, booking_id)
    if first is not None:
        return rules.Asked(payment=_one(known, first), is_new=False)
    asked = rule(booking, known, wish, at=await clock.now(tx), new_id=new_id)
    if asked.superseded is not None:
        await payment_rows.save(tx, asked.superseded)
    if asked.is_new:
        await payment_rows.add(tx, asked.payment)
    if key is not None:
        await idempotency.claim(tx, key, user_id=by.user_id, result_id=asked.payment.id)
    if asked.is_new and asked.payment.method is Method.CREDITS:
        return replace(asked, payment=await _take_credit(tx, booking, known, asked.payment))
    return asked


async def arrange(
    tx: AsyncConnection,
    payment: Payment,
    *,
    gateway_id: str,
    report: Report | None,
    settles_at_once: bool,
) -> Payment:
    """Note what the gateway calls a payment, and what it says of it besides."""
    await bookings.lock(tx, payment.booking_id)
    now = _one(await payment_rows.lock_of(tx, payment.booking_id), payment.id)
    now = replace(now, gateway_id=now.gateway_id or gateway_id)
    await payment_rows.save(tx, now)
    if report is not None:
        await gateway_events.keep(tx, report, announce=not settles_at_once)
        if settles_at_once:
            return (await settle(tx, payment.id)).payment
    return now


async def settle(tx: AsyncConnection, payment_id: UUID, *, all_is_told: bool = False) -> Settled:
    """Bring about what all that was ever said of a payment comes to, as far as it has not been.

    Again, in another order, or by two at once, it changes nothing. With `all_is_told` the gateway
    has named every refund that it made; until then a sum of them that they do not explain stays
    unhandled. Raises NotFound.
    """
    booking = await _lock_booking(tx, payment_id)
    if lapsing.may_be_restored(booking, at=await clock.now(tx)) and booking.provider_id:
        await providers.lock(tx, [booking.provider_id])
    known = await payment_rows.lock_of(tx, booking.id)
    reports = await gateway_events.of_payment(tx, payment_id)
    at = await clock.now(tx)
    before = _one(known, payment_id)
    after = fold(before, reports)
    booking = await _take_in(tx, booking, known, before, after, at=at)
    earlier = await _refunds_of(tx, payment_id)
    waiting = await gateway_refunds.take_in(tx, payment_id, reports, at=at)
    given = await _refunds_of(tx, payment_id)
    more = is_more_than_known(reports, given)
    if more and not all_is_told:
        waiting += [one for one in reports if one.said is Said.REFUNDED]
    done = [one for one in reports if one not in waiting]
    await gateway_events.handled(tx, done, at=at)
    (now,) = await payment_rows.by_ids(tx, [payment_id])
    return Settled(
        booking=booking,
        payment=now,
        mismatched=now.mismatched_at != before.mismatched_at,
        refunds_mismatched=_mismatched(given) - _mismatched(earlier),
        knows_of_more=more,
    )


async def to_void(connection: AsyncConnection, booking_id: UUID) -> list[Payment]:
    """The payments of a booking that nobody should make any more: it was called off, and no
    payment would bring it back."""
    booking = await bookings.get(connection, booking_id)
    at = await clock.now(connection)
    if booking.status not in _CALLED_OFF or lapsing.may_be_restored(booking, at=at):
        return []
    found = await payment_rows.of_bookings(connection, [booking_id])
    return [one for one in found[booking_id] if rules.is_open(one)]


async def void(tx: AsyncConnection, payment: Payment) -> None:
    """Note that a payment is called off. One that came in meanwhile stays."""
    await bookings.lock(tx, payment.booking_id)
    now = _one(await payment_rows.lock_of(tx, payment.booking_id), payment.id)
    if rules.is_open(now):
        await payment_rows.save(tx, replace(now, cancelled_at=await clock.now(tx)))


async def bookings_to_void(connection: AsyncConnection, *, limit: int) -> list[UUID]:
    """The bookings that were called off and have payments which may still be made."""
    at = await clock.now(connection)
    lapsed = _B.lapsed_at.is_not(None) & (_B.ends_at > at)
    open_ = select(_P.booking_id).where(_P.status == PaymentStatus.PENDING)
    over = select(_B.id).where(_B.id.in_(open_), _B.status.in_(_CALLED_OFF), ~lapsed)
    return list(await connection.scalars(over.order_by(_B.id).limit(limit)))


async def _take_credit(
    tx: AsyncConnection, booking: Booking, known: Sequence[Payment], new: Payment
) -> Payment:
    at = await clock.now(tx)
    paid = replace(new, received=new.amount, paid_at=at)
    await _take_in(tx, booking, [*known, new], new, paid, at=at)
    return paid


async def _take_in(
    tx: AsyncConnection,
    booking: Booking,
    known: Sequence[Payment],
    before: Payment,
    after: Payment,
    *,
    at: datetime,
) -> Booking:
    """Keep what has become of a payment, and bring about what is new. The booking after it."""
    if after == before:
        return booking
    await payment_rows.save(tx, after)
    await ledger.post(tx, rules.came_in(before, after, booking), at=at)
    await events.append(tx, rules.told(before, after))
    if after.status is not PaymentStatus.PAID or before.status is PaymentStatus.PAID:
        return booking
    now = [after if one.id == after.id else one for one in known]
    free = await _is_free(tx, booking, at=at)
    done = rules.effects(booking, now, after, at=at, free=free)
    if done.outcome is not None:
        payer = after.customer_id
        await offers.keep(tx, booking, done.outcome, at=at, act=done.act, actor=payer)
        booking = done.outcome.booking
        if done.act is Act.RESTORE:
            await offers.rescind_competing(tx, booking, at=at)
    if done.excess_minor:
        await refunds.give(tx, after, done.excess_minor, cause=RefundCause.OVERPAID, at=at)
    await settlements.settle(tx, booking, at=at)
    return booking


async def _is_free(tx: AsyncConnection, booking: Booking, *, at: datetime) -> bool:
    """Could the provider of a booking that lapsed do it after all? Their lock is held if so."""
    if booking.provider_id is None or not lapsing.may_be_restored(booking, at=at):
        return False
    provider = (await providers.by_ids(tx, [booking.provider_id]))[0]
    work = candidates.work_of(booking)
    (who,) = await candidates.of_providers(tx, work, [booking.provider_id], at=at)
    against = obstacles(who.availability, who.taken, work.block, rules=booking.rules, at=at)
    return provider.suspended_at is None and not against


async def _refunds_of(tx: AsyncConnection, payment_id: UUID) -> list[Refund]:
    return (await refund_rows.of_payments(tx, [payment_id]))[payment_id]


def _mismatched(given: Sequence[Refund]) -> int:
    return sum(one.excess_minor > 0 for one in given)


async def _lock_booking(tx: AsyncConnection, payment_id: UUID) -> Booking:
    booking_id: UUID | None = await tx.scalar(select(_P.booking_id).where(_P.id == payment_id))
    if booking_id is None:
        raise NotFound("Payment")
    return await bookings.lock(tx, booking_id)


def _one(known: Sequence[Payment], payment_id: UUID) -> Payment:
    return next(one for one in known if one.id == payment_id)
