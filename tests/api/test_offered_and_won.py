"""What does a provider read of the work, field by field: asked, won, done, and a month later?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from graphql import GraphQLObjectType, parse

from api import ids
from api.app import create
from api.context import Services
from api.scalars import format_instant
from db.engine import Database
from domain.people import Viewer
from gateways.settings import Settings
from tests.api import worldmaking
from tests.api.walks import SCHEMA, ask
from tests.api.world import World

#: Every field of an offered piece of work, as it is asked for.
WORK: Final = """work {
  kind startsAt endsAt price { formatted } concern vehicle { year make model vin plate }
  requestedBrand keywords customerName city area distanceMiles service { code }
}"""
#: What of a booking is not for everybody who may see it.
BOOKING: Final = """
  accessInstructions specialRequirements concern vehicle { model vin plate } requestedBrand keywords
  customer { name phone } preferredProvider { name } signature { name } completionNotes photoUrls
  checklist { label } lateness { minutes reason } series { id }
  address { line1 line2 city stateProvince postalCode country point { latitude longitude } }
"""
OPEN: Final = {
    "accessInstructions": "Access: the gnome's hat",
    "specialRequirements": "Special: a shy parrot",
    "concern": "Concern: the engine hums",
    "vehicle": {"model": "Golf", "vin": "WVWZZZ1KZAW987654", "plate": "QX99ZZZ"},
    "requestedBrand": "Volvo",
    "keywords": ["engine"],
    "customer": {"name": "Zebedee Quillfeather", "phone": "+447700900101"},
    "preferredProvider": None,
    "signature": None,
    "completionNotes": None,
    "photoUrls": [],
    "checklist": [],
    "lateness": {"minutes": 9, "reason": "Late: school run"},
    "series": None,
    "address": {
        "line1": "77 Quince Crescent",
        "line2": "Flat Heliotrope",
        "city": "London",
        "stateProvince": "Greater London",
        "postalCode": "SW1A 9QZ",
        "country": "GB",
        "point": {"latitude": 51.503917, "longitude": -0.127413},
    },
}
DONE: Final = {
    "signature": {"name": "Septimus Vane"},
    "completionNotes": "Notes: seal was torn",
    "photoUrls": ["https://photos.example/hob-after"],
    "checklist": [{"label": "Checklist: vent"}],
}
CLOSED: Final = {
    "accessInstructions": "",
    "specialRequirements": "",
    "vehicle": {"model": "Golf", "vin": None, "plate": None},
    "customer": {"name": "Zebedee Q.", "phone": None},
    "signature": None,
    "address": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The world, and a way to ask in it."""

    world: World
    services: Services

    async def read(self, name: str, document: str) -> Any:
        """The value of the only field that somebody asks for, without an error."""
        viewer: Viewer | None = self.world.viewers[name]
        answer = await ask(self.services, viewer, parse(f"query Asked {{ {document} }}"), "Asked")
        assert answer.errors == ()
        (value,) = answer.data.values()
        return value

    async def offer(self, name: str, asked: str = WORK) -> Any:
        """The one offer of somebody that is about the customer's work."""
        own = ids.encode("JobOffer", self.world.offers[name].id)
        nodes = (await self.read(name, f"jobOffers {{ nodes {{ id {asked} }} }}"))["nodes"]
        (found,) = [one for one in nodes if one["id"] == own]
        return found

    async def booking(self, name: str) -> Any:
        """The customer's booking, as somebody sees it."""
        uid = ids.encode("Booking", self.world.bookings["main"].id)
        return await self.read(name, f'booking(id: "{uid}") {{ {BOOKING} }}')


@pytest.fixture
async def scene(settings: Settings, database: Database) -> AsyncIterator[Scene]:
    app = create(settings)
    async with app.router.lifespan_context(app):
        yield Scene(world=await worldmaking.made(database), services=app.state.services)


async def test_an_offer_shows_each_field_of_the_work_as_a_stranger_may_know_it(
    scene: Scene,
) -> None:
    booking = scene.world.bookings["main"]
    work = (await scene.offer("winner"))["work"]
    assert work == {
        "kind": "SCHEDULED",
        "startsAt": format_instant(booking.starts_at),
        "endsAt": format_instant(booking.ends_at),
        "price": {"formatted": "£0.00"},
        "concern": "Concern: the engine hums",
        "vehicle": {
            "year": 2015,
            "make": "Volkswagen",
            "model": "Golf",
            "vin": None,
            "plate": None,
        },
        "requestedBrand": "Volvo",
        "keywords": ["engine"],
        "customerName": "Zebedee Q.",
        "city": "London",
        "area": "SW1A",
        "distanceMiles": 1,
        "service": {"code": "the-repair"},
    }
    shown = SCHEMA.type_map["OfferedWork"]
    assert isinstance(shown, GraphQLObjectType)
    assert set(work) == set(shown.fields), "Say what an offer shows of the new field."


async def test_who_is_only_asked_does_not_reach_the_booking(scene: Scene) -> None:
    for name in ("winner", "offered", "rival"):
        assert await scene.booking(name) is None
    for name in ("winner", "offered"):
        assert (await scene.offer(name, "booking { id }"))["booking"] is None


async def test_who_wins_the_work_reads_all_that_it_takes_to_turn_up(scene: Scene) -> None:
    before = await scene.offer("winner")
    await scene.world.win()
    assert await scene.booking("winner") == OPEN
    # What the offer shows stays what it was, for whoever it was put to.
    assert await scene.offer("winner") == before
    assert await scene.booking("offered") is None
    assert (await scene.offer("offered", "booking { id }"))["booking"] is None


async def test_what_leads_to_the_customer_closes_thirty_days_after_the_work_is_done(
    scene: Scene,
) -> None:
    await scene.world.win()
    await scene.world.complete(days_ago=29)
    assert await scene.booking("winner") == OPEN | DONE
    await scene.world.let_pass(days_ago=31)
    assert await scene.booking("winner") == OPEN | DONE | CLOSED
    customers = OPEN | DONE | {"preferredProvider": {"name": "Offered F."}}
    assert await scene.booking("customer") == await scene.booking("dispatcher") == customers


async def test_who_studies_the_figures_reads_no_more_of_the_customer_than_an_offer_shows(
    scene: Scene,
) -> None:
    await scene.world.win()
    await scene.world.complete(days_ago=1)
    words: dict[str, Any] = {"completionNotes": None, "photoUrls": [], "checklist": []}
    assert await scene.booking("analyst") == OPEN | CLOSED | words | {
        "lateness": {"minutes": 9, "reason": ""},
        "preferredProvider": {"name": "Offered F."},
    }
