"""Is a vehicle described so that a mechanic can prepare, and how many may a customer keep?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.refusals import InvalidInput
from domain.vehicles import (
    MAX_VEHICLES,
    SavedVehicle,
    TooManyVehicles,
    Vehicle,
    check_digit,
    compact,
    save,
)
from tests.factories import CUSTOMER, NOW, PROVIDER, a_vehicle, a_viewer

#: The example of 49 CFR 565.15.
AMERICAN = "1M8GDM9AXKP042788"
#: A maker in Germany, who need not give a check digit.
GERMAN = "WVWZZZ1KZAW123456"


def a_saved_vehicle(**changes: Any) -> SavedVehicle:
    facts: dict[str, Any] = {"id": UUID(int=7), "customer_id": CUSTOMER, "vehicle": a_vehicle()}
    return SavedVehicle(**facts | changes)


def wrong_paths(vehicle: Vehicle) -> list[str]:
    return [".".join(error.path) for error in vehicle.wrong_fields("vehicle", at=NOW)]


def test_year_make_and_model_describe_a_vehicle() -> None:
    plain = a_vehicle(vin=None, plate=None)
    assert plain.wrong_fields(at=NOW) == ()


@pytest.mark.parametrize(
    ("year", "wrong"), [(1899, True), (1900, False), (2027, False), (2028, True)]
)
def test_the_year_is_from_1900_to_next_year(year: int, wrong: bool) -> None:
    assert wrong_paths(a_vehicle(year=year)) == ["vehicle.year"] * wrong


def test_next_year_is_told_by_the_moment_it_is_asked_at() -> None:
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert a_vehicle(year=2028).wrong_fields(at=later) == ()


@pytest.mark.parametrize("vin", [None, AMERICAN, GERMAN, "11111111111111111", "5GZCZ43D13S812715"])
def test_a_vin_is_optional_and_taken_when_it_can_be_one(vin: str | None) -> None:
    assert wrong_paths(a_vehicle(vin=vin)) == []


@pytest.mark.parametrize(
    "vin",
    [
        "",
        AMERICAN[:-1],
        AMERICAN + "8",
        AMERICAN.lower(),
        "WVWZZZ1KZAI123456",
        "WVWZZZ1KZAO123456",
        "WVWZZZ1KZAQ123456",
        "WVWZZZ1KZA\u0661123456",
        GERMAN + "\n",
    ],
)
def test_what_is_not_17_letters_and_digits_without_i_o_and_q_is_no_vin(vin: str) -> None:
    (error,) = a_vehicle(vin=vin).wrong_fields("vehicle", at=NOW)
    assert error.path == ("vehicle", "vin")
    assert error.message.startswith("A VIN is 17 letters and digits, without I, O and Q;")


@pytest.mark.parametrize("first", "12345")
def test_a_north_american_vin_must_match_its_check_digit(first: str) -> None:
    right = first + AMERICAN[1:]
    right = right[:8] + check_digit(right) + right[9:]
    assert wrong_paths(a_vehicle(vin=right)) == []
    mistyped = right[:-1] + "9"
    (error,) = a_vehicle(vin=mistyped).wrong_fields("vehicle", at=NOW)
    assert error.path == ("vehicle", "vin")
    assert "does not match its check digit" in error.message


def test_elsewhere_the_ninth_place_may_hold_anything() -> None:
    assert GERMAN[8] != check_digit(GERMAN)
    assert wrong_paths(a_vehicle(vin=GERMAN)) == []


@pytest.mark.parametrize(
    ("vin", "digit"),
    [(AMERICAN, "X"), ("11111111111111111", "1"), ("1HGCM82633A004352", "3")],
)
def test_the_check_digit_is_the_remainder_by_eleven_and_x_is_ten(vin: str, digit: str) -> None:
    assert check_digit(vin) == digit == vin[8]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" lb07 \tseo ", "LB07SEO"),
        ("wvw-zzz1kz-aw123456", GERMAN),
        ("  ", None),
        ("", None),
        (None, None),
    ],
)
def test_vins_and_plates_are_kept_in_capitals_without_spaces(
    typed: str | None, kept: str | None
) -> None:
    assert compact(typed) == kept


def test_every_wrong_field_is_named_at_once_below_where_it_was_sent() -> None:
    nonsense = a_vehicle(year=0, make="", model="x" * 51, vin="?", plate="P" * 17)
    errors = nonsense.wrong_fields("booking", "vehicle", at=NOW)
    assert [error.path[2:] for error in errors] == [
        ("make",),
        ("model",),
        ("year",),
        ("vin",),
        ("plate",),
    ]
    assert {error.path[:2] for error in errors} == {("booking", "vehicle")}


def test_a_vehicle_is_kept_while_there_is_room() -> None:
    kept = a_saved_vehicle(name="x" * 100)
    assert save(kept, others=MAX_VEHICLES - 1, at=NOW) == kept
    with pytest.raises(TooManyVehicles) as refused:
        save(kept, others=MAX_VEHICLES, at=NOW)
    assert refused.value.limit == 50


def test_a_kept_vehicle_needs_a_short_name_and_a_right_description() -> None:
    wrong = a_saved_vehicle(name="x" * 101, vehicle=a_vehicle(make=""))
    with pytest.raises(InvalidInput) as refused:
        save(wrong, others=MAX_VEHICLES, at=NOW)
    assert [error.path for error in refused.value.errors] == [("name",), ("vehicle", "make")]


def test_a_kept_vehicle_is_its_customers_alone() -> None:
    assert a_saved_vehicle().is_visible_to(a_viewer())
    assert not a_saved_vehicle().is_visible_to(a_viewer(user_id=PROVIDER))
