"""What has a provider done in a period? Counted in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Interval, Select, case, cast, func, literal, select, true

from db.tables import bookings, job_offers, shifts
from domain.lifecycle import FORGOTTEN
from domain.offers import OfferState
from domain.shift_statistics import ShiftStatistics, check_period

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

_NONE: Final = cast(literal("0"), Interval)


async def of_provider(
    connection: AsyncConnection, provider_id: UUID, *, starts_at: datetime, ends_at: datetime
) -> ShiftStatistics:
    """A provider's statistics from one instant to another. Raises InvalidInput."""
    check_period(starts_at, ends_at)
    row = (await connection.execute(query(provider_id, starts_at, ends_at))).one()
    return ShiftStatistics(
        provider_id=provider_id, starts_at=starts_at, ends_at=ends_at, **row._mapping
    )


def query(provider_id: UUID, starts_at: datetime, ends_at: datetime) -> Select[Any]:
    """The one row that a provider's statistics are; each part is found by the provider's index."""
    on_shift, at_work, offered = (
        part(provider_id, starts_at, ends_at).subquery() for part in (_shifts, _work, _offers)
    )
    row = on_shift.join(at_work, true()).join(offered, true())
    return select(on_shift, at_work, offered).select_from(row)


def _shifts(provider_id: UUID, starts_at: datetime, ends_at: datetime) -> Select[Any]:
    s = shifts.c
    ended_at = func.coalesce(s.ended_at, func.now())
    return select(
        func.count().label("shifts"),
        _within(s.started_at, ended_at, starts_at, ends_at).label("on_shift"),
    ).where(s.provider_id == provider_id, s.started_at < ends_at, ended_at > starts_at)


def _work(provider_id: UUID, starts_at: datetime, ends_at: datetime) -> Select[Any]:
    b = bookings.c
    over_at = func.coalesce(b.completed_at, b.no_show_at, func.now())
    # Who forgot to say that it was done did not work until the clock said so.
    forgotten = over_at >= b.ends_at + FORGOTTEN
    ended_at = case((forgotten, func.greatest(b.started_at, b.ends_at)), else_=over_at)
    completed = (b.completed_at >= starts_at) & (b.completed_at < ends_at)
    begun = (b.started_at < ends_at) & (over_at >= starts_at)
    return select(
        func.count().filter(completed).label("jobs_completed"),
        _within(b.started_at, ended_at, starts_at, ends_at).label("at_work"),
    ).where(b.provider_id == provider_id, begun)


def _offers(provider_id: UUID, starts_at: datetime, ends_at: datetime) -> Select[Any]:
    o = job_offers.c
    answered = o.state.in_([OfferState.ACCEPTED, OfferState.REJECTED])
    half = func.percentile_cont(0.5).within_group(o.resolved_at - o.offered_at)
    return select(
        func.count().label("offers_received"),
        _in_state(OfferState.ACCEPTED).label("offers_accepted"),
        _in_state(OfferState.REJECTED).label("offers_rejected"),
        _in_state(OfferState.EXPIRED).label("offers_expired"),
        half.filter(answered).label("median_response"),
    ).where(o.provider_id == provider_id, o.offered_at >= starts_at, o.offered_at < ends_at)


def _in_state(state: OfferState) -> ColumnElement[int]:
    return func.count().filter(job_offers.c.state == state)


def _within(
    begun_at: ColumnElement[Any],
    ended_at: ColumnElement[Any],
    starts_at: datetime,
    ends_at: datetime,
) -> ColumnElement[Any]:
    """How much of each stretch lies in the period, in all."""
    part = func.least(ended_at, ends_at) - func.greatest(begun_at, starts_at)
    return func.coalesce(func.sum(func.greatest(part, _NONE)), _NONE)
