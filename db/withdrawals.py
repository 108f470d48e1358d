"""Withdrawals: how a provider gets out of a booking, and who is not to be asked for it again.

Lock order: booking, provider, offers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db import bookings, clock, idempotency, offers, providers
from db.tables import withdrawals
from domain import withdrawals as rules
from domain.booking_steps import Act
from domain.withdrawals import Withdrawal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.idempotency import Key
    from domain.people import Viewer

_W = withdrawals.c


async def hand_back(
    tx: AsyncConnection, *, booking_id: UUID, by: Viewer, reason: str, key: Key | None = None
) -> Withdrawal:
    """Take a booking from its provider, who gives it back, and offer it to others at once.

    Giving it back again answers with the first time. Raises NotFound, InvalidInput, WrongStatus or
    IdempotencyKeyReused.
    """
    if key is not None:
        await idempotency.claim(tx, key, user_id=by.user_id, result_id=booking_id)
    booking = await bookings.lock(tx, booking_id)
    await providers.lock(tx, [by.user_id])
    known = await offers.lock_of(tx, booking_id)
    done = rules.hand_back(
        booking,
        known,
        by=by.user_id,
        reason=reason,
        earlier=await _between(tx, booking_id, by.user_id),
        at=(at := await clock.now(tx)),
    )
    if done.outcome.booking != booking:
        await offers.keep(
            tx, booking, done.outcome, at=at, act=Act.RELEASE, actor=by.user_id, reason=reason
        )
        await add(tx, done.withdrawal)
    return done.withdrawal


async def give_back(
    tx: AsyncConnection,
    booking: Booking,
    *,
    provider_id: UUID,
    reason: str,
    words: str,
    by: Viewer,
    at: datetime,
) -> None:
    """Take a locked booking from its locked provider for a reason of theirs; the history has the
    `words` instead. Raises WrongStatus."""
    known = await offers.lock_of(tx, booking.id)
    done = rules.withdraw(booking, known, by=provider_id, reason=reason, at=at)
    await offers.keep(
        tx, booking, done.outcome, at=at, act=Act.RELEASE, actor=by.user_id, reason=words
    )
    await add(tx, done.withdrawal)


async def add(tx: AsyncConnection, new: Withdrawal) -> None:
    """Keep a withdrawal; who was given the booking again, and is out of it again, has a new one."""
    row = {name: getattr(new, name) for name in _PLAIN}
    again = {"reason": new.reason, "at": new.at}
    added = insert(withdrawals).values(row)
    await tx.execute(
        added.on_conflict_do_update(index_elements=[_W.booking_id, _W.provider_id], set_=again)
    )


async def made_at(
    connection: AsyncConnection, provider_id: UUID, instants: Sequence[datetime]
) -> list[Withdrawal]:
    """A provider's withdrawals of exactly these moments: what one act made has one moment."""
    theirs = (_W.provider_id == provider_id) & _W.at.in_(instants)
    rows = await connection.execute(select(withdrawals).where(theirs).order_by(_W.booking_id))
    return [_withdrawal(row) for row in rows]


async def _between(tx: AsyncConnection, booking_id: UUID, provider_id: UUID) -> Withdrawal | None:
    both = (_W.booking_id == booking_id) & (_W.provider_id == provider_id)
    row = (await tx.execute(select(withdrawals).where(both))).one_or_none()
    return _withdrawal(row) if row else None


_PLAIN = ("booking_id", "provider_id", "reason", "at")


def _withdrawal(row: Row[Any]) -> Withdrawal:
    return Withdrawal(**{name: getattr(row, name) for name in _PLAIN})
