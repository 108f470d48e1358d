"""Who is in the small world, and what is known of them? Their work is in worldwork.py."""

from __future__ import annotations

from datetime import time
from typing import Any, Final

from sqlalchemy import update

from db import tables
from db.engine import Database
from db.ids import new_id
from domain.people import Role
from domain.services import Trade
from tests.api import worldmoney, worldnews, worldwork
from tests.api.world import DAY, HOUR, World
from tests.factories import (
    add_account,
    add_customer,
    add_provider,
    add_service,
    now,
)

#: What providers say of themselves, for everybody to read.
PROFILE: Final[dict[str, Any]] = {
    "about": "I mend things.",
    "photo_url": "https://photos.example/me",
    "brands": ["Volvo"],
    "skills": ["engines"],
    "keywords": ["engine"],
    "hourly_rate_minor": 4500,
    "hourly_rate_currency": "GBP",
    "state_province": "Greater London",
    "review_count": 1,
    "stars_sum": 4,
    "rating": 4,
}


async def made(database: Database) -> World:
    """The world, with the customer's work just offered."""
    world = World(database=database, at=await now(database))
    await _services(world)
    await _people(world)
    await _kept_by_the_customer(world)
    await _known_of_the_providers(world)
    await _known_of_the_winner(world)
    await _known_to_the_house(world)
    await worldwork.others_bookings(world)
    await worldwork.standing_order(world)
    await worldwork.offered(world)
    await worldmoney.paid(world)
    await worldnews.told(world)
    return world


async def _services(world: World) -> None:
    trades = {"repair": Trade.MECHANICAL, "clean": Trade.CLEANING, "check": Trade.FACILITIES}
    for name, trade in trades.items():
        asked = {"required_skills": ["engines"], "required_certifications": ["gas-safe"]}
        world.services[name] = await add_service(
            world.database,
            trade=trade,
            code=f"the-{name}",
            **asked if name == "clean" else {},
        )


async def _people(world: World) -> None:
    """Whoever there is; only first names and districts are for everybody."""
    database, viewers, repair = world.database, world.viewers, world.services["repair"]
    viewers["customer"] = await add_customer(
        database,
        given_name="Zebedee",
        family_name="Quillfeather",
        email="zebedee@quill.example",
        phone="+447700900101",
        password_hash="hash-of-zebedee",
    )
    viewers["other"] = await add_customer(
        database, given_name="Ottoline", family_name="Fanshawe", phone="+447700900102"
    )
    for role in (Role.DISPATCHER, Role.ANALYST, Role.ADMIN, Role.SERVICE):
        name = role.lower()
        viewers[name] = await add_account(
            database, role, email=f"{name}@house.example", password_hash=f"hash-of-{name}"
        )
    for name, service in {
        "offered": repair,
        "winner": repair,
        "former": repair,
        "rival": world.services["clean"],
        "technician": world.services["check"],
    }.items():
        viewers[name] = await add_provider(database, service, **PROFILE)
        await world.change(
            tables.users,
            world.uid(name),
            given_name=name.title(),
            family_name=f"Family-{name}",
            email=f"{name}@provider.example",
            phone=f"+4477009002{len(viewers):02}",
            password_hash=f"hash-of-{name}",
        )
    del viewers["technician"]


async def _kept_by_the_customer(world: World) -> None:
    mine = {"id": new_id(), "customer_id": world.uid("customer")}
    city = {"city": "London", "country": "GB"}
    await world.keep(
        tables.saved_addresses,
        label="Saved: the cottage",
        line1="4 Saved Street",
        postal_code="SW1A 4SV",
        access_instructions="Saved: under the urn",
        is_default=True,
        **mine | city,
    )
    car = {"name": "Saved: the van", "year": 2019, "make": "Volvo", "model": "V60"}
    await world.keep(tables.vehicles, vin="YV1ZWA8UDH1234567", plate="SV19KPT", **mine | car)
    other = world.uid("rival")
    await world.keep(tables.favourite_providers, provider_id=world.uid("winner"), **mine)
    house, said_by = "Block: the house knows", world.uid("admin")
    when = {"blocked_at": world.at}
    for provider_id, by, reason in (
        (world.uid("former"), said_by, house),
        (other, mine["customer_id"], "Block: he was rude"),
    ):
        block = {"provider_id": provider_id, "blocked_by": by, "reason": reason}
        await world.keep(tables.provider_blocks, **mine | {"id": new_id()} | block | when)
    service = {"service_id": world.services["repair"].id}
    ahead = {"starts_at": world.at + 20 * DAY, "ends_at": world.at + 20 * DAY + HOUR}
    await world.keep(
        tables.holds,
        provider_id=world.uid("offered"),
        postal_code="SW1A 1HD",
        created_at=world.at,
        expires_at=world.at + DAY,
        **mine | {"id": world.hold_id} | service | ahead | city,
    )
    await world.keep(
        tables.waitlist_entries,
        provider_id=world.uid("winner"),
        line1="6 Waiting Wharf",
        postal_code="SW1A 6WL",
        area="SW1A",
        earliest=world.at + DAY,
        latest=world.at + 2 * DAY,
        joined_at=world.at,
        **mine | service | city,
    )


async def _known_of_the_providers(world: World) -> None:
    for name in ("offered", "winner", "former", "rival"):
        whose = {"provider_id": world.uid(name)}
        noted = {"place": f"Shift: depot of {name}", "note": f"Shift: back of {name}"}
        async with world.database.begin() as tx:
            theirs = tables.shifts.c.provider_id == world.uid(name)
            await tx.execute(update(tables.shifts).where(theirs).values(noted))
        await world.keep(
            tables.certifications,
            id=new_id(),
            code="gas-safe",
            name="Gas Safe",
            number=f"CERT-{name}",
            issuer="The register",
            expires_on=(world.at + 400 * DAY).date(),
            added_at=world.at,
            verified_at=world.at,
            verified_by=world.uid("admin"),
            **whose,
        )
        await world.keep(
            tables.time_off,
            id=new_id(),
            starts_at=world.at + 10 * DAY,
            ends_at=world.at + 11 * DAY,
            reason=f"Time off: of {name}",
            requested_at=world.at,
            requested_by=world.uid(name),
            **whose,
        )
    suspended = {"suspended_at": world.at, "suspended_because": "Suspended: a complaint"}
    await world.change(tables.providers, world.uid("former"), **suspended)


async def _known_of_the_winner(world: World) -> None:
    winner = {"provider_id": world.uid("winner")}
    place = {"postal_code": "SE1 7ZQ", "latitude": 51.498877, "longitude": -0.111133}
    await world.change(tables.providers, world.uid("winner"), **place)
    day, link = (world.at + 12 * DAY).date(), {"id": new_id(), "name": "Link: my watch"}
    hours = {"opens": time(9), "closes": time(12, 35)}
    await world.keep(tables.date_overrides, id=new_id(), day=day, **hours, **winner)
    stay = {"first_day": day + 2 * DAY, "last_day": day + 3 * DAY}
    await world.keep(tables.temporary_zones, time_zone="Asia/Kathmandu", **stay, **winner)
    made = {"token_hash": bytes(32), "created_at": world.at, "created_by": world.uid("winner")}
    await world.keep(tables.calendar_links, **link, **made, **winner)


async def _known_to_the_house(world: World) -> None:
    await world.keep(
        tables.dead_letters,
        id=new_id(),
        call="call",
        job="match",
        queue="critical",
        arguments=["Letter: argument"],
        error="Letter: it broke",
        tries=5,
    )
    await world.keep(
        tables.auto_runs,
        id=new_id(),
        at=world.at,
        asked_by=world.uid("admin"),
        waiting=2,
        assigned=1,
        cost=1.5,
        greedy_assigned=1,
        greedy_cost=2.5,
    )
    await world.keep(
        tables.holidays, id=new_id(), day=(world.at + 90 * DAY).date(), country="GB", name="Rest"
    )
