"""How are many sets counted at once? As the bits of whole numbers, all places in one operation.

Place n of a set is bit n of an integer. A tally counts, for every place, in how many sets it is:
its counters stand side by side, the first binary digit of all of them in one integer, the second
in the next, so that adding a set costs the same for ten places as for a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def stretch(low: int, high: int) -> int:
    """The places from `low` up to, and not including, `high`."""
    return (1 << high) - (1 << low) if low < high else 0


def union(sets: Iterable[int]) -> int:
    """The places that are in any of these sets."""
    together = 0
    for bits in sets:
        together |= bits
    return together


def places(bits: int) -> Iterator[int]:
    """The places in a set, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


@dataclass(slots=True)
class Tally:
    """In how many sets each place is."""

    #: The counters' binary digits, lowest first.
    digits: list[int] = field(default_factory=list)

    def add(self, bits: int, times: int = 1) -> None:
        """Count a set, or as many equal ones."""
        for digit in range(times.bit_length()):
            if times >> digit & 1:
                self._carry(bits, digit)

    def _carry(self, bits: int, digit: int) -> None:
        while bits:
            if digit >= len(self.digits):
                self.digits += [0] * (digit + 1 - len(self.digits))
            before = self.digits[digit]
            self.digits[digit], bits = before ^ bits, before & bits
            digit += 1

    def at(self, place: int) -> int:
        """How many sets have this place."""
        return sum((bits >> place & 1) << digit for digit, bits in enumerate(self.digits))

    def exceeds(self, other: Tally) -> int:
        """The places that are in more sets here than there."""
        more = 0
        # From the lowest digit up: a higher digit overrules whatever those below it said.
        for mine, theirs in zip_longest(self.digits, other.digits, fillvalue=0):
            more = (mine & ~theirs) | (~(mine ^ theirs) & more)
        return more
