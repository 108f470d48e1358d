"""Do customers keep their addresses, each their own, with at most one default?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from db import saved_addresses
from db.engine import constraint
from db.ids import new_id
from db.tables import saved_addresses as addresses_table
from domain.pages import PageRequest
from domain.refusals import InvalidInput, NotFound
from domain.saved_addresses import MAX_ADDRESSES, SavedAddress, TooManyAddresses
from tests.db.racing import act, race, waiting
from tests.factories import add_customer, an_address, count_rows

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.people import Viewer


async def save(
    tx: AsyncConnection, customer: Viewer, address_id: UUID | None = None, **changes: Any
) -> SavedAddress:
    facts: dict[str, Any] = {
        "label": "Home",
        "address": an_address(),
        "access_instructions": "Ring twice.",
        "is_default": False,
    }
    whose = {"customer_id": customer.user_id, "address_id": address_id}
    return await saved_addresses.save(tx, **whose | facts | changes)


async def kept(database: Database, customer: Viewer, **page: Any) -> list[SavedAddress]:
    async with database.read() as connection:
        request = PageRequest(**{"limit": 100} | page)
        found = await saved_addresses.page(connection, request, customer_id=customer.user_id)
    return list(found.items)


def a_row(customer: Viewer, **columns: Any) -> dict[str, Any]:
    place = {"line1": "1 Road", "city": "London", "postal_code": "E1 6AN", "country": "GB"}
    own = {"id": new_id(), "customer_id": customer.user_id, "label": "x", "is_default": False}
    return place | own | columns


async def test_what_is_saved_is_kept_the_default_first_then_newest(database: Database) -> None:
    customer = await add_customer(database)
    bare = an_address(point=None)
    default = await act(database, partial(save, customer=customer, is_default=True))
    second = await act(database, partial(save, customer=customer, label="Work", address=bare))
    third = await act(database, partial(save, customer=customer, label="Parents"))
    assert default.address == an_address()
    assert await kept(database, customer) == [default, third, second]
    async with database.read() as connection:
        assert await saved_addresses.count(connection, customer_id=customer.user_id) == 3
        assert await saved_addresses.by_id(connection, second.id) == second
        assert await saved_addresses.by_id(connection, uuid4()) is None


async def test_pages_go_on_after_a_row_and_back_before_it(database: Database) -> None:
    customer = await add_customer(database)
    oldest = await act(database, partial(save, customer=customer))
    newer = await act(database, partial(save, customer=customer))
    default = await act(database, partial(save, customer=customer, is_default=True))
    at_default, at_newer = ("True", str(default.id)), ("False", str(newer.id))
    assert await kept(database, customer, after=at_default) == [newer, oldest]
    assert await kept(database, customer, after=at_newer) == [oldest]
    assert await kept(database, customer, before=at_newer, backwards=True) == [default]


async def test_a_new_default_ends_the_former_and_only_ones_own(database: Database) -> None:
    customer, stranger = await add_customer(database), await add_customer(database)
    theirs = await act(database, partial(save, customer=stranger, is_default=True))
    former = await act(database, partial(save, customer=customer, is_default=True))
    plain = await act(database, partial(save, customer=customer))
    await act(database, partial(save, customer=customer, address_id=plain.id, is_default=True))
    found = [(one.id, one.is_default) for one in await kept(database, customer)]
    assert found == [(plain.id, True), (former.id, False)]
    assert await kept(database, stranger) == [theirs]


async def test_saving_with_an_id_writes_the_same_address_anew(database: Database) -> None:
    customer = await add_customer(database)
    first = await act(database, partial(save, customer=customer, is_default=True))
    place = an_address(line1="2 Parliament Square", line2="Flat 3", point=None)
    asked: dict[str, Any] = {"label": "Office", "address": place, "access_instructions": ""}
    await act(database, partial(save, customer=customer, address_id=first.id, **asked))
    expected = SavedAddress(id=first.id, customer_id=customer.user_id, **asked)
    assert await kept(database, customer) == [expected]


async def test_nobody_changes_or_removes_what_another_keeps(database: Database) -> None:
    customer, stranger = await add_customer(database), await add_customer(database)
    mine = await act(database, partial(save, customer=customer))
    for uid in (mine.id, uuid4()):
        with pytest.raises(NotFound):
            await act(database, partial(save, customer=stranger, address_id=uid))
        with pytest.raises(NotFound):
            await act(
                database,
                partial(saved_addresses.remove, customer_id=stranger.user_id, address_id=uid),
            )
    assert await kept(database, customer) == [mine]
    assert await kept(database, stranger) == []


async def test_what_is_removed_is_gone_and_is_not_found_again(database: Database) -> None:
    customer = await add_customer(database)
    mine = await act(database, partial(save, customer=customer))
    remove = partial(saved_addresses.remove, customer_id=customer.user_id, address_id=mine.id)
    assert await act(database, remove) == mine
    with pytest.raises(NotFound):
        await act(database, remove)
    assert await kept(database, customer) == []


async def test_a_wrong_address_leaves_no_trace_and_the_default_as_it_was(
    database: Database,
) -> None:
    customer = await add_customer(database)
    default = await act(database, partial(save, customer=customer, is_default=True))
    wrong: dict[str, Any] = {"address": an_address(country="Britain"), "is_default": True}
    with pytest.raises(InvalidInput):
        await act(database, partial(save, customer=customer, **wrong))
    assert await kept(database, customer) == [default]


async def test_of_two_at_once_only_one_gets_the_last_place(crowd: Database) -> None:
    customer = await add_customer(crowd)
    async with crowd.begin() as tx:
        rows = [a_row(customer) for _ in range(MAX_ADDRESSES - 1)]
        await tx.execute(insert(addresses_table), rows)
    async with crowd.begin() as tx:
        await save(tx, customer)
        late = await waiting(crowd, partial(save, customer=customer))
    with pytest.raises(TooManyAddresses):
        await late
    assert await count_rows(crowd, addresses_table) == (MAX_ADDRESSES,)


async def test_many_new_defaults_at_once_end_with_one(crowd: Database) -> None:
    customer = await add_customer(crowd)
    results = await race(crowd, [partial(save, customer=customer, is_default=True)] * 10)
    assert all(isinstance(one, SavedAddress) for one in results)
    assert [one.is_default for one in await kept(crowd, customer)] == [True] + [False] * 9


async def test_an_address_that_is_removed_meanwhile_does_not_come_back(crowd: Database) -> None:
    customer = await add_customer(crowd)
    mine = await act(crowd, partial(save, customer=customer))
    async with crowd.begin() as tx:
        await saved_addresses.remove(tx, customer_id=customer.user_id, address_id=mine.id)
        late = await waiting(crowd, partial(save, customer=customer, address_id=mine.id))
    with pytest.raises(NotFound):
        await late
    assert await count_rows(crowd, addresses_table) == (0,)


async def test_the_database_takes_one_default_for_each_customer(database: Database) -> None:
    customer, other = await add_customer(database), await add_customer(database)
    async with database.begin() as tx:
        rows = [a_row(one, is_default=True) for one in (customer, other)]
        await tx.execute(insert(addresses_table), rows)
    with pytest.raises(IntegrityError) as refused:
        async with database.begin() as tx:
            await tx.execute(insert(addresses_table).values(a_row(customer, is_default=True)))
    assert constraint(refused.value) == "uq_saved_addresses_default"
