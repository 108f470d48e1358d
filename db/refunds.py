"""Refunds: how one is given, and what has become of it.

Lock order: booking, then its payments, then refunds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from db import bookings, clock, dead_letters, events, idempotency, ledger, payment_rows
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

    from sqlalchemy import ColumnElement, Row
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
    booking = await bookings.get(tx, payment.booking_id)
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
    await tx.execute(insert(refunds).values(_columns(refund)))
    money = await ledger.settled(tx, booking.id)
    await ledger.post(tx, [rules.refund_posting(refund, payment, booking, money)], at=at)
    await events.append(tx, [rules.about(type_, refund) for type_ in told])
    return refund


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
    refund = await _lock(tx, _R.id == refund_id)
    at = await clock.now(tx)
    if refund is None or not refund.is_due(at):
        return None
    taken = refund.taken(at=at)
    await _save(tx, taken)
    (payment,) = await payment_rows.by_ids(tx, [refund.payment_id])
    return taken, payment


async def sent(tx: AsyncConnection, taken: Refund, gateway_id: str) -> None:
    """Note that the gateway gives it back. Whoever took it longer ago than a lease changes
    nothing: somebody else has it by now."""
    if await _is_still_held(tx, taken):
        await _save(tx, taken.done(gateway_id, at=await clock.now(tx)))
        await events.append(tx, [rules.about(EventType.REFUND_DONE, taken)])


async def not_sent(
    tx: AsyncConnection, taken: Refund, failure: str, *, again_in: timedelta
) -> datetime | None:
    """Note that the gateway did not answer, and when it is asked again; None where somebody else
    has it by now."""
    if not await _is_still_held(tx, taken):
        return None
    until = await clock.now(tx) + again_in
    await _save(tx, taken.put_off(failure, until=until))
    return until


async def give_up(tx: AsyncConnection, taken: Refund, failure: str, *, refused: bool) -> None:
    """Ask the gateway no more, and let staff look: it said no for good, or nothing for too long."""
    if await _is_still_held(tx, taken):
        await _give_up(tx, taken, failure, refused=refused)


async def revive(tx: AsyncConnection, refund_id: UUID) -> None:
    """Have a refund sent again which had failed. One that has not is left as it is."""
    refund = await _lock(tx, _R.id == refund_id)
    if refund is not None and refund.status is RefundStatus.FAILED:
        await _save(tx, refund.again(at=await clock.now(tx)))


async def reported(
    tx: AsyncConnection, gateway_id: str, status: RefundStatus, *, failure: str = ""
) -> bool:
    """What the gateway says has become of a refund that it had taken on: a card's bank may send it
    back days later. Is it one of ours? Not yet, where the gateway is quicker than our own note."""
    refund = await _lock(tx, _R.gateway_id == gateway_id)
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


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Refund]:
    """The refunds with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(refunds).where(_R.id.in_(ids)))
    return [_refund(row) for row in rows]


async def of_payments(
    connection: AsyncConnection, payment_ids: Sequence[UUID]
) -> dict[UUID, list[Refund]]:
    """The refunds of each payment, oldest first."""
    query = select(refunds).where(_R.payment_id.in_(payment_ids)).order_by(_R.id)
    found: dict[UUID, list[Refund]] = {uid: [] for uid in payment_ids}
    for row in await connection.execute(query):
        found[row.payment_id].append(_refund(row))
    return found


async def of_bookings(
    connection: AsyncConnection, booking_ids: Sequence[UUID]
) -> dict[UUID, list[Refund]]:
    """The refunds of each booking, oldest first."""
    query = select(refunds).where(_R.booking_id.in_(booking_ids)).order_by(_R.id)
    found: dict[UUID, list[Refund]] = {uid: [] for uid in booking_ids}
    for row in await connection.execute(query):
        found[row.booking_id].append(_refund(row))
    return found


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
    (first,) = await by_ids(tx, [refund_id])
    together = (_R.booking_id == first.booking_id) & (_R.created_at == first.created_at)
    mine = select(refunds).where(together, _R.asked_by == first.asked_by).order_by(_R.id)
    return [_refund(row) for row in await tx.execute(mine)]


async def _give_up(tx: AsyncConnection, refund: Refund, failure: str, *, refused: bool) -> None:
    job, queue = _RETRY
    await _save(tx, refund.failed(failure, refused=refused, at=await clock.now(tx)))
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


async def _lock(tx: AsyncConnection, which: ColumnElement[bool]) -> Refund | None:
    row = (await tx.execute(select(refunds).where(which).with_for_update())).one_or_none()
    return None if row is None else _refund(row)


async def _is_still_held(tx: AsyncConnection, taken: Refund) -> bool:
    now = await _lock(tx, _R.id == taken.id)
    return now == taken


async def _save(tx: AsyncConnection, refund: Refund) -> None:
    await tx.execute(update(refunds).where(_R.id == refund.id).values(_columns(refund)))


#: Facts that a refund and its row call by the same name.
_PLAIN: Final = (
    *("id", "payment_id", "booking_id", "customer_id", "reason", "asked_by", "created_at"),
    *("gateway_id", "tries", "refusals", "due_at", "done_at", "failed_at", "failure"),
)


def _columns(value: Refund) -> dict[str, Any]:
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        "amount_minor": value.amount.amount_minor,
        "currency": value.amount.currency,
        "cause": value.cause,
        "destination": value.to,
        "status": value.status,
    }


def _refund(row: Row[Any]) -> Refund:
    return Refund(
        **{name: getattr(row, name) for name in _PLAIN},
        amount=Money(amount_minor=row.amount_minor, currency=row.currency),
        cause=RefundCause(row.cause),
        to=Method(row.destination),
    )
