"""Where is it, how far is it from there, and how much of that may a stranger be told?"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from domain.refusals import FieldError, InvalidInput, wrong_text

#: The earth's mean radius (IUGG), in statute miles.
EARTH_RADIUS_MILES: Final = 6371.0088 / 1.609344

#: Countries whose postcodes have the British shape.
BRITISH: Final = frozenset({"GB", "GG", "IM", "JE"})
_BRITISH_POSTCODE: Final = re.compile(r"(GIR|[A-Z]{1,2}[0-9][A-Z0-9]?)[0-9][A-Z]{2}")
_COUNTRY: Final = re.compile("[A-Z]{2}")
#: Characters of a code that name a neighbourhood: the Canadian FSA, the ZIP without its +4.
_PREFIX_LENGTH: Final = {"CA": 3, "US": 5}
#: Where even a part of the code, or all of it, can name a single house.
_OUTWARD_LENGTH: Final = {**_PREFIX_LENGTH, "IE": 3, "NL": 4}
_OUTWARD_LENGTH_ELSEWHERE: Final = 5

#: Somebody's home is told to strangers as the field it lies in, so many degrees high and wide: a
#: mile or so in Britain and Canada.
FIELD: Final = (0.015, 0.025)
#: No place is further from the middle of its field, in miles; the widest fields lie at the equator.
FIELD_MILES: Final = 1.01

#: Boxes are widened by this much (a few feet), so that rounding never loses a point on the circle.
_MARGIN_DEGREES: Final = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place on the globe, in degrees. Raises InvalidInput when it is not on the globe."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if -90 <= self.latitude <= 90 and -180 <= self.longitude <= 180:
            return  # at once: a search for slots makes thousands of them
        limits = (("latitude", self.latitude, 90), ("longitude", self.longitude, 180))
        errors = [
            FieldError(path=(name,), message=f"Give degrees from -{limit} to {limit}.")
            for name, degrees, limit in limits
            if not -limit <= degrees <= limit
        ]
        raise InvalidInput(*errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the work is to be done. The country is an ISO 3166 alpha-2 code."""

    line1: str
    line2: str = ""
    city: str
    state_province: str = ""
    postal_code: str
    country: str
    point: Point | None = None

    @property
    def outward_code(self) -> str:
        """The part of the postal code a provider may see before accepting."""
        return outward_code(self.country, self.postal_code)

    def wrong_fields(self, *within: str) -> tuple[FieldError, ...]:
        """Every field whose shape is wrong, with its remedy.

        `within` is the path of the address in what the client sent.
        """
        sizes = (
            ("line1", self.line1, 1, 200),
            ("line2", self.line2, 0, 200),
            ("city", self.city, 1, 100),
            ("stateProvince", self.state_province, 0, 100),
            ("postalCode", self.postal_code, 1, 16),
        )
        errors = [
            error
            for name, text, least, most in sizes
            for error in wrong_text((*within, name), text, least, most)
        ]
        if not _COUNTRY.fullmatch(self.country):
            message = 'Write the ISO 3166 code of two capitals, such as "GB".'
            errors.append(FieldError(path=(*within, "country"), message=message))
        return tuple(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Latitudes and longitudes that enclose a circle on the globe.

    There are two ranges of longitudes when the circle crosses the antimeridian, so that a plain
    BETWEEN on each of them is always right.
    """

    south: float
    north: float
    longitudes: tuple[tuple[float, float], ...]


def miles_between(a: Point, b: Point) -> float:
    """The great-circle distance (haversine: exact enough for metres and for antipodes)."""
    lat_a, lat_b = math.radians(a.latitude), math.radians(b.latitude)
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(b.longitude - a.longitude) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    # For antipodes rounding can carry h one step past 1, but its root is 1 again.
    return 2 * EARTH_RADIUS_MILES * math.asin(math.sqrt(h))


def shown_miles(miles: float) -> int:
    """A distance as a provider sees it before accepting: whole miles, never less than one."""
    return max(1, math.floor(miles + 0.5))


def rough(point: Point | None) -> Point | None:
    """The middle of the field that a place lies in, if it is known.

    Rounding a distance hides little: whoever may move to and fro and ask again finds where it
    turns, to the yard, and from three such circles the door. What is reckoned from here says no
    more than the field, however often and from wherever it is asked.
    """
    if point is None:
        return None
    high, wide = FIELD
    return Point(
        latitude=min((math.floor(point.latitude / high) + 0.5) * high, 90.0),
        longitude=min((math.floor(point.longitude / wide) + 0.5) * wide, 180.0),
    )


def box(point: Point, miles: float) -> Box:
    """The smallest box around everything within `miles` of a point, for an index to search."""
    angle = miles / EARTH_RADIUS_MILES
    reach = math.degrees(angle) + _MARGIN_DEGREES
    south, north = point.latitude - reach, point.latitude + reach
    if south <= -90 or north >= 90:
        # A pole is inside: every meridian passes through the circle.
        return Box(south=max(south, -90.0), north=min(north, 90.0), longitudes=((-180.0, 180.0),))
    # Meridians converge, so the circle is widest nearer the pole than its centre is.
    widest = math.sin(math.radians(reach)) / math.cos(math.radians(point.latitude))
    half = math.degrees(math.asin(widest)) + _MARGIN_DEGREES
    return Box(south=south, north=north, longitudes=_around(point.longitude, half))


def normal_postal_code(postal_code: str) -> str:
    """A postal code as it is compared: capitals and digits, no spaces or hyphens."""
    return "".join(character for character in postal_code.upper() if character.isalnum())


def postal_prefix(country: str, postal_code: str) -> str:
    """What two codes of one neighbourhood share.

    "SW1A 1AA" and "sw1a1aa" give SW1A, "M5V 2T6" gives M5V; elsewhere it is the whole code.
    """
    code = normal_postal_code(postal_code)
    if country in BRITISH:
        return _british_outward(postal_code, code)
    return code[: _PREFIX_LENGTH.get(country)]


def outward_code(country: str, postal_code: str) -> str:
    """What a stranger may know of a postal code: a district, never a street or a house."""
    code = normal_postal_code(postal_code)
    if country in BRITISH:
        return _british_outward(postal_code, code)[:4]
    return code[: _OUTWARD_LENGTH.get(country, _OUTWARD_LENGTH_ELSEWHERE)]


def is_district(said: str, country: str, postal_code: str) -> bool:
    """Is what was said the district of a code? "sw1a", "SW 1A" and the whole code all are."""
    district = outward_code(country, said)
    if not any(character.isdigit() for character in district):
        # Written apart, and read as if an inward code followed.
        district = normal_postal_code(said)
    return district == outward_code(country, postal_code)


def _british_outward(postal_code: str, code: str) -> str:
    whole = _BRITISH_POSTCODE.fullmatch(code)
    if whole:
        return whole[1]
    # Not a full postcode: perhaps an outward code alone, perhaps with a part of the inward one.
    first, *_ = postal_code.split() or [""]
    return normal_postal_code(first)


def _around(longitude: float, half: float) -> tuple[tuple[float, float], ...]:
    west, east = longitude - half, longitude + half
    if west <= -180:
        return ((-180.0, east), (west + 360, 180.0))
    if east >= 180:
        return ((west, 180.0), (-180.0, east - 360))
    return ((west, east),)
