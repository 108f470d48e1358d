"""May this provider do this work, and if not, which rule says so?

Each hard rule is one line of a table: its code and the check that answers it. Nobody else decides
eligibility, so what the table says is also the explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.hours import Span, WeeklyHours, clash, covers, utc
from domain.places import Point, miles_between
from domain.shifts import HEARTBEAT_FRESH

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID
    from zoneinfo import ZoneInfo


class HardRule(StrEnum):
    """Why a provider is not eligible."""

    APPROVED = "APPROVED"
    SERVICE = "SERVICE"
    RADIUS = "RADIUS"
    HOURS = "HOURS"
    TIME_OFF = "TIME_OFF"
    FREE = "FREE"
    NOT_REJECTED = "NOT_REJECTED"
    ON_SHIFT = "ON_SHIFT"
    HEARTBEAT = "HEARTBEAT"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingRules:
    """Every number of the hard rules."""

    #: The least gap between two jobs of one provider.
    buffer: timedelta = timedelta(minutes=15)
    #: A heartbeat older than this is stale.
    heartbeat_fresh: timedelta = HEARTBEAT_FRESH


DEFAULT: Final = MatchingRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be done: a booking as matching sees it.

    Without a point (work that is not on site has none) no distance is known.
    """

    booking_id: UUID
    service_id: UUID
    starts_at: datetime
    ends_at: datetime
    immediate: bool
    city: str
    postal_code: str
    country: str
    point: Point | None = None
    keywords: tuple[str, ...] = ()
    #: How far the present wave reaches; None leaves it to each provider's own radius.
    reach_miles: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A provider as matching sees them, with whatever of their time lies near the work."""

    provider_id: UUID
    approved: bool
    suspended: bool
    service_ids: frozenset[UUID]
    zone: ZoneInfo
    hours: WeeklyHours
    city: str
    postal_code: str
    country: str
    point: Point | None = None
    radius_miles: float
    on_shift: bool = False
    heartbeat_at: datetime | None = None
    #: Time taken by other work; buffers are kept around it.
    busy: tuple[Span, ...] = ()
    time_off: tuple[Span, ...] = ()
    #: Has this provider rejected this very booking?
    rejected: bool = False
    years_experience: int = 0
    rating: float | None = None
    completed_jobs: int = 0
    #: Holds a professional certification that has not expired.
    certified: bool = False
    keywords: frozenset[str] = frozenset()
    profile_percent: int = 0
    last_offered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one hard rule said of one candidate, and the fact it went by."""

    rule: HardRule
    passed: bool
    saw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One candidate for one piece of work at one moment, as put before every rule."""

    work: Work
    candidate: Candidate
    at: datetime
    policy: MatchingRules


#: Whether the rule is kept, and the fact that shows it.
_Finding: TypeAlias = tuple[bool, str]

_NOT_ASKED: Final = (True, "not asked of scheduled work")


def distance_miles(work: Work, candidate: Candidate) -> float | None:
    """How far the candidate is from the work; None when either place has no coordinates."""
    if work.point is None or candidate.point is None:
        return None
    return miles_between(work.point, candidate.point)


def verdicts(
    work: Work, candidate: Candidate, *, at: datetime, policy: MatchingRules = DEFAULT
) -> tuple[Verdict, ...]:
    """What each hard rule says, kept or broken, always in the same order."""
    case = _Case(work=work, candidate=candidate, at=utc(at), policy=policy)
    found = ((rule, check(case)) for rule, check in _HARD_RULES)
    return tuple(Verdict(rule=rule, passed=passed, saw=saw) for rule, (passed, saw) in found)


def broken(
    work: Work, candidate: Candidate, *, at: datetime, policy: MatchingRules = DEFAULT
) -> tuple[Verdict, ...]:
    """The hard rules that rule this candidate out. Empty means eligible."""
    said = verdicts(work, candidate, at=at, policy=policy)
    return tuple(verdict for verdict in said if not verdict.passed)


def _approved(case: _Case) -> _Finding:
    if case.candidate.suspended:
        return False, "suspended"
    return case.candidate.approved, "approved" if case.candidate.approved else "not approved"


def _service(case: _Case) -> _Finding:
    offers = case.work.service_id in case.candidate.service_ids
    return offers, "offers the service" if offers else "does not offer the service"


def _radius(case: _Case) -> _Finding:
    miles = distance_miles(case.work, case.candidate)
    if miles is None:
        return True, "distance unknown"
    limit = case.candidate.radius_miles
    if case.work.reach_miles is not None:
        limit = min(limit, case.work.reach_miles)
    return miles <= limit, f"{miles:.1f} miles away, limit {limit:g}"


def _hours(case: _Case) -> _Finding:
    work, candidate = case.work, case.candidate
    inside = covers(candidate.hours, candidate.zone, work.starts_at, work.ends_at)
    return inside, "inside working hours" if inside else "outside working hours"


def _time_off(case: _Case) -> _Finding:
    off = clash(case.work.starts_at, case.work.ends_at, case.candidate.time_off)
    return off is None, f"time off {_words(off)}" if off else "no time off"


def _free(case: _Case) -> _Finding:
    work, buffer = case.work, case.policy.buffer
    busy = clash(work.starts_at, work.ends_at, case.candidate.busy, buffer=buffer)
    return busy is None, f"busy {_words(busy)}" if busy else "free"


def _not_rejected(case: _Case) -> _Finding:
    rejected = case.candidate.rejected
    return not rejected, "has rejected this booking" if rejected else "has not rejected it"


def _on_shift(case: _Case) -> _Finding:
    if not case.work.immediate:
        return _NOT_ASKED
    return case.candidate.on_shift, "on shift" if case.candidate.on_shift else "off shift"


def _heartbeat(case: _Case) -> _Finding:
    if not case.work.immediate:
        return _NOT_ASKED
    heard = case.candidate.heartbeat_at
    if heard is None:
        return False, "no heartbeat"
    age = case.at - utc(heard)
    return age <= case.policy.heartbeat_fresh, f"last heartbeat {age.total_seconds():.0f} s ago"


def _words(span: Span) -> str:
    start, end = (utc(instant).strftime("%Y-%m-%d %H:%M") for instant in span)
    return f"{start} to {end} UTC"


_HARD_RULES: Final[tuple[tuple[HardRule, Callable[[_Case], _Finding]], ...]] = (
    (HardRule.APPROVED, _approved),
    (HardRule.SERVICE, _service),
    (HardRule.RADIUS, _radius),
    (HardRule.HOURS, _hours),
    (HardRule.TIME_OFF, _time_off),
    (HardRule.FREE, _free),
    (HardRule.NOT_REJECTED, _not_rejected),
    (HardRule.ON_SHIFT, _on_shift),
    (HardRule.HEARTBEAT, _heartbeat),
)
