"""Where does the synthetic day take place, and what can be booked there?

A town of real postal districts, so that places are as far from each other as those are, and a small
catalogue with what its customers write about the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.keywords import extract
from domain.money import Money
from domain.places import Address, Point
from domain.postcodes import centroid
from domain.services import Service, Trade

if TYPE_CHECKING:
    from callout.simulation.chance import Chance

COUNTRY: Final = "GB"
ZONE: Final = "Europe/London"

#: How far from the middle of a district somebody may live, in degrees: about a mile.
_NORTH: Final = 0.014
_EAST: Final = 0.022
_LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """A part of the town: its outward code, and how much of the work is there."""

    code: str
    city: str
    weight: int


#: A cluster in the north-east, one in the south, one in the west, and a town of its own beyond.
DISTRICTS: Final = (
    District(code="N1", city="London", weight=5),
    District(code="E8", city="London", weight=4),
    District(code="E2", city="London", weight=3),
    District(code="SE15", city="London", weight=4),
    District(code="SW9", city="London", weight=4),
    District(code="W2", city="London", weight=3),
    District(code="CR0", city="Croydon", weight=3),
)

#: Cars that a customer may want a specialist for.
BRANDS: Final = ("BMW", "Tesla", "Ford")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A service of the catalogue, and how it is asked for."""

    service: Service
    #: How often it is booked beside the others.
    weight: int
    #: What customers write.
    concerns: tuple[str, ...]
    #: Is a specialist for a brand asked for now and then?
    branded: bool = False

    @property
    def keywords(self) -> tuple[str, ...]:
        """What its concerns are about."""
        return extract("\n".join(self.concerns))


def address(chance: Chance) -> Address:
    """Somewhere in the town."""
    district = chance.weighed({one: one.weight for one in DISTRICTS})
    middle = centroid(COUNTRY, district.code)
    if middle is None:
        raise ValueError(f"{district.code} is no district that the table knows.")
    inward = f"{chance.whole(1, 9)}{chance.pick(_LETTERS)}{chance.pick(_LETTERS)}"
    return Address(
        line1=f"{chance.whole(1, 200)} High Street",
        city=district.city,
        postal_code=f"{district.code} {inward}",
        country=COUNTRY,
        point=Point(
            latitude=round(middle.latitude + chance.between(-_NORTH, _NORTH), 4),
            longitude=round(middle.longitude + chance.between(-_EAST, _EAST), 4),
        ),
    )


def _service(
    number: int,
    trade: Trade,
    name: str,
    minutes: int,
    *,
    skills: tuple[str, ...] = (),
    certifications: tuple[str, ...] = (),
) -> Service:
    return Service(
        id=UUID(int=number),
        code=name.lower().replace(" ", "-"),
        name=name,
        trade=trade,
        duration_minutes=minutes,
        # Money plays no part in dispatch.
        price=Money(amount_minor=0, currency="GBP"),
        required_skills=skills,
        required_certifications=certifications,
    )


CATALOGUE: Final = (
    Entry(
        service=_service(1, Trade.CLEANING, "Home clean", 120),
        weight=6,
        concerns=(
            "Two rooms and the bathroom, please. There is limescale in the shower.",
            "The usual, and the windows. We have a dog, so there is dog hair on the sofa.",
            "Just a normal clean.",
        ),
    ),
    Entry(
        service=_service(2, Trade.CLEANING, "Oven clean", 90),
        weight=3,
        concerns=("The oven has not been cleaned for a year.", "Oven and fridge, please."),
    ),
    Entry(
        service=_service(3, Trade.CLEANING, "Tenancy clean", 240, skills=("deep cleaning",)),
        weight=2,
        concerns=("End of tenancy: carpets, oven and everything.", "Moving out, there is mould."),
    ),
    Entry(
        service=_service(4, Trade.MECHANICAL, "Car repair", 90),
        weight=3,
        concerns=(
            "The brakes squeal.",
            "It overheats, and I think that the water pump is leaking.",
            "A grinding noise from the gearbox.",
        ),
        branded=True,
    ),
    Entry(
        service=_service(5, Trade.MECHANICAL, "Car diagnosis", 60),
        weight=3,
        concerns=("The check engine light is on.", "ABS warning light since this morning."),
        branded=True,
    ),
    Entry(
        service=_service(6, Trade.MECHANICAL, "Hybrid service", 120, skills=("high voltage",)),
        weight=1,
        concerns=("Annual service.", "The hybrid battery loses its charge."),
    ),
    Entry(
        service=_service(7, Trade.FACILITIES, "Plumbing", 60),
        weight=4,
        concerns=(
            "The kitchen tap drips.",
            "The sink is blocked.",
            "Water comes through the ceiling, it is leaking badly.",
        ),
    ),
    Entry(
        service=_service(8, Trade.FACILITIES, "Boiler service", 60, certifications=("gas-safe",)),
        weight=2,
        concerns=("No hot water.", "The boiler is due for its service."),
    ),
    Entry(
        service=_service(9, Trade.FACILITIES, "Handyman", 120),
        weight=3,
        concerns=("Flat pack wardrobe and two shelves.", "A socket, a light switch and painting."),
    ),
)
