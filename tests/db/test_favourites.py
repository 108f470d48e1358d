"""Does a customer have the favourites they chose, once each?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from db import favourites
from db.tables import favourite_providers, providers
from domain.pages import PageRequest
from domain.refusals import NotFound
from tests.db.racing import act, race
from tests.factories import (
    NOW,
    add_customer,
    add_providers,
    add_service,
    count_rows,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.people import Viewer


async def chosen(database: Database, customer: Viewer) -> list[UUID]:
    async with database.read() as connection:
        request = PageRequest(limit=100)
        page = await favourites.page(connection, request, customer_id=customer.user_id)
        assert len(page.items) == await favourites.count(connection, customer_id=customer.user_id)
    return [provider.id for provider in page.items]


async def suspend(database: Database, provider: Viewer) -> None:
    async with database.begin() as tx:
        mine = update(providers).where(providers.c.id == provider.user_id)
        await tx.execute(mine.values(suspended_at=NOW))


async def test_favourites_are_ones_own_the_newest_first(database: Database) -> None:
    customer, other = await add_customer(database), await add_customer(database)
    one, two, three = await add_providers(database, await add_service(database), count=3)
    for provider in (two, one):
        added = await act(
            database, partial(favourites.add, provider_id=provider.user_id, by=customer)
        )
        assert added.id == provider.user_id
    await act(database, partial(favourites.add, provider_id=three.user_id, by=other))
    assert await chosen(database, customer) == [one.user_id, two.user_id]
    pairs = [(customer.user_id, p.user_id) for p in (one, two, three)]
    async with database.read() as connection:
        assert await favourites.which(connection, pairs) == {pairs[0]: True, pairs[1]: True}


async def test_choosing_at_the_same_time_chooses_once(crowd: Database) -> None:
    customer = await add_customer(crowd)
    (provider,) = await add_providers(crowd, await add_service(crowd), count=1)
    choose = partial(favourites.add, provider_id=provider.user_id, by=customer)
    results = await race(crowd, [choose] * 10)
    assert [one.id for one in results] == [provider.user_id] * 10
    assert await count_rows(crowd, favourite_providers) == (1,)


async def test_letting_go_once_or_twice_is_the_same_and_touches_nobody_elses(
    database: Database,
) -> None:
    customer, other = await add_customer(database), await add_customer(database)
    one, two = await add_providers(database, await add_service(database), count=2)
    for by, provider in ((customer, one), (customer, two), (other, one)):
        await act(database, partial(favourites.add, provider_id=provider.user_id, by=by))
    for _ in range(2):
        await act(database, partial(favourites.remove, provider_id=one.user_id, by=customer))
    assert await chosen(database, customer) == [two.user_id]
    assert await chosen(database, other) == [one.user_id]


async def test_who_may_not_be_seen_is_neither_chosen_nor_listed(database: Database) -> None:
    customer = await add_customer(database)
    known, gone = await add_providers(database, await add_service(database), count=2)
    await act(database, partial(favourites.add, provider_id=known.user_id, by=customer))
    for provider in (known, gone):
        await suspend(database, provider)
    for uid in (known.user_id, gone.user_id, customer.user_id):
        for change in (favourites.add, favourites.remove):
            with pytest.raises(NotFound):
                await act(database, partial(change, provider_id=uid, by=customer))
    assert await chosen(database, customer) == []
    assert await count_rows(database, favourite_providers) == (1,)
