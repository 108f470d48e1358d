"""How did the day go? The metrics of dispatch, counted from what is remembered of it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from statistics import fmean
from typing import TYPE_CHECKING

from domain.matching.comparison import compare, gini
from domain.offers import OfferState, Wave

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from callout.simulation.memory import Memory
    from domain.house import HouseRules
    from domain.matching.comparison import ShadowChoice
    from domain.offers import JobOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Which day it was."""

    seed: int
    providers: int
    bookings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookings:
    """What became of the bookings. Shares are of all of them."""

    requested: int
    assigned: int
    assignment_rate: float
    #: By whose wave they were assigned; AUTO asks nobody.
    by_wave: Mapping[str, int]
    unfilled: int
    #: Of the unfilled, those that nobody could have done whenever they were looked at.
    out_of_reach: int
    #: From request to assignment, in seconds: half of them were quicker, and nine of ten.
    seconds_to_assign_p50: int | None
    seconds_to_assign_p90: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What became of the offers that were put to somebody. Rates are of all of them, and sum to
    1."""

    made: int
    per_assignment: float | None
    acceptance_rate: float | None
    rejection_rate: float | None
    expiry_rate: float | None
    #: Settled before their provider had answered: somebody else was quicker, they were not free any
    #: more, or AUTO did not wait for them.
    withdrawal_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Winners:
    """Who got the work. Scores are the policy's own, from when they were chosen."""

    mean_score: float | None
    mean_miles: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """How the work fell on the providers."""

    #: Of all providers: those who got any work, and those who are new.
    share_who_worked: float
    newcomers: float
    #: Of all jobs: those that newcomers got.
    newcomers_share_of_jobs: float | None
    #: From 0, where all have as many jobs, to nearly 1, where one has all.
    gini: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Whom a policy chose to ask. The score is by its own points; two policies' do not compare."""

    mean_score: float | None
    newcomers_share: float | None
    #: Among everybody whom either policy chose.
    gini: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A policy in shadow beside the one in force, in some of the rounds of offers."""

    rounds: int
    same_first: float | None
    #: How much of the longer list both have in common, on average.
    overlap: float | None
    live: Choices
    shadow: Choices


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What another policy would have done in the rounds in which there was anybody to choose."""

    policy: str
    #: In TARGETED and BROADCAST rounds; and in TARGETED ones, where who is chosen matters most.
    all_rounds: Agreement
    targeted: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that is reported of a day."""

    day: Sizes
    policy: str
    bookings: Bookings
    offers: Offers
    winners: Winners
    fairness: Fairness
    shadow: Shadow | None


def count(memory: Memory, sizes: Sizes, house: HouseRules) -> Figures:
    """The figures of a day that is over."""
    return Figures(
        day=sizes,
        policy=house.policy.name,
        bookings=_bookings(memory),
        offers=_offers(memory),
        winners=_winners(memory),
        fairness=_fairness(memory),
        shadow=None if house.shadow is None else _shadow(memory, house.shadow.name),
    )


def _bookings(memory: Memory) -> Bookings:
    given = memory.assignments
    unfilled = memory.bookings.keys() - given.keys()
    by_wave = Counter(one.wave for one in given.values())
    waited = sorted(
        int((one.at - memory.bookings[uid].requested_at).total_seconds())
        for uid, one in given.items()
    )
    return Bookings(
        requested=len(memory.bookings),
        assigned=len(given),
        assignment_rate=round(len(given) / len(memory.bookings), 4),
        by_wave={wave.value: by_wave[wave] for wave in Wave},
        unfilled=len(unfilled),
        out_of_reach=len(unfilled - memory.within_reach),
        seconds_to_assign_p50=_percentile(waited, 50),
        seconds_to_assign_p90=_percentile(waited, 90),
    )


def _offers(memory: Memory) -> Offers:
    # What AUTO writes down as an offer was put to nobody.
    put = [one for one in _all_offers(memory) if one.wave is not Wave.AUTO]
    states = Counter(one.state for one in put)
    accepted = sum(one.wave is not Wave.AUTO for one in memory.assignments.values())
    answered = accepted + states[OfferState.REJECTED] + states[OfferState.EXPIRED]
    return Offers(
        made=len(put),
        per_assignment=_ratio(len(put), len(memory.assignments), digits=2),
        acceptance_rate=_ratio(accepted, len(put)),
        rejection_rate=_ratio(states[OfferState.REJECTED], len(put)),
        expiry_rate=_ratio(states[OfferState.EXPIRED], len(put)),
        withdrawal_rate=_ratio(len(put) - answered, len(put)),
    )


def _winners(memory: Memory) -> Winners:
    given = memory.assignments.values()
    miles = (one.distance_miles for one in given)
    return Winners(
        mean_score=_mean(one.score for one in given),
        mean_miles=_mean(one for one in miles if one is not None),
    )


def _fairness(memory: Memory) -> Fairness:
    everybody = memory.lives.keys()
    newcomers = _newcomers(memory)
    jobs = Counter(one.candidate.provider_id for one in memory.assignments.values())
    return Fairness(
        share_who_worked=round(len(jobs) / len(everybody), 4),
        newcomers=round(len(newcomers) / len(everybody), 4),
        newcomers_share_of_jobs=_share_of(newcomers, jobs),
        gini=_rounded(gini([jobs[who] for who in everybody])),
    )


def _shadow(memory: Memory, policy: str) -> Shadow:
    # Whom a customer prefers is nobody's choice.
    chosen = [one for one in memory.choices if one.wave is not Wave.PREFERRED]
    targeted = [one for one in chosen if one.wave is Wave.TARGETED]
    return Shadow(
        policy=policy,
        all_rounds=_agreement(memory, policy, chosen),
        targeted=_agreement(memory, policy, targeted),
    )


def _agreement(memory: Memory, policy: str, choices: Sequence[ShadowChoice]) -> Agreement:
    compared = compare(policy, choices, {})
    newcomers = _newcomers(memory)
    made = {(one.booking_id, one.round, one.provider_id): one for one in _all_offers(memory)}
    asked = [
        made[one.booking_id, one.round, who].score for one in choices for who in one.live_chosen
    ]
    return Agreement(
        rounds=compared.rounds,
        same_first=_rounded(compared.same_first),
        overlap=_rounded(compared.overlap),
        live=Choices(
            mean_score=_mean(asked),
            newcomers_share=_share_of(newcomers, _each(one.live_chosen for one in choices)),
            gini=_rounded(compared.live.gini),
        ),
        shadow=Choices(
            mean_score=_mean(chain.from_iterable(one.scores for one in choices)),
            newcomers_share=_share_of(newcomers, _each(one.chosen for one in choices)),
            gini=_rounded(compared.shadow.gini),
        ),
    )


def _all_offers(memory: Memory) -> Iterable[JobOffer]:
    return chain.from_iterable(offers.values() for offers in memory.offers.values())


def _newcomers(memory: Memory) -> set[UUID]:
    return {uid for uid, life in memory.lives.items() if life.person.is_new}


def _each(chosen: Iterable[Iterable[UUID]]) -> Counter[UUID]:
    return Counter(chain.from_iterable(chosen))


def _share_of(some: Collection[UUID], counted: Counter[UUID]) -> float | None:
    return _ratio(sum(counted[who] for who in some), counted.total())


def _ratio(part: int, whole: int, *, digits: int = 4) -> float | None:
    return round(part / whole, digits) if whole else None


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(fmean(known), 2) if known else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The least that so many in a hundred do not go beyond; None of nothing."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else None
