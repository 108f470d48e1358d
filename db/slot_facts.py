"""What does a search for slots have to know? The providers near a place, their time, and what the
service's other bookings want of it; each read for all of them at once."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, exists, func, null, select, union_all

from db import booking_rules, coverage, diaries
from db.addresses import point
from db.engine import planned_anew
from db.tables import (
    bookings,
    certifications,
    holds,
    provider_blocks,
    provider_services,
    providers,
    shifts,
)
from domain.availability import MARGIN, Block
from domain.booking_rules import Advance
from domain.booking_steps import UNFINISHED
from domain.distance import miles_apart
from domain.matching import DEFAULT_RULES, plain
from domain.shifts import HEARTBEAT_FRESH
from domain.slots import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, Row, Select, Subquery
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.booking_rules import BookingRules
    from domain.hours import Span
    from domain.services import Service
    from domain.slot_search import Diary

#: A provider's day may begin a day before or after the day of the place.
_DAYS_AROUND: Final = MARGIN + timedelta(days=1)
#: So many providers are read well by any plan.
_FEW: Final = 50

_P = providers.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """A provider of a service who would come to a place."""

    provider_id: UUID
    zone: ZoneInfo
    #: How far they are from it; None when either place is not known.
    miles: float | None
    #: When their device was last heard from, if they are on shift.
    heartbeat_at: datetime | None
    same_city: bool
    same_country: bool
    #: The last day on which they may do the work, where it needs a certification that runs out.
    certified_until: date | None = None

    @property
    def distance(self) -> tuple[object, ...]:
        """Something to sort by, nearest first: by miles, or by city and country."""
        miles = math.inf if self.miles is None else self.miles
        return miles, not self.same_city, not self.same_country, self.provider_id

    def is_reachable(self, at: datetime) -> bool:
        """Can they be asked to come now: on shift, and heard from lately?"""
        return self.heartbeat_at is not None and at - self.heartbeat_at <= HEARTBEAT_FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks for a slot, and for what beyond the service: it rules providers out."""

    customer_id: UUID | None = None
    brand: str = ""


ANYBODY: Final = Asking()


async def nearby(
    connection: AsyncConnection,
    service: Service,
    place: Place | None,
    *,
    provider_id: UUID | None = None,
    asking: Asking = ANYBODY,
) -> list[Nearby]:
    """The providers who may do the service's work and would come, nearest first; or only the named
    one of them. Without a place, or where either is not known, distance keeps nobody out."""
    query = _offering(service, asking)
    if provider_id is not None:
        query = query.where(_P.id == provider_id)
    if place is not None and place.point is not None:
        query = query.where(coverage.covers(place.point))
    found = []
    for row in await connection.execute(query):
        miles = miles_apart(place, _place(row)) if place else None
        fits = {plain(skill) for skill in row.skills} >= set(map(plain, service.required_skills))
        knows = not plain(asking.brand) or plain(asking.brand) in map(plain, row.brands)
        if fits and knows and (miles is None or miles <= row.radius_miles):
            found.append(_nearby(row, place, miles))
    return sorted(found, key=lambda one: one.distance)


def _offering(service: Service, asking: Asking) -> Select[Any]:
    offers = and_(
        provider_services.c.provider_id == _P.id, provider_services.c.service_id == service.id
    )
    on_shift = and_(shifts.c.provider_id == _P.id, shifts.c.ended_at.is_(None))
    query = (
        select(
            *(_P.id, _P.time_zone, _P.radius_miles, shifts.c.heartbeat_at),
            *(_P.country, _P.postal_code, _P.city, _P.latitude, _P.longitude),
            *(_P.skills, _P.brands),
        )
        .select_from(providers)
        .join(provider_services, offers)
        .outerjoin(shifts, on_shift)
        .where(_P.approved_at.is_not(None), _P.suspended_at.is_(None))
        .where(_P.profile_percent >= DEFAULT_RULES.profile_percent)
    )
    if asking.customer_id is not None:
        b = provider_blocks.c
        apart = exists().where(b.provider_id == _P.id, b.customer_id == asking.customer_id)
        query = query.where(~apart)
    if not service.required_certifications:
        return query.add_columns(null().label("certified_until"))
    held = _certified(service.required_certifications)
    return query.join(held, held.c.provider_id == _P.id).add_columns(held.c.certified_until)


def _certified(codes: Sequence[str]) -> Subquery:
    """Who holds all of these certifications, verified, and the last day on which they hold them."""
    c = certifications.c
    lasting = func.max(func.coalesce(c.expires_on, date.max))
    each = (
        select(c.provider_id, lasting.label("until"))
        .where(c.code.in_(codes), c.removed_at.is_(None), c.verified_at.is_not(None))
        .group_by(c.provider_id, c.code)
        .subquery()
    )
    return (
        select(each.c.provider_id, func.min(each.c.until).label("certified_until"))
        .group_by(each.c.provider_id)
        .having(func.count() == len(set(codes)))
        .subquery()
    )


def _nearby(row: Row[Any], place: Place | None, miles: float | None) -> Nearby:
    same_country = bool(place and place.country == row.country)
    same_city = bool(place and place.city.casefold() == row.city.casefold())
    return Nearby(
        provider_id=row.id,
        zone=ZoneInfo(row.time_zone),
        miles=miles,
        heartbeat_at=row.heartbeat_at,
        same_city=same_country and same_city,
        same_country=same_country,
        certified_until=None if row.certified_until == date.max else row.certified_until,
    )


async def zone_of(connection: AsyncConnection, provider_id: UUID) -> ZoneInfo | None:
    """A provider's own zone, if there is such a provider."""
    name = await connection.scalar(select(_P.time_zone).where(_P.id == provider_id))
    return ZoneInfo(name) if name else None


async def time_of(
    connection: AsyncConnection,
    provider_ids: Sequence[UUID],
    *,
    rules: BookingRules,
    within: Span,
    at: datetime,
    leave_out: UUID | None = None,
) -> list[Diary]:
    """When these providers work between two instants, and what of it is taken.

    The booking `leave_out` is taken for not there: it is the one that is to be moved.
    """
    start, end = within
    # Working days are counted from today on, whenever the search begins.
    first = min(at, start) if rules.advance is Advance.BOOKABLE_DAYS else start
    async with planned_anew(connection) if len(provider_ids) > _FEW else nullcontext():
        kept = await diaries.of_providers(
            connection,
            provider_ids,
            hours=(first, end),
            work=(start - _DAYS_AROUND, end + _DAYS_AROUND),
        )
    found = (kept[uid] for uid in provider_ids if uid in kept)
    return [diary.without(leave_out) if leave_out else diary for diary in found]


async def alike(
    connection: AsyncConnection,
    service_id: UUID,
    place: Place | None,
    *,
    within: Span,
    leave_out: UUID | None = None,
) -> list[Span]:
    """The windows of the service's unfinished bookings and open holds in the place's district that
    touch a span; without a place, everywhere. `leave_out` is the booking or hold not to count."""
    b, h = bookings.c, holds.c
    booked = _touching(b, service_id, within).where(b.status.in_(sorted(UNFINISHED)))
    held = _touching(h, service_id, within).where(
        h.ended_at.is_(None), h.expires_at > func.clock_timestamp()
    )
    rows = await connection.execute(union_all(booked, held))
    return [
        (row.starts_at, row.ends_at)
        for row in rows
        if row.id != leave_out and (place is None or _shares_district(row, place))
    ]


def _touching(columns: Any, service_id: UUID, within: Span) -> Select[Any]:
    c = columns
    return select(c.id, c.starts_at, c.ends_at, c.country, c.postal_code).where(
        *_around(c, service_id, within)
    )


def _around(columns: Any, service_id: UUID, within: Span) -> Iterable[ColumnElement[bool]]:
    c, (start, end) = columns, within
    # No work is longer than a day, which lets the index on the start narrow it down.
    yield c.service_id == service_id
    yield c.starts_at > start - timedelta(days=1)
    yield c.starts_at < end
    yield c.ends_at > start


def _shares_district(row: Row[Any], place: Place) -> bool:
    there = Place(country=row.country, postal_code=row.postal_code)
    return (there.country, there.outward_code) == (place.country, place.outward_code)


async def waiting(
    connection: AsyncConnection,
    service_id: UUID,
    place: Place | None,
    *,
    within: Span,
    leave_out: UUID | None = None,
) -> list[Block]:
    """The service's bookings near a place that have no provider yet, whatever they wait for: each
    will take one of those who are free then. Without a place, everywhere."""
    b = bookings.c
    wide = within[0] - MARGIN, within[1] + MARGIN
    query: Select[Any] = (
        select(
            *(b.id, b.starts_at, b.ends_at, b.rules),
            *(b.country, b.postal_code, b.city, b.latitude, b.longitude),
        )
        .where(*_around(b, service_id, wide))
        .where(b.provider_id.is_(None), b.status.in_(sorted(UNFINISHED)))
    )
    rows = await connection.execute(query)
    return [
        _block(row)
        for row in rows
        if row.id != leave_out and (place is None or place.is_near(_place(row)))
    ]


def _place(row: Row[Any]) -> Place:
    return Place(country=row.country, postal_code=row.postal_code, city=row.city, point=point(row))


def _block(row: Row[Any]) -> Block:
    rules = booking_rules.rules(row.rules)
    return Block(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        before=rules.buffer_before,
        after=rules.buffer_after,
        point=point(row),
        travel_mph=rules.travel_mph,
        booking_id=row.id,
    )
