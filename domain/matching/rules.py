"""May this provider do this work, and if not, which rule says so?

Each hard rule is one line of a table: its code and the check that answers it. Nobody else decides
eligibility, so what the table says is also the explanation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.availability import Availability, Block, obstacles
from domain.booking_rules import BookingRule, BookingRules
from domain.distance import miles_apart
from domain.hours import clash, utc
from domain.services import Requirements
from domain.shifts import HEARTBEAT_FRESH

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from uuid import UUID

    from domain.places import Point


class HardRule(StrEnum):
    """Why a provider is not eligible."""

    APPROVED = "APPROVED"
    PROFILE_80 = "PROFILE_80"
    CERTIFICATION = "CERTIFICATION"
    SERVICE = "SERVICE"
    SKILLS = "SKILLS"
    BRAND = "BRAND"
    RADIUS = "RADIUS"
    HOURS = "HOURS"
    TIME_OFF = "TIME_OFF"
    FREE = "FREE"
    DAILY_CAP = "DAILY_CAP"
    NOT_REJECTED = "NOT_REJECTED"
    NOT_BLOCKED = "NOT_BLOCKED"
    ON_SHIFT = "ON_SHIFT"
    HEARTBEAT = "HEARTBEAT"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingRules:
    """Every number of the hard rules."""

    #: A heartbeat older than this is stale.
    heartbeat_fresh: timedelta = HEARTBEAT_FRESH
    #: A profile less complete than this gets no offers, in percent.
    profile_percent: int = 80


DEFAULT: Final = MatchingRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be done: a booking as matching sees it.

    Where nobody has to go anywhere, distance plays no part.
    """

    booking_id: UUID
    customer_id: UUID
    service_id: UUID
    #: Its window, with the room that its service wants around it.
    block: Block
    rules: BookingRules
    immediate: bool
    city: str
    postal_code: str
    country: str
    point: Point | None = None
    keywords: tuple[str, ...] = ()
    requested_brand: str = ""
    requirements: Requirements = field(default_factory=Requirements)
    #: How far the present wave reaches; None leaves it to each provider's own radius.
    reach_miles: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A provider as matching sees them, with whatever of their time lies near the work."""

    provider_id: UUID
    approved: bool
    suspended: bool
    service_ids: frozenset[UUID]
    availability: Availability
    #: Time taken by other work and by holds, on the days near the work.
    taken: tuple[Block, ...] = ()
    city: str
    postal_code: str
    country: str
    point: Point | None = None
    radius_miles: float
    on_shift: bool = False
    heartbeat_at: datetime | None = None
    #: Has this provider rejected this very booking, or given it back?
    rejected: bool = False
    withdrew: bool = False
    #: Are this provider and the customer not to meet?
    blocked: bool = False
    skills: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    #: The codes of the certifications that will hold on the day of the work.
    certifications: frozenset[str] = frozenset()
    years_experience: int = 0
    rating: float | None = None
    completed_jobs: int = 0
    #: Holds a professional certification that has not expired.
    certified: bool = False
    keywords: frozenset[str] = frozenset()
    profile_percent: int = 0
    last_offered_at: datetime | None = None
    #: Since when they have had no work: their last job's end, or when they were approved.
    idle_since: datetime | None = None
    #: Of the offers of the last thirty days: how many they have answered, and accepted.
    offers_answered: int = 0
    offers_accepted: int = 0
    #: How many offers they were made in the last day.
    offered_lately: int = 0


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
    #: What stands against giving the candidate's time to the work.
    obstacles: frozenset[BookingRule]


#: Whether the rule is kept, and the fact that shows it.
_Finding: TypeAlias = tuple[bool, str]

_NOT_ASKED: Final = (True, "not asked of scheduled work")


def distance_miles(work: Work, candidate: Candidate) -> float | None:
    """How far the candidate is from the work, by their coordinates or else by their postal codes;
    None when it is unknown, or nobody goes there."""
    if not work.requirements.on_site:
        return None
    return miles_apart(work, candidate)


def is_eligible(
    work: Work, candidate: Candidate, *, at: datetime, policy: MatchingRules = DEFAULT
) -> bool:
    """Does the candidate keep every hard rule?"""
    case = _case(work, candidate, at, policy)
    return all(check(case)[0] for _, check in _HARD_RULES)


def verdicts(
    work: Work, candidate: Candidate, *, at: datetime, policy: MatchingRules = DEFAULT
) -> tuple[Verdict, ...]:
    """What each hard rule says, kept or broken, always in the same order."""
    case = _case(work, candidate, at, policy)
    found = ((rule, check(case)) for rule, check in _HARD_RULES)
    return tuple(Verdict(rule=rule, passed=passed, saw=saw) for rule, (passed, saw) in found)


def _case(work: Work, candidate: Candidate, at: datetime, policy: MatchingRules) -> _Case:
    against = obstacles(
        candidate.availability, candidate.taken, work.block, rules=work.rules, at=at
    )
    return _Case(
        work=work,
        candidate=candidate,
        at=utc(at),
        policy=policy,
        obstacles=frozenset(one.rule for one in against),
    )


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


def _profile(case: _Case) -> _Finding:
    percent, least = case.candidate.profile_percent, case.policy.profile_percent
    return percent >= least, f"profile {percent} % complete, needs {least} %"


def _certification(case: _Case) -> _Finding:
    needed = case.work.requirements.certifications
    missing = [code for code in needed if code not in case.candidate.certifications]
    if missing:
        return False, f"no valid certification: {', '.join(missing)}"
    return True, f"holds {', '.join(needed)}" if needed else "none needed"


def _service(case: _Case) -> _Finding:
    offers = case.work.service_id in case.candidate.service_ids
    return offers, "offers the service" if offers else "does not offer the service"


def _skills(case: _Case) -> _Finding:
    needed = case.work.requirements.skills
    known = {plain(skill) for skill in case.candidate.skills}
    missing = [skill for skill in needed if plain(skill) not in known]
    if missing:
        return False, f"lacks {', '.join(missing)}"
    return True, f"knows {', '.join(needed)}" if needed else "none needed"


def _brand(case: _Case) -> _Finding:
    brand = case.work.requested_brand
    if not plain(brand):
        return True, "no brand asked for"
    knows = plain(brand) in {plain(one) for one in case.candidate.brands}
    return knows, f"specialised in {brand}" if knows else f"not specialised in {brand}"


def _radius(case: _Case) -> _Finding:
    if not case.work.requirements.on_site:
        return True, "nobody travels"
    miles = distance_miles(case.work, case.candidate)
    if miles is None:
        return True, "distance unknown"
    limit = case.candidate.radius_miles
    if case.work.reach_miles is not None:
        limit = min(limit, case.work.reach_miles)
    return miles <= limit, f"{miles:.1f} miles away, limit {limit:g}"


def _hours(case: _Case) -> _Finding:
    if BookingRule.HOLIDAY in case.obstacles:
        return False, "the house is closed"
    inside = BookingRule.OUTSIDE_HOURS not in case.obstacles
    return inside, "inside working hours" if inside else "outside working hours"


def _time_off(case: _Case) -> _Finding:
    off = clash(*case.work.block.span, case.candidate.availability.time_off)
    return off is None, f"time off {_words(*off)}" if off else "no time off"


def _free(case: _Case) -> _Finding:
    near = (block.span for block in case.candidate.taken if block.is_too_near(case.work.block))
    busy = min(near, default=None)
    return busy is None, f"busy {_words(*busy)}" if busy else "free"


def _daily_cap(case: _Case) -> _Finding:
    cap = case.candidate.availability.daily_cap
    capped = BookingRule.DAILY_CAP in case.obstacles
    return not capped, f"{cap} jobs a day: reached" if capped else f"{cap} jobs a day: not reached"


def _not_rejected(case: _Case) -> _Finding:
    if case.candidate.rejected:
        return False, "has rejected this booking"
    if case.candidate.withdrew:
        return False, "has given this booking back"
    return True, "has not rejected it"


def _not_blocked(case: _Case) -> _Finding:
    blocked = case.candidate.blocked
    return not blocked, "not to meet this customer" if blocked else "not blocked"


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


def plain(words: str) -> str:
    """Words as they are compared: whatever their case and spacing."""
    return " ".join(words.casefold().split())


def _words(*span: datetime) -> str:
    start, end = (utc(instant).strftime("%Y-%m-%d %H:%M") for instant in span)
    return f"{start} to {end} UTC"


#: The rules about a provider's time; for booking it, availability.py names what is broken.
TIME_RULES: Final = frozenset(
    {HardRule.HOURS, HardRule.TIME_OFF, HardRule.FREE, HardRule.DAILY_CAP}
)


_HARD_RULES: Final[tuple[tuple[HardRule, Callable[[_Case], _Finding]], ...]] = (
    (HardRule.APPROVED, _approved),
    (HardRule.PROFILE_80, _profile),
    (HardRule.CERTIFICATION, _certification),
    (HardRule.SERVICE, _service),
    (HardRule.SKILLS, _skills),
    (HardRule.BRAND, _brand),
    (HardRule.RADIUS, _radius),
    (HardRule.HOURS, _hours),
    (HardRule.TIME_OFF, _time_off),
    (HardRule.FREE, _free),
    (HardRule.DAILY_CAP, _daily_cap),
    (HardRule.NOT_REJECTED, _not_rejected),
    (HardRule.NOT_BLOCKED, _not_blocked),
    (HardRule.ON_SHIFT, _on_shift),
    (HardRule.HEARTBEAT, _heartbeat),
)
