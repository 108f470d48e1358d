"""Do thousands of random acts, alone and two at once, keep every promise?

Drawn is only what is asked for, in small numbers; what they name is looked up when the act is done.
So the same draw is the same sequence, however a race in it ends. A deeper run has more
sequences than the suite has time for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import text

from db.engine import Database
from domain.refusals import Refusal
from tests import invariants, servers
from tests.db import market
from tests.db.market import CAPACITY, CAPPED, DAILY_CAP, LIMITED, STARTS, Market, Nothing
from tests.db.racing import race
from tests.depth import DEPTH

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

SEEDS: Final = 3 * DEPTH
#: Sequences of each seed, and acts, or pairs of acts, in each. The first is a dull one, and after
#: ten only variations of what was tried would come.
SEQUENCES, STEPS = 9, 50
#: Every promise is looked at after so many steps, and at the end of each sequence.
CHECK_EVERY: Final = 5

#: An act by its name in the market, and what it is about.
Act: TypeAlias = tuple[str, dict[str, Any]]
Drawn: TypeAlias = dict[str, st.SearchStrategy[Any]]

WHICH: Final[Drawn] = {"which": st.sampled_from((0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7))}
PROVIDER: Final = st.integers(0, market.PROVIDERS - 1)
START: Final = st.integers(0, len(STARTS) - 1)
YES: Final = st.booleans()
ASKED: Final[Drawn] = {
    "customer": st.integers(0, market.CUSTOMERS - 1),
    "service": st.integers(0, market.SERVICES - 1),
    "place": st.integers(0, len(market.PLACES) - 1),
    "start": START,
}
HOW: Final = st.sampled_from(["OPEN", "DIRECT", "PREFERRED", "IMMEDIATE"])

#: How often each act is drawn beside the others, and what is drawn for it.
ACTS: Final[dict[str, tuple[int, Drawn]]] = {
    "sweep": (1, {}),
    "book": (4, {"how": HOW, "provider": PROVIDER, "terms": YES, **ASKED}),
    "book_by_hand": (1, {"provider": PROVIDER, "override": YES, **ASKED}),
    "hold": (2, {"provider": st.none() | PROVIDER, **ASKED}),
    "book_hold": (2, {"terms": YES, **WHICH}),
    "release": (1, WHICH),
    "wait": (1, ASKED),
    "grant": (2, WHICH),
    "leave": (1, WHICH),
    "advance": (4, WHICH),
    "accept": (4, WHICH),
    "reject": (1, WHICH),
    "assign": (2, {"provider": PROVIDER, "override": YES, **WHICH}),
    "clock": (1, {"provider": PROVIDER}),
    "approve": (2, WHICH),
    "decline": (1, WHICH),
    "pay": (2, WHICH),
    "accept_terms": (1, WHICH),
    "edit": (1, WHICH),
    "start": (2, WHICH),
    "complete": (3, WHICH),
    "hand_back": (2, WHICH),
    "report_unavailable": (1, {"provider": PROVIDER, "start": START, "hours": st.just(3)}),
    "report_late": (1, {"minutes": st.sampled_from((10, 60, 240)), **WHICH}),
    "report_no_show": (2, WHICH),
    "move": (3, {"start": START, "by_staff": YES, "keep": YES, "override": YES, **WHICH}),
    "cancel": (2, {"by_staff": YES, "agreed": YES, **WHICH}),
}
#: What takes a provider's time at once; whose and when is said by whoever draws two of them.
CLAIMS: Final[dict[str, tuple[int, Drawn]]] = {
    "book": (2, {"how": st.just("DIRECT"), "terms": YES, **ASKED}),
    "book_by_hand": (1, {"override": st.just(False), **ASKED}),
    "hold": (2, ASKED),
}
#: Half of the time just enough for offers and holds to expire.
PAUSE: Final[dict[str, tuple[int, Drawn]]] = {
    "pass_time": (5, {"hours": st.sampled_from((0.25, 0.25, 3, 28))})
}


def one_of(acts: dict[str, tuple[int, Drawn]]) -> st.SearchStrategy[Act]:
    # Each time anew: what is named twice, Hypothesis takes once.
    return st.one_of(
        [
            st.tuples(st.just(name), st.fixed_dictionaries(drawn))
            for name, (times, drawn) in acts.items()
            for _ in range(times)
        ]
    )


def asked(number: int) -> dict[str, int]:
    return {"customer": number, "service": number, "place": 0, "start": number}


OPEN: Final = {"how": "OPEN", "provider": 0, "terms": False}
#: Every sequence begins with some of everything.
OPENING: Final[tuple[Act, ...]] = (
    *(("book", OPEN | asked(service)) for service in range(market.SERVICES)),
    *(("advance", {"which": 0}),) * 2,
    ("hold", {"provider": None, **asked(0), "customer": 4}),
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What all sequences share: a loop, a database, and what was done so far."""

    loop: asyncio.Runner
    database: Database
    done: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def run(template: servers.Template) -> Iterator[Run]:
    with asyncio.Runner() as loop:
        url = loop.run(template.clone())
        database = Database(servers.with_driver(url), pool=4, name="machine")
        yield Run(loop=loop, database=database)
        loop.run(database.close())
        template.drop(url)


@pytest.mark.soak
@pytest.mark.timeout(60 + 60 * SEEDS)
def test_random_acts_alone_and_at_once_keep_every_promise(run: Run) -> None:
    for number in range(SEEDS):
        run_sequences(run, number)

    assert run.done["acts"] >= SEEDS * (SEQUENCES - 1) * STEPS
    never = {name for name in ACTS | PAUSE if not run.done[f"{name}: done"]}
    assert not never, f"These acts never succeeded, so nothing is known of them: {never}"


def run_sequences(run: Run, number: int) -> None:
    """Those of one seed; what fails tells the seed and the sequence."""

    @seed(number)
    class Machine(Acts):
        def __init__(self) -> None:
            super().__init__(run)

    few = settings(
        max_examples=SEQUENCES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        # What a race decides need not come again: a shorter sequence may prove nothing.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Machine, settings=few)
    except Exception as error:
        error.add_note(f"Of the seed {number}, after {run.done['acts']} acts.")
        raise


class Acts(RuleBasedStateMachine):
    """One sequence of acts in a market of its own."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run, self.steps = run, 0
        self.market: Market = self.wait(market.opened(run.database))
        self.rows: set[Any] = set()
        for act in OPENING:
            self.wait(self.do(act))

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.run.loop.run(work)

    @rule(act=one_of(ACTS | PAUSE))
    def alone(self, act: Act) -> None:
        self.wait(self.do(act))

    @rule(one=one_of(ACTS), other=one_of(ACTS))
    def at_once(self, one: Act, other: Act) -> None:
        self.wait(self.do(one, other))

    @rule(
        one=one_of(CLAIMS),
        other=one_of(CLAIMS),
        provider=PROVIDER,
        start=st.integers(0, len(STARTS) - 3),
        later=st.sampled_from((0, 1, 2, 2)),
    )
    def for_one_time(self, one: Act, other: Act, provider: int, start: int, later: int) -> None:
        """Two want the same provider, at the same time or too near to it for both."""
        theirs = {"provider": provider, "service": one[1]["service"]}
        first = one[0], one[1] | theirs | {"start": start}
        second = other[0], other[1] | theirs | {"start": start + later}
        self.wait(self.do(first, second))

    def teardown(self) -> None:
        self.wait(invariants.check(self.run.database))

    async def do(self, *acts: Act) -> None:
        possible = []
        for name, about in acts:
            with suppress(Nothing):
                possible.append((await getattr(self.market, name)(**about), name))
        outcomes = await race(self.run.database, [change for change, _ in possible])
        before, after = self.rows, await self.read_rows()
        self.rows = after
        if all(isinstance(one, Refusal) for one in outcomes):
            assert after == before, f"A refused act left a trace: {acts} {outcomes}"
        elif not any(about.get("override") for _, about in acts):
            await self.check_rules({row.key for row in after} - {row.key for row in before})
        for (_, name), outcome in zip(possible, outcomes, strict=True):
            refused = type(outcome).__name__ if isinstance(outcome, Refusal) else "done"
            self.run.done[f"{name}: {refused}"] += 1
            self.run.done["acts"] += 1
        self.steps += 1
        if self.steps % CHECK_EVERY == 0:
            await invariants.check(self.run.database)

    async def read_rows(self) -> set[Any]:
        """Every row that an act can touch, and which transaction wrote it last."""
        async with self.run.database.read() as connection:
            return set(await connection.execute(_ROWS))

    async def check_rules(self, fresh: set[str]) -> None:
        """Time that was newly taken, with no rule set aside for it, keeps to the rules that count
        or close; later acts and the hours that pass may leave it beyond them."""
        asked = {
            "fresh": list(fresh),
            "capped": self.market.providers[CAPPED].user_id,
            "daily_cap": DAILY_CAP,
            "limited": self.market.services[LIMITED].id,
            "capacity": CAPACITY,
        }
        async with self.run.database.read() as connection:
            for rule_, query in _RULES.items():
                found = (await connection.execute(query, asked)).all()
                assert not found, f"Broken: {rule_}: {found}"


_ROWS: Final = text(
    " UNION ALL ".join(
        f"SELECT {key}::text AS key, xmin::text AS written FROM {table}"
        for table, key in {
            "bookings": "id",
            "booking_history": "(booking_id, version)",
            "events": "id",
            "job_offers": "id",
            "holds": "id",
            "reservations": "id",
            "waitlist_entries": "id",
            "withdrawals": "(booking_id, provider_id)",
            "time_off": "id",
            "shifts": "id",
        }.items()
    )
)

_RULES: Final = {
    "a provider takes no more work on a day than their cap": text("""
        WITH counted AS (
            SELECT *, (starts_at AT TIME ZONE 'Europe/London')::date AS day FROM reservations
            WHERE provider_id = :capped AND (done OR (released_at IS NULL
            AND (expires_at IS NULL OR expires_at > now())))
        )
        SELECT day FROM counted
        WHERE day IN (SELECT day FROM counted WHERE id::text = ANY(:fresh))
        GROUP BY day HAVING count(*) > :daily_cap
    """),
    "nobody works in their time off": text("""
        SELECT r.id FROM reservations r JOIN time_off t ON t.provider_id = r.provider_id
        WHERE r.id::text = ANY(:fresh) AND r.released_at IS NULL
        AND r.starts_at < t.ends_at AND t.starts_at < r.ends_at
    """),
    "no more of a service is booked at one time in a district than its capacity": text("""
        WITH wanting AS (
            SELECT id, starts_at, ends_at, postal_code FROM bookings WHERE service_id = :limited
            AND status NOT IN ('COMPLETED', 'CANCELLED', 'DECLINED', 'NO_SHOW')
            UNION ALL SELECT id, starts_at, ends_at, postal_code FROM holds
            WHERE service_id = :limited AND ended_at IS NULL AND expires_at > now()
        )
        SELECT one.id FROM wanting one
        JOIN wanting next ON next.starts_at >= one.starts_at AND next.starts_at < one.ends_at
        JOIN wanting other
        ON other.starts_at <= next.starts_at AND next.starts_at < other.ends_at
        AND split_part(other.postal_code, ' ', 1) = split_part(one.postal_code, ' ', 1)
        WHERE one.id::text = ANY(:fresh)
        GROUP BY one.id, next.starts_at HAVING count(DISTINCT other.id) > :capacity
    """),
}
