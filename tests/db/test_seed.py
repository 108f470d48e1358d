"""Is the demo a market in which everyone can get work, with profiles as they are reckoned?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import certifications, profiles, providers, seed, services
from db.tables import metadata
from domain.keywords import KEYWORDS
from domain.pages import PageRequest
from tests.factories import count_rows

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.providers import Provider

ALL = PageRequest(limit=100)
NAMES = {keyword.name for keyword in KEYWORDS}


async def everyone(database: Database) -> list[Provider]:
    async with database.read() as connection:
        page = await providers.page(connection, ALL, trade=None, approval=None)
    return list(page.items)


async def no_password(_: str) -> str:
    return "nobody signs in by password here"


async def test_every_demo_provider_is_complete_enough_by_what_they_have_said(
    database: Database,
) -> None:
    await seed.demo(database, hash_password=no_password)

    found = await everyone(database)
    async with database.read() as connection:
        ids = [one.id for one in found]
        reckoned = await profiles.completions(connection, ids)
        catalogue = await services.page(connection, ALL, trade=None)
        offered = await providers.services_of(connection, ids)
        papers = await certifications.of_providers(connection, ids)

    percents = {one.given_name: one.profile_percent for one in found}
    assert percents == {
        "Chloe": 90,
        "Callum": 80,
        "Chidi": 80,
        "Maya": 90,
        "Marek": 80,
        "Tess": 90,
    }
    for one in found:
        assert reckoned[one.id].percent == one.profile_percent
        assert set(one.keywords) <= NAMES
        assert one.is_active
    held: dict[UUID, set[str]] = {
        uid: {paper.code for paper in own if paper.is_valid} for uid, own in papers.items()
    }
    for service in catalogue.items:
        assert any(
            service.id in offered[uid] and set(service.required_certifications) <= held[uid]
            for uid in ids
        ), service.code


async def test_seeding_twice_changes_nothing(database: Database) -> None:
    tables = metadata.sorted_tables
    await seed.demo(database, hash_password=no_password)
    before = await count_rows(database, *tables), await everyone(database)

    await seed.demo(database, hash_password=no_password)

    assert (await count_rows(database, *tables), await everyone(database)) == before
