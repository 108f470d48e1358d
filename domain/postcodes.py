"""Where is a postal code, roughly? The middle of its area, for those that the bundled table has.

The table is postcode_table.py; what is known and how well is said in docs/distance.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from domain.places import BRITISH, Point, normal_postal_code, outward_code
from domain.postcode_table import (
    BRITISH_AREAS,
    CANADIAN_CITIES,
    CANADIAN_CITY_LETTERS,
    CANADIAN_LETTERS,
    LONDON_DISTRICTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: An area, and perhaps a district in it, which a letter may divide further: SW1A is in SW1.
_OUTWARD: Final = re.compile(r"([A-Z]{1,2})([0-9]{0,2})[A-Z]?")
#: A Canadian code, or as much of it as is known.
_CANADIAN: Final = re.compile(r"[A-Z](?:[0-9](?:[A-Z](?:[0-9](?:[A-Z][0-9]?)?)?)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalArea:
    """An area that the table knows."""

    #: What its codes begin with, such as SW1, AB, V6 or K4A.
    code: str
    #: Its middle.
    centre: Point
    #: Of a Canadian area, its province.
    province: str | None = None
    #: Is it as large as a province, so that its middle says nothing of distances within that?
    is_vague: bool = False

    def is_comparable(self, other: PostalArea) -> bool:
        """Does the way between the two middles say anything of two places in these areas?"""
        vague = self.is_vague or other.is_vague
        return not (vague and self.province == other.province)


# The same few areas are asked for again and again: 200 times in each matching.
@lru_cache(maxsize=16_384)
def postal_area(country: str, postal_code: str) -> PostalArea | None:
    """The narrowest area of the table that a postal code lies in; None where it has none.

    Case and spaces do not count, and the first part of a code is enough. The country is an ISO 3166
    alpha-2 code, in capitals.
    """
    if country in BRITISH:
        return _british(outward_code(country, postal_code))
    if country == "CA":
        return _canadian(normal_postal_code(postal_code))
    return None


def centroid(country: str, postal_code: str) -> Point | None:
    """The middle of the narrowest known area that a postal code lies in, if there is one."""
    area = postal_area(country, postal_code)
    return area.centre if area else None


def _british(outward: str) -> PostalArea | None:
    found = _OUTWARD.fullmatch(outward)
    if found is None:
        return None
    letters, digits = found.groups()
    return _BRITISH_AREAS.get(letters + digits) or _BRITISH_AREAS.get(letters)


def _canadian(code: str) -> PostalArea | None:
    if not _CANADIAN.fullmatch(code):
        return None
    found = (_CANADIAN_AREAS.get(code[:length]) for length in (3, 2, 1))
    return next((area for area in found if area), None)


def _rows(table: str) -> Iterator[PostalArea]:
    cells = iter(table.split())
    for code, latitude, longitude in zip(cells, cells, cells, strict=True):
        centre = Point(latitude=float(latitude), longitude=float(longitude))
        yield PostalArea(code=code, centre=centre)


def _letters() -> Iterator[PostalArea]:
    for letter, province, latitude, longitude in CANADIAN_LETTERS:
        yield PostalArea(
            code=letter,
            centre=Point(latitude=latitude, longitude=longitude),
            province=province,
            is_vague=letter not in CANADIAN_CITY_LETTERS,
        )


def _cities() -> Iterator[PostalArea]:
    provinces = {letter: province for letter, province, *_ in CANADIAN_LETTERS}
    for _, latitude, longitude, codes in CANADIAN_CITIES:
        centre = Point(latitude=latitude, longitude=longitude)
        for group in codes.split():
            pair, _, letters = group.partition(":")
            for code in [pair + letter for letter in letters] or [pair]:
                yield PostalArea(code=code, centre=centre, province=provinces[code[0]])


_BRITISH_AREAS: Final = {
    area.code: area for table in (BRITISH_AREAS, LONDON_DISTRICTS) for area in _rows(table)
}
_CANADIAN_AREAS: Final = {area.code: area for area in (*_letters(), *_cities())}
