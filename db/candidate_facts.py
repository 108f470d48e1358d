"""What does matching know of a provider, beside their time? One row for each of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Date,
    Integer,
    Interval,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
)

from db.ids import first_id
from db.tables import (
    certifications,
    job_offers,
    provider_blocks,
    provider_services,
    providers,
    reservations,
    shifts,
    withdrawals,
)
from db.tables.base import Instant
from domain.offers import OfferState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select

    from domain.matching import Work

#: A provider's record is what became of the offers made to them since then; the newest of them are
#: those made lately.
RECORD: Final = timedelta(days=30)
LATELY: Final = timedelta(days=1)

_P, _O = providers.c, job_offers.c
_AT: Final[ColumnElement[Any]] = bindparam("at", type_=Instant)
_BOOKING: Final[ColumnElement[Any]] = bindparam("booking_id", type_=Uuid)
_CUSTOMER: Final[ColumnElement[Any]] = bindparam("customer_id", type_=Uuid)
_SERVICE: Final[ColumnElement[Any]] = bindparam("service_id", type_=Uuid)
_LAST_INSTANT: Final[ColumnElement[Any]] = bindparam("ends_at", type_=Instant) - literal(
    timedelta(microseconds=1), Interval
)
_RECORD_FROM: Final[ColumnElement[Any]] = bindparam("record_from", type_=Uuid)


def parameters(work: Work, *, at: datetime) -> dict[str, Any]:
    """What a query of facts has to be told."""
    return {
        "at": at,
        "booking_id": work.booking_id,
        "customer_id": work.customer_id,
        "service_id": work.service_id,
        "ends_at": work.block.ends_at,
        "record_from": first_id(at - RECORD),
    }


def query(*, record: bool) -> Select[Any]:
    """The facts about providers; the caller narrows down which. Their record is read only for
    policies that score it."""
    last = (
        select(_O.offered_at)
        .where(_O.provider_id == _P.id)
        .order_by(_O.id.desc())
        .limit(1)
        .lateral("last_offer")
    )
    facts = (
        select(
            *(_P.id, _P.approved_at, _P.suspended_at, _P.city, _P.postal_code, _P.country),
            *(_P.latitude, _P.longitude, _P.radius_miles, _P.years_experience, _P.rating),
            *(_P.completed_jobs, _P.profile_percent, _P.skills, _P.brands, _P.keywords),
            heartbeat().label("heartbeat_at"),
            last.c.offered_at.label("last_offered_at"),
            offers_service().label("offers_service"),
            _rejected().label("rejected"),
            withdrew(_P.id).label("withdrew"),
            blocked(_P.id).label("blocked"),
            func.array(valid_certifications(_P).scalar_subquery()).label("certifications"),
        )
        .select_from(providers)
        .outerjoin(last, true())
    )
    return _with_record(facts) if record else _without_record(facts)


def heartbeat() -> ColumnElement[Any]:
    """When the provider was last heard from, if they are on shift. Looked up for each of them: a
    join may read everybody's shifts."""
    s = shifts.c
    theirs = select(s.heartbeat_at).where(s.provider_id == _P.id, s.ended_at.is_(None))
    return theirs.scalar_subquery()


def offers_service() -> ColumnElement[bool]:
    """Does the provider offer the service?"""
    s = provider_services.c
    return exists().where(s.service_id == _SERVICE, s.provider_id == _P.id)


def withdrew(provider_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Has the provider given this very booking back?"""
    w = withdrawals.c
    return exists().where(w.booking_id == _BOOKING, w.provider_id == provider_id)


def blocked(provider_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Are the provider and the customer not to meet?"""
    b = provider_blocks.c
    return exists().where(b.customer_id == _CUSTOMER, b.provider_id == provider_id)


def valid_certifications(who: Any) -> Select[Any]:
    """The codes of what the provider (with `id` and `time_zone`) holds that somebody has verified
    and that will not have run out, by their calendar, when the work ends."""
    c = certifications.c
    day = cast(func.timezone(who.time_zone, _LAST_INSTANT), Date)
    lasting = or_(c.expires_on.is_(None), c.expires_on >= day)
    held = and_(c.provider_id == who.id, c.removed_at.is_(None), c.verified_at.is_not(None))
    return select(c.code).where(held, lasting)


def _rejected() -> ColumnElement[bool]:
    mine = and_(_O.booking_id == _BOOKING, _O.provider_id == _P.id)
    return exists().where(mine, _O.state == OfferState.REJECTED)


def _without_record(facts: Select[Any]) -> Select[Any]:
    nothing = literal(0, Integer)
    return facts.add_columns(
        null().label("idle_since"),
        nothing.label("offers_answered"),
        nothing.label("offers_accepted"),
        nothing.label("offered_lately"),
    )


def _with_record(facts: Select[Any]) -> Select[Any]:
    r = reservations.c
    job = (
        select(r.released_at)
        .where(r.provider_id == _P.id, r.done)
        .order_by(r.starts_at.desc())
        .limit(1)
        .lateral("last_job")
    )
    answered = _O.state.in_((OfferState.ACCEPTED, OfferState.REJECTED, OfferState.EXPIRED))
    made = (
        select(
            func.count().filter(answered).label("answered"),
            func.count().filter(_O.state == OfferState.ACCEPTED).label("accepted"),
            func.count().filter(_O.offered_at > _AT - LATELY).label("lately"),
        )
        .where(_O.provider_id == _P.id, _O.id >= _RECORD_FROM)
        .lateral("record")
    )
    return (
        facts.outerjoin(job, true())
        .outerjoin(made, true())
        .add_columns(
            func.coalesce(job.c.released_at, _P.approved_at).label("idle_since"),
            made.c.answered.label("offers_answered"),
            made.c.accepted.label("offers_accepted"),
            made.c.lately.label("offered_lately"),
        )
    )
