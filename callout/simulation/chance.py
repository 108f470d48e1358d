"""How is a throw of the dice made that falls the same way on every machine?

Python promises the same numbers for a seed of `random()` alone, so all else is made from that, by
plain arithmetic. Each question has a stream of its own, named by what it is about: whatever else is
asked, and in whatever order, its answer stays the same. So two runs with different policies meet
the same people in the same mood.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_T = TypeVar("_T")


class Chance:
    """A stream of chance for one question."""

    def __init__(self, *names: object) -> None:
        """The stream of this name."""
        self._random = Random("/".join(map(str, names)))

    def share(self) -> float:
        """Anything from 0 up to, and not including, 1."""
        return self._random.random()

    def happens(self, probability: float) -> bool:
        """Does something so probable happen?"""
        return self.share() < probability

    def between(self, least: float, most: float) -> float:
        """Anything between the two, all alike."""
        return least + (most - least) * self.share()

    def whole(self, least: int, most: int) -> int:
        """A whole number from one to the other, both included."""
        return least + int((most - least + 1) * self.share())

    def pick(self, options: Sequence[_T]) -> _T:
        """One of them, all alike."""
        return options[self.whole(0, len(options) - 1)]

    def weighed(self, options: Mapping[_T, int]) -> _T:
        """One of them, as often as its weight says."""
        left = self.whole(1, sum(options.values()))
        for option, weight in options.items():
            left -= weight
            if left <= 0:
                return option
        raise ValueError("There is nothing to choose from.")

    def some(self, options: Sequence[_T], number: int) -> tuple[_T, ...]:
        """So many of them, or all if there are fewer; in their own order."""
        by_lot = sorted((self.share(), place) for place in range(len(options)))
        return tuple(options[place] for place in sorted(place for _, place in by_lot[:number]))
