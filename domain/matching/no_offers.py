"""What keeps offers from a provider, and what has passed them by?

Of work that somebody was not offered they are told no more than an offer would show, and of its
customer nothing at all: all of that is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.availability import Block, unavailable
from domain.booking_rules import BookingRule
from domain.matching.rules import DEFAULT, HardRule, distance_miles, verdicts
from domain.matching.told import as_told
from domain.places import shown_miles
from domain.profiles import Completion
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.availability import Availability
    from domain.bookings import Booking
    from domain.certifications import Certification
    from domain.matching.rules import Candidate, MatchingRules, Verdict, Work
    from domain.people import Viewer
    from domain.providers import Provider
    from domain.services import Service
    from domain.shifts import Shift

#: Which work is looked back on, and how much of it.
LOOK_BACK: Final = timedelta(days=7)
MOST_PASSED: Final = 20

_MOMENT: Final = timedelta(minutes=1)


class Hindrance(StrEnum):
    """What keeps offers from a provider, whatever the work."""

    NO_PROFILE = "NO_PROFILE"
    NOT_APPROVED = "NOT_APPROVED"
    SUSPENDED = "SUSPENDED"
    PROFILE_INCOMPLETE = "PROFILE_INCOMPLETE"
    CERTIFICATION = "CERTIFICATION"
    NO_SERVICES = "NO_SERVICES"
    NO_HOURS = "NO_HOURS"
    TIME_OFF = "TIME_OFF"
    DAILY_CAP = "DAILY_CAP"
    OFF_SHIFT = "OFF_SHIFT"
    HEARTBEAT_STALE = "HEARTBEAT_STALE"


class Extent(StrEnum):
    """Which work a hindrance keeps from a provider."""

    ALL = "ALL"
    SOME_SERVICES = "SOME_SERVICES"
    TODAY = "TODAY"
    IMMEDIATE = "IMMEDIATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """One thing in the way of offers, in words that say what to do about it."""

    hindrance: Hindrance
    extent: Extent
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """A provider as they stand now."""

    provider: Provider
    completion: Completion
    #: What they offer that can be booked now.
    services: tuple[Service, ...]
    certifications: tuple[Certification, ...]
    availability: Availability
    #: Their work and holds of these days.
    taken: tuple[Block, ...]
    #: Their open shift.
    shift: Shift | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedBy:
    """Work near a provider that was not offered to them."""

    service_id: UUID
    starts_at: datetime
    ends_at: datetime
    #: The postal district.
    area: str
    #: In whole miles.
    distance_miles: int | None
    #: Is it still looking for somebody?
    is_open: bool
    #: The hard rules that keep it from them as things are now.
    broken: tuple[Verdict, ...]

    @property
    def why(self) -> str:
        """Why it was not offered to them, in words."""
        if self.broken:
            return "; ".join(f"{verdict.rule} ({verdict.saw})" for verdict in self.broken)
        if self.is_open:
            return "Nothing stands in the way: others are asked first, and you may be next."
        return "Nothing stands in the way now: others were asked first, or it was soon gone."


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOffers:
    """Why a provider sees no offers, or no more than they do."""

    provider_id: UUID
    at: datetime
    obstacles: tuple[Obstacle, ...]
    #: How complete their profile is and what it lacks, whether that is in the way or not.
    completion: Completion
    #: How many offers they were made in the time that is looked back on.
    offers_made: int
    #: The newest first.
    passed_by: tuple[PassedBy, ...]

    @property
    def answer(self) -> str:
        """The whole of it in words."""
        days = f"in the last {LOOK_BACK.days} days"
        if any(one.extent is Extent.ALL for one in self.obstacles):
            return "Nothing is offered to you until what stands in the way is gone."
        if self.obstacles:
            return "Some work is not offered to you: see what stands in the way."
        if self.passed_by:
            return f"Nothing stands in the way in general: see what passed you by {days}, and why."
        if self.offers_made:
            return f"Nothing stands in the way: you had all offers there were {days}."
        return f"Nothing stands in the way; there was no work {days}."


def unknown(provider_id: UUID, *, viewer: Viewer, at: datetime) -> NoOffers:
    """What is said to somebody who has only signed up. Raises NotFound for anybody else."""
    if viewer.user_id != provider_id:
        raise NotFound("Provider")
    message = "You have no profile yet: write one, with `updateProviderProfile`."
    return NoOffers(
        provider_id=provider_id,
        at=at,
        obstacles=(_everything(Hindrance.NO_PROFILE, message),),
        completion=Completion(percent=0, missing=()),
        offers_made=0,
        passed_by=(),
    )


def obstacles(
    who: Circumstances, *, at: datetime, rules: MatchingRules = DEFAULT
) -> tuple[Obstacle, ...]:
    """All that keeps offers from a provider whatever the work, first what keeps everything."""
    found = (
        *_account(who.provider),
        *_profile(who, rules),
        *_offering(who),
        *_certifications(who),
        *_today(who, at),
        *_reach(who.shift, at, rules),
    )
    order = list(Extent)
    return tuple(sorted(found, key=lambda one: order.index(one.extent)))


def passed_by(
    booking: Booking, work: Work, candidate: Candidate, *, at: datetime
) -> PassedBy | None:
    """What a provider may know of work that they were not offered.

    All of it is found for the field that the work lies in: a rule that were kept or broken by where
    it is exactly would give that away to whoever moves, or changes their radius, and asks again.
    None where the two are not to meet: who has blocked somebody is not given away.
    """
    work = as_told(work)
    said = [one for one in verdicts(work, candidate, at=at) if not one.passed]
    if any(one.rule is HardRule.NOT_BLOCKED for one in said):
        return None
    miles = distance_miles(work, candidate)
    shown = None if miles is None else shown_miles(miles)
    return PassedBy(
        service_id=booking.service_id,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        area=booking.address.outward_code,
        distance_miles=shown,
        is_open=booking.is_open_to_offers,
        broken=tuple(_shown(one, shown, candidate) for one in said),
    )


def _shown(said: Verdict, miles: int | None, candidate: Candidate) -> Verdict:
    # Nothing is known to the tenth of a mile.
    if said.rule is not HardRule.RADIUS:
        return said
    return replace(said, saw=f"about {miles} miles away, limit {candidate.radius_miles:g}")


def _account(provider: Provider) -> Iterator[Obstacle]:
    if provider.suspended_at is not None:
        because = f": {provider.suspended_because}" if provider.suspended_because else "."
        yield _everything(Hindrance.SUSPENDED, f"You are suspended{because}")
    elif provider.approved_at is None:
        yield _everything(Hindrance.NOT_APPROVED, "An admin has to approve you first.")


def _profile(who: Circumstances, rules: MatchingRules) -> Iterator[Obstacle]:
    has, needs = who.provider.profile_percent, rules.profile_percent
    if has < needs:
        parts = (f"{gap.item} ({gap.weight})" for gap in who.completion.missing)
        message = f"Your profile is {has} % complete; offers need {needs}. It lacks: "
        yield _everything(Hindrance.PROFILE_INCOMPLETE, f"{message}{', '.join(parts)}.")


def _offering(who: Circumstances) -> Iterator[Obstacle]:
    if not who.services:
        message = "You offer no service that can be booked: choose some."
        yield _everything(Hindrance.NO_SERVICES, message)
    if not who.availability.hours.intervals and not who.availability.overrides:
        yield _everything(Hindrance.NO_HOURS, "You have no working hours: say when you work.")


def _certifications(who: Circumstances) -> Iterator[Obstacle]:
    for code in sorted({code for one in who.services for code in one.required_certifications}):
        wrong = _wrong([one for one in who.certifications if one.code == code])
        if wrong:
            needing = [one.name for one in who.services if code in one.required_certifications]
            yield Obstacle(
                hindrance=Hindrance.CERTIFICATION,
                extent=Extent.SOME_SERVICES if len(needing) < len(who.services) else Extent.ALL,
                message=f"{', '.join(needing)}: {code} has to be certified; {wrong}.",
            )


def _wrong(shown: Sequence[Certification]) -> str:
    """What is wrong with the papers of one code; nothing if one of them is good."""
    if any(one.is_valid for one in shown):
        return ""
    if all(one.has_run_out for one in shown):
        return "yours has run out" if shown else "you have shown none"
    return "yours is not verified yet"


def _today(who: Circumstances, at: datetime) -> Iterator[Obstacle]:
    now = Block(starts_at=at, ends_at=at + _MOMENT)
    for broken in unavailable(who.availability, who.taken, now):
        if broken.rule is BookingRule.TIME_OFF:
            message = "You have time off now; work in that time is not offered to you."
            yield Obstacle(hindrance=Hindrance.TIME_OFF, extent=Extent.TODAY, message=message)
        elif broken.rule is BookingRule.DAILY_CAP:
            message = f"You have {broken.limit} jobs today, which is as many as you take in a day."
            yield Obstacle(hindrance=Hindrance.DAILY_CAP, extent=Extent.TODAY, message=message)


def _reach(shift: Shift | None, at: datetime, rules: MatchingRules) -> Iterator[Obstacle]:
    if shift is None:
        message = "You are off shift: clock in to be offered what is wanted now."
        yield Obstacle(hindrance=Hindrance.OFF_SHIFT, extent=Extent.IMMEDIATE, message=message)
    elif at - shift.heartbeat_at > rules.heartbeat_fresh:
        message = (
            "Your device has not been heard from: open the app to be offered what is wanted now."
        )
        yield Obstacle(
            hindrance=Hindrance.HEARTBEAT_STALE, extent=Extent.IMMEDIATE, message=message
        )


def _everything(hindrance: Hindrance, message: str) -> Obstacle:
    return Obstacle(hindrance=hindrance, extent=Extent.ALL, message=message)
