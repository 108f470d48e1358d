"""How somebody is told of things, as they see and choose it through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from db.engine import Database
from db.tables import notification_preferences, quiet_hours, users
from domain.messages import Channel
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House
from tests.factories import count_rows

PREFERENCES = """
  categories { category channels { channel wanted usual mayChange reachable } }
  quietHours { starts ends } timeZone locale
"""
MINE = f"{{ notificationPreferences {{ {PREFERENCES} }} }}"
UPDATE = f"""mutation($input: UpdateNotificationPreferencesInput!) {{
  updateNotificationPreferences(input: $input) {{
    __typename
    ... on UpdateNotificationPreferencesSuccess {{ preferences {{ {PREFERENCES} }} }}
    ... on InvalidInput {{ code errors {{ path message }} }}
  }}
}}"""
REGISTER = """mutation { registerDevice(input: { platform: WEB, token: "a-token-of-mine" }) {
  __typename } }"""
EMAIL, SMS, PUSH = Channel


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def choose(home: House, name: str = "Carla", **said: Any) -> Any:
    answer = await home.act(name, UPDATE, input=said)
    assert answer["__typename"] == "UpdateNotificationPreferencesSuccess", answer
    assert answer["preferences"] == await home.act(name, MINE)
    return answer["preferences"]


async def refused(home: House, name: str = "Carla", **said: Any) -> list[Any]:
    """The places that are complained of; nothing has changed."""
    before = await home.act(name, MINE)
    answer = await home.act(name, UPDATE, input=said)
    assert answer["__typename"] == "InvalidInput", answer
    assert await home.act(name, MINE) == before
    return [error["path"] for error in answer["errors"]]


def choice(category: str, channel: str, *, wanted: bool) -> dict[str, Any]:
    return {"category": category, "channel": channel, "wanted": wanted}


def wanted(preferences: Any) -> dict[str, list[str]]:
    """The channels on which each category comes."""
    return {
        one["category"]: [each["channel"] for each in one["channels"] if each["wanted"]]
        for one in preferences["categories"]
    }


USUAL = {
    "BOOKINGS": [EMAIL, SMS, PUSH],
    "REMINDERS": [EMAIL, SMS, PUSH],
    "MONEY": [EMAIL, PUSH],
    "SUGGESTIONS": [EMAIL, PUSH],
}


async def test_who_has_chosen_nothing_has_what_is_usual(home: House) -> None:
    found = await home.act("Carla", MINE)
    assert wanted(found) == USUAL
    assert (found["quietHours"], found["timeZone"], found["locale"]) == (
        None,
        "Europe/London",
        "en-GB",
    )
    for category in found["categories"]:
        assert [one["channel"] for one in category["channels"]] == [EMAIL, SMS, PUSH]
        assert all(one["wanted"] is one["usual"] for one in category["channels"])
        mail = category["channels"][0]
        assert mail["mayChange"] is (category["category"] == "SUGGESTIONS")
        assert all(one["mayChange"] for one in category["channels"][1:])


async def test_each_role_sees_the_categories_that_it_is_told_of(home: House) -> None:
    assert set(wanted(await home.act("Carla", MINE))) == USUAL.keys()
    providers = wanted(await home.act("Chloe", MINE))
    assert set(providers) == {"BOOKINGS", "OFFERS", "REMINDERS", "MONEY"}
    assert providers["OFFERS"] == [PUSH]
    for staff in ("Dora", "Adam"):
        assert wanted(await home.act(staff, MINE)) == {"OPERATIONS": [EMAIL]}
    assert wanted(await home.act("Anna", MINE)) == {}


async def test_a_channel_is_reachable_once_there_is_a_number_or_a_device(home: House) -> None:
    async def reachable() -> list[bool]:
        (first, *_) = (await home.act("Carla", MINE))["categories"]
        return [one["reachable"] for one in first["channels"]]

    async with home.database.begin() as tx:
        await tx.execute(update(users).values(phone=None))
    assert await reachable() == [True, False, False]
    async with home.database.begin() as tx:
        await tx.execute(update(users).values(phone="+447700900001"))
    await home.act("Carla", REGISTER)
    assert await reachable() == [True, True, True]


async def test_what_is_chosen_is_kept_and_the_rest_stays_as_it_was(home: House) -> None:
    off = [choice("REMINDERS", "SMS", wanted=False), choice("SUGGESTIONS", "EMAIL", wanted=False)]
    assert wanted(await choose(home, choices=off)) == USUAL | {
        "REMINDERS": [EMAIL, PUSH],
        "SUGGESTIONS": [PUSH],
    }
    on = [choice("MONEY", "SMS", wanted=True), choice("REMINDERS", "SMS", wanted=True)]
    after = USUAL | {"MONEY": [EMAIL, SMS, PUSH], "SUGGESTIONS": [PUSH]}
    assert wanted(await choose(home, choices=on)) == after
    assert wanted(await choose(home, timeZone="America/New_York")) == after
    # Everybody has preferences of their own.
    assert wanted(await home.act("Chloe", MINE))["MONEY"] == [EMAIL]


async def test_of_two_choices_for_the_same_the_later_counts(home: House) -> None:
    both = [choice("MONEY", "PUSH", wanted=no) for no in (True, False)]
    assert wanted(await choose(home, choices=both))["MONEY"] == [EMAIL]


async def test_quiet_hours_are_set_moved_and_taken_back(home: House) -> None:
    night = {"starts": "22:00:00", "ends": "07:30:00"}
    assert (await choose(home, quietHours=night))["quietHours"] == night
    assert (await choose(home, locale="de"))["quietHours"] == night
    noon = {"starts": "12:00:00", "ends": "13:00:00"}
    assert (await choose(home, quietHours=noon))["quietHours"] == noon
    assert (await choose(home, quietHours=None))["quietHours"] is None
    assert await count_rows(home.database, quiet_hours) == (0,)


@pytest.mark.parametrize(
    ("said", "kept"),
    [("fr-CA", "fr-CA"), ("pt-br", "pt-BR"), ("DE", "de"), ("zh-hans-cn", "zh-Hans-CN")],
)
async def test_a_locale_is_kept_as_it_is_usually_written(home: House, said: str, kept: str) -> None:
    assert (await choose(home, locale=said))["locale"] == kept
    assert await home.act("Carla", "{ me { locale timeZone } }") == {
        "locale": kept,
        "timeZone": "Europe/London",
    }


@pytest.mark.parametrize(
    "locale", ["", "xx", "en_GB", "en-XX", "../../etc", "e\x00n", "en-US-u-hc-h12", "x" * 5000]
)
async def test_what_dates_cannot_be_written_by_is_no_locale(home: House, locale: str) -> None:
    assert await refused(home, locale=locale) == [["locale"]]


async def test_a_zone_that_there_is_not_is_refused_at_the_door(home: House) -> None:
    answer = await home.ask("Carla", UPDATE, input={"timeZone": "Europe/Londres"})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_nobody_does_without_what_they_have_to_know(home: House) -> None:
    for category in ("BOOKINGS", "REMINDERS", "MONEY"):
        off = [choice(category, "EMAIL", wanted=False)]
        assert await refused(home, choices=off) == [["choices", "0", "wanted"]]
    off = [choice("OPERATIONS", "EMAIL", wanted=False)]
    assert await refused(home, "Dora", choices=off) == [["choices", "0", "wanted"]]


async def test_all_that_is_wrong_is_told_at_once_and_nothing_is_kept(home: House) -> None:
    wrong = await refused(
        home,
        choices=[
            choice("SUGGESTIONS", "EMAIL", wanted=False),
            choice("OFFERS", "PUSH", wanted=False),
            choice("MONEY", "EMAIL", wanted=False),
        ],
        quietHours={"starts": "22:00", "ends": "22:00"},
        locale="en_GB",
        timeZone="Asia/Tokyo",
    )
    assert wrong == [
        ["choices", "1", "category"],
        ["choices", "2", "wanted"],
        ["quietHours", "ends"],
        ["locale"],
    ]
    assert await count_rows(home.database, notification_preferences, quiet_hours) == (0, 0)


async def test_a_hundred_choices_are_enough(home: House) -> None:
    one = choice("MONEY", "SMS", wanted=True)
    assert await refused(home, choices=[one] * 101) == [["choices"]]
    assert wanted(await choose(home, choices=[one] * 100))["MONEY"] == [EMAIL, SMS, PUSH]


async def test_nobody_has_preferences_who_is_not_signed_in(home: House) -> None:
    nothing: dict[str, Any] = {"input": {}}
    for document in (MINE, UPDATE):
        answer = await home.ask(None, document, **nothing if document == UPDATE else {})
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}
