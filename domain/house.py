"""Which numbers are the house's own, rather than a service's? Each has a setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from domain.booking_rules import BookingRule, BookingRules, BrokenRule
from domain.matching import V1, Policy
from domain.waves import DEFAULT as WAVES
from domain.waves import WaveRules


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """The house's own numbers."""

    #: The rules of a service that does not say otherwise.
    service: BookingRules = field(default_factory=BookingRules)
    #: How many unfinished bookings one customer may have.
    customer_limit: int = 10
    hold: timedelta = timedelta(minutes=10)
    #: How long a waitlist grant stands: for a start on the same day, and for a later one.
    grant_same_day: timedelta = timedelta(minutes=10)
    grant: timedelta = timedelta(hours=48)
    #: Begin confirmed work when its window comes, instead of when its provider says so.
    auto_start: bool = False
    #: How candidates are scored, and which other policy is asked beside it without any effect.
    policy: Policy = V1
    shadow: Policy | None = None
    waves: WaveRules = WAVES
    #: An unpaid booking is called off this long after its start, and its provider's time freed.
    payment_patience: timedelta = timedelta(minutes=15)
    #: The least that is paid out, in minor units; smaller sums carry over (rules.md, Money).
    least_payout_minor: int = 5000
    #: Work whose place nobody near has a zone for is dated by this one.
    zone_name: str = "Europe/London"

    @property
    def scores_records(self) -> bool:
        """Does a policy that is asked look at what became of a provider's earlier offers?"""
        asked = (self.policy, self.shadow)
        return any(policy.looks_at_records for policy in asked if policy is not None)


DEFAULT: Final = HouseRules()


def over_customer_limit(house: HouseRules, active: int) -> tuple[BrokenRule, ...]:
    """Has the customer as many unfinished bookings as one may have?"""
    if active < house.customer_limit:
        return ()
    message = f"You have {active} bookings ahead of you; {house.customer_limit} is the most."
    return (
        BrokenRule(rule=BookingRule.CUSTOMER_LIMIT, message=message, limit=house.customer_limit),
    )
