"""What comes next on the virtual clock? The earliest; of two at one moment, what was put first."""

from __future__ import annotations

import heapq
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    #: When, the how-manieth that was put, and what.
    _Due: TypeAlias = tuple[datetime, int, Callable[[], None]]


class Agenda:
    """What is to be done, and when. Nobody waits: the clock jumps from one moment to the next."""

    def __init__(self, begins_at: datetime) -> None:
        """Nothing is to be done, and the clock shows `begins_at`."""
        self.now = begins_at
        self._heap: list[_Due] = []
        self._order = count()

    def put(self, at: datetime, act: Callable[..., None], *facts: object) -> None:
        """Let something be done, which is told the moment and these facts. The clock never goes
        back: what should have been done by now is done now."""
        at = max(at, self.now)
        due: _Due = (at, next(self._order), partial(act, at, *facts))
        heapq.heappush(self._heap, due)

    def run(self) -> None:
        """Do everything that is to be done, and what follows from it, until nothing is left."""
        while self._heap:
            self.now, _, act = heapq.heappop(self._heap)
            act()
