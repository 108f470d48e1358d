"""Who is given which of all the work that waits, so that together it is done best?

Taking one booking after the other sends the nearest provider to the first and leaves the last with
nobody. So all are looked at at once: in each round everyone gets at most one booking, by the
assignment that costs least among those that give most bookings away; rounds follow until nothing
more can be given. Then single bookings move to whoever is better and has time. Should one after the
other be better after all, it is done that way.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from math import fsum, inf
from typing import TYPE_CHECKING, Final, Protocol, Self

from domain.matching.auto import choose
from domain.matching.pairs import DEFAULT_COSTS, CostRules, Diary, Pair, Waiting, priced
from domain.matching.rules import HardRule, broken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

#: Whoever cannot be given anything is explained by so many of those who are nearest.
LOOKED_AT: Final = 10

#: Of the cheapest for a booking, so many are known to be able before it is looked at again.
PROVED: Final = 5


class Solver(Protocol):
    """Pairs rows with columns one to one, as many as there are of the fewer, at the least cost."""

    def __call__(self, costs: Sequence[Sequence[float]], /) -> Sequence[tuple[int, int]]:
        """The (row, column) pairs for a matrix of finite costs, as rows of equal length."""


class Why(StrEnum):
    """Why nobody was given a booking."""

    NOT_OPEN = "NOT_OPEN"
    NOBODY_ELIGIBLE = "NOBODY_ELIGIBLE"
    NEEDED_ELSEWHERE = "NEEDED_ELSEWHERE"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassigned:
    """A booking that nobody was given, and why."""

    booking_id: UUID
    why: Why
    #: The rules that rule out the nearest few, each with how many of them break it.
    broken: tuple[tuple[HardRule, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What looking at all bookings at once was worth."""

    bookings: int
    #: Less than nothing where the further bookings cost more than was saved.
    miles: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who is to be given what. The costs are in miles, as CostRules reckons them."""

    assigned: tuple[Pair, ...]
    unassigned: tuple[Unassigned, ...]
    cost: float
    #: What taking one booking after the other would have done.
    greedy_assigned: int
    greedy_cost: float

    @property
    def gain(self) -> Gain:
        """By how much that was better than one after the other."""
        return Gain(
            bookings=len(self.assigned) - self.greedy_assigned,
            miles=self.greedy_cost - self.cost,
        )


def plan(
    waiting: Iterable[Waiting],
    *,
    at: datetime,
    solver: Solver,
    rules: CostRules = DEFAULT_COSTS,
) -> Plan:
    """Give as much of the waiting work away as can be, and that at the least cost.

    Never less than one after the other would, nor the same for more. No provider is given what
    breaks a hard rule, whatever else they are given here. The same work always ends the same way,
    in whatever order it comes. A booking that waits alone goes to the best by the AUTO ranking.
    """
    queue = sorted(waiting, key=_place_in_queue)
    rows = [_pairs(one, rules) for one in queue]
    known: dict[tuple[UUID, UUID], bool] = {}
    greedy = _one_by_one(rows, _Draft(at, known))
    greedy_assigned, greedy_cost = greedy.worth[0], greedy.cost
    best = greedy
    if len(queue) > 1:
        together = _together(rows, _Draft(at, known), solver)
        best = greedy.better(rows) if greedy.worth > together.worth else together
    return Plan(
        assigned=tuple(best.given[uid] for uid in map(_booking, queue) if uid in best.given),
        unassigned=tuple(
            _explained(one, row, Diary(at, known), at)
            for one, row in zip(queue, rows, strict=True)
            if _booking(one) not in best.given
        ),
        cost=best.cost,
        greedy_assigned=greedy_assigned,
        greedy_cost=greedy_cost,
    )


def _booking(one: Waiting) -> UUID:
    return one.work.booking_id


def _place_in_queue(one: Waiting) -> tuple[bool, UUID]:
    # What is wanted now comes first; ids are in the order of age.
    return not one.work.immediate, one.work.booking_id


def _pairs(one: Waiting, rules: CostRules) -> list[Pair]:
    """The booking with each of its candidates, the cheapest first."""
    found = (priced(one.work, candidate, rules=rules) for candidate in one.candidates)
    return sorted(found, key=lambda pair: (pair.cost, pair.provider_id))


class _Draft:
    """What has been given to whom so far."""

    def __init__(self, at: datetime, known: dict[tuple[UUID, UUID], bool]) -> None:
        self.given: dict[UUID, Pair] = {}
        self.diary = Diary(at, known)

    @property
    def cost(self) -> float:
        return fsum(pair.cost for pair in self.given.values())

    @property
    def worth(self) -> tuple[int, float]:
        """What drafts are compared by: first by how much they give away, then by what they save."""
        return len(self.given), -self.cost

    def give(self, pair: Pair) -> None:
        """Give a booking to somebody, whoever had it before."""
        before = self.given.get(pair.booking_id)
        if before is not None:
            self.diary.take_back(before)
        self.given[pair.booking_id] = pair
        self.diary.give(pair)

    def better(self, rows: Sequence[Sequence[Pair]]) -> Self:
        """Move single bookings to whoever costs less and has time, until nothing is to be gained.

        Each move gives more away or costs less, so there is an end to it.
        """
        while sum(self._better(row) for row in rows):
            pass
        return self

    def _better(self, row: Sequence[Pair]) -> bool:
        now = self.given.get(row[0].booking_id) if row else None
        cheaper = (pair for pair in row if now is None or pair.cost < now.cost)
        found = next((pair for pair in cheaper if self.diary.fits(pair)), None)
        if found is not None:
            self.give(found)
        return found is not None


def _one_by_one(rows: Sequence[Sequence[Pair]], draft: _Draft) -> _Draft:
    """Every booking in turn to the best who has time."""
    for row in rows:
        chosen = choose(row, draft.diary.fits)
        if chosen is not None:
            draft.give(chosen)
    return draft


def _together(rows: Sequence[Sequence[Pair]], draft: _Draft, solver: Solver) -> _Draft:
    """Round after round of what is best for all, until nothing is left to give or to better."""
    open_ = [list(row) for row in rows if row]
    while open_:
        won = [pair for group in _groups(open_) for pair in _round(group, draft.diary, solver)]
        for pair in won:
            draft.give(pair)
        open_ = [row for row in open_ if won and row and row[0].booking_id not in draft.given]
    return draft.better(rows)


def _groups(rows: Iterable[list[Pair]]) -> list[list[list[Pair]]]:
    """The rows, those together that share candidates, directly or by way of others.

    What has nobody in common cannot get into each other's way, and many small problems are solved
    sooner than a large one.
    """
    groups: list[tuple[set[int], list[list[Pair]]]] = []
    for row in rows:
        people = {pair.provider_id.int for pair in row}
        apart = []
        joined = [row]
        for others, group in groups:
            if people.isdisjoint(others):
                apart.append((others, group))
            else:
                people |= others
                joined = group + joined
        groups = [*apart, (people, joined)]
    return [group for _, group in groups]


def _round(rows: Sequence[list[Pair]], diary: Diary, solver: Solver) -> list[Pair]:
    """What each row is given when nobody gets more than one.

    Asking every rule of every pair would take most of the time, so only those are asked who are
    chosen. Where one of them may not, the row's cheapest are asked too, and it is solved anew: what
    is cheapest of all that might be, and may be, is cheapest of all that may be.
    """
    # Ids are looked up as numbers: a UUID takes ten times as long.
    numbers = sorted({pair.provider_id.int for row in rows for pair in row})
    columns = {number: n for n, number in enumerate(numbers)}
    open_ = [{columns[pair.provider_id.int]: pair for pair in row} for row in rows]
    # Dearer than everything else together, so that it is taken only where there is nothing else.
    never = (1 + max(row[-1].cost for row in rows if row)) * (1 + len(rows))
    costs = [[never] * len(columns) for _ in rows]
    for row_costs, row_pairs in zip(costs, open_, strict=True):
        for column, pair in row_pairs.items():
            row_costs[column] = pair.cost
    while True:
        chosen = [(row, column) for row, column in solver(costs) if column in open_[row]]
        failed = [(row, column) for row, column in chosen if not diary.fits(open_[row][column])]
        for row, column in failed:
            for unfit in {column, *_unfit(open_[row], diary)}:
                del open_[row][unfit]
                costs[row][unfit] = never
        if not failed:
            break
    for all_, left in zip(rows, open_, strict=True):
        all_[:] = left.values()
    return [open_[row][column] for row, column in chosen]


def _unfit(pairs: Mapping[int, Pair], diary: Diary) -> list[int]:
    """Who of the cheapest may not do the work, until some are found who may."""
    fit, unfit = 0, []
    for column, pair in pairs.items():
        if diary.fits(pair):
            fit += 1
        else:
            unfit.append(column)
        if fit == PROVED:
            break
    return unfit


def _explained(one: Waiting, row: Sequence[Pair], diary: Diary, at: datetime) -> Unassigned:
    booking_id = one.work.booking_id
    if any(diary.is_eligible(pair) for pair in row):
        return Unassigned(booking_id=booking_id, why=Why.NEEDED_ELSEWHERE)
    against = Counter(
        verdict.rule
        for pair in sorted(row, key=_nearness)[:LOOKED_AT]
        for verdict in broken(one.work, pair.candidate, at=at)
    )
    return Unassigned(
        booking_id=booking_id,
        why=Why.NOBODY_ELIGIBLE,
        broken=tuple((rule, against[rule]) for rule in HardRule if against[rule]),
    )


def _nearness(pair: Pair) -> tuple[float, UUID]:
    return inf if pair.distance_miles is None else pair.distance_miles, pair.provider_id
