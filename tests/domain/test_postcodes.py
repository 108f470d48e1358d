"""Is every postal area of the bundled table where it should be, and is every code found in it?"""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.places import Point, miles_between
from domain.postcode_table import (
    BRITISH_AREAS,
    CANADIAN_CITIES,
    CANADIAN_CITY_LETTERS,
    CANADIAN_LETTERS,
    LONDON_DISTRICTS,
)
from domain.postcodes import PostalArea, centroid, postal_area

CHARING_CROSS = Point(latitude=51.5074, longitude=-0.1276)
AREAS = BRITISH_AREAS.split()[::3]
DISTRICTS = LONDON_DISTRICTS.split()[::3]
LETTERS = [letter for letter, *_ in CANADIAN_LETTERS]

#: South, north, west and east of each province.
PROVINCES = {
    "AB": (48.9, 60.1, -120.1, -109.9),
    "BC": (48.2, 60.1, -139.1, -114.0),
    "MB": (48.9, 60.1, -102.1, -88.9),
    "NB": (44.5, 48.1, -69.1, -63.7),
    "NL": (46.6, 60.5, -67.9, -52.6),
    "NS": (43.3, 47.1, -66.5, -59.6),
    "NT": (59.9, 83.2, -136.5, -61.0),
    "ON": (41.6, 56.9, -95.2, -74.3),
    "PE": (45.9, 47.1, -64.5, -61.9),
    "QC": (44.9, 62.7, -79.8, -57.0),
    "SK": (48.9, 60.1, -110.1, -101.3),
    "YT": (59.9, 69.7, -141.1, -123.8),
}


def at(latitude: float, longitude: float) -> Point:
    return Point(latitude=latitude, longitude=longitude)


def known(country: str, code: str) -> PostalArea:
    area = postal_area(country, code)
    assert area is not None, (country, code)
    return area


def is_inside(point: Point, south: float, north: float, west: float, east: float) -> bool:
    return south <= point.latitude <= north and west <= point.longitude <= east


@pytest.mark.parametrize(
    ("country", "code", "place", "miles"),
    [
        ("GB", "SW1A 0AA", at(51.4995, -0.1248), 1),
        ("GB", "EC4M 8AD", at(51.5138, -0.0984), 1),
        ("GB", "E20 2ST", at(51.5387, -0.0166), 1),
        ("GB", "NW1 4RY", at(51.5353, -0.1534), 1),
        ("GB", "SE10 9NN", at(51.4810, -0.0052), 1),
        ("GB", "W1A 1AA", at(51.5186, -0.1438), 1),
        ("GB", "CR0 1NX", at(51.3727, -0.1003), 2),
        ("GB", "M1 2HB", at(53.4774, -2.2309), 3),
        ("GB", "B1 1BB", at(52.4797, -1.9026), 2),
        ("GB", "EH1 1RE", at(55.9525, -3.1906), 3),
        ("GB", "G2 1DU", at(55.8609, -4.2514), 2),
        ("GB", "CF10 3NP", at(51.4854, -3.1770), 6),
        ("GB", "BT1 5GS", at(54.5966, -5.9301), 19),
        ("GB", "PL1 2AA", at(50.3701, -4.1413), 10),
        ("GB", "KW15 1NX", at(58.9814, -2.9601), 27),
        ("GB", "ZE1 0HB", at(60.1554, -1.1453), 6),
        ("JE", "JE2 3RA", at(49.1858, -2.1063), 2),
        ("GG", "GY1 1FH", at(49.4571, -2.5382), 4),
        ("IM", "IM1 3PX", at(54.1523, -4.4800), 5),
        ("CA", "M5V 3L9", at(43.6426, -79.3871), 1),
        ("CA", "M1B 5K7", at(43.8177, -79.1859), 6),
        ("CA", "H3B 4G5", at(45.5009, -73.5712), 3),
        ("CA", "H2Y 1C6", at(45.5045, -73.5561), 4),
        ("CA", "V6B 4Y8", at(49.2799, -123.1156), 2),
        ("CA", "V8W 1P6", at(48.4284, -123.3656), 3),
        ("CA", "V1Y 6N2", at(49.8880, -119.4960), 2),
        ("CA", "T2P 2M5", at(51.0461, -114.0618), 3),
        ("CA", "T5J 2R7", at(53.5445, -113.4909), 3),
        ("CA", "K1A 0A9", at(45.4236, -75.7009), 3),
        ("CA", "R3C 4T3", at(49.8951, -97.1384), 3),
        ("CA", "S4P 3V7", at(50.4452, -104.6189), 2),
        ("CA", "B3J 3A5", at(44.6476, -63.5728), 2),
        ("CA", "A1C 5M2", at(47.5615, -52.7126), 1),
        ("CA", "G1R 4S9", at(46.8123, -71.2145), 3),
        ("CA", "X1A 2N4", at(62.4540, -114.3718), 2),
        ("CA", "Y1A 2C6", at(60.7212, -135.0568), 1),
    ],
)
def test_a_known_place_is_near_the_middle_of_its_postal_area(
    country: str, code: str, place: Point, miles: float
) -> None:
    found = centroid(country, code)
    assert found is not None
    assert miles_between(found, place) <= miles


def test_the_table_has_every_area_and_every_district_of_london_once() -> None:
    assert len(AREAS) == len(set(AREAS)) == 124
    assert {"BT", "GY", "IM", "JE", "ZE"} <= set(AREAS)
    last = {"E": 20, "EC": 4, "N": 22, "NW": 11, "SE": 28, "SW": 20, "W": 14, "WC": 2}
    every = [f"{area}{number + 1}" for area in last for number in range(last[area])]
    assert [code for code in every if code != "E19"] == DISTRICTS


def test_the_table_has_every_first_letter_of_canada_and_no_code_twice() -> None:
    assert "".join(LETTERS) == "ABCEGHJKLMNPRSTVXY"
    codes = Counter(
        pair + letter
        for *_, groups in CANADIAN_CITIES
        for pair, _, letters in (group.partition(":") for group in groups.split())
        for letter in letters or [""]
    )
    assert set(codes.values()) == {1}
    assert len({name for name, *_ in CANADIAN_CITIES}) == len(CANADIAN_CITIES) == 144
    # Nor are single codes taken out of a letter and digit that belongs to one city as a whole.
    pairs = {code for code in codes if len(code) == 2}
    assert not [code for code in codes if len(code) == 3 and code[:2] in pairs]


@pytest.mark.parametrize("code", AREAS)
def test_every_british_area_is_in_the_british_isles(code: str) -> None:
    area = known("GB", code)
    assert (area.code, area.province, area.is_vague) == (code, None, False)
    assert is_inside(area.centre, 49.1, 60.9, -8.2, 1.8)


@pytest.mark.parametrize("code", DISTRICTS)
def test_every_london_district_is_in_london_and_near_the_middle_of_its_area(code: str) -> None:
    district = known("GB", code)
    assert district.code == code
    assert miles_between(district.centre, CHARING_CROSS) < 12
    assert miles_between(district.centre, known("GB", code.rstrip("0123456789")).centre) < 9


@pytest.mark.parametrize(("letter", "province"), [row[:2] for row in CANADIAN_LETTERS])
def test_every_canadian_letter_is_in_its_province(letter: str, province: str) -> None:
    area = known("CA", letter)
    assert (area.code, area.province) == (letter, province)
    assert area.is_vague is (letter not in CANADIAN_CITY_LETTERS)
    assert is_inside(area.centre, *PROVINCES[province])


@pytest.mark.parametrize(("name", "groups"), [(row[0], row[3]) for row in CANADIAN_CITIES])
def test_every_canadian_city_is_in_the_province_of_its_letter(name: str, groups: str) -> None:
    for group in groups.split():
        pair, _, letters = group.partition(":")
        for code in [pair + letter for letter in letters] or [pair]:
            area = known("CA", code)
            assert (area.code, area.is_vague) == (code, False), name
            assert area.province == known("CA", code[0]).province
            assert is_inside(area.centre, *PROVINCES[area.province or ""]), name


@pytest.mark.parametrize(
    ("country", "code", "area"),
    [
        # The longest that is known is meant.
        ("GB", "SW1A 1AA", "SW1"),
        ("GB", "SW11 1AA", "SW11"),
        ("GB", "SW95 9AA", "SW"),
        ("GB", "E1W 2AB", "E1"),
        ("GB", "E19 1AA", "E"),
        ("GB", "EC1A 1BB", "EC1"),
        ("GB", "N1C 4AG", "N1"),
        ("GB", "AB10 1AB", "AB"),
        ("CA", "V6B 1A1", "V6"),
        ("CA", "V8W 1A1", "V8W"),
        ("CA", "V8G 1A1", "V"),
        ("CA", "M0A 1A1", "M"),
        ("CA", "K0A 1B0", "K"),
        # However it is written.
        ("GB", "sw1a1aa", "SW1"),
        ("GB", "  e1  6an ", "E1"),
        ("GB", "E162AN", "E16"),
        ("GB", "E16AN", "E1"),
        ("CA", "m5v2t6", "M5"),
        ("CA", " m5v-2t6 ", "M5"),
        # And however little of it.
        ("GB", "SW1A", "SW1"),
        ("GB", "SW1", "SW1"),
        ("GB", "SW", "SW"),
        ("GB", "E1 6", "E1"),
        ("CA", "M5V", "M5"),
        ("CA", "M5V 2", "M5"),
        ("CA", "M5", "M5"),
        ("CA", "M", "M"),
        # Islands by their own country and by the kingdom's.
        ("JE", "JE2 3AB", "JE"),
        ("GB", "JE2 3AB", "JE"),
    ],
)
def test_a_code_lies_in_the_narrowest_area_that_is_known(
    country: str, code: str, area: str
) -> None:
    assert known(country, code).code == area


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("GB", ""),
        ("GB", "   "),
        ("GB", "ZZ1 1AA"),
        ("GB", "GIR 0AA"),
        ("GB", "BF1 2AB"),
        ("GB", "12 High Street"),
        ("GB", "London"),
        ("GB", "E²"),
        ("GB", "90210"),
        ("CA", ""),
        ("CA", "D1A 1A1"),
        ("CA", "Vancouver"),
        ("CA", "M55"),
        ("CA", "M5V 2T6 1"),
        ("CA", "SW1A 1AA"),
        ("US", "90210"),
        ("IE", "D02 AF30"),
        ("FR", "75001"),
        ("", "SW1A 1AA"),
        ("gb", "SW1A 1AA"),
    ],
)
def test_where_no_area_is_known_there_is_none(country: str, code: str) -> None:
    assert postal_area(country, code) is None
    assert centroid(country, code) is None


@given(st.sampled_from(["GB", "CA", "JE", "US"]), st.text(max_size=16))
def test_any_text_has_an_area_or_none(country: str, code: str) -> None:
    area = postal_area(country, code)
    assert area is None or centroid(country, code) == area.centre
