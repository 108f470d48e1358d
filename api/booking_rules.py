"""The booking rules of a service: how they are shown, and how an admin gives them."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, time
from typing import Any

import strawberry

from api.access import PUBLIC, allow
from api.enums import describe
from api.views import view_of
from domain import booking_rules as domain
from domain.people import Role

SameDay = describe(
    domain.SameDay,
    "Whether a service can be booked for the day it is booked on.",
    ALLOWED="Yes.",
    UNTIL_CUTOFF="Until a time of the day, by the clock where the work is done.",
    NEVER="No.",
)
Advance = describe(
    domain.Advance,
    "How the furthest day that can be booked is found.",
    DAYS="A number of days from now.",
    BOOKABLE_DAYS="A number of days on which the provider works, from today.",
    DATES="From a first date to a last one.",
)

#: What each rule means; the view and the input say the same of it.
_MEANINGS = {
    "same_day": "Can it be booked for the same day?",
    "same_day_cutoff": "With UNTIL_CUTOFF: until when, on the clock where the work is done.",
    "notice_minutes": "How long before the start it has to be booked, in minutes; 0 to 129600. "
    "Not asked of IMMEDIATE bookings.",
    "advance": "How far ahead it can be booked.",
    "advance_days": "With DAYS and BOOKABLE_DAYS: how many; 1 to 730.",
    "first_date": "With DATES: the first day that can be booked.",
    "last_date": "With DATES: the last day that can be booked.",
    "slot_interval_minutes": "Work starts so many minutes, or a multiple, after local midnight; 5 "
    "to 1440, a multiple of 5. Not asked of IMMEDIATE bookings.",
    "buffer_before_minutes": "Time that the provider keeps free before the work, in minutes; 0 to "
    "480. Between two jobs the larger buffer counts, not the sum.",
    "buffer_after_minutes": "Time that the provider keeps free after it, in minutes; 0 to 480.",
    "travel_mph": "How fast the provider gets from one job to the next, in miles an hour; 1 to "
    "100. Between jobs of two services the slower speed counts.",
    "capacity": "How many bookings of it may overlap in one postal district; 1 to 10000, null for "
    "no limit.",
    "cancel_free_minutes": "Calling off is free until so many minutes before the start; 0 to "
    "129600.",
    "cancel_part_percent": "From there on it costs so many percent of the price; 0 to 100.",
    "cancel_part_minutes": "Until so many minutes before the start; 0 to cancelFreeMinutes.",
    "cancel_whole_percent": "And from there on so many percent; cancelPartPercent to 100.",
    "cancel_notice_minutes": "From so many minutes before the start customers cannot call off; 0 "
    "to 129600.",
    "reschedule_notice_minutes": "From so many minutes before the start customers cannot move a "
    "booking; 0 to 129600.",
    "max_reschedules": "How often a customer may move a booking; 0 to 100.",
    "deposit_percent": "The part of the price, in percent, that a customer may pay to confirm a "
    "booking, and the rest later; 0 to 99. With 0 the whole price is paid at once.",
    "provider_share_percent": "What the provider has of the money, in percent; the platform has "
    "the rest; 0 to 100.",
}


def _shown(rule: str) -> Any:
    return strawberry.field(description=_MEANINGS[rule])


def _given(rule: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=_MEANINGS[rule])


@strawberry.type(
    directives=[PUBLIC],
    description="When a service may be booked, moved and called off. A booking keeps the rules "
    "that it was made under.",
)
@view_of(domain.BookingRules)
class BookingRules:
    """When a service may be booked, moved and called off."""

    same_day: domain.SameDay = _shown("same_day")
    same_day_cutoff: time | None = _shown("same_day_cutoff")
    notice_minutes: int = _shown("notice_minutes")
    advance: domain.Advance = _shown("advance")
    advance_days: int = _shown("advance_days")
    first_date: date | None = _shown("first_date")
    last_date: date | None = _shown("last_date")
    slot_interval_minutes: int = _shown("slot_interval_minutes")
    buffer_before_minutes: int = _shown("buffer_before_minutes")
    buffer_after_minutes: int = _shown("buffer_after_minutes")
    travel_mph: int = _shown("travel_mph")
    capacity: int | None = _shown("capacity")
    cancel_free_minutes: int = _shown("cancel_free_minutes")
    cancel_part_percent: int = _shown("cancel_part_percent")
    cancel_part_minutes: int = _shown("cancel_part_minutes")
    cancel_whole_percent: int = _shown("cancel_whole_percent")
    cancel_notice_minutes: int = _shown("cancel_notice_minutes")
    reschedule_notice_minutes: int = _shown("reschedule_notice_minutes")
    max_reschedules: int = _shown("max_reschedules")
    deposit_percent: int = _shown("deposit_percent")
    # Between the house and its providers: no customer's business.
    provider_share_percent: int = strawberry.field(
        description=_MEANINGS["provider_share_percent"],
        directives=[allow(Role.PROVIDER, Role.DISPATCHER, Role.ANALYST, Role.ADMIN)],
    )


@strawberry.input(
    description="Booking rules to set. One that is left out stays as it is; in a new service it "
    "has the house's default. Null takes a cutoff, a date or a capacity away."
)
class BookingRulesInput:
    """Booking rules to set."""

    same_day: domain.SameDay | None = _given("same_day")
    same_day_cutoff: time | None = _given("same_day_cutoff")
    notice_minutes: int | None = _given("notice_minutes")
    advance: domain.Advance | None = _given("advance")
    advance_days: int | None = _given("advance_days")
    first_date: date | None = _given("first_date")
    last_date: date | None = _given("last_date")
    slot_interval_minutes: int | None = _given("slot_interval_minutes")
    buffer_before_minutes: int | None = _given("buffer_before_minutes")
    buffer_after_minutes: int | None = _given("buffer_after_minutes")
    travel_mph: int | None = _given("travel_mph")
    capacity: int | None = _given("capacity")
    cancel_free_minutes: int | None = _given("cancel_free_minutes")
    cancel_part_percent: int | None = _given("cancel_part_percent")
    cancel_part_minutes: int | None = _given("cancel_part_minutes")
    cancel_whole_percent: int | None = _given("cancel_whole_percent")
    cancel_notice_minutes: int | None = _given("cancel_notice_minutes")
    reschedule_notice_minutes: int | None = _given("reschedule_notice_minutes")
    max_reschedules: int | None = _given("max_reschedules")
    deposit_percent: int | None = _given("deposit_percent")
    provider_share_percent: int | None = _given("provider_share_percent")

    def changes(self) -> dict[str, Any]:
        """The rules that were given, by their names. Null says nothing of a rule that needs one."""
        given = {rule: getattr(self, rule) for rule in _NAMES}
        return {
            rule: value
            for rule, value in given.items()
            if value is not strawberry.UNSET and (value is not None or rule in _MAY_BE_NONE)
        }


_NAMES = tuple(one.name for one in fields(domain.BookingRules))
_MAY_BE_NONE = frozenset({"same_day_cutoff", "first_date", "last_date", "capacity"})
