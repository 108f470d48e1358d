"""What keeps offers from a provider, and what has passed them by? Read for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, exists, false, func, or_, select, true

from db import (
    batch_candidates,
    bookings,
    candidates,
    certifications,
    clock,
    diaries,
    profiles,
    providers,
    services,
    shifts,
)
from db.ids import first_id
from db.tables import bookings as bookings_table
from db.tables import job_offers, provider_services
from domain.availability import MARGIN
from domain.matching import no_offers
from domain.matching.no_offers import LOOK_BACK, MOST_PASSED, Circumstances, NoOffers, PassedBy
from domain.people import whose
from domain.places import FIELD, box

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.people import Viewer
    from domain.providers import Provider

_B = bookings_table.c


async def of_provider(connection: AsyncConnection, named: UUID | None, *, by: Viewer) -> NoOffers:
    """Why a provider sees no offers, or no more than they do: for staff whom they name, for
    providers themselves. Raises NotFound, and InvalidInput where staff name nobody."""
    uid = whose(by, named)
    found = await providers.by_ids(connection, [uid])
    at = await clock.now(connection)
    if not found:
        return no_offers.unknown(uid, viewer=by, at=at)
    who = await _circumstances(connection, found[0], at=at)
    return NoOffers(
        provider_id=uid,
        at=at,
        obstacles=no_offers.obstacles(who, at=at),
        completion=who.completion,
        offers_made=await _offers_made(connection, uid, at=at),
        passed_by=await _passed_by(connection, found[0], at=at),
    )


async def _circumstances(
    connection: AsyncConnection, provider: Provider, *, at: datetime
) -> Circumstances:
    uid = provider.id
    offered = (await providers.services_of(connection, [uid]))[uid]
    known = await services.by_ids(connection, offered)
    near = at - MARGIN, at + MARGIN
    diary = (await diaries.of_providers(connection, [uid], hours=(at, at), work=near))[uid]
    on_shift = await shifts.open_shifts(connection, [uid])
    return Circumstances(
        provider=provider,
        completion=(await profiles.completions(connection, [uid]))[uid],
        services=tuple(one for one in known if one.active),
        certifications=tuple((await certifications.of_providers(connection, [uid]))[uid]),
        availability=diary.availability,
        taken=tuple(diary.taken),
        shift=on_shift.get(uid),
    )


async def _offers_made(connection: AsyncConnection, provider_id: UUID, *, at: datetime) -> int:
    o = job_offers.c
    made = select(func.count()).where(o.provider_id == provider_id, o.offered_at >= at - LOOK_BACK)
    return int(await connection.scalar(made) or 0)


async def _passed_by(
    connection: AsyncConnection, provider: Provider, *, at: datetime
) -> tuple[PassedBy, ...]:
    """What the rules say of each of them."""
    rows = await connection.execute(_not_offered(provider, at=at))
    missed = [bookings.booking(row) for row in rows]
    asked = [(candidates.work_of(booking), provider.id) for booking in missed]
    facts = await batch_candidates.of_pairs(connection, asked, at=at, record=False)
    found = (
        no_offers.passed_by(booking, work, candidate, at=at)
        for booking, (work, _), candidate in zip(missed, asked, facts, strict=True)
    )
    return tuple(one for one in found if one is not None)


def _not_offered(provider: Provider, *, at: datetime) -> Select[Any]:
    """The newest bookings near a provider that somebody was looked for, and that they neither were
    offered nor have."""
    o, s = job_offers.c, provider_services.c
    since = at - LOOK_BACK
    offered = select(s.service_id).where(s.provider_id == provider.id)
    put = exists().where(o.booking_id == _B.id, o.provider_id == provider.id)
    return (
        select(bookings_table)
        # Ids are by age: so far back their index is read, and no further.
        .where(_B.id >= first_id(since), _B.requested_at >= since)
        .where(_B.service_id.in_(offered), or_(_B.round > 0, _B.match_due_at.is_not(None)))
        .where(_B.provider_id.is_distinct_from(provider.id), ~put, _near(provider))
        .order_by(_B.id.desc())
        .limit(MOST_PASSED)
    )


def _near(provider: Provider) -> ColumnElement[bool]:
    """Is the work in the provider's reach, or where nobody travels, or is that not known?

    Asked of the middle of its field, as domain.places.rough has it: what is shown and what is not
    tells of where it is too.
    """
    if provider.point is None:
        return true()
    on_site = _B.requirements["on_site"].astext.cast(Boolean)
    unknown = or_(~func.coalesce(on_site, True), _B.latitude.is_(None))
    around = box(provider.point, provider.radius_miles)
    within = middle(_B.latitude, FIELD[0], 90).between(around.south, around.north)
    longitude = middle(_B.longitude, FIELD[1], 180)
    stretches = (longitude.between(west, east) for west, east in around.longitudes)
    return or_(unknown, within & or_(false(), *stretches))


def middle(degrees: ColumnElement[float], field: float, most: float) -> ColumnElement[float]:
    """As domain.places.rough: where the field that a place lies in has its middle."""
    return func.least((func.floor(degrees / field) + 0.5) * field, most)
