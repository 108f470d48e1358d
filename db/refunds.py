"""Refunds: how one is given, and what has become of it.

Lock order: booking, then its payments, then refunds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from db import (
    bookings,
    clock,
    dead_letters,
    events,
    idempotency,
    ledger,
    payment_rows,
    refund_rows,
)
from db.ids import new_id
from db.tables import payments, refunds
from domain import refunds as rules
from domain.events import EventType
from domain.money import Money
from domain.payments import Method
from domain.refunds import Refund, RefundCause, RefundStatus, RefundTooLarge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.idempotency import Key
    from domain.payments import Payment
    from domain.people import Viewer
    from domain.refunds import Wish

_R: Final = refunds.c
#: The job that sends a refund again which had failed, on the queue where it does not wait for it.
_RETRY: Final = ("retry_refund", "slow")


async def give(
    tx: AsyncConnection,
    payment: Payment,
    amount_minor: int,
    *,
    cause: RefundCause,
    at: datetime,
    to: Method | None = None,
    reason: str = "",
    asked_by: UUID | None = None,
    uid: UUID | None = None,
) -> Refund:
    """Give a part of a payment back: from now on it is the customer's, and the gateway is told of
    it by a job. To credits it is done at once. With no `to` it goes back where it came from.

    The caller holds the booking's lock. Raises RefundTooLarge.
    """
    currency = await _take(tx, payment, amount_minor)
    refund = Refund(
        id=uid or new_id(),
        payment_id=payment.id,
        booking_id=payment.booking_id,
        customer_id=payment.customer_id,
        amount=Money(amount_minor=amount_minor, currency=currency),
        cause=cause,
        to=to or payment.method,
        reason=reason,
        asked_by=asked_by,
        created_at=at,
        due_at=at,
    )
    told = [EventType.REFUND_CREATED]
    if refund.to is Method.CREDITS:
        refund = refund.done(None, at=at)
        told.append(EventType.REFUND_DONE)
    await _book(tx, refund, payment, told)
    return refund


async def note_found(
    tx: AsyncConnection, found: Refund, payment: Payment, *, came_back: bool = False
) -> None:
    """Book what somebody gave back of a payment at the gateway's own page. With `came_back` nobody
    is told that it was given, since the caller is about to say that it failed.

    The caller holds the booking's lock, and has reckoned on the payment as it stands.
    """
    if found.covered_minor:
        await _take(tx, payment, found.covered_minor)
    told = [EventType.REFUND_CREATED]
    if not came_back:
        told.append(EventType.REFUND_DONE)
    if found.excess_minor:
        told.append(EventType.REFUND_MISMATCHED)
    await _book(tx, found, payment, told)


async def note_made(
    tx: AsyncConnection, refund_id: UUID, gateway_id: str, *, is_found: bool = False
) -> None:
    """Note that a refund which had failed was given back after all; with `is_found` by somebody at
    the gateway's own page. One that is being tried anew by now is left to that."""
    refund = await refund_rows.lock(tx, _R.id == refund_id)
    if refund is None or refund.status is not RefundStatus.FAILED:
        return
    at = await clock.now(tx)
    by_hand = refund.stood_in_for(gateway_id, at=at)
    await refund_rows.save(tx, by_hand if is_found else replace(by_hand, found_as=refund.found_as))
    await events.append(tx, [rules.about(EventType.REFUND_DONE, refund)])


async def give_by_hand(
    tx: AsyncConnection, *, booking_id: UUID, by: Viewer, wish: Wish, key: Key | None = None
) -> list[Refund]:
    """Give back what a member of staff wants given back, of the newest payments first.

    The same key again answers with the first time's. Raises NotFound, InvalidInput, RefundTooLarge
    or IdempotencyKeyReused.
    """
    uid = new_id()
    if key is not None:
        first = await idempotency.claim(tx, key, user_id=by.user_id, result_id=uid)
        if first != uid:
            return await _given_with(tx, first)
    booking = await bookings.lock_for(tx, booking_id, by)
    paid = await payment_rows.lock_of(tx, booking_id)
    portions = rules.portions(booking, paid, wish)
    at = await clock.now(tx)
    given: list[Refund] = []
    for portion in portions:
        refund = await give(
            tx,
            portion.payment,
            portion.amount_minor,
            cause=RefundCause.BY_HAND,
            at=at,
            to=wish.to,
            reason=wish.reason,
            asked_by=by.user_id,
            uid=None if given else uid,
        )
        given.append(refund)
    return given


async def take(tx: AsyncConnection, refund_id: UUID) -> tuple[Refund, Payment] | None:
    """A refund whose time to be sent has come, and its payment; nobody else gets it for a while.
    None when there is nothing to send now."""
    refund = await refund_rows.lock(tx, _R.id == refund_id)
    at = await clock.now(tx)
    if refund is None or not refund.is_due(at):
        return None
    taken = refund.taken(at=at)
    await refund_rows.save(tx, taken)
    (payment,) = await payment_rows.by_ids(tx, [refund.payment_id])
    return taken, payment


async def sent(tx: AsyncConnection, taken: Refund, gateway_id: str) -> None:
    """Note that the gateway gives it back. Whoever took it longer ago than a lease changes
    nothing: somebody else has it by now."""
    if await _is_still_held(tx, taken):
        await refund_rows.save(tx, taken.done(gateway_id, at=await clock.now(tx)))
        await events.append(tx, [rules.about(EventType.REFUND_DONE, taken)])


async def not_sent(
    tx: AsyncConnection, taken: Refund, failure: str, *, again_in: timedelta
) -> datetime | None:
    """Note that the gateway did not answer, and when it is asked again; None where somebody else
    has it by now."""
    if not await _is_still_held(tx, taken):
        return None
    until = await clock.now(tx) + again_in
    await refund_rows.save(tx, taken.put_off(failure, until=until))
    return until


async def give_up(
    tx: AsyncConnection,
    taken: Refund,
    failure: str,
    *,
    refused: bool,
    gateway_id: str | None = None,
) -> None:
    """Ask the gateway no more, and let staff look: it said no for good, or nothing for too long.
    `gateway_id` is what it calls a refund that it has made, and that failed at once."""
    if await _is_still_held(tx, taken):
        await _give_up(tx, taken, failure, refused=refused, gateway_id=gateway_id)


async def revive(tx: AsyncConnection, refund_id: UUID) -> None:
    """Have a refund sent again which had failed. One that has not is left as it is."""
    refund = await refund_rows.lock(tx, _R.id == refund_id)
    if refund is not None and refund.status is RefundStatus.FAILED:
        await refund_rows.save(tx, refund.again(at=await clock.now(tx)))


async def reported(
    tx: AsyncConnection, gateway_id: str, status: RefundStatus, *, failure: str = ""
) -> bool:
    """What the gateway says has become of a refund that it had taken on: a card's bank may send it
    back days later. Is it one of ours? Not yet, where the gateway is quicker than our own note."""
    refund = await refund_rows.lock(tx, _R.gateway_id == gateway_id)
    if refund is None:
        return False
    # What it says in the meantime, or says twice, changes nothing.
    if status is RefundStatus.FAILED and refund.status is RefundStatus.DONE:
        await _give_up(tx, refund, failure, refused=True)
    return True


async def due(connection: AsyncConnection, *, limit: int) -> list[tuple[UUID, datetime]]:
    """Refunds whose time to be sent has passed, and when it was."""
    at = await clock.now(connection)
    query = select(_R.id, _R.due_at).where(_R.due_at <= at).order_by(_R.due_at).limit(limit)
    return [(row.id, row.due_at) for row in await connection.execute(query)]


async def _book(
    tx: AsyncConnection, refund: Refund, payment: Payment, told: Sequence[EventType]
) -> None:
    booking = await bookings.get(tx, refund.booking_id)
    await refund_rows.add(tx, refund)
    money = await ledger.settled(tx, booking.id)
    posting = rules.refund_posting(refund, payment, booking, money)
    await ledger.post(tx, [posting], at=refund.created_at)
    await events.append(tx, [rules.about(type_, refund) for type_ in told])


async def _take(tx: AsyncConnection, payment: Payment, amount_minor: int) -> str:
    """Note that so much of a payment goes back, and say in which currency. Raises
    RefundTooLarge."""
    p = payments.c
    # Asked of the row that is written: whoever gave something back meanwhile has been waited for.
    enough = p.received_minor - p.refunded_minor >= amount_minor
    raised = update(payments).where(p.id == payment.id, enough)
    more = raised.values(refunded_minor=p.refunded_minor + amount_minor)
    currency: str | None = await tx.scalar(more.returning(p.received_currency))
    if currency is None:
        (now,) = await payment_rows.by_ids(tx, [payment.id])
        left = now.received.currency if now.received else now.amount.currency
        raise RefundTooLarge(Money(amount_minor=now.refundable_minor, currency=left))
    return currency


async def _given_with(tx: AsyncConnection, refund_id: UUID) -> list[Refund]:
    """A refund and those that were given by the same act: what one act gives has one moment."""
    (first,) = await refund_rows.by_ids(tx, [refund_id])
    together = (_R.booking_id == first.booking_id) & (_R.created_at == first.created_at)
    mine = select(refunds).where(together, _R.asked_by == first.asked_by).order_by(_R.id)
    return [refund_rows.refund(row) for row in await tx.execute(mine)]


async def _give_up(
    tx: AsyncConnection,
    refund: Refund,
    failure: str,
    *,
    refused: bool,
    gateway_id: str | None = None,
) -> None:
    job, queue = _RETRY
    at = await clock.now(tx)
    failed = refund.failed(failure, refused=refused, at=at, gateway_id=gateway_id)
    await refund_rows.save(tx, failed)
    await dead_letters.rest(
        tx,
        call=f"{job}:{refund.id}",
        job=job,
        queue=queue,
        arguments=[str(refund.id)],
        error=failure,
        tries=refund.tries,
    )
    await events.append(tx, [rules.about(EventType.REFUND_FAILED, refund)])


async def _is_still_held(tx: AsyncConnection, taken: Refund) -> bool:
    now = await refund_rows.lock(tx, _R.id == taken.id)
    return now == taken
