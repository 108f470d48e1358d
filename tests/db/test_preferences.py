"""Is what people want kept, and read for many of them at once?"""

from __future__ import annotations

from datetime import time
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from db import devices, preferences
from db.ids import new_id
from db.tables import notification_preferences, quiet_hours
from domain.messages import Category, Channel, Platform
from domain.preferences import Choice, QuietHours, Reach
from tests.db.racing import act, race
from tests.factories import add_customer, count_rows

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database

NIGHT = QuietHours(starts=time(22), ends=time(7))
OFFERS_PUSH, MONEY_MAIL = (Category.OFFERS, Channel.PUSH), (Category.MONEY, Channel.EMAIL)


def choice(which: tuple[Category, Channel], *, wanted: bool) -> Choice:
    category, channel = which
    return Choice(category=category, channel=channel, wanted=wanted)


async def reach(database: Database, *user_ids: UUID) -> list[Reach]:
    async with database.read() as connection:
        found = await preferences.reach(connection, user_ids)
    return [found[user_id] for user_id in user_ids]


async def test_many_are_read_at_once_each_with_what_is_theirs(database: Database) -> None:
    one = (await add_customer(database, phone="+442079460000")).user_id
    two = (await add_customer(database, time_zone="Asia/Kathmandu")).user_id
    chosen = [choice(OFFERS_PUSH, wanted=False), choice(MONEY_MAIL, wanted=True)]
    await act(database, partial(preferences.save_choices, user_id=one, choices=chosen))
    await act(database, partial(preferences.save_quiet_hours, user_id=two, quiet=NIGHT))
    await act(
        database,
        partial(devices.register, user_id=two, platform=Platform.IOS, token="two's"),
    )

    async with database.read() as connection:
        found = await preferences.reach(connection, [one, two, new_id()])

    assert found == {
        one: Reach(
            user_id=one,
            zone=ZoneInfo("Europe/London"),
            phone="+442079460000",
            choices={OFFERS_PUSH: False, MONEY_MAIL: True},
        ),
        two: Reach(
            user_id=two, zone=ZoneInfo("Asia/Kathmandu"), has_device=True, choices={}, quiet=NIGHT
        ),
    }


async def test_a_later_choice_takes_the_place_of_an_earlier_one(database: Database) -> None:
    user_id = (await add_customer(database)).user_id
    for wanted in (True, False):
        chosen = [choice(MONEY_MAIL, wanted=not wanted), choice(MONEY_MAIL, wanted=wanted)]
        await act(database, partial(preferences.save_choices, user_id=user_id, choices=chosen))
    await act(database, partial(preferences.save_choices, user_id=user_id, choices=[]))
    assert [one.choices for one in await reach(database, user_id)] == [{MONEY_MAIL: False}]


async def test_choices_made_at_once_are_all_kept(crowd: Database) -> None:
    user_id = (await add_customer(crowd)).user_id
    both = [choice(OFFERS_PUSH, wanted=False), choice(MONEY_MAIL, wanted=False)]
    save = partial(preferences.save_choices, user_id=user_id)
    await race(crowd, [partial(save, choices=both), partial(save, choices=both[::-1])] * 10)
    (found,) = await reach(crowd, user_id)
    assert found.choices == {OFFERS_PUSH: False, MONEY_MAIL: False}


async def test_quiet_hours_can_be_changed_and_given_up(database: Database) -> None:
    user_id = (await add_customer(database)).user_id
    siesta = QuietHours(starts=time(13), ends=time(15, 30))
    for quiet in (NIGHT, siesta, None, None):
        await act(database, partial(preferences.save_quiet_hours, user_id=user_id, quiet=quiet))
        assert [one.quiet for one in await reach(database, user_id)] == [quiet]


async def test_unsubscribing_is_about_the_mails_of_one_category(database: Database) -> None:
    user_id, other = [(await add_customer(database)).user_id for _ in range(2)]
    leave = partial(preferences.unsubscribe, user_id=user_id, category=Category.SUGGESTIONS)
    await act(database, leave)
    await act(database, leave)
    mine, others = await reach(database, user_id, other)
    assert mine.choices == {(Category.SUGGESTIONS, Channel.EMAIL): False}
    assert others.choices == {}
    assert await count_rows(database, notification_preferences) == (1,)


async def test_the_database_knows_no_quiet_hours_that_last_all_day(database: Database) -> None:
    user_id = (await add_customer(database)).user_id
    row = {"user_id": user_id, "starts": time(7), "ends": time(7)}
    with pytest.raises(IntegrityError, match="ck_quiet_hours_length"):
        await act(database, lambda tx: tx.execute(insert(quiet_hours).values(row)))
