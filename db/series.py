"""Series: how one is locked, read, kept and listed. How bookings are made: series_bookings.py."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import exists, func, insert, select, update

from db import bookable, pages
from db.tables import bookings, series
from domain.booking_steps import UNFINISHED
from domain.bookings import BookingKind
from domain.places import Address, Point
from domain.recurrence import parse
from domain.refusals import NotFound
from domain.requests import BookingRequest
from domain.series import Series, SeriesPlace
from domain.vehicles import Vehicle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest
    from domain.people import Viewer

_S: Final = series.c
_NEWEST_FIRST: Final = pages.Order(columns=(_S.id,), parse=(UUID,), descending=True)


async def lock(tx: AsyncConnection, series_id: UUID) -> Series:
    """One series, kept from every other writer until this transaction ends, and its customer's
    other requests with it: making a booking locks the customer first. Raises NotFound."""
    query = select(series).where(_S.id == series_id)
    customer_id = await tx.scalar(query.with_only_columns(_S.customer_id))
    if customer_id is None:
        raise NotFound("BookingSeries")
    await bookable.lock_customer(tx, customer_id)
    return a_series((await tx.execute(query.with_for_update())).one())


async def lock_for(tx: AsyncConnection, series_id: UUID, viewer: Viewer) -> Series:
    """A series of the viewer's own, or anyone's for staff, locked. Raises NotFound."""
    found = await lock(tx, series_id)
    if not found.is_visible_to(viewer):
        raise NotFound("BookingSeries")
    return found


async def going_on(connection: AsyncConnection, customer_id: UUID) -> int:
    """How many of a customer's series have something to come: bookings, made or to be made."""
    b = bookings.c
    to_come = exists().where(b.series_id == _S.id, b.status.in_(sorted(UNFINISHED)))
    mine = (_S.customer_id == customer_id) & (_S.next_due_at.is_not(None) | to_come)
    return int(await connection.scalar(select(func.count()).where(mine)) or 0)


async def get(connection: AsyncConnection, series_id: UUID) -> Series:
    """One series. Raises NotFound."""
    found = await by_ids(connection, [series_id])
    if not found:
        raise NotFound("BookingSeries")
    return found[0]


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Series]:
    """The series with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(series).where(_S.id.in_(ids)))
    return [a_series(row) for row in rows]


async def page(
    connection: AsyncConnection, request: PageRequest, *, customer_id: UUID
) -> Page[Series]:
    """A page of a customer's series, newest first."""
    mine = select(series).where(_S.customer_id == customer_id)
    return await pages.fetch(connection, mine, _NEWEST_FIRST, request, a_series)


async def count(connection: AsyncConnection, *, customer_id: UUID) -> int:
    """How many series a customer has made."""
    return await pages.count(connection, select(series).where(_S.customer_id == customer_id))


async def save(tx: AsyncConnection, changed: Series) -> None:
    """Keep what changed of a locked series."""
    await tx.execute(update(series).where(_S.id == changed.id).values(_columns(changed)))


async def add(tx: AsyncConnection, new: Series) -> None:
    """Keep a new series."""
    await tx.execute(insert(series), _columns(new))


async def detach(tx: AsyncConnection, booking_ids: Sequence[UUID | None]) -> None:
    """Let bookings be no part of any series. The caller holds their locks."""
    theirs = bookings.c.id.in_([one for one in booking_ids if one is not None])
    await tx.execute(update(bookings).where(theirs).values(series_id=None, original_start=None))


async def attach(tx: AsyncConnection, booking_id: UUID, place: SeriesPlace) -> None:
    """Let a booking be this occurrence. The caller holds its lock."""
    mine = {"series_id": place.series_id, "original_start": place.original_start}
    await tx.execute(update(bookings).where(bookings.c.id == booking_id).values(mine))


_SAID: Final = (
    *("access_instructions", "special_requirements", "concern", "requested_brand"),
    *("terms_accepted", "override_reason"),
)


def _columns(value: Series) -> dict[str, Any]:
    asked = value.asked
    return {
        "id": value.id,
        "customer_id": asked.customer_id,
        "service_id": asked.service_id,
        "provider_id": asked.provider_id,
        "preferred_provider_id": asked.preferred_provider_id,
        "asked": {
            **{name: getattr(asked, name) for name in _SAID},
            "address": asdict(asked.address),
            "vehicle": asdict(asked.vehicle) if asked.vehicle else None,
        },
        "zone": value.time_zone,
        "first_local_start": value.first_local_start,
        "rrule": value.rule.text,
        "version": value.version,
        "created_at": value.created_at,
        "done_until": value.done_until,
        "next_due_at": value.next_due_at,
        "ended_at": value.ended_at,
        "follows_id": value.follows_id,
    }


def a_series(row: Row[Any]) -> Series:
    """The series in a row."""
    said = dict(row.asked)
    address, vehicle = said.pop("address"), said.pop("vehicle")
    point = address.pop("point")
    return Series(
        id=row.id,
        asked=BookingRequest(
            customer_id=row.customer_id,
            service_id=row.service_id,
            provider_id=row.provider_id,
            preferred_provider_id=row.preferred_provider_id,
            kind=BookingKind.SCHEDULED,
            address=Address(**address, point=Point(**point) if point else None),
            vehicle=Vehicle(**vehicle) if vehicle else None,
            **said,
        ),
        time_zone=row.zone,
        first_local_start=row.first_local_start,
        rule=parse(row.rrule),
        version=row.version,
        created_at=row.created_at,
        done_until=row.done_until,
        next_due_at=row.next_due_at,
        ended_at=row.ended_at,
        follows_id=row.follows_id,
    )
