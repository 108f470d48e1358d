"""Do customers keep their vehicles, each their own and no more than there is room for?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from db import vehicles
from db.engine import constraint
from db.ids import new_id
from db.tables import vehicles as vehicles_table
from domain.pages import PageRequest
from domain.refusals import InvalidInput, NotFound
from domain.vehicles import MAX_VEHICLES, SavedVehicle, TooManyVehicles
from tests.db.racing import act, waiting
from tests.factories import a_vehicle, add_customer, count_rows

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.people import Viewer


async def save(
    tx: AsyncConnection, customer: Viewer, vehicle_id: UUID | None = None, **changes: Any
) -> SavedVehicle:
    facts: dict[str, Any] = {"name": "The van", "vehicle": a_vehicle()}
    whose = {"customer_id": customer.user_id, "vehicle_id": vehicle_id}
    return await vehicles.save(tx, **whose | facts | changes)


async def kept(database: Database, customer: Viewer) -> list[SavedVehicle]:
    async with database.read() as connection:
        request = PageRequest(limit=100)
        page = await vehicles.page(connection, request, customer_id=customer.user_id)
        assert len(page.items) == await vehicles.count(connection, customer_id=customer.user_id)
    return list(page.items)


async def fill(database: Database, customer: Viewer, count: int) -> None:
    row = {"customer_id": customer.user_id, "year": 2000, "make": "Ford", "model": "Focus"}
    async with database.begin() as tx:
        await tx.execute(insert(vehicles_table), [row | {"id": new_id()} for _ in range(count)])


async def test_what_is_saved_is_kept_newest_first(database: Database) -> None:
    customer = await add_customer(database)
    bare = a_vehicle(vin=None, plate=None)
    first = await act(database, partial(save, customer=customer))
    second = await act(database, partial(save, customer=customer, name="", vehicle=bare))
    assert first.vehicle == a_vehicle()
    assert await kept(database, customer) == [second, first]
    async with database.read() as connection:
        assert await vehicles.by_id(connection, first.id) == first
        assert await vehicles.by_id(connection, uuid4()) is None


async def test_saving_with_an_id_describes_the_same_vehicle_anew(database: Database) -> None:
    customer = await add_customer(database)
    first = await act(database, partial(save, customer=customer))
    other = a_vehicle(year=2020, vin=None, plate=None)
    changed = await act(
        database, partial(save, customer=customer, vehicle_id=first.id, name="", vehicle=other)
    )
    expected = SavedVehicle(id=first.id, customer_id=customer.user_id, name="", vehicle=other)
    assert await kept(database, customer) == [changed] == [expected]


async def test_nobody_changes_or_removes_what_another_keeps(database: Database) -> None:
    customer, stranger = await add_customer(database), await add_customer(database)
    mine = await act(database, partial(save, customer=customer))
    for uid in (mine.id, uuid4()):
        with pytest.raises(NotFound):
            await act(database, partial(save, customer=stranger, vehicle_id=uid, name="Mine"))
        with pytest.raises(NotFound):
            await act(
                database,
                partial(vehicles.remove, customer_id=stranger.user_id, vehicle_id=uid),
            )
    assert await kept(database, customer) == [mine]
    assert await kept(database, stranger) == []


async def test_what_is_removed_is_gone_and_is_not_found_again(database: Database) -> None:
    customer = await add_customer(database)
    mine = await act(database, partial(save, customer=customer))
    remove = partial(vehicles.remove, customer_id=customer.user_id, vehicle_id=mine.id)
    assert await act(database, remove) == mine
    with pytest.raises(NotFound):
        await act(database, remove)
    assert await kept(database, customer) == []


async def test_a_wrong_description_leaves_no_trace(database: Database) -> None:
    customer = await add_customer(database)
    with pytest.raises(InvalidInput):
        await act(database, partial(save, customer=customer, vehicle=a_vehicle(year=1899)))
    assert await count_rows(database, vehicles_table) == (0,)


async def test_a_full_list_takes_no_more_but_what_is_on_it_can_change(database: Database) -> None:
    customer = await add_customer(database)
    await fill(database, customer, MAX_VEHICLES - 1)
    last = await act(database, partial(save, customer=customer))
    with pytest.raises(TooManyVehicles):
        await act(database, partial(save, customer=customer))
    await act(database, partial(save, customer=customer, vehicle_id=last.id, name="New name"))
    assert await count_rows(database, vehicles_table) == (MAX_VEHICLES,)


async def test_of_two_at_once_only_one_gets_the_last_place(crowd: Database) -> None:
    customer = await add_customer(crowd)
    await fill(crowd, customer, MAX_VEHICLES - 1)
    async with crowd.begin() as tx:
        await save(tx, customer)
        late = await waiting(crowd, partial(save, customer=customer))
    with pytest.raises(TooManyVehicles):
        await late
    assert await count_rows(crowd, vehicles_table) == (MAX_VEHICLES,)


async def test_a_vehicle_that_is_removed_meanwhile_does_not_come_back(crowd: Database) -> None:
    customer = await add_customer(crowd)
    mine = await act(crowd, partial(save, customer=customer))
    async with crowd.begin() as tx:
        await vehicles.remove(tx, customer_id=customer.user_id, vehicle_id=mine.id)
        late = await waiting(crowd, partial(save, customer=customer, vehicle_id=mine.id))
    with pytest.raises(NotFound):
        await late
    assert await count_rows(crowd, vehicles_table) == (0,)


async def test_the_database_takes_no_vin_of_another_shape(database: Database) -> None:
    customer = await add_customer(database)
    row = {"customer_id": customer.user_id, "year": 2000, "make": "Ford", "model": "Focus"}
    with pytest.raises(IntegrityError) as refused:
        async with database.begin() as tx:
            await tx.execute(insert(vehicles_table).values(row | {"id": new_id(), "vin": "O" * 17}))
    assert constraint(refused.value) == "ck_vehicles_vin"
