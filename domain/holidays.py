"""On which days is the house closed, and whose bookings lie on them?"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from domain.availability_conflicts import conflicts
from domain.booking_rules import BookingRule
from domain.refusals import FieldError, InvalidInput, Refusal, wrong_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from uuid import UUID

    from domain.availability import Availability
    from domain.bookings import Booking

_COUNTRY: Final = re.compile("[A-Z]{2}")
#: The longest time whose holidays are listed at once, in days.
LONGEST_LIST: Final = 731


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """A local day on which the house is closed: in one country, or everywhere."""

    id: UUID
    day: date
    #: ISO 3166 alpha-2; None is everywhere.
    country: str | None = None
    name: str


class HolidayExists(Refusal):
    """The day is a holiday there already."""

    def __init__(self, holiday: Holiday) -> None:
        where = holiday.country or "every country"
        super().__init__(f"{holiday.day} is a holiday in {where} already: {holiday.name}.")
        self.holiday = holiday


def check(holiday: Holiday) -> None:
    """Raises InvalidInput with every wrong field."""
    wrong = wrong_text(("name",), holiday.name, 1, 100)
    if holiday.country is not None and not _COUNTRY.fullmatch(holiday.country):
        message = 'Write the ISO 3166 code of two capitals, such as "GB", or leave it out.'
        wrong = (FieldError(path=("country",), message=message), *wrong)
    if wrong:
        raise InvalidInput(*wrong)


def check_list(first: date, last: date) -> None:
    """Can the holidays from one day to another be listed? Raises InvalidInput."""
    if first > last:
        message = "Let the last day be the first one or a later one."
    elif (last - first).days >= LONGEST_LIST:
        message = f"Ask for at most {LONGEST_LIST} days at a time."
    else:
        return
    raise InvalidInput(FieldError(path=("to",), message=message))


def closed_by(
    day: date, availability: Availability, work: Iterable[Booking], *, at: datetime
) -> tuple[Booking, ...]:
    """Which of a provider's bookings ahead are forbidden by a holiday on this day, and by it alone
    among the holidays?"""
    work = tuple(work)
    without = replace(availability, holidays=availability.holidays - {day})
    with_it = replace(availability, holidays=availability.holidays | {day})
    before = _on_holidays(without, work, at)
    return tuple(one for one in work if one.id in _on_holidays(with_it, work, at) - before)


def _on_holidays(availability: Availability, work: Iterable[Booking], at: datetime) -> set[UUID]:
    return {
        conflict.booking.id
        for conflict in conflicts(availability, work, at=at)
        if any(broken.rule is BookingRule.HOLIDAY for broken in conflict.broken)
    }
