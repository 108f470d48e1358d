"""What can `callout demo` play on a running server? One module for each scenario."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Scenario(StrEnum):
    """A play: what it is called on the command line."""

    LIFE = "life"
    SCHEDULING = "scheduling"
    MONEY = "money"


#: Each in a few words.
ABOUT: Final = (
    "life: a booking is offered, won by one of three, and worked on. "
    "scheduling: slots, a hold, a move, a series, a fee and the waitlist. "
    "money: a payment, its webhook twice, a tip, payroll and the statement."
)


def run(url: str, scenario: Scenario) -> int:
    """Play it on the server at `url`; the status to exit with."""
    from callout.demo.life import Life
    from callout.demo.money import Money
    from callout.demo.scheduling import Scheduling
    from callout.demo.stage import Stage, perform

    plays: dict[Scenario, type[Stage]] = {
        Scenario.LIFE: Life,
        Scenario.SCHEDULING: Scheduling,
        Scenario.MONEY: Money,
    }
    return perform(url, plays[scenario])
