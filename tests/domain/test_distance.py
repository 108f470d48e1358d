"""How far apart are two places: by coordinates, by postal areas, or is it not known?"""

import math
from dataclasses import dataclass

import pytest

from domain.distance import miles_apart
from domain.places import Point
from tests.factories import WESTMINSTER

#: The Eiffel Tower.
PARIS = Point(latitude=48.8584, longitude=2.2945)


@dataclass(frozen=True, slots=True)
class Spot:
    """A country, a postal code and perhaps coordinates."""

    country: str = "GB"
    postal_code: str = ""
    point: Point | None = None


def apart(one: Spot, other: Spot) -> float | None:
    """The same from either side."""
    found = miles_apart(one, other)
    assert miles_apart(other, one) == pytest.approx(found)
    return found


def test_coordinates_count_where_both_places_have_them_whatever_the_codes_say() -> None:
    here = Spot("GB", "SW1A 0AA", WESTMINSTER)

    assert apart(here, Spot("GB", "SW1A 0AA", PARIS)) == pytest.approx(211.62, abs=0.01)
    assert apart(here, Spot("", "", PARIS)) == pytest.approx(211.62, abs=0.01)
    assert apart(here, Spot("GB", "ZE1 0AA", WESTMINSTER)) == 0


def test_the_edges_of_the_globe_are_places_too() -> None:
    null, far = (Spot(point=Point(latitude=0, longitude=degrees)) for degrees in (0, 180))
    assert apart(null, far) == pytest.approx(math.pi * 6371.0088 / 1.609344)


@pytest.mark.parametrize(
    ("one", "other", "miles"),
    [
        # A degree of latitude is 69.09 miles; in London one of longitude is 43.
        (("GB", "SW1A 0AA"), ("GB", "SW2 1AA"), 2.89),
        (("GB", "E1 6AN"), ("GB", "E2"), 0.69),
        (("GB", "SW1A 0AA"), ("GB", "M1 1AE"), 164.11),
        (("GB", "SW1A 0AA"), ("CA", "M5V 2T6"), 3549.6),
        (("CA", "M5V 2T6"), ("CA", "H3B 4G5"), 311.33),
        (("CA", "V6B 1A1"), ("CA", "V8W 1A1"), 56.4),
    ],
)
@pytest.mark.parametrize("point", [None, WESTMINSTER])
def test_else_it_is_the_way_between_the_middles_of_the_postal_areas(
    one: tuple[str, str], other: tuple[str, str], miles: float, point: Point | None
) -> None:
    # Coordinates of one place alone say nothing.
    assert apart(Spot(*one, point), Spot(*other)) == pytest.approx(miles, abs=0.05)


def test_two_codes_of_one_area_are_in_one_place() -> None:
    assert apart(Spot("GB", "SW1A 0AA"), Spot("GB", "SW1V 1AA")) == 0
    assert apart(Spot("GB", "AB10 1AB"), Spot("GB", "AB56 1AA")) == 0
    assert apart(Spot("CA", "V8W 1A1"), Spot("CA", "V9A 1A1")) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("GB", "SW1A 0AA"), ("GB", "")),
        (("GB", ""), ("GB", "")),
        (("US", "90210"), ("US", "90210")),
        (("FR", "75001"), ("GB", "SW1A 0AA")),
        # No more is known of one of them than that they are in one province.
        (("CA", "V0E 1A0"), ("CA", "V0E 1A0")),
        (("CA", "V0E 1A0"), ("CA", "V6B 1A1")),
        (("CA", "K0A 1A0"), ("CA", "M5V 2T6")),
        (("CA", "G0A 1A0"), ("CA", "H3B 4G5")),
        (("CA", "L0A 1A0"), ("CA", "P0A 1A0")),
    ],
)
@pytest.mark.parametrize("point", [None, WESTMINSTER])
def test_it_is_not_known_where_an_area_is_not_known_or_too_wide(
    one: tuple[str, str], other: tuple[str, str], point: Point | None
) -> None:
    assert apart(Spot(*one, point), Spot(*other)) is None


def test_a_province_is_far_from_another_one_and_a_city_is_no_province() -> None:
    assert apart(Spot("CA", "V0E 1A0"), Spot("CA", "M5V 2T6")) == pytest.approx(2066, abs=1)
    assert apart(Spot("CA", "H0Z 1A0"), Spot("CA", "H3B 4G5")) == pytest.approx(2.9, abs=0.1)
