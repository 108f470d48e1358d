"""How often does Python look for cycles? Seldom, and in small steps."""

from __future__ import annotations

import gc
from typing import Final

#: How many new objects bring on a collection of the youngest, and how many of those one of each
#: older generation. While an event is told to a thousand sockets a million objects are alive; by
#: Python's own numbers they are all looked at again and again, up to most of a second at a time.
#: (What dies without a cycle, nearly everything, needs no collection.)
_COLLECT_AFTER: Final = (10_000, 2, 1000)


def collect_seldom() -> None:
    """Let a server that has started be interrupted seldom."""
    # What is here by now stays to the end: no collection has to look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
