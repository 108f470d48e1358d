"""What of work may those know who do not have it, and may not learn by asking around?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.places import rough

if TYPE_CHECKING:
    from domain.matching.rules import Work


def as_told(work: Work) -> Work:
    """The work in the middle of the field it lies in: whatever is found of it, the way there
    included, says no more of where it is."""
    block = replace(work.block, point=rough(work.block.point))
    return replace(work, point=rough(work.point), block=block)
