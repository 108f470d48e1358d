"""How far is one place from another, when all that is known of either may be a postal code?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from domain.places import miles_between
from domain.postcodes import postal_area

if TYPE_CHECKING:
    from domain.places import Point


class Located(Protocol):
    """Whatever has a place: an address, a provider, work and whoever might do it."""

    @property
    def point(self) -> Point | None:
        """Its coordinates, if they are known."""

    @property
    def country(self) -> str:
        """An ISO 3166 alpha-2 code."""

    @property
    def postal_code(self) -> str:
        """As it was given."""


def miles_apart(here: Located, there: Located) -> float | None:
    """The distance in statute miles: great-circle between coordinates where both have them, else
    between the middles of both postal areas, which is nothing for two codes of one area.

    None where it is not known: no area is known for one of the codes, or no more than the province
    is for one and the other lies in it too. Whether anybody has to travel is for the caller to say.
    """
    if here.point is not None and there.point is not None:
        return miles_between(here.point, there.point)
    one = postal_area(here.country, here.postal_code)
    other = postal_area(there.country, there.postal_code)
    if one is None or other is None or not one.is_comparable(other):
        return None
    return miles_between(one.centre, other.centre)
