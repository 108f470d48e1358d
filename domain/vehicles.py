"""Which vehicle is to be worked on, and is it described so that a mechanic can prepare?

A VIN is 17 letters and digits without I, O and Q (ISO 3779). Its ninth character is a check digit
where the law asks for one, which is North America; makers elsewhere put what they like there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.refusals import FieldError, InvalidInput, Refusal, wrong_text

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.people import Viewer

#: The year of the oldest vehicle that is taken.
OLDEST: Final = 1900
#: How many vehicles a customer may keep.
MAX_VEHICLES: Final = 50

_VIN: Final = re.compile("[A-HJ-NPR-Z0-9]{17}")
#: What a VIN begins with whose maker is in North America (ISO 3780).
_NORTH_AMERICAN: Final = "12345"
#: What each place of a VIN counts in the check digit, and what each letter stands for
#: (49 CFR 565.15). The check digit's own place counts nothing.
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_LETTERS: Final = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
_CHECK_AT: Final = 8


class TooManyVehicles(Refusal):
    """The customer keeps as many vehicles as can be kept."""

    def __init__(self) -> None:
        super().__init__(f"You have {MAX_VEHICLES} vehicles; delete one before you save another.")
        self.limit = MAX_VEHICLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A vehicle as its owner describes it. VIN and plate are in capitals, without spaces."""

    year: int
    make: str
    model: str
    vin: str | None = None
    plate: str | None = None

    def wrong_fields(self, *within: str, at: datetime) -> tuple[FieldError, ...]:
        """Every field that does not describe a vehicle at `at`, with its remedy.

        `within` is the path of the description in what the client sent.
        """
        errors = [
            *wrong_text((*within, "make"), self.make, 1, 50),
            *wrong_text((*within, "model"), self.model, 1, 50),
        ]
        # Next year's models are on the road this year.
        newest = at.year + 1
        if not OLDEST <= self.year <= newest:
            message = f"Give a year from {OLDEST} to {newest}."
            errors.append(FieldError(path=(*within, "year"), message=message))
        if self.vin is not None and (remedy := _wrong_vin(self.vin)):
            errors.append(FieldError(path=(*within, "vin"), message=remedy))
        if self.plate is not None:
            errors.extend(wrong_text((*within, "plate"), self.plate, 1, 16))
        return tuple(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedVehicle:
    """A vehicle that a customer keeps, to book with again. The name is theirs; may be empty."""

    id: UUID
    customer_id: UUID
    name: str = ""
    vehicle: Vehicle

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Is it the viewer's own? Staff see what is on a booking, and no more."""
        return viewer.user_id == self.customer_id


def save(vehicle: SavedVehicle, *, others: int, at: datetime) -> SavedVehicle:
    """Keep a vehicle beside the `others` of its customer. Raises InvalidInput, TooManyVehicles."""
    wrong = (
        *wrong_text(("name",), vehicle.name, 0, 100),
        *vehicle.vehicle.wrong_fields("vehicle", at=at),
    )
    if wrong:
        raise InvalidInput(*wrong)
    if others >= MAX_VEHICLES:
        raise TooManyVehicles
    return vehicle


def compact(text: str | None) -> str | None:
    """A VIN or plate as it is kept: capitals, without spaces and hyphens; None for an empty one."""
    return re.sub(r"[\s-]", "", text or "").upper() or None


def check_digit(vin: str) -> str:
    """What belongs in the ninth place of a VIN of the right shape."""
    values = (int(_LETTERS.get(character, character)) for character in vin)
    remainder = sum(map(int.__mul__, values, _WEIGHTS)) % 11
    return "X" if remainder == 10 else str(remainder)


def _wrong_vin(vin: str) -> str | None:
    if not _VIN.fullmatch(vin):
        return (
            "A VIN is 17 letters and digits, without I, O and Q; "
            "leave it out for a vehicle older than VINs (1981)."
        )
    if vin[0] in _NORTH_AMERICAN and vin[_CHECK_AT] != check_digit(vin):
        return "A character of this VIN is wrong: it does not match its check digit, the ninth."
    return None
