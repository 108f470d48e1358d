"""Is a slot shown only where the provider may do the work, for whoever asks?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from db.ids import new_id
from db.slot_facts import Asking
from db.tables import certifications, provider_blocks, providers
from domain.places import Point
from domain.slots import Place
from tests.db.test_slots import DAY, NOON, a_plain_service, offered
from tests.factories import add_customer, add_dispatcher, add_provider, now

if TYPE_CHECKING:
    from datetime import date

    from db.engine import Database
    from domain.people import Viewer


async def certify(
    database: Database, provider: Viewer, code: str, *, until: date | None, verified: bool = True
) -> None:
    at = await now(database)
    staff = await add_dispatcher(database) if verified else None
    async with database.begin() as tx:
        await tx.execute(
            insert(certifications).values(
                id=new_id(),
                provider_id=provider.user_id,
                code=code,
                name=code,
                number=str(new_id()),
                issuer="The register",
                expires_on=until,
                added_at=at,
                verified_at=at if staff else None,
                verified_by=staff.user_id if staff else None,
            )
        )


async def test_a_profile_that_gets_no_offers_shows_no_slots(database: Database) -> None:
    service = await a_plain_service(database)
    await add_provider(database, service, profile_percent=79)
    assert await offered(database, service) == []
    await add_provider(database, service, profile_percent=80)
    assert await offered(database, service) == [(12, 1), (13, 1), (14, 1)]


async def test_who_lacks_a_skill_of_the_service_shows_no_slots(database: Database) -> None:
    service = await a_plain_service(database, required_skills=["Gas fitting", "plumbing"])
    await add_provider(database, service, skills=["plumbing"])
    assert await offered(database, service, hours=1) == []
    await add_provider(database, service, skills=["PLUMBING", "gas  fitting", "tiling"])
    assert await offered(database, service, hours=1) == [(12, 1)]


async def test_slots_end_with_the_last_day_of_a_certification(database: Database) -> None:
    service = await a_plain_service(database, required_certifications=["gas-safe", "dbs"])
    provider = await add_provider(database, service)
    await certify(database, provider, "gas-safe", until=NOON.date())
    assert await offered(database, service, hours=1) == []
    await certify(database, provider, "dbs", until=None)

    # London's midnight in winter is UTC's, in summer an hour before.
    found = await offered(database, service, latest=NOON + DAY)
    assert [hour for hour, _ in found][:10] == list(range(12, 22))
    assert len(found) in {11, 12}

    await certify(database, provider, "gas-safe", until=NOON.date() + DAY)
    assert len(await offered(database, service, latest=NOON + DAY)) == 25


async def test_a_certification_that_nobody_has_verified_shows_no_slots(database: Database) -> None:
    service = await a_plain_service(database, required_certifications=["gas-safe"])
    provider = await add_provider(database, service)
    await certify(database, provider, "gas-safe", until=None, verified=False)
    assert await offered(database, service, hours=1) == []


async def test_who_is_kept_apart_from_a_customer_shows_them_no_slots(database: Database) -> None:
    service = await a_plain_service(database)
    provider, other = await add_provider(database, service), await add_customer(database)
    customer = await add_customer(database)
    row: dict[str, Any] = {
        "id": new_id(),
        "customer_id": customer.user_id,
        "provider_id": provider.user_id,
    }
    row |= {"blocked_by": customer.user_id, "blocked_at": await now(database)}
    async with database.begin() as tx:
        await tx.execute(insert(provider_blocks).values(row))

    mine = Asking(customer_id=customer.user_id)
    assert await offered(database, service, hours=1, asking=mine) == []
    theirs = Asking(customer_id=other.user_id)
    assert await offered(database, service, hours=1, asking=theirs) == [(12, 1)]
    assert await offered(database, service, hours=1) == [(12, 1)]


async def test_a_brand_is_asked_of_those_who_are_specialised_in_it(database: Database) -> None:
    service = await a_plain_service(database)
    provider = await add_provider(database, service)
    wanted = Asking(brand=" bmw ")
    assert await offered(database, service, hours=1, asking=wanted) == []
    async with database.begin() as tx:
        mine = update(providers).where(providers.c.id == provider.user_id)
        await tx.execute(mine.values(brands=["Audi", "BMW"]))
    assert await offered(database, service, hours=1, asking=wanted) == [(12, 1)]


async def test_a_place_is_asked_of_who_would_come_over_the_antimeridian(database: Database) -> None:
    service = await a_plain_service(database)
    east: dict[str, Any] = {
        "latitude": -16.8,
        "longitude": 179.95,
        "country": "FJ",
        "postal_code": "?",
    }
    await add_provider(database, service, **east, time_zone="Pacific/Fiji")
    across = Place(country="FJ", postal_code="?", point=Point(latitude=-16.8, longitude=-179.95))
    assert await offered(database, service, hours=1, place=across) == [(12, 1)]
    further = Place(country="FJ", postal_code="?", point=Point(latitude=-16.8, longitude=-179.7))
    assert await offered(database, service, hours=1, place=further) == []
