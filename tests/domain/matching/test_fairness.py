"""Does a newcomer get a share of the work: under v1 none of it, under v2 some, and never all?"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

import pytest

from domain.availability import Block
from domain.hours import WeeklyHours, WeeklyInterval
from domain.matching import V1, V2, Candidate, Policy, is_eligible, rank
from domain.reviews import Tally
from tests.domain.matching.factories import a_candidate, some_work

JOBS: Final = 200
REGULARS: Final = 10
NEWCOMER: Final = UUID(int=0)
BEGIN: Final = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALWAYS: Final = WeeklyHours(
    intervals=tuple(WeeklyInterval(weekday=day, opens=time(), closes=time()) for day in range(1, 8))
)


@dataclass(kw_only=True)
class Life:
    """One provider and what becomes of them in the course of the days."""

    person: Candidate
    #: Of the offers that they have answered: when, and whether they took it.
    answers: list[tuple[datetime, bool]] = field(default_factory=list)
    offered: list[datetime] = field(default_factory=list)
    jobs: list[Block] = field(default_factory=list)
    reviews: Tally = field(default_factory=Tally)

    def candidate(self, at: datetime) -> Candidate:
        """What matching knows of them at a moment."""
        done = [job for job in self.jobs if job.ends_at <= at]
        return replace(
            self.person,
            taken=tuple(job for job in self.jobs if job.ends_at > at - DAY),
            completed_jobs=self.person.completed_jobs + len(done),
            rating=self.person.rating or self.reviews.rating,
            idle_since=max((job.ends_at for job in done), default=BEGIN - DAY),
            last_offered_at=max(self.offered, default=None),
            offered_lately=sum(one > at - DAY for one in self.offered),
            offers_answered=len(self.answers),
            offers_accepted=sum(took for _, took in self.answers),
        )


def some_people(chance: random.Random, *, best: bool) -> list[Life]:
    """Somebody new, and regulars: plain ones or the best; all of one city, all on shift."""
    alike = {"hours": ALWAYS, "daily_cap": 3, "city": "Toronto", "on_shift": True}
    newcomer = a_candidate(provider_id=NEWCOMER, profile_percent=100, **alike)
    regulars = [
        a_candidate(
            provider_id=UUID(int=number),
            years_experience=chance.randint(5, 15 if best else 9),
            rating=chance.uniform(4.0, 4.9 if best else 4.4),
            completed_jobs=chance.randint(20, 100),
            certified=best and chance.random() < 0.5,
            **alike,
        )
        for number in range(1, REGULARS + 1)
    ]
    return [Life(person=one) for one in (newcomer, *regulars)]


def share_of_the_newcomer(policy: Policy, *, best: bool, seed: int) -> float:
    """Let the best three be asked for each job, and whoever wants it first have it."""
    chance = random.Random(seed)
    lives = {life.person.provider_id: life for life in some_people(chance, best=best)}
    won = []
    for number in range(JOBS):
        at = BEGIN + number * 1.5 * HOUR
        work = some_work(starts_at=at + HOUR, ends_at=at + 3 * HOUR)
        able = [
            candidate
            for candidate in (life.candidate(at) for life in lives.values())
            if is_eligible(work, candidate, at=at)
        ]
        asked = [one.candidate.provider_id for one in rank(work, able, at=at, policy=policy)[:3]]
        for uid in asked:
            lives[uid].offered.append(at)
        for uid in chance.sample(asked, len(asked)):
            takes = chance.random() < 0.7
            lives[uid].answers.append((at, takes))
            if takes:
                lives[uid].jobs.append(work.block)
                lives[uid].reviews = lives[uid].reviews.plus(5)
                won.append(uid)
                break
    assert len(won) > JOBS * 0.9
    return won.count(NEWCOMER) / len(won)


@pytest.mark.parametrize("best", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_newcomer_gets_some_of_the_work_under_v2_but_not_all_and_none_under_v1(
    seed: int, best: bool
) -> None:
    assert share_of_the_newcomer(V1, best=best, seed=seed) == 0
    # Eleven to share it evenly would have nine in a hundred each.
    assert 0.01 <= share_of_the_newcomer(V2, best=best, seed=seed) <= 0.2
