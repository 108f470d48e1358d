"""When is a failed job tried again, and when is it given up?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with jitter, and an end."""

    tries: int = 8
    first: float = 0.5
    longest: float = 60.0

    def delay(self, tries: int, *, jitter: float) -> float:
        """Seconds to wait after the given number of tries; `jitter` from 0 to 1 halves it at most.

        Without jitter, jobs that failed together would come back together.
        """
        full = min(self.first * 2.0 ** min(tries - 1, 30), self.longest)
        return full * (1 - jitter / 2)

    def is_over(self, tries: int) -> bool:
        """Was that the last try?"""
        return tries >= self.tries

    def is_endless(self, tries: int) -> bool:
        """Has the job ended so many tries without a word that it must be killing its worker?"""
        return tries > 2 * self.tries


DEFAULT: Final = RetryPolicy()
