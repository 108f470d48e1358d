"""How does an event become messages to people? In one transaction, and once for each of them.

What an event is about is read as it stands, without locks: whatever changes it meanwhile has an
event of its own. Who tells the same twice, or at once, meets the constraint on what is told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import delete, func, select

from db import (
    bookings,
    clock,
    events,
    notifications,
    offers,
    payment_rows,
    preferences,
    reminders,
    waitlist,
)
from db.tables import bookings as booking_rows
from db.tables import history, untold_events, users, withdrawals
from domain import telling as rules
from domain.booking_steps import Act
from domain.circumstances import Circumstances, To
from domain.events import EventType
from domain.notifications import draft
from domain.people import STAFF
from domain.reminders import MOVED_BY, is_too_late
from domain.telling import TABLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.events import RecordedEvent
    from domain.messages import Channel, ReminderKind
    from domain.telling import Telling

T = TypeVar("T")

#: How long the relay's own wake-up may take, and for how long an event is worth telling of.
_PATIENCE: Final = timedelta(seconds=10)
_NEWS: Final = timedelta(days=1)


async def plan(tx: AsyncConnection, event_id: UUID) -> None:
    """Plan the reminders of the booking that an event is about, if it may have moved them.

    Raises NotFound.
    """
    event = await events.find(tx, event_id)
    if event is None or event.type not in MOVED_BY:
        return
    await reminders.plan(tx, await bookings.lock(tx, event.subject["booking"]))


async def tell(tx: AsyncConnection, event_id: UUID) -> frozenset[Channel]:
    """Tell everybody who is to hear of an event. On which channels something is to be sent now."""
    await tx.execute(delete(untold_events).where(untold_events.c.event_id == event_id))
    event = await events.find(tx, event_id)
    if event is None:
        return frozenset()
    so = await _circumstances(tx, event)
    told = rules.of_event(event.type, so)
    return await _give(tx, told, cause=f"event:{event.id}", subject=event.subject, at=so.at)


async def remind(tx: AsyncConnection, booking_id: UUID, kind: ReminderKind) -> frozenset[Channel]:
    """Remind people of a booking, if that is due as the booking stands. On which channels
    something is to be sent now.

    Early, again or of what has moved on, nothing is said; so late that it is of no use, either.
    Raises NotFound.
    """
    booking = await bookings.lock(tx, booking_id)
    planned = await reminders.plan(tx, booking)
    reminder, at = planned.get(kind), await clock.now(tx)
    if reminder is None or not reminder.is_due(at):
        return frozenset()
    await reminders.done(tx, reminder, at=at)
    if is_too_late(booking, kind, at=at):
        return frozenset()
    subject = {"booking": booking.id, "customer": booking.customer_id}
    if booking.provider_id is not None:
        subject["provider"] = booking.provider_id
    told = rules.of_reminder(kind, Circumstances(at=at, subject=subject, booking=booking))
    return await _give(tx, told, cause=reminder.cause, subject=subject, at=at)


async def overlooked(connection: AsyncConnection, *, limit: int) -> list[UUID]:
    """The events that nobody has been told of although it is time: their wake-ups were lost.

    What could not be told in a day rests in a dead letter, if anywhere, and is news no more.
    """
    since, now = untold_events.c.since, func.clock_timestamp()
    which = since.between(now - _NEWS, now - _PATIENCE)
    query = select(untold_events.c.event_id).where(which).order_by(since).limit(limit)
    return list(await connection.scalars(query))


async def _give(
    tx: AsyncConnection,
    told: Sequence[Telling],
    *,
    cause: str,
    subject: Mapping[str, UUID],
    at: datetime,
) -> frozenset[Channel]:
    if not told:
        return frozenset()
    people = {one.recipient_id for one in told}
    reaches = await preferences.reach(tx, await _active(tx, people))
    drafts = [
        draft(one, reaches[one.recipient_id], at=at) for one in told if one.recipient_id in reaches
    ]
    planned = await notifications.add(
        tx, [one for one in drafts if one.is_told], cause=cause, subject=subject, at=at
    )
    return frozenset(one.channel for one in planned if one.due_at <= at)


async def _circumstances(tx: AsyncConnection, event: RecordedEvent) -> Circumstances:
    """What an event's rules may look at, as it stands."""
    subject = event.subject
    is_for_staff = any(rule.to is To.STAFF for rule in TABLE.get(event.type, ()))
    is_released = event.type is EventType.BOOKING_RELEASED
    is_paid = event.type is EventType.BOOKING_PAID
    return Circumstances(
        subject=subject,
        booking=await _one(bookings.by_ids, tx, subject.get("booking")),
        offer=await _one(offers.by_ids, tx, subject.get("offer")),
        payment=await _one(payment_rows.by_ids, tx, subject.get("payment")),
        waiter=await _one(waitlist.by_ids, tx, subject.get("waitlist_entry")),
        gave_back=is_released and await _gave_back(tx, subject),
        brought_back=is_paid and await _brought_back(tx, subject["booking"]),
        staff=await _staff(tx) if is_for_staff else (),
        at=await clock.now(tx),
    )


async def _one(
    read: Callable[[AsyncConnection, Sequence[UUID]], Awaitable[Sequence[T]]],
    tx: AsyncConnection,
    uid: UUID | None,
) -> T | None:
    return next(iter(await read(tx, [uid])), None) if uid is not None else None


async def _staff(tx: AsyncConnection) -> tuple[UUID, ...]:
    """Everybody who runs the house."""
    theirs = select(users.c.id).where(users.c.role.in_(sorted(STAFF)))
    return tuple(await tx.scalars(theirs.order_by(users.c.id)))


async def _active(tx: AsyncConnection, people: Collection[UUID]) -> list[UUID]:
    """Those whose accounts the house has not closed."""
    open_ones = select(users.c.id).where(users.c.id.in_(people), users.c.disabled_at.is_(None))
    return list(await tx.scalars(open_ones))


async def _brought_back(tx: AsyncConnection, booking_id: UUID) -> bool:
    """Was the booking restored by the payment that it has?"""
    h, b = history.c, booking_rows.c
    then = (h.booking_id == booking_id) & (h.act == Act.RESTORE) & (h.at == b.paid_at)
    query = select(h.at).join(booking_rows, b.id == h.booking_id).where(then)
    return await tx.scalar(query) is not None


async def _gave_back(tx: AsyncConnection, subject: Mapping[str, UUID]) -> bool:
    """Did the provider get out of the booking themselves?"""
    w = withdrawals.c
    theirs = (w.booking_id == subject["booking"]) & (w.provider_id == subject["provider"])
    return await tx.scalar(select(w.at).where(theirs)) is not None
