"""Which numbers has the house set for itself? Those of its booking rules, each from a variable."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from functools import cached_property
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings

from domain.booking_rules import BookingRules, SameDay
from domain.house import DEFAULT, HouseRules
from domain.matching import POLICIES
from domain.refusals import InvalidInput
from gateways import time_zones

_RULES: Final = DEFAULT.service

#: Settings whose names are not the rules', with the rules that they set.
_SETS: Final = {
    "max_advance_days": ("advance_days",),
    "buffer_minutes": ("buffer_before_minutes", "buffer_after_minutes"),
}


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("Write a time of the day without a zone, such as 16:00")
    return value


def _zone(value: str) -> str:
    if value not in time_zones.known():
        raise ValueError("Write an IANA time zone, such as Europe/London")
    return value


def _policy(value: str) -> str:
    if value not in POLICIES:
        raise ValueError(f"Name a scoring policy: {', '.join(POLICIES)}")
    return value


def _minutes(usual: timedelta) -> int:
    return usual // timedelta(minutes=1)


#: How long a provider is searched for, in minutes.
_SEARCH: Final = _minutes(DEFAULT.waves.give_up)


class HouseSettings(BaseSettings):
    """The settings that make up the house's rules. What they may be is the domain's to say."""

    #: The rules of a new service that does not say otherwise. Changing one changes no service that
    #: is in the catalogue already.
    same_day: SameDay = _RULES.same_day
    same_day_cutoff: Annotated[time, AfterValidator(_local)] | None = _RULES.same_day_cutoff
    notice_minutes: int = _RULES.notice_minutes
    max_advance_days: int = _RULES.advance_days
    slot_interval_minutes: int = _RULES.slot_interval_minutes
    buffer_minutes: int = _RULES.buffer_before_minutes
    travel_mph: int = _RULES.travel_mph
    cancel_free_minutes: int = _RULES.cancel_free_minutes
    cancel_part_percent: int = _RULES.cancel_part_percent
    cancel_part_minutes: int = _RULES.cancel_part_minutes
    cancel_whole_percent: int = _RULES.cancel_whole_percent
    cancel_notice_minutes: int = _RULES.cancel_notice_minutes
    reschedule_notice_minutes: int = _RULES.reschedule_notice_minutes
    max_reschedules: int = _RULES.max_reschedules
    deposit_percent: int = _RULES.deposit_percent
    provider_share_percent: int = _RULES.provider_share_percent

    #: How many unfinished bookings one customer may have.
    customer_limit: int = Field(default=DEFAULT.customer_limit, ge=1)
    #: How long a slot is held for a customer, and how long a waitlist grant stands.
    hold_minutes: int = Field(default=_minutes(DEFAULT.hold), ge=1, le=24 * 60)
    grant_same_day_minutes: int = Field(default=_minutes(DEFAULT.grant_same_day), ge=1, le=24 * 60)
    grant_minutes: int = Field(default=_minutes(DEFAULT.grant), ge=1, le=30 * 24 * 60)
    #: Begin confirmed work when its window comes, instead of when its provider says so.
    auto_start: bool = DEFAULT.auto_start
    #: How candidates are scored; and the policy whose choice is noted beside the real one.
    matching_policy: Annotated[str, AfterValidator(_policy)] = DEFAULT.policy.name
    shadow_policy: Annotated[str, AfterValidator(_policy)] | None = None
    #: How long nobody may take a booking before it is given to somebody: booked ahead, and for now.
    auto_after_minutes: int = Field(default=_minutes(DEFAULT.waves.auto_after), ge=1, le=_SEARCH)
    auto_after_immediate_minutes: int = Field(
        default=_minutes(DEFAULT.waves.auto_after_immediate), ge=1, le=_SEARCH
    )
    #: How long after its start an unpaid booking is called off.
    payment_patience_minutes: int = Field(
        default=_minutes(DEFAULT.payment_patience), ge=0, le=24 * 60
    )
    #: The least that is paid out to a provider, in minor units of any currency.
    least_payout_minor: int = Field(default=DEFAULT.least_payout_minor, ge=1)
    business_time_zone: Annotated[str, AfterValidator(_zone)] = DEFAULT.zone_name

    @model_validator(mode="after")
    def _refuse_senseless_rules(self) -> Self:
        try:
            _service(self)
        except InvalidInput as error:
            wrong = (f"{_variable(one.path[-1])}: {one.message}" for one in error.errors)
            raise ValueError(" ".join(dict.fromkeys(wrong))) from error
        return self

    @cached_property
    def house(self) -> HouseRules:
        """The house's rules, in one value."""
        return HouseRules(
            service=_service(self),
            customer_limit=self.customer_limit,
            hold=timedelta(minutes=self.hold_minutes),
            grant_same_day=timedelta(minutes=self.grant_same_day_minutes),
            grant=timedelta(minutes=self.grant_minutes),
            auto_start=self.auto_start,
            policy=POLICIES[self.matching_policy],
            shadow=POLICIES[self.shadow_policy] if self.shadow_policy else None,
            waves=replace(
                DEFAULT.waves,
                auto_after=timedelta(minutes=self.auto_after_minutes),
                auto_after_immediate=timedelta(minutes=self.auto_after_immediate_minutes),
            ),
            payment_patience=timedelta(minutes=self.payment_patience_minutes),
            least_payout_minor=self.least_payout_minor,
            zone_name=self.business_time_zone,
        )


def _service(settings: HouseSettings) -> BookingRules:
    return BookingRules(
        **{rule: getattr(settings, setting) for rule, setting in _SETTING_OF.items()}
    )


#: Each rule that has a setting, and the setting.
_SETTING_OF: Final = {
    rule: setting
    for setting in HouseSettings.model_fields
    for rule in _SETS.get(setting, (setting,))
    if rule in BookingRules.__slots__
}


def _variable(wire_name: str) -> str:
    """The variable of a rule that the domain speaks of by its name on the wire."""
    setting = next(s for rule, s in _SETTING_OF.items() if to_camel(rule) == wire_name)
    return f"CALLOUT_{setting.upper()}"
