"""Does a device show the messages of who signed in there last, and nobody else's?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from db import devices
from db.tables import devices as table
from domain.devices import MOST
from domain.messages import Platform
from domain.refusals import InvalidInput
from tests.db.racing import act, race
from tests.factories import add_customer, count_rows

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database


def registering(user_id: UUID, token: str, platform: Platform = Platform.ANDROID) -> Any:
    return partial(devices.register, user_id=user_id, platform=platform, token=token)


async def tokens(database: Database, *user_ids: UUID) -> list[list[str]]:
    async with database.read() as connection:
        found = await devices.of_users(connection, user_ids)
    return [[device.token for device in found[user_id]] for user_id in user_ids]


async def test_ones_devices_are_listed_the_newest_first(database: Database) -> None:
    one, two = [(await add_customer(database)).user_id for _ in range(2)]
    phone = await act(database, registering(one, "phone"))
    await act(database, registering(two, "other"))
    laptop = await act(database, registering(one, "laptop", Platform.WEB))

    async with database.read() as connection:
        found = await devices.of_users(connection, [one])

    assert found == {one: [laptop, phone]}
    assert (laptop.user_id, laptop.platform, laptop.token) == (one, Platform.WEB, "laptop")


async def test_a_device_that_is_seen_again_is_one_and_the_newest(database: Database) -> None:
    user_id = (await add_customer(database)).user_id
    first = await act(database, registering(user_id, "phone"))
    await act(database, registering(user_id, "laptop"))
    again = await act(database, registering(user_id, "phone", Platform.IOS))
    assert (again.id, again.platform) == (first.id, Platform.IOS)
    assert await tokens(database, user_id) == [["phone", "laptop"]]


async def test_a_device_goes_over_to_whoever_signs_in_on_it(database: Database) -> None:
    one, two = [(await add_customer(database)).user_id for _ in range(2)]
    await act(database, registering(one, "shared"))
    await act(database, registering(two, "shared"))
    assert await tokens(database, one, two) == [[], ["shared"]]
    # Who had it before cannot take it from who has it now.
    await act(database, partial(devices.unregister, user_id=one, token="shared"))
    assert await tokens(database, one, two) == [[], ["shared"]]


async def test_nobody_has_more_than_twenty_however_many_come_at_once(crowd: Database) -> None:
    user_id, other = [(await add_customer(crowd)).user_id for _ in range(2)]
    await act(crowd, registering(other, "other"))
    await race(crowd, [registering(user_id, f"device {n}") for n in range(MOST + 15)])
    (mine, others) = await tokens(crowd, user_id, other)
    assert (len(mine), others) == (20, ["other"])
    await act(crowd, registering(user_id, "last"))
    ((newest, *older),) = await tokens(crowd, user_id)
    assert (newest, older) == ("last", mine[:-1])


async def test_a_device_is_left_by_its_owner_or_gone(database: Database) -> None:
    one, two = [(await add_customer(database)).user_id for _ in range(2)]
    for token in ("a", "b", "c"):
        await act(database, registering(one, token))
    await act(database, registering(two, "d"))
    leave = partial(devices.unregister, user_id=one, token="a")
    await act(database, leave)
    await act(database, leave)
    assert await tokens(database, one, two) == [["c", "b"], ["d"]]
    await act(database, partial(devices.gone, tokens=["b", "d", "unknown"]))
    assert await tokens(database, one, two) == [["c"], []]


async def test_what_can_be_no_token_is_refused_and_leaves_no_trace(database: Database) -> None:
    user_id = (await add_customer(database)).user_id
    with pytest.raises(InvalidInput):
        await act(database, registering(user_id, ""))
    assert await count_rows(database, table) == (0,)
