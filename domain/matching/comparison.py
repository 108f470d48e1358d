"""What would another policy have done? What it chose in shadow, set beside what was really done.

Only what was recorded when it happened is compared: who was on shift, free and near at the time is
not known any more, so nothing is reckoned anew from the facts of today.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from statistics import fmean
from typing import TYPE_CHECKING, Final

from domain.matching.policies import POLICIES
from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.offers import Wave

#: What is compared at once: so many days, and of them the newest so many rounds.
MOST_TIME: Final = timedelta(days=92)
MOST_ROUNDS: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowChoice:
    """Whom a policy would have asked in one round of a booking, beside whom the one in force asked.

    Both lists are best first; nobody was told of the shadow's.
    """

    id: UUID
    booking_id: UUID
    round: int
    wave: Wave
    at: datetime
    policy: str
    live_policy: str
    chosen: tuple[UUID, ...]
    #: Of the chosen, in the same order.
    scores: tuple[int, ...]
    live_chosen: tuple[UUID, ...]
    #: Out of how many eligible providers both chose.
    candidates: int

    @property
    def same_first(self) -> bool:
        """Do both put the same provider first?"""
        return self.chosen[:1] == self.live_chosen[:1]

    @property
    def overlap(self) -> float:
        """How much of the longer list both have in common, from 0 to 1."""
        longer = max(len(self.chosen), len(self.live_chosen))
        return len(set(self.chosen) & set(self.live_chosen)) / longer if longer else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a policy's choices fall on providers: on everybody whom it or its rival chose."""

    choices: int
    #: How many different providers it chose.
    providers: int
    #: They, as a part of all whom either policy chose; None when nobody was.
    share: float | None
    #: How often whoever it chose most often was chosen.
    most: int
    #: From 0, where everybody is chosen equally often, to nearly 1, where all falls on one.
    gini: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A policy in shadow beside what was in force."""

    policy: str
    live_policies: tuple[str, ...]
    #: Rounds in which at least one of the two chose anybody, and the bookings they belong to.
    rounds: int
    bookings: int
    #: Are these all rounds of the time that was asked for, not only the newest of them?
    complete: bool
    #: Of the rounds: how often both put the same provider first, and what they have in common.
    same_first: float | None
    overlap: float | None
    #: Of the bookings: how many have a provider now, and of those whom each policy had chosen.
    filled: int
    filled_by_chosen: int
    filled_by_live_chosen: int
    shadow: Spread
    live: Spread


def check_asked(policy: str, *, earliest: datetime, latest: datetime) -> None:
    """Can this be compared? Raises InvalidInput with everything that is wrong."""
    wrong = []
    if policy not in POLICIES:
        message = f"There is no such policy; choose {' or '.join(POLICIES)}."
        wrong.append(FieldError(path=("policy",), message=message))
    if not earliest < latest <= earliest + MOST_TIME:
        message = f"Give an instant after `from`, at most {MOST_TIME.days} days."
        wrong.append(FieldError(path=("to",), message=message))
    if wrong:
        raise InvalidInput(*wrong)


def compare(
    policy: str,
    choices: Sequence[ShadowChoice],
    providers: Mapping[UUID, UUID],
    *,
    complete: bool = True,
) -> Comparison:
    """What a policy chose in shadow beside what was chosen; `providers` are those whom the bookings
    have by now."""
    made = [one for one in choices if one.chosen or one.live_chosen]
    by_shadow, by_live = _chosen_for(made)
    filled = {booking: providers[booking] for booking in by_shadow if booking in providers}
    shadow = Counter(chain.from_iterable(one.chosen for one in made))
    live = Counter(chain.from_iterable(one.live_chosen for one in made))
    everybody = shadow.keys() | live.keys()
    return Comparison(
        policy=policy,
        live_policies=tuple(sorted({one.live_policy for one in made})),
        rounds=len(made),
        bookings=len(by_shadow),
        complete=complete,
        same_first=fmean(one.same_first for one in made) if made else None,
        overlap=fmean(one.overlap for one in made) if made else None,
        filled=len(filled),
        filled_by_chosen=sum(who in by_shadow[booking] for booking, who in filled.items()),
        filled_by_live_chosen=sum(who in by_live[booking] for booking, who in filled.items()),
        shadow=_spread(shadow, everybody),
        live=_spread(live, everybody),
    )


def _chosen_for(
    made: Iterable[ShadowChoice],
) -> tuple[dict[UUID, set[UUID]], dict[UUID, set[UUID]]]:
    """Whom each policy chose for each booking, in whatever round."""
    by_shadow: dict[UUID, set[UUID]] = {}
    by_live: dict[UUID, set[UUID]] = {}
    for one in made:
        by_shadow.setdefault(one.booking_id, set()).update(one.chosen)
        by_live.setdefault(one.booking_id, set()).update(one.live_chosen)
    return by_shadow, by_live


def _spread(chosen: Counter[UUID], everybody: Collection[UUID]) -> Spread:
    return Spread(
        choices=chosen.total(),
        providers=len(chosen),
        share=len(chosen) / len(everybody) if everybody else None,
        most=max(chosen.values(), default=0),
        gini=gini([chosen[who] for who in everybody]),
    )


def gini(counts: Sequence[int]) -> float | None:
    """How unequal these are: 0 where all are equal, nearly 1 where one has everything.

    None where there is nothing to share, or nobody to share it.
    """
    total, number = sum(counts), len(counts)
    if not total:
        return None
    weighted = sum(place * count for place, count in enumerate(sorted(counts), start=1))
    return 2 * weighted / (number * total) - (number + 1) / number
