"""Provider time: how it is taken, given back and looked at.

One constraint forbids every overlap, whoever takes the time. Whoever takes it locks the provider's
row first: without that the constraint is safe, but many inserters at once deadlock each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from db.engine import constraint
from db.ids import new_id
from db.tables import reservations
from domain.bookings import Booking, SlotTaken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

NO_DOUBLE_BOOKING = "ex_reservations_no_double_booking"


async def reserve(tx: AsyncConnection, booking: Booking) -> None:
    """Take the booking's window of its provider's time. Raises SlotTaken on any overlap."""
    taken = {
        "id": new_id(),
        "provider_id": booking.provider_id,
        "booking_id": booking.id,
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
    }
    try:
        await tx.execute(insert(reservations), taken)
    except IntegrityError as error:
        if constraint(error) == NO_DOUBLE_BOOKING:
            raise SlotTaken from error
        raise


async def release(tx: AsyncConnection, booking_id: UUID, *, at: datetime) -> None:
    """Give a booking's time back to its provider."""
    live = (reservations.c.booking_id == booking_id) & reservations.c.live
    await tx.execute(update(reservations).where(live).values(released_at=at))


async def busy(
    connection: AsyncConnection,
    provider_ids: Sequence[UUID],
    *,
    starts_at: datetime,
    ends_at: datetime,
) -> dict[UUID, list[tuple[datetime, datetime]]]:
    """The taken times of each provider that touch the range, in order."""
    r = reservations.c
    query = (
        select(r.provider_id, r.starts_at, r.ends_at)
        .where(r.provider_id.in_(provider_ids), r.live)
        .where(r.during.op("&&")(func.tstzrange(starts_at, ends_at)))
        .order_by(r.starts_at)
    )
    taken: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for row in await connection.execute(query):
        taken.setdefault(row.provider_id, []).append((row.starts_at, row.ends_at))
    return taken
