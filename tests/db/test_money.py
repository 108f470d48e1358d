"""Is no penny lost, none made and none paid twice, whatever people do with their bookings?

A booking's life is drawn at random: deposits, balances, late and wrong payments, cancellations,
no-shows, refunds, tips, and payrolls in between. What it should come to is reckoned beside it, in
whole pence and by the rules alone, and the whole database keeps its promises afterwards.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.engine import Database
from domain.refusals import Refusal
from tests import invariants, servers
from tests.db.money_lives import ACT, ACTS, BEGINNINGS, BOOKED, DRAWN, Act, begin
from tests.depth import DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Lives that are drawn. A deeper run has more than the suite has time for; the first so
#: many are always the same.
LIVES: Final = 60 * DEPTH


@dataclass(frozen=True)
class Run:
    """What all lives share."""

    loop: asyncio.Runner
    database: Database
    done: set[str] = field(default_factory=set)


@pytest.fixture
def run(template: servers.Template) -> Iterator[Run]:
    with asyncio.Runner() as loop:
        url = loop.run(template.clone())
        database = Database(servers.with_driver(url), pool=4, name="money")
        yield Run(loop=loop, database=database)
        loop.run(database.close())
        template.drop(url)


@pytest.mark.soak
@pytest.mark.timeout(240 + 60 * DEPTH)
def test_no_penny_is_lost_made_or_paid_twice(run: Run) -> None:
    async def live(drawn: dict[str, Any], acts: list[Act]) -> None:
        life = await begin(run.database, drawn)
        for name, about in acts:
            with suppress(Refusal):
                await getattr(life, name)(about)
                run.done.add(name)
            await life.check()

    @settings(
        max_examples=LIVES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        drawn=BOOKED,
        begun=st.sampled_from(BEGINNINGS),
        acts=st.lists(ACT, min_size=3, max_size=ACTS),
    )
    def lives(drawn: dict[str, Any], begun: tuple[Act, ...], acts: list[Act]) -> None:
        run.loop.run(live(drawn, [*begun, *acts]))

    lives()
    run.loop.run(invariants.check(run.database))
    never = set(DRAWN) - run.done
    assert not never, f"These acts never succeeded, so nothing is known of them: {never}"
