"""Provider time: how it is taken, given back and looked at.

One constraint forbids every overlap, whoever takes the time. Whoever takes it locks the provider's
row first: without that the constraint is safe, but many inserters at once deadlock each other.
A hold's time is taken only until the hold expires, whether somebody has swept it or not.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, func, insert, or_, update
from sqlalchemy.exc import IntegrityError

from db.addresses import point, point_columns
from db.engine import constraint
from db.ids import new_id
from db.tables import reservations
from db.tables.base import Instant
from domain.availability import Block
from domain.bookings import SlotTaken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.holds import Hold

NO_DOUBLE_BOOKING = "ex_reservations_no_double_booking"

_R = reservations.c


async def reserve(
    tx: AsyncConnection, provider_id: UUID, block: Block, *, hold: Hold | None = None
) -> None:
    """Take a block of a provider's time, for its booking or for a hold. Raises SlotTaken.

    The caller holds the provider's lock. Expired holds that are in the way go first: the constraint
    cannot look at a clock.
    """
    await _take(tx, [_row(provider_id, block, hold)])


async def reserve_all(tx: AsyncConnection, blocks: Sequence[tuple[UUID, Block]]) -> None:
    """Take time of many providers, each for its booking. Raises SlotTaken.

    The caller holds the providers' locks.
    """
    if blocks:
        await _take(tx, [_row(provider_id, block, None) for provider_id, block in blocks])


async def _take(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await _release_expired(tx, [row["provider_id"] for row in rows])
    try:
        await tx.execute(insert(reservations), rows)
    except IntegrityError as error:
        if constraint(error) == NO_DOUBLE_BOOKING:
            raise SlotTaken from error
        raise


def _row(provider_id: UUID, block: Block, hold: Hold | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "provider_id": provider_id,
        "booking_id": block.booking_id,
        "hold_id": hold.id if hold else None,
        "expires_at": hold.expires_at if hold else None,
        "starts_at": block.starts_at,
        "ends_at": block.ends_at,
        "before_minutes": block.before // timedelta(minutes=1),
        "after_minutes": block.after // timedelta(minutes=1),
        "travel_mph": block.travel_mph,
        **point_columns(block.point),
    }


async def release(
    tx: AsyncConnection, booking_id: UUID, *, at: datetime, done: bool = False
) -> None:
    """Give a booking's time back to its provider; when the work is `done` it counts as a job of
    that day all the same."""
    await _release(tx, _R.booking_id == booking_id, at, done=done)


async def release_hold(tx: AsyncConnection, hold_id: UUID, *, at: datetime) -> None:
    """Give a hold's time back to its provider."""
    await _release(tx, _R.hold_id == hold_id, at)


def is_taken() -> ColumnElement[bool]:
    """Of a reservation: does it take its time at this moment?"""
    return _R.live & or_(_R.expires_at.is_(None), _R.expires_at > func.clock_timestamp())


def touching() -> ColumnElement[bool]:
    """The taken time of the providers `ids` that touches the range from `starts_at` to `ends_at`:
    bookings, open holds, and the work that is done, for the count of the day's jobs."""
    start, end = bindparam("starts_at", type_=Instant), bindparam("ends_at", type_=Instant)
    theirs = _R.provider_id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    now = is_taken() & _R.during.op("&&")(func.tstzrange(start, end))
    return and_(theirs, or_(now, _R.done & _R.starts_at.between(start, end)))


#: What a block is read from, beside its provider and its span.
FACTS: Final = (
    *(_R.booking_id, _R.before_minutes, _R.after_minutes),
    *(_R.latitude, _R.longitude, _R.travel_mph, _R.done),
)


async def _release_expired(tx: AsyncConnection, provider_ids: Sequence[UUID]) -> None:
    expired = _R.provider_id.in_(provider_ids) & (_R.expires_at <= func.clock_timestamp())
    await _release(tx, expired, func.clock_timestamp())


async def _release(
    tx: AsyncConnection, which: ColumnElement[bool], at: Any, *, done: bool = False
) -> None:
    await tx.execute(update(reservations).where(which, _R.live).values(released_at=at, done=done))


def block(row: Any) -> Block:
    """The taken time in a row."""
    return Block(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        before=timedelta(minutes=row.before_minutes),
        after=timedelta(minutes=row.after_minutes),
        point=point(row),
        travel_mph=row.travel_mph,
        booking_id=row.booking_id,
        done=row.done,
    )
