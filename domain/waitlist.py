"""Who waits for a slot, what do they wait for, and how long is one kept for them?

Whoever waits is granted a slot once. A grant is a hold: booked, it ends the waiting; given back or
left to lapse, it ends it too, and the slot passes on to the next in line. Somebody who does not
answer would otherwise have it kept for them over and over; joining again, at the end of the line,
is one act.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.bits import places
from domain.bookings import BookingKind
from domain.events import Event, EventType
from domain.holds import HoldEnding
from domain.refusals import FieldError, InvalidInput, Refusal
from domain.requests import BookingRequest, ServiceInactive
from domain.slots import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from domain.holds import Hold
    from domain.house import HouseRules
    from domain.people import Viewer
    from domain.places import Address
    from domain.services import Service
    from domain.slot_search import Calendar

#: The longest stretch of starts that one may wait for, and how far ahead it may end: no service
#: can be booked further ahead than two years.
MAX_WINDOW: Final = timedelta(days=31)
MAX_AHEAD: Final = timedelta(days=731)


class WaitlistState(StrEnum):
    """Where somebody stands in the waitlist. Computed from facts, in one place."""

    WAITING = "WAITING"
    GRANTED = "GRANTED"
    TAKEN = "TAKEN"
    LAPSED = "LAPSED"
    LEFT = "LEFT"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a customer wants to wait for: a service that starts between two instants, there."""

    customer_id: UUID
    service_id: UUID
    #: Only this provider will do; None: whoever is free.
    provider_id: UUID | None = None
    address: Address
    #: The first and the last start that they would take.
    earliest: datetime
    latest: datetime

    def wrong_fields(self, *, at: datetime) -> tuple[FieldError, ...]:
        """Every field that cannot be waited for, with its remedy."""
        return *self.address.wrong_fields("address"), *self._wrong_window(at)

    def _wrong_window(self, at: datetime) -> Iterator[FieldError]:
        if self.latest < self.earliest:
            yield _latest("Give the earliest start or a later one.")
        elif self.latest <= at:
            yield _latest("This has passed; give a later one.")
        elif self.latest > at + MAX_AHEAD:
            yield _latest(f"Give a start within {MAX_AHEAD.days} days.")
        elif self.latest - self.earliest > MAX_WINDOW:
            yield _latest(f"Give at most {MAX_WINDOW.days} days after the earliest start.")

    def request(self, *, provider_id: UUID, starts_at: datetime) -> BookingRequest:
        """The booking that would fulfil it."""
        return BookingRequest(
            customer_id=self.customer_id,
            service_id=self.service_id,
            provider_id=provider_id,
            kind=BookingKind.SCHEDULED,
            starts_at=starts_at,
            address=self.address,
        )


def _latest(message: str) -> FieldError:
    return FieldError(path=("latest",), message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistEntry(Wish):
    """A customer's place in the waitlist."""

    id: UUID
    joined_at: datetime
    #: When the customer left, or was found to wait for what has passed.
    left_at: datetime | None = None
    #: The slot that was granted, whatever became of it.
    grant: Hold | None = None
    #: The moment that these facts are of, and that `state` speaks of.
    as_of: datetime

    @property
    def state(self) -> WaitlistState:
        """Where it stands, from its facts. The first line that holds decides."""
        if self.grant is not None and self.grant.ending is HoldEnding.BOOKED:
            return WaitlistState.TAKEN
        if self.left_at is not None and self.left_at <= self.latest:
            return WaitlistState.LEFT
        if self.grant is not None:
            is_open = self.grant.is_open(self.as_of)
            return WaitlistState.GRANTED if is_open else WaitlistState.LAPSED
        if self.as_of > self.latest:
            return WaitlistState.EXPIRED
        return WaitlistState.WAITING

    @property
    def is_open(self) -> bool:
        """Can it still lead to a booking?"""
        return self.state in {WaitlistState.WAITING, WaitlistState.GRANTED}

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Is it the viewer's own, or is the viewer staff?"""
        return viewer.is_staff or viewer.user_id == self.customer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A free slot: whose time, and from when."""

    provider_id: UUID
    starts_at: datetime


def opening(calendar: Calendar, provider_id: UUID | None = None) -> Opening | None:
    """The first slot of a search that is free: of this provider, or of the first who is free."""
    free = calendar.free
    suiting = calendar.open if provider_id is None else calendar.open & free.get(provider_id, 0)
    for place in places(suiting):
        whose = provider_id or next(uid for uid, bits in free.items() if bits >> place & 1)
        return Opening(provider_id=whose, starts_at=calendar.starts.all[place])
    return None


class AlreadyWaiting(Refusal):
    """The customer waits for the service already, or has a slot kept for them. Carries that."""

    def __init__(self, entry: WaitlistEntry) -> None:
        super().__init__(
            "You are in line for this service. Leave first to wait for something else."
        )
        self.entry = entry


def join(
    wish: Wish,
    service: Service,
    *,
    entry_id: UUID,
    earlier: WaitlistEntry | None,
    at: datetime,
) -> WaitlistEntry:
    """A new place, at the end of the line. `earlier` is the customer's last one for the service.

    Raises InvalidInput, ServiceInactive or AlreadyWaiting.
    """
    wrong = wish.wrong_fields(at=at)
    if wrong:
        raise InvalidInput(*wrong)
    if not service.active:
        raise ServiceInactive
    if earlier is not None and earlier.is_open:
        raise AlreadyWaiting(earlier)
    wished = {one.name: getattr(wish, one.name) for one in fields(wish)}
    return WaitlistEntry(**wished, id=entry_id, joined_at=at, as_of=at)


def leave(entry: WaitlistEntry, *, at: datetime) -> WaitlistEntry:
    """The entry without its place. One that is over already stays what it is."""
    now = replace(entry, as_of=at)
    return replace(now, left_at=at) if now.is_open else now


def area(address: Address, service: Service) -> str:
    """Those who wait for a service in one postal district are one line; where nobody goes
    anywhere, all who wait for it are."""
    place = place_of(address, service.mode)
    return f"{place.country} {place.outward_code}" if place else ""


def grant_until(
    starts_at: datetime, *, zone: ZoneInfo, house: HouseRules, at: datetime
) -> datetime:
    """How long a slot is kept for who has waited: a short while on the day itself by the
    provider's clock, longer before it, and never past its start."""
    same_day = starts_at.astimezone(zone).date() == at.astimezone(zone).date()
    return min(at + (house.grant_same_day if same_day else house.grant), starts_at)


def happened(type_: EventType, entry: WaitlistEntry) -> Event:
    """The event that says something about a place in the waitlist."""
    return Event(type=type_, subject={"waitlist_entry": entry.id, "customer": entry.customer_id})


def grant_ended(grant: Hold) -> Iterator[Event]:
    """The event that tells the end of a hold, if it was granted to somebody who waited."""
    if grant.waitlist_entry_id is not None:
        booked = grant.ending is HoldEnding.BOOKED
        yield Event(
            type=EventType.WAITLIST_TAKEN if booked else EventType.WAITLIST_LAPSED,
            subject={"waitlist_entry": grant.waitlist_entry_id, "customer": grant.customer_id},
        )
