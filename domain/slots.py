"""What is a slot, and what is left to somebody for whom nobody is free?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.distance import miles_apart
from domain.places import Address, Point, outward_code
from domain.refusals import FieldError, Refusal, wrong_text
from domain.services import ServiceMode

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID
    from zoneinfo import ZoneInfo

#: Bookings no further apart than this want the same providers, in statute miles.
NEAR_MILES: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody would have to go: as much of an address as a search needs."""

    country: str
    postal_code: str
    city: str = ""
    point: Point | None = None

    @property
    def outward_code(self) -> str:
        """The district, in which a service's capacity counts."""
        return outward_code(self.country, self.postal_code)

    def is_near(self, other: Place) -> bool:
        """Would the same providers be asked? By distance; where it is unknown, by city."""
        miles = miles_apart(self, other)
        if miles is not None:
            return miles <= NEAR_MILES
        return (self.country, self.city.casefold()) == (other.country, other.city.casefold())

    def wrong_fields(self, *within: str) -> tuple[FieldError, ...]:
        """Every field whose shape is wrong, with its remedy. `within` is the path of the place."""
        wrong = [
            *wrong_text((*within, "postalCode"), self.postal_code, 1, 16),
            *wrong_text((*within, "city"), self.city, 0, 100),
        ]
        if not (len(self.country) == 2 and self.country.isascii() and self.country.isalpha()):
            message = 'Write the ISO 3166 code of two capitals, such as "GB".'
            wrong.append(FieldError(path=(*within, "country"), message=message))
        return tuple(wrong)


def place_of(address: Address, mode: ServiceMode) -> Place | None:
    """Where a provider has to go for a service at this address; None where nobody goes anywhere."""
    if mode is not ServiceMode.ON_SITE:
        return None
    return Place(
        country=address.country,
        postal_code=address.postal_code,
        city=address.city,
        point=address.point,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A start that can be booked: a unique instant, and what the wall shows at the place."""

    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    #: How many providers could still take it.
    provider_count: int

    @property
    def local_start(self) -> datetime:
        """The wall time of its start, naive."""
        return self.starts_at.astimezone(self.zone).replace(tzinfo=None)

    @property
    def local_end(self) -> datetime:
        """The wall time of its end, naive."""
        return self.ends_at.astimezone(self.zone).replace(tzinfo=None)

    @property
    def time_zone(self) -> str:
        """The IANA name of the wall's zone."""
        return self.zone.key

    @property
    def utc_offset(self) -> str:
        """How far the wall is ahead of UTC at the start, such as "+05:45"."""
        return self.starts_at.astimezone(self.zone).isoformat(timespec="minutes")[16:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What somebody could wait for: a service, to start between two instants."""

    service_id: UUID
    earliest: datetime
    latest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysOn:
    """What is left to a customer when nobody is free at the time they want."""

    #: The next slots, whoever does the work.
    later_slots: tuple[Slot, ...]
    #: Providers who are not free then but can be booked by name later, nearest first.
    provider_ids: tuple[UUID, ...]
    #: What they could join the waitlist for.
    waitlist: Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookable:
    """A provider to choose for a start."""

    provider_id: UUID
    #: How far they are from the place, in whole miles; None when either is not known.
    distance_miles: int | None
    #: Can they be booked for the start that is wanted?
    is_free: bool
    #: The next starts from then on at which they can be booked by name.
    next_slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who there is to choose from for a start."""

    starts_at: datetime
    #: Those who are free first, nearest first among them and among the others.
    providers: tuple[Bookable, ...]
    #: What else the customer can do; None while somebody is free.
    ways_on: WaysOn | None


class NobodyFree(Refusal):
    """No provider is free at this time. Carries what the customer can do instead."""

    def __init__(self, ways_on: WaysOn) -> None:
        super().__init__(
            "Nobody is free at this time. Book a later slot or a provider by name, or wait."
        )
        self.ways_on = ways_on
