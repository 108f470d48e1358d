"""A provider's feed: the work they have, and the work they had until lately."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from db import clock, providers
from db.bookings import booking
from db.tables import bookings, history, reservations, services
from domain import icalendar as rules
from domain.icalendar import AHEAD, BACK, GONE_TOLD, Feed

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.calendar_links import CalendarLink
    from domain.icalendar import Entry

#: More than anybody does in thirteen months; the earliest are told.
_MOST: Final = 5000


async def feed(connection: AsyncConnection, link: CalendarLink) -> Feed:
    """What the link's holder gets to read now."""
    at = await clock.now(connection)
    provider = await providers.get(connection, link.provider_id)
    mine = await _kept(connection, link, at=at)
    lost = await _lost(connection, link.provider_id, at=at)
    # A booking that moved on between the two reads is in both: the later word counts.
    entries = {entry.booking_id: entry for entry in (*mine, *lost)}
    return Feed(
        provider_name=provider.name,
        time_zone=provider.time_zone,
        entries=tuple(entries.values()),
    )


async def _kept(connection: AsyncConnection, link: CalendarLink, *, at: datetime) -> list[Entry]:
    """The bookings that are the provider's, those that were called off among them."""
    b, h = bookings.c, history.c
    query = (
        select(bookings, services.c.name.label("service_name"), h.at.label("changed_at"))
        .join_from(bookings, services, services.c.id == b.service_id)
        .join(history, and_(h.booking_id == b.id, h.version == b.version))
        .where(b.provider_id == link.provider_id, _told(bookings, at=at))
        .order_by(b.starts_at, b.id)
        .limit(_MOST)
    )
    told = (
        rules.entry(
            booking(row),
            service_name=row.service_name,
            changed_at=row.changed_at,
            viewer=rules.reader(link),
            at=at,
        )
        for row in await connection.execute(query)
    )
    return [entry for entry in told if entry is not None]


async def _lost(connection: AsyncConnection, provider_id: UUID, *, at: datetime) -> list[Entry]:
    """The bookings that went to somebody else, or to nobody, and lately were the provider's."""
    r, b, h = reservations.c, bookings.c, history.c
    version = (
        select(func.max(h.version))
        .where(h.booking_id == r.booking_id, h.at <= r.released_at)
        .scalar_subquery()
    )
    query = (
        # Of several times that it was theirs, the last.
        select(
            r.booking_id,
            r.starts_at,
            r.ends_at,
            r.released_at,
            version.label("version"),
            services.c.name.label("service_name"),
        )
        .ext(distinct_on(r.booking_id))
        .join_from(reservations, bookings, b.id == r.booking_id)
        .join(services, services.c.id == b.service_id)
        .where(r.provider_id == provider_id, r.released_at > at - GONE_TOLD)
        .where(b.provider_id.is_distinct_from(provider_id), _told(reservations, at=at))
        .order_by(r.booking_id, r.released_at.desc())
        .limit(_MOST)
    )
    return [
        rules.gone(
            row.booking_id,
            sequence=row.version,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            service_name=row.service_name,
            at=row.released_at,
        )
        for row in await connection.execute(query)
    ]


def _told(table: Any, *, at: datetime) -> ColumnElement[bool]:
    """Does its window touch the time that a feed tells of?"""
    during = func.tstzrange(table.c.starts_at, table.c.ends_at)
    return during.op("&&")(func.tstzrange(at - BACK, at + AHEAD))
