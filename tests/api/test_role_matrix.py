"""Does anybody, by whatever way in, learn what is not for them?

Everybody asks for everything that the schema has for their role (walks.py), in a world full of
things to be learnt (world.py), before and after the work is won, and before and after thirty days
have passed since it was done. What they were told is held against one table (planted.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import pytest
import pytest_asyncio
from graphql import GraphQLInterfaceType

from api.app import create
from api.context import Services
from db.engine import Database
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests import servers
from tests.api import world as worlds
from tests.api import worldmaking
from tests.api.planted import CLOSED, OFFERED, OPEN, PHASES, SECRETS, WON, Secret, identities
from tests.api.walks import SCHEMA, STREAMED, Arguments, Seen, Walk, answers, reachable, type_of
from tests.api.world import World

#: Everything is asked for before the first test, and a busy machine takes its time over it.
pytestmark = pytest.mark.timeout(600)

#: The phases in which everything is asked for …
_WHOLE: Final = (OFFERED, CLOSED)
#: … and what is asked for in the others: what leads to a booking.
_OF_BOOKINGS: Final = frozenset({"booking", "bookings", "calendar", "jobOffers", "nodes", "queue"})
#: Asked for like all else, but with nothing to tell in this world: instants of what has not
#: happened in it, and the extremes of rules that it does not have.
_NOT_IN_THIS_WORLD: Final = frozenset(
    {
        "AvailableSlots.reasons",
        "Booking.approvedAt",
        "Booking.declinedAt",
        "Booking.termsAcceptedAt",
        "Booking.unfilledAt",
        "BookingRules.capacity",
        "BookingRules.firstDate",
        "BookingRules.lastDate",
        "BookingRules.sameDayCutoff",
        "BookingSeries.endedAt",
        "BookingSeries.nextDueAt",
        "BookingSeries.provider",
        "CalendarLink.revokedAt",
        "DeadLetter.replayedAt",
        # Only the answer to the mutation that asks for a payment has it.
        "Payment.clientSecret",
        "Hold.endedAt",
        "Hold.ending",
        "Shift.endedAt",
        "Technician.certifications",
        "Technician.timeOff",
        "TimeOff.cancelledAt",
        "WaitlistEntry.grant",
        "WaitlistEntry.leftAt",
        "WhyNobody.autoDueAt",
        "WhyNobody.unfilledAt",
    }
)


@dataclass(kw_only=True)
class Matrix:
    """What everybody was told in every phase."""

    world: World
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    walks: list[Walk] = field(default_factory=list)

    def told_to(self, secret: Secret, phase: str) -> set[str]:
        """Who was told it."""
        text = secret.text
        return {name for name in self.world.viewers if self.seen[phase, name].tells(text)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def matrix(
    test_servers: servers.Servers, template: servers.Template
) -> AsyncIterator[Matrix]:
    """The whole of it, walked once for all tests here."""
    database_url = await template.clone()
    settings = Settings.model_validate(
        {
            "mode": "development",
            "database_url": database_url,
            "redis_url": test_servers.redis_url,
            "redis_namespace": f"test-matrix-{database_url.rpartition('/')[2]}",
            "secret": DEVELOPMENT_SECRET,
            "offer_listing_limit": 1_000_000,
            # Everybody asks at once, and nobody is to wait so long that it counts as away.
            "database_pool": 40,
        }
    )
    database = Database(settings.sqlalchemy_url, name="test")
    app = create(settings)
    try:
        async with app.router.lifespan_context(app):
            yield await _walked(database, app.state.services)
    finally:
        await database.close()
        template.drop(database_url)


async def _walked(database: Database, services: Services) -> Matrix:
    matrix = Matrix(world=(world := await worldmaking.made(database)))
    for phase in PHASES:
        await _comes(world, phase)
        asked = worlds.arguments(world, await world.everything())
        async with asyncio.TaskGroup() as everybody:
            for name in world.viewers:
                everybody.create_task(_told(matrix, services, phase, name, asked))
    return matrix


async def _comes(world: World, phase: str) -> None:
    if phase == WON:
        await world.win()
    elif phase == OPEN:
        await world.complete(days_ago=29)
    elif phase == CLOSED:
        await world.let_pass(days_ago=31)


async def _told(
    matrix: Matrix, services: Services, phase: str, name: str, asked: Arguments
) -> None:
    """Ask for everything as somebody, and note what comes back."""
    viewer = matrix.world.viewers[name]
    walk = Walk(
        viewer.role if viewer else None, asked, only=None if phase in _WHOLE else _OF_BOOKINGS
    )
    seen = matrix.seen[phase, name] = Seen()
    matrix.walks.append(walk)
    async for answer in answers(services, viewer, walk):
        seen.take(answer)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.what)
def test_what_is_not_for_everybody_is_told_to_exactly_those_whom_it_is_for(
    matrix: Matrix, secret: Secret, phase: str
) -> None:
    _hold(matrix, secret, phase)


@pytest.mark.parametrize("phase", PHASES)
def test_the_id_of_what_is_not_for_everybody_is_not_either(matrix: Matrix, phase: str) -> None:
    for secret in identities(matrix.world):
        _hold(matrix, secret, phase)


def _hold(matrix: Matrix, secret: Secret, phase: str) -> None:
    told, allowed = matrix.told_to(secret, phase), secret.seen_in(phase)
    # What leads to no booking is not asked in every phase.
    if phase in _WHOLE or secret.but:
        assert told == allowed, secret.what
    assert told <= allowed, secret.what


def test_everything_with_an_id_is_asked_for_by_it() -> None:
    node = SCHEMA.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    kinds = {one.name for one in SCHEMA.get_possible_types(node)}
    assert kinds - {"Cleaner", "Mechanic", "Technician"} | {"Provider"} == set(worlds.TABLES)


def test_every_field_is_asked_for_by_somebody_and_tells_them_something(matrix: Matrix) -> None:
    there = reachable()
    asked = set().union(*(walk.fields for walk in matrix.walks))
    told = set().union(*(seen.fields for seen in matrix.seen.values()))
    assert there - asked == set()
    # What streams tell is followed in test_role_streams.py.
    silent = {name for name in there - told if type_of(name) not in STREAMED}
    assert silent == _NOT_IN_THIS_WORLD
