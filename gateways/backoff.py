"""How long to wait before a server that is away is asked again? Longer each time, never in step."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def pauses(*, first: float = 0.05, most: float = 1.0) -> Iterator[float]:
    """Seconds to wait before each further try, without end.

    The bound doubles up to `most`. The wait is drawn from the upper half below it, so that a
    thousand clients of one server do not come back together, and none comes back at once.
    """
    bound = first
    while True:
        yield random.uniform(bound / 2, bound)
        bound = min(bound * 2, most)
