"""Synthetic days that several tests look at: each is played once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from callout.simulation import demand, figures, people
from callout.simulation.day import Day
from callout.simulation.demand import Ask
from callout.simulation.figures import Figures, Sizes
from callout.simulation.memory import Memory
from callout.simulation.people import Person
from domain.house import HouseRules
from domain.matching import POLICIES

#: What `callout simulate` plays unless it is told otherwise.
PROVIDERS, BOOKINGS = 60, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A day that is over."""

    people: tuple[Person, ...]
    asks: tuple[Ask, ...]
    memory: Memory
    figures: Figures


@cache
def played(
    policy: str = "v1",
    shadow: str | None = None,
    *,
    seed: int = 1,
    providers: int = PROVIDERS,
    bookings: int = BOOKINGS,
) -> Played:
    """The day of this seed, by these policies."""
    who = people.people(seed, providers)
    asks = demand.asks(seed, bookings, who)
    house = HouseRules(policy=POLICIES[policy], shadow=POLICIES[shadow] if shadow else None)
    memory = Day(seed, who, asks, house).play()
    sizes = Sizes(seed=seed, providers=providers, bookings=bookings)
    return Played(
        people=tuple(who),
        asks=tuple(asks),
        memory=memory,
        figures=figures.count(memory, sizes, house),
    )
