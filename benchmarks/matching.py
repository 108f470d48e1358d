"""How long does it take to choose among the candidates of one booking, without the database?

    python -m benchmarks.matching --candidates 200 --rounds 50

Prints JSON: milliseconds for one booking, as median and 99th percentile over the rounds, for the
hard rules, and for the ranking of those who keep them.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import sys
from datetime import UTC, datetime, time, timedelta
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.availability import Availability, Block
from domain.booking_rules import BookingRules
from domain.hours import WeeklyHours, WeeklyInterval
from domain.matching import Candidate, Work, broken, rank
from domain.places import Point

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE = UUID(int=1)
RULES = BookingRules()
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEYWORDS = ("brakes", "oil change", "check engine", "suspension", "battery", "abs")
ZONES = ("America/Toronto", "America/New_York", "America/Halifax")
#: A split day, Monday to Saturday.
HOURS = WeeklyHours(
    intervals=tuple(
        WeeklyInterval(weekday=day, opens=time(opens), closes=time(closes))
        for day in range(1, 7)
        for opens, closes in ((7, 12), (13, 20))
    )
)


def some_work() -> Work:
    """Immediate work in Toronto, so that every rule is asked."""
    return Work(
        booking_id=UUID(int=2),
        customer_id=UUID(int=3),
        service_id=SERVICE,
        block=Block(
            starts_at=NOW + timedelta(hours=2),
            ends_at=NOW + timedelta(hours=3, minutes=30),
            before=RULES.buffer_before,
            after=RULES.buffer_after,
        ),
        rules=RULES,
        immediate=True,
        city="Toronto",
        postal_code="M5V 2T6",
        country="CA",
        point=Point(latitude=43.6446, longitude=-79.3952),
        keywords=KEYWORDS[:3],
        reach_miles=25.0,
    )


def a_candidate(number: int, chance: random.Random) -> Candidate:
    """Somebody near enough for the search by index to have found them."""
    busy = [NOW + timedelta(minutes=chance.randrange(-300, 600, 15)) for _ in range(3)]
    return Candidate(
        provider_id=UUID(int=1000 + number),
        approved=True,
        suspended=False,
        service_ids=frozenset({SERVICE}),
        availability=Availability(zone=ZoneInfo(chance.choice(ZONES)), hours=HOURS, daily_cap=10),
        city=chance.choice(("Toronto", "Mississauga")),
        postal_code=chance.choice(("M5V 1J2", "M4C 1B5", "L5B 3C1")),
        country="CA",
        point=Point(
            latitude=43.65 + chance.uniform(-0.2, 0.2), longitude=-79.4 + chance.uniform(-0.3, 0.3)
        ),
        radius_miles=20.0,
        on_shift=True,
        heartbeat_at=NOW - timedelta(seconds=chance.randrange(60)),
        taken=tuple(
            Block(starts_at=start, ends_at=start + timedelta(minutes=30)) for start in busy
        ),
        years_experience=chance.randrange(20),
        rating=chance.uniform(3, 5),
        completed_jobs=chance.randrange(100),
        keywords=frozenset(chance.sample(KEYWORDS, 3)),
        profile_percent=chance.randrange(80, 101),
        last_offered_at=NOW - timedelta(minutes=chance.randrange(1000)),
    )


def timed(act: Callable[[], object], rounds: int) -> dict[str, float]:
    """Milliseconds of one run: the median and the 99th percentile."""
    act()
    samples = []
    for _ in range(rounds):
        begun = perf_counter()
        act()
        samples.append((perf_counter() - begun) * 1000)
    return {
        "p50_ms": round(statistics.median(samples), 3),
        "p99_ms": round(statistics.quantiles(samples, n=100, method="inclusive")[98], 3),
    }


def measure(candidates: int, rounds: int) -> dict[str, object]:
    """Every figure for one size of workload, always with the same candidates."""
    chance = random.Random(20260601)  # a repeatable workload, not a secret
    work = some_work()
    several = [a_candidate(number, chance) for number in range(candidates)]
    eligible = [one for one in several if not broken(work, one, at=NOW)]
    return {
        "benchmark": "matching",
        "candidates": candidates,
        "eligible": len(eligible),
        "rounds": rounds,
        "python": platform.python_version(),
        "hard_rules": timed(lambda: [broken(work, one, at=NOW) for one in several], rounds),
        "rank_eligible": timed(lambda: rank(work, eligible, at=NOW), rounds),
        "rank_all": timed(lambda: rank(work, several, at=NOW), rounds),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=50)
    chosen = parser.parse_args()
    sys.stdout.write(json.dumps(measure(chosen.candidates, chosen.rounds), indent=2) + "\n")


if __name__ == "__main__":
    main()
