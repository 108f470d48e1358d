"""Why this provider, why not that one, why nobody? The facts are read as matching reads them.

Nothing is locked and nothing changed: an explanation is of the moment in which it is asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from db import bookings, candidates, clock, matching, offers
from db.tables import provider_services, providers
from domain.matching import explanations, nobody
from domain.offers import OfferState
from domain.postcodes import centroid
from domain.refusals import NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.house import HouseRules
    from domain.matching import Work
    from domain.matching.explanations import Explanation
    from domain.matching.nobody import WhyNobody
    from domain.offers import JobOffer

_P = providers.c


async def explain(
    connection: AsyncConnection, *, booking_id: UUID, provider_id: UUID, house: HouseRules
) -> Explanation:
    """Why a provider is, or is not, asked to do a booking's work. Raises NotFound."""
    booking, made, at = await _search(connection, booking_id)
    ahead = explanations.next_round(booking, made, at=at, rules=house.waves)
    work = candidates.work_of(booking, reach_miles=ahead.reach_miles if ahead else None)
    # Matching does not look at those whom it has asked: they have their places all the same.
    asked = {one.provider_id for one in made if one.state is OfferState.OFFERED}
    named = asked | {provider_id}
    if booking.preferred_provider_id is not None:
        named.add(booking.preferred_provider_id)
    record = house.scores_records
    known = await candidates.of_providers(connection, work, sorted(named), at=at, record=record)
    if all(one.provider_id != provider_id for one in known):
        raise NotFound("Provider")
    crowd = await candidates.eligible(connection, work, at=at, policy=house.policy, record=record)
    size = explanations.seeks(ahead, rules=house.waves)
    able = await matching.able(connection, work, at=at, house=house, size=size)
    pool = [*crowd, *able, *known]
    return explanations.explain(
        booking,
        made,
        provider_id,
        pool,
        work=work,
        at=at,
        policy=house.policy,
        rules=house.waves,
        beyond={one.provider_id for one in pool} - asked - {one.provider_id for one in able},
    )


async def why_nobody(
    connection: AsyncConnection, *, booking_id: UUID, house: HouseRules
) -> WhyNobody:
    """What keeps providers from a booking's work. Raises NotFound."""
    booking, made, at = await _search(connection, booking_id)
    ahead = explanations.next_round(booking, made, at=at, rules=house.waves)
    work = candidates.work_of(booking, reach_miles=ahead.reach_miles if ahead else None)
    rows = (await connection.execute(nearest(work, limit=nobody.LOOKED_AT))).all()
    near = [row.id for row in rows]
    return nobody.why_nobody(
        booking,
        made,
        await candidates.of_providers(connection, work, near, at=at),
        offering=rows[0].offering if rows else 0,
        work=work,
        at=at,
        rules=house.waves,
    )


async def _search(
    connection: AsyncConnection, booking_id: UUID
) -> tuple[Booking, list[JobOffer], datetime]:
    booking = await bookings.get(connection, booking_id)
    made = await offers.of_bookings(connection, [booking_id])
    return booking, made[booking_id], await clock.now(connection)


def nearest(work: Work, *, limit: int) -> Select[Any]:
    """Who offers the service, the nearest, each beside how many do."""
    s = provider_services.c
    return (
        select(_P.id, func.count().over().label("offering"))
        .join_from(provider_services, providers, _P.id == s.provider_id)
        .where(s.service_id == work.service_id)
        .order_by(*_rough_distance(work), _P.id)
        .limit(limit)
    )


def _rough_distance(work: Work) -> tuple[ColumnElement[Any], ...]:
    """Something to sort by: squared degrees, unknown last."""
    here = work.point or centroid(work.country, work.postal_code)
    if here is None:
        return ()
    north, apart = _P.latitude - here.latitude, func.abs(_P.longitude - here.longitude)
    # The short way round, on meridians that lie closer together the further they are from the line.
    east = func.least(apart, 360 - apart) * math.cos(math.radians(here.latitude))
    return ((north * north + east * east).nulls_last(),)
