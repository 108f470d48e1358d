"""What does somebody do who is asked: do they notice, how long do they think, and what do they say?

Invented, and the same for every policy: how gladly somebody takes work depends on them, on the work
and on the hour, never on how many points the policy in force has given them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from callout.simulation import town
from domain.matching import Ingredient

if TYPE_CHECKING:
    from datetime import datetime

    from callout.simulation.chance import Chance
    from callout.simulation.people import Person
    from domain.matching import Score

_ZONE: Final = ZoneInfo(town.ZONE)
#: Who is off shift looks at their phone at these hours only.
_AWAKE: Final = range(7, 22)
_EVENING: Final = 18
#: What of a score is for somebody to like: that they are at work, near, and know this work. What
#: speaks for them in other people's eyes makes nobody keener.
_LIKED: Final = frozenset({Ingredient.SHIFT, Ingredient.LOCATION, Ingredient.KEYWORDS})
#: What that usually comes to, and how many points more make anybody willing.
_USUAL: Final = 85
_SPAN: Final = 250
#: Nobody is quite sure to say yes.
_SUREST: Final = 0.97


class Reply(StrEnum):
    """What somebody says to an offer."""

    YES = "YES"
    NO = "NO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What somebody who is asked is in the middle of."""

    on_shift: bool
    working: bool = False
    #: Can their device be reached?
    reachable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """The work as somebody who is asked sees it."""

    starts_at: datetime
    #: How much there is in it for them to like, in points.
    appeal: int
    distance_miles: float | None


def appeal(score: Score) -> int:
    """What in a score is for the provider to like. All policies give the same for it."""
    return sum(points for ingredient, points in score.breakdown if ingredient in _LIKED)


def notices(chance: Chance, person: Person, now: Situation, *, at: datetime) -> timedelta | None:
    """How long until they see that they were asked; None when they never do."""
    share = person.temper.attention if now.reachable else 0.0
    if not now.on_shift:
        share *= 0.6 if at.astimezone(_ZONE).hour in _AWAKE else 0.0
    elif now.working:
        share *= 0.7
    if not chance.happens(share):
        return None
    if not now.on_shift:
        return timedelta(seconds=chance.whole(20, 1200))
    return timedelta(seconds=chance.whole(30, 400) if now.working else chance.whole(3, 60))


def thinks(chance: Chance, person: Person) -> timedelta:
    """How long they think about it."""
    return timedelta(seconds=int(chance.whole(8, 60) * person.temper.pace))


def replies(chance: Chance, person: Person, prospect: Prospect) -> Reply | None:
    """What they say; None when they leave it at that."""
    if chance.happens(_willingness(person, prospect)):
        return Reply.YES
    return Reply.NO if chance.happens(person.temper.candour) else None


def _willingness(person: Person, prospect: Prospect) -> float:
    """From 0 to nearly 1."""
    miles = prospect.distance_miles or 0.0
    far = 1 - 0.5 * min(miles / person.radius_miles, 1)
    late = 0.6 if prospect.starts_at.astimezone(_ZONE).hour >= _EVENING else 1.0
    suits = (prospect.appeal - _USUAL) / _SPAN
    return min(max(person.temper.eagerness * far * late + suits, 0.02), _SUREST)
