"""What would a day be like under this policy, and what would another one have done?

A synthetic day on a virtual clock, in memory: town.py, people.py and demand.py make it up,
behaviour.py says what people do, day.py plays it by production's own decisions, figures.py counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callout.simulation import demand
from callout.simulation import people as population
from callout.simulation.day import Day
from callout.simulation.figures import Figures, Sizes, count
from domain.house import HouseRules

if TYPE_CHECKING:
    from domain.matching import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which day is played, and by which policies."""

    policy: Policy
    #: Asked beside it, without any effect.
    shadow: Policy | None = None
    seed: int = 1
    providers: int = 60
    bookings: int = 200


def simulate(options: Options) -> Figures:
    """Play the day and count. The same options always give the same figures."""
    people = population.people(options.seed, options.providers)
    asks = demand.asks(options.seed, options.bookings, people)
    house = HouseRules(policy=options.policy, shadow=options.shadow)
    sizes = Sizes(seed=options.seed, providers=options.providers, bookings=options.bookings)
    return count(Day(options.seed, people, asks, house).play(), sizes, house)
