"""Distances, boxes and postal codes, with the globe's awkward places."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.places import (
    EARTH_RADIUS_MILES,
    FIELD_MILES,
    Address,
    Box,
    Point,
    box,
    is_district,
    miles_between,
    normal_postal_code,
    outward_code,
    postal_prefix,
    rough,
    shown_miles,
)
from domain.refusals import FieldError, InvalidInput

QUARTER = EARTH_RADIUS_MILES * math.pi / 2


def at(latitude: float, longitude: float) -> Point:
    return Point(latitude=latitude, longitude=longitude)


def inside(around: Box, point: Point) -> bool:
    """What the search by index asks of a box: plain BETWEENs."""
    return around.south <= point.latitude <= around.north and any(
        west <= point.longitude <= east for west, east in around.longitudes
    )


@pytest.mark.parametrize(
    ("a", "b", "miles"),
    [
        (at(51.5, -0.12), at(51.5, -0.12), 0),
        (at(0, 0), at(0, 90), QUARTER),
        (at(0, 0), at(90, 12), QUARTER),
        (at(90, 0), at(90, 180), 0),
        (at(0, 0), at(0, 180), 2 * QUARTER),
        (at(37.3, 10), at(-37.3, -170), 2 * QUARTER),
        (at(2.5, 10), at(-2.5, -170), 2 * QUARTER),
        (at(0, 179.5), at(0, -179.5), QUARTER / 90),
        (at(51.5, 0), at(52.5, 0), QUARTER / 90),
        (at(51.5074, -0.1278), at(48.8566, 2.3522), 213.5),
        (at(43.6532, -79.3832), at(45.5019, -73.5674), 313.34),
    ],
)
def test_distance_follows_the_great_circle(a: Point, b: Point, miles: float) -> None:
    assert miles_between(a, b) == pytest.approx(miles, abs=0.1)
    assert miles_between(b, a) == pytest.approx(miles_between(a, b), abs=1e-9)


def test_a_tenth_of_a_mile_is_told_apart() -> None:
    assert miles_between(at(51.5, 0), at(51.5 + 0.1 / 69.0934, 0)) == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize(
    ("latitude", "longitude", "wrong"),
    [
        (90.001, 0, [("latitude", 90)]),
        (-91, 181, [("latitude", 90), ("longitude", 180)]),
        (0, -180.5, [("longitude", 180)]),
        (math.nan, math.inf, [("latitude", 90), ("longitude", 180)]),
    ],
)
def test_a_point_off_the_globe_is_refused_naming_each_wrong_field(
    latitude: float, longitude: float, wrong: list[tuple[str, int]]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        at(latitude, longitude)

    assert refused.value.errors == tuple(
        FieldError(path=(name,), message=f"Give degrees from -{limit} to {limit}.")
        for name, limit in wrong
    )


def test_the_edges_of_the_globe_are_points() -> None:
    assert at(90, 180) != at(-90, -180)


@pytest.mark.parametrize(
    ("miles", "shown"),
    [(0, 1), (0.3, 1), (1.49, 1), (1.5, 2), (2.5, 3), (3.49, 3), (24.6, 25)],
)
def test_a_distance_is_shown_in_whole_miles(miles: float, shown: int) -> None:
    assert shown_miles(miles) == shown


@given(st.floats(-90, 90), st.floats(-180, 180))
@example(90.0, 180.0)
@example(-90.0, -180.0)
@example(0.0, 0.0)
@example(0.01499999, 0.0)
def test_a_place_is_told_as_the_middle_of_its_field_which_is_never_far(
    latitude: float, longitude: float
) -> None:
    here = at(latitude, longitude)
    middle = rough(here)
    assert middle is not None
    assert miles_between(here, middle) <= FIELD_MILES
    assert rough(middle) == middle


def test_all_places_of_a_field_are_told_alike_and_those_of_the_next_are_not() -> None:
    corners = [at(51.495, -0.125), at(51.5099, -0.125), at(51.495, -0.1001), at(51.5099, -0.1001)]
    (middle,) = {rough(one) for one in corners}
    assert middle is not None
    assert (middle.latitude, middle.longitude) == pytest.approx((51.5025, -0.1125))
    assert miles_between(corners[0], corners[1]) > 1
    for beside in (at(51.4949, -0.125), at(51.5101, -0.125), at(51.495, -0.1251), at(51.495, -0.1)):
        assert rough(beside) != middle


def test_a_place_that_is_not_known_is_in_no_field() -> None:
    assert rough(None) is None


def test_a_box_reaches_as_far_as_the_circle_and_hardly_further() -> None:
    around = box(at(60, 10), 69.0934)

    assert around.south == pytest.approx(59, abs=2e-5)
    assert around.north == pytest.approx(61, abs=2e-5)
    # sin 1 degree / cos 60 degrees, a little more than the two degrees along the parallel.
    reach = math.degrees(math.asin(math.sin(math.radians(1)) / math.cos(math.radians(60))))
    assert reach > 2
    ((west, east),) = around.longitudes
    assert west == pytest.approx(10 - reach, abs=4e-5)
    assert east == pytest.approx(10 + reach, abs=4e-5)


def test_a_box_across_the_antimeridian_has_two_ranges() -> None:
    degree = EARTH_RADIUS_MILES * math.radians(1)

    eastwards, westwards = box(at(0, 179.5), degree), box(at(0, -179.5), degree)

    assert list(eastwards.longitudes) == [
        pytest.approx((178.5, 180.0), abs=4e-5),
        pytest.approx((-180.0, -179.5), abs=4e-5),
    ]
    assert list(westwards.longitudes) == [
        pytest.approx((-180.0, -178.5), abs=4e-5),
        pytest.approx((179.5, 180.0), abs=4e-5),
    ]


def test_the_antimeridian_is_one_line_under_two_names() -> None:
    for longitude in (180, -180):
        around = box(at(0, longitude), 1)
        assert inside(around, at(0, 180))
        assert inside(around, at(0, -180))


@pytest.mark.parametrize(
    ("latitude", "south", "north"),
    [(89.9, 88.9, 90), (-89.9, -90, -88.9), (90, 89, 90), (-90, -90, -89)],
)
def test_a_box_around_a_pole_takes_every_longitude(
    latitude: float, south: float, north: float
) -> None:
    around = box(at(latitude, 25), EARTH_RADIUS_MILES * math.radians(1))

    assert around.longitudes == ((-180, 180),)
    assert around.south == pytest.approx(south, abs=2e-5)
    assert around.north == pytest.approx(north, abs=2e-5)


def test_a_circle_as_large_as_the_globe_takes_everything() -> None:
    assert box(at(10, 10), 13_000) == Box(south=-90, north=90, longitudes=((-180, 180),))


@settings(max_examples=150, deadline=None, database=None)
@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    miles=st.sampled_from([0.0, 0.5, 10.0, 25.0, 500.0, 7000.0]),
    bearing=st.floats(0, 2 * math.pi),
    share=st.sampled_from([0.0, 0.5, 1.0]),
)
@example(latitude=60, longitude=-179.9, miles=25, bearing=4.6, share=1)
@example(latitude=89.5, longitude=0, miles=25, bearing=1.57, share=1)
def test_whatever_lies_within_the_radius_lies_within_the_box(
    latitude: float, longitude: float, miles: float, bearing: float, share: float
) -> None:
    centre = at(latitude, longitude)
    there = _travelled(centre, miles * share, bearing)

    assert miles_between(centre, there) == pytest.approx(
        min(miles * share, 4 * QUARTER - miles * share), abs=1e-3
    )
    assert inside(box(centre, miles), there)


def _travelled(start: Point, miles: float, bearing: float) -> Point:
    """Where one arrives by going straight on: the direct problem on a sphere."""
    angle, lat = miles / EARTH_RADIUS_MILES, math.radians(start.latitude)
    sine = math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(bearing)
    arrived = math.asin(max(-1.0, min(1.0, sine)))
    turned = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(lat),
        math.cos(angle) - math.sin(lat) * math.sin(arrived),
    )
    longitude = (start.longitude + math.degrees(turned) + 540) % 360 - 180
    return at(math.degrees(arrived), longitude)


@pytest.mark.parametrize(
    ("country", "code", "prefix", "outward"),
    [
        ("GB", "SW1A 1AA", "SW1A", "SW1A"),
        ("GB", "sw1a1aa", "SW1A", "SW1A"),
        ("GB", " M1 1AE ", "M1", "M1"),
        ("GB", "M11AE", "M1", "M1"),
        ("GB", "E1 6AN", "E1", "E1"),
        ("GB", "E16AN", "E1", "E1"),
        ("GB", "E16 2AN", "E16", "E16"),
        ("GB", "E162AN", "E16", "E16"),
        ("GB", "W1A 0AX", "W1A", "W1A"),
        ("GB", "CR26XH", "CR2", "CR2"),
        ("GB", "DN55 1PT", "DN55", "DN55"),
        ("GB", "GIR 0AA", "GIR", "GIR"),
        ("GB", "SW1A", "SW1A", "SW1A"),
        ("GB", "E1 6", "E1", "E1"),
        ("GB", "12 HIGH STREET", "12", "12"),
        ("GB", "HIGHSTREET12", "HIGHSTREET12", "HIGH"),
        ("GB", "", "", ""),
        ("JE", "JE2 3AB", "JE2", "JE2"),
        ("CA", "M5V 2T6", "M5V", "M5V"),
        ("CA", "m5v2t6", "M5V", "M5V"),
        ("CA", "M5V-2T6", "M5V", "M5V"),
        ("US", "90210-1234", "90210", "90210"),
        ("US", "90210", "90210", "90210"),
        ("IE", "D02 AF30", "D02AF30", "D02"),
        ("NL", "1012 ab", "1012AB", "1012"),
        ("DE", "10115", "10115", "10115"),
        ("AR", "C1425 CLA", "C1425CLA", "C1425"),
        ("AE", "", "", ""),
    ],
)
def test_a_postal_code_gives_its_neighbourhood_and_what_a_stranger_may_see(
    country: str, code: str, prefix: str, outward: str
) -> None:
    address = Address(line1="1 High Street", city="There", postal_code=code, country=country)

    assert postal_prefix(country, code) == prefix
    assert outward_code(country, code) == outward
    assert address.outward_code == outward


def test_postal_codes_are_compared_without_case_or_punctuation() -> None:
    assert normal_postal_code(" sw1a-1aa ") == "SW1A1AA"


@pytest.mark.parametrize(
    ("said", "country", "code", "same"),
    [
        ("e 1", "GB", "E1 6AN", True),
        ("e1 6an", "GB", "E1 6AN", True),
        ("E14", "GB", "E1 4AA", False),
        ("m5v", "CA", "M5V 2T6", True),
        ("m 5v", "CA", "M5V 2T6", True),
        ("10001-1234", "US", "10001", True),
        ("10001", "US", "10002", False),
        ("d 02", "IE", "D02 X285", True),
    ],
)
def test_a_district_is_the_same_however_it_is_written(
    said: str, country: str, code: str, same: bool
) -> None:
    assert is_district(said, country, code) is same
