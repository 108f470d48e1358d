"""Who might do this work? The facts about them, read as matching needs them.

The hard rules that an index can answer are asked here, to keep the rest of the country out; all of
them are asked again, in full, by domain.matching.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, exists, false, func, lateral, or_, select, true

from db import availability, reservations
from db.addresses import point
from db.tables import job_offers, provider_services, shifts
from db.tables import providers as providers_table
from db.tables import reservations as reservations_table
from domain.availability import MARGIN
from domain.booking_rules import Advance
from domain.matching import DEFAULT_RULES, Candidate, Work
from domain.offers import OfferState
from domain.places import Point, box

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.availability import Availability, Block
    from domain.bookings import Booking


#: At most so many reach the ranking.
LIMIT: Final = 200
#: No provider travels further than this, so nobody outside it is looked at.
FARTHEST_MILES: Final = 100.0

_P = providers_table.c


def work_of(booking: Booking, *, reach_miles: float | None = None) -> Work:
    """A booking as matching sees it."""
    return Work(
        booking_id=booking.id,
        service_id=booking.service_id,
        block=booking.block,
        rules=booking.rules,
        immediate=booking.is_immediate,
        city=booking.address.city,
        postal_code=booking.address.postal_code,
        country=booking.address.country,
        point=booking.address.point,
        reach_miles=reach_miles,
    )


async def eligible(connection: AsyncConnection, work: Work, *, at: datetime) -> list[Candidate]:
    """Those whom no index rules out and who hold no offer of this work yet, nearest first."""
    query = (
        _facts(work)
        .where(_P.approved_at.is_not(None), _P.suspended_at.is_(None))
        .where(_offers(work), _free(work), ~_answered(work))
        .order_by(shifts.c.id.is_(None), _rough_distance(work), _P.id)
        .limit(LIMIT)
    )
    if work.point is not None:
        query = query.where(_near(work.point, work.reach_miles or FARTHEST_MILES))
    if work.immediate:
        query = query.where(shifts.c.heartbeat_at >= at - DEFAULT_RULES.heartbeat_fresh)
    return await _read(connection, query, work, at=at)


async def of_providers(
    connection: AsyncConnection, work: Work, provider_ids: Sequence[UUID], *, at: datetime
) -> list[Candidate]:
    """The facts about these providers, whatever they are."""
    return await _read(connection, _facts(work).where(_P.id.in_(provider_ids)), work, at=at)


def _facts(work: Work) -> Select[Any]:
    o = job_offers.c
    last = lateral(
        select(o.offered_at).where(o.provider_id == _P.id).order_by(o.id.desc()).limit(1)
    ).alias("last_offer")
    rejected = exists().where(
        o.booking_id == work.booking_id,
        o.provider_id == _P.id,
        o.state == OfferState.REJECTED,
    )
    on_shift = and_(shifts.c.provider_id == _P.id, shifts.c.ended_at.is_(None))
    return (
        select(
            providers_table,
            shifts.c.heartbeat_at,
            last.c.offered_at.label("last_offered_at"),
            _offers(work).label("offers_service"),
            rejected.label("rejected"),
        )
        .select_from(providers_table)
        .outerjoin(shifts, on_shift)
        .outerjoin(last, true())
    )


def _offers(work: Work) -> ColumnElement[bool]:
    s = provider_services.c
    return exists().where(s.service_id == work.service_id, s.provider_id == _P.id)


def _free(work: Work) -> ColumnElement[bool]:
    """Is no time of the window taken? (The gaps to the neighbours are asked for in the domain.)"""
    r = reservations_table.c
    window = func.tstzrange(*work.block.span)
    overlapping = r.during.op("&&")(window)
    return ~exists().where(r.provider_id == _P.id, reservations.is_taken(), overlapping)


def _answered(work: Work) -> ColumnElement[bool]:
    """Is the provider thinking about an offer of this work, or has said no to one?"""
    o = job_offers.c
    states = [OfferState.OFFERED, OfferState.REJECTED]
    mine = and_(o.booking_id == work.booking_id, o.provider_id == _P.id)
    return exists().where(mine, o.state.in_(states))


def _near(point: Point, miles: float) -> ColumnElement[bool]:
    around = box(point, miles)
    within = and_(
        _P.latitude.between(around.south, around.north),
        or_(false(), *(_P.longitude.between(west, east) for west, east in around.longitudes)),
    )
    # An unknown distance never disqualifies by itself.
    return or_(within, _P.latitude.is_(None))


def _rough_distance(work: Work) -> ColumnElement[Any]:
    """Something to sort by before the cut: squared degrees, unknown last."""
    if work.point is None:
        return _P.rating.desc().nulls_last()
    north, apart = _P.latitude - work.point.latitude, func.abs(_P.longitude - work.point.longitude)
    # The short way round, on meridians that lie closer together the further they are from the line.
    east = func.least(apart, 360 - apart) * math.cos(math.radians(work.point.latitude))
    return (north * north + east * east).nulls_last()


async def _read(
    connection: AsyncConnection, query: Select[Any], work: Work, *, at: datetime
) -> list[Candidate]:
    rows = list(await connection.execute(query))
    ids = [row.id for row in rows]
    if not ids:
        return []
    start, end = work.block.span
    # Where working days are counted from today on, all of them have to be known.
    counted_from = at if work.rules.advance is Advance.BOOKABLE_DAYS else start
    hours = await availability.of_providers(
        connection, ids, starts_at=min(counted_from, start) - MARGIN, ends_at=end + MARGIN
    )
    taken = await reservations.taken(
        connection, ids, starts_at=start - MARGIN, ends_at=end + MARGIN
    )
    return [_candidate(row, work, hours[row.id], taken.get(row.id, [])) for row in rows]


def _candidate(row: Row[Any], work: Work, hours: Availability, taken: Sequence[Block]) -> Candidate:
    return Candidate(
        provider_id=row.id,
        approved=row.approved_at is not None,
        suspended=row.suspended_at is not None,
        service_ids=frozenset({work.service_id} if row.offers_service else ()),
        availability=hours,
        taken=tuple(block for block in taken if block.booking_id != work.booking_id),
        city=row.city,
        postal_code=row.postal_code,
        country=row.country,
        point=point(row),
        radius_miles=row.radius_miles,
        on_shift=row.heartbeat_at is not None,
        heartbeat_at=row.heartbeat_at,
        rejected=row.rejected,
        years_experience=row.years_experience,
        rating=row.rating,
        completed_jobs=row.completed_jobs,
        last_offered_at=row.last_offered_at,
    )
