"""Who might do this work? The facts about them, read as matching needs them.

Every hard rule that an index can answer is asked here, so that the cost grows with those in range
and not with the country, and the best of them reach the ranking; all rules are asked again, in
full, by domain.matching.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, Uuid, any_, bindparam

from db import availability, candidate_facts, candidate_filters, diaries
from db.addresses import point
from db.tables import providers
from domain.availability import MARGIN
from domain.booking_rules import Advance
from domain.matching import V1, Candidate, Policy, Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.slot_search import Diary


#: At most so many reach the ranking at a time.
LIMIT: Final = 200

_P = providers.c


def work_of(booking: Booking, *, reach_miles: float | None = None) -> Work:
    """A booking as matching sees it."""
    return Work(
        booking_id=booking.id,
        customer_id=booking.customer_id,
        service_id=booking.service_id,
        block=booking.block,
        rules=booking.rules,
        immediate=booking.is_immediate,
        city=booking.address.city,
        postal_code=booking.address.postal_code,
        country=booking.address.country,
        point=booking.address.point,
        keywords=booking.keywords,
        requested_brand=booking.requested_brand,
        requirements=booking.requirements,
        reach_miles=reach_miles,
    )


async def eligible(
    connection: AsyncConnection,
    work: Work,
    *,
    at: datetime,
    policy: Policy = V1,
    record: bool = False,
    limit: int = LIMIT,
    skip: int = 0,
) -> list[Candidate]:
    """Those whom no index rules out and who hold no offer of this work yet, the most promising
    first: at most `limit`, after the first `skip`. Their record comes with them where it is
    scored."""
    statement = _best(candidate_filters.Filters.of(work), policy, record)
    page = {"skip": skip, "limit": limit}
    values = _values(work, at) | candidate_filters.parameters(work, at=at) | page
    return await _read(connection, statement, values, work, at=at)


async def of_providers(
    connection: AsyncConnection,
    work: Work,
    provider_ids: Sequence[UUID],
    *,
    at: datetime,
    record: bool = False,
) -> list[Candidate]:
    """The facts about these providers, whatever they are."""
    values = _values(work, at) | {"ids": list(provider_ids)}
    return await _read(connection, _named(record), values, work, at=at)


def _values(work: Work, at: datetime) -> dict[str, Any]:
    return candidate_facts.parameters(work, at=at)


# Built once for each shape of work: putting such a statement together takes longer than running it.
@lru_cache(maxsize=256)
def _best(filters: candidate_filters.Filters, policy: Policy, record: bool) -> Select[Any]:
    best = candidate_filters.best(filters, policy).subquery("best")
    facts = _facts(record).join(best, best.c.id == _P.id)
    return facts.order_by(best.c.points.desc(), best.c.far.nulls_last(), _P.id)


@lru_cache(maxsize=2)
def _named(record: bool) -> Select[Any]:
    ids = bindparam("ids", type_=ARRAY(Uuid))
    return _facts(record).where(_P.id == any_(ids))


def _facts(record: bool) -> Select[Any]:
    return candidate_facts.query(record=record).add_columns(*availability.usual_week())


async def _read(
    connection: AsyncConnection,
    query: Select[Any],
    values: Mapping[str, Any],
    work: Work,
    *,
    at: datetime,
) -> list[Candidate]:
    rows = (await connection.execute(query, values)).all()
    if not rows:
        return []
    start, end = work.block.span
    # Where working days are counted from today on, all of them have to be known.
    counted_from = at if work.rules.advance is Advance.BOOKABLE_DAYS else start
    kept = await diaries.of_weeks(
        connection,
        rows,
        hours=(min(counted_from, start) - MARGIN, end + MARGIN),
        work=(start - MARGIN, end + MARGIN),
    )
    return [candidate(row, work, kept[row.id]) for row in rows]


def candidate(row: Row[Any], work: Work, diary: Diary) -> Candidate:
    """The candidate in a row of candidate_facts, with their time."""
    return Candidate(
        provider_id=row.id,
        approved=row.approved_at is not None,
        suspended=row.suspended_at is not None,
        service_ids=frozenset({work.service_id} if row.offers_service else ()),
        availability=diary.availability,
        taken=tuple(block for block in diary.taken if block.booking_id != work.booking_id),
        city=row.city,
        postal_code=row.postal_code,
        country=row.country,
        point=point(row),
        radius_miles=row.radius_miles,
        on_shift=row.heartbeat_at is not None,
        heartbeat_at=row.heartbeat_at,
        rejected=row.rejected,
        withdrew=row.withdrew,
        blocked=row.blocked,
        skills=frozenset(row.skills),
        brands=frozenset(row.brands),
        certifications=frozenset(row.certifications),
        certified=bool(row.certifications),
        keywords=frozenset(row.keywords),
        years_experience=row.years_experience,
        rating=row.rating,
        completed_jobs=row.completed_jobs,
        profile_percent=row.profile_percent,
        last_offered_at=row.last_offered_at,
        idle_since=row.idle_since,
        offers_answered=row.offers_answered,
        offers_accepted=row.offers_accepted,
        offered_lately=row.offered_lately,
    )
