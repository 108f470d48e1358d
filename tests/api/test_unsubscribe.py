"""Can whoever has a mail stop more of its kind without signing in, and nobody do anything else?"""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from api import unsubscribe as page
from callout.logs import shown_path
from db import preferences
from db.engine import Database
from db.seed import ACCOUNTS
from db.tables import notification_preferences
from domain.messages import Category, Channel
from gateways import unsubscribe
from gateways.links import Links, Purpose
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House
from tests.factories import count_rows

(CARLA,) = (one.id for one in ACCOUNTS if one.given_name == "Carla")
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


def links(settings: Settings) -> Links:
    return Links(settings.secret.get_secret_value())


def address(
    settings: Settings, category: Category = Category.SUGGESTIONS, user_id: UUID = CARLA
) -> str:
    """The address in a mail, without the host."""
    whole = unsubscribe.address(settings.outside_url, links(settings), user_id, category)
    assert whole.startswith(f"{settings.outside_url}/unsubscribe?token=")
    return whole.removeprefix(settings.outside_url)


async def choices(database: Database, user_id: UUID = CARLA) -> dict[tuple[str, str], bool]:
    async with database.read() as connection:
        reach = (await preferences.reach(connection, [user_id]))[user_id]
    return {(str(one), str(channel)): yes for (one, channel), yes in reach.choices.items()}


async def press(home: House, answer: httpx.Response) -> httpx.Response:
    """Press the button on a page, as a browser does."""
    (action,) = re.findall(r'<form class="ways" method="post" action="([^"]*)">', answer.text)
    target = httpx.URL(answer.url).join(html.unescape(action))
    return await home.door.http.post(target, headers=FORM)


NO_MAILS = {("SUGGESTIONS", "EMAIL"): False}


async def test_the_page_says_what_will_stop_and_its_button_stops_it(
    home: House, settings: Settings
) -> None:
    asked = await home.door.http.get(address(settings))
    assert asked.status_code == 200
    assert "No more e-mails about reviews and free slots?" in asked.text
    assert "Send me no more" in asked.text
    assert await choices(home.database) == {}
    done = await press(home, asked)
    assert done.status_code == 200
    assert "You are sent no more e-mails about reviews and free slots." in done.text
    assert await choices(home.database) == NO_MAILS
    # And so does the page from then on, until the button on it is pressed.
    later = await home.door.http.get(address(settings))
    assert "You are sent no more e-mails about reviews and free slots." in later.text
    back = await press(home, later)
    assert "You are sent e-mails about reviews and free slots again." in back.text
    assert await choices(home.database) == {("SUGGESTIONS", "EMAIL"): True}
    assert (await press(home, back)).status_code == 200
    assert await choices(home.database) == NO_MAILS


@pytest.mark.parametrize("content", [ONE_CLICK, b"", b"anything at all"])
async def test_a_mail_program_stops_it_by_itself_once_or_twice(
    home: House, settings: Settings, content: bytes
) -> None:
    for _ in range(2):
        answer = await home.door.http.post(address(settings), content=content, headers=FORM)
        assert (answer.status_code, answer.history) == (200, [])
        assert await choices(home.database) == NO_MAILS
    assert await count_rows(home.database, notification_preferences) == (1,)


async def test_a_mail_program_may_send_a_form_in_parts(home: House, settings: Settings) -> None:
    parts = {"List-Unsubscribe": (None, "One-Click")}
    answer = await home.door.http.post(address(settings), files=parts)
    assert answer.status_code == 200
    assert await choices(home.database) == NO_MAILS


async def test_opening_the_link_changes_nothing_however_it_is_asked(
    home: House, settings: Settings
) -> None:
    for path in (address(settings), f"{address(settings)}&again=yes"):
        for method in ("GET", "HEAD"):
            assert (await home.door.http.request(method, path)).status_code == 200
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await home.door.http.request(method, address(settings))).status_code == 405
    assert await choices(home.database) == {}


@pytest.mark.parametrize("category", Category)
async def test_every_category_has_words_and_stops_alone(
    home: House, settings: Settings, category: Category
) -> None:
    answer = await home.door.http.post(address(settings, category))
    assert answer.status_code == 200
    assert await choices(home.database) == {(category, Channel.EMAIL): False}


def spoilt(settings: Settings) -> dict[str, str]:
    """Tokens that are not ours, or not for this."""
    good = parse_qs(urlsplit(address(settings)).query)["token"][0]
    body, _, seal = good.partition(".")
    others = Links("another secret, of another installation")
    mine = links(settings)
    whose = CARLA.hex
    return {
        "none": "",
        "nonsense": "nonsense",
        "without a seal": body,
        "with half a seal": good[:-3],
        "with another's seal": f"{body}.{others.sign(Purpose.UNSUBSCRIBE, whose, 'MONEY')}",
        "another installation's": others.sign(Purpose.UNSUBSCRIBE, whose, "SUGGESTIONS"),
        "another's words": f"{mine.sign(Purpose.UNSUBSCRIBE, uuid4().hex).split('.')[0]}.{seal}",
        "for another purpose": mine.sign(Purpose.RECEIPT, whose, "SUGGESTIONS"),
        "of no category": mine.sign(Purpose.UNSUBSCRIBE, whose, "WEATHER"),
        "of nobody": mine.sign(Purpose.UNSUBSCRIBE, "me", "SUGGESTIONS"),
        "of too little": mine.sign(Purpose.UNSUBSCRIBE, whose),
        "of somebody unknown": mine.sign(Purpose.UNSUBSCRIBE, uuid4().hex, "SUGGESTIONS"),
        "too long": "x" * 5000,
        "not of letters": "\u202e\u0000é.",
    }


async def test_what_is_no_token_of_ours_for_this_gets_a_plain_page_and_does_nothing(
    home: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_MISSES", replace(page._MISSES, amount=1000))
    pages = set()
    for why, token in spoilt(settings).items():
        for again in ({}, {"again": "yes"}):
            for method in ("GET", "POST"):
                answer = await home.door.http.request(
                    method, "/unsubscribe", params={"token": token, **again}
                )
                assert answer.status_code == 400, why
                pages.add(answer.text)
    assert len(pages) == 1
    assert "This link leads nowhere." in pages.pop()
    assert await count_rows(home.database, notification_preferences) == (0,)


async def test_the_page_shows_nobody_and_leads_nowhere_else(
    home: House, settings: Settings
) -> None:
    tricks = "&next=https://evil.example&redirect=//evil.example&again=%22%3E%3Cscript%3E"
    for answer in (
        await home.door.http.get(address(settings) + tricks),
        await home.door.http.post(address(settings) + tricks),
    ):
        assert (answer.status_code, "location" in answer.headers) == (200, False)
        assert not re.search(r"evil|<script|carla|@", answer.text, re.IGNORECASE)
        assert "form-action 'self'" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert "set-cookie" not in answer.headers


async def test_links_that_are_not_ours_are_limited_by_address_and_good_ones_are_not_among_them(
    home: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_MISSES", replace(page._MISSES, amount=2))
    codes = [(await home.door.http.get("/unsubscribe?token=x")).status_code for _ in range(2)]
    assert codes == [400, 400]
    refused = await home.door.http.get("/unsubscribe?token=y")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert "Too many tries." in refused.text
    assert (await home.door.http.post(address(settings))).status_code == 200


async def test_nobody_is_changed_their_mind_for_too_often(
    home: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_CHANGES", replace(page._CHANGES, amount=1))
    other = next(one.id for one in ACCOUNTS if one.given_name == "Chloe")
    assert (await home.door.http.post(address(settings))).status_code == 200
    refused = await home.door.http.post(f"{address(settings)}&again=yes")
    assert refused.status_code == 429
    assert await choices(home.database) == NO_MAILS
    assert (await home.door.http.post(address(settings, user_id=other))).status_code == 200


async def test_it_says_when_to_come_back_while_the_database_is_away(
    home: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("db.preferences.reach", away)
    answer = await home.door.http.get(address(settings))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "One moment." in answer.text
    assert "Try again in a minute" in answer.text


def test_no_log_line_shows_a_token(settings: Settings) -> None:
    path = address(settings)
    token = path.partition("=")[2]
    for asked in (path, f"{path}&again=yes", f"/unsubscribe?x=1&token={token}"):
        assert token not in shown_path(asked)
        assert shown_path(asked).startswith("/unsubscribe?")


async def test_what_somebody_has_stopped_is_what_their_settings_say(
    home: House, settings: Settings
) -> None:
    await home.door.http.post(address(settings))
    document = "{ notificationPreferences { categories { category channels { channel wanted } } } }"
    found = await home.act("Carla", document)
    shown = {one["category"]: one["channels"] for one in found["categories"]}
    assert shown["SUGGESTIONS"] == [
        {"channel": "EMAIL", "wanted": False},
        {"channel": "SMS", "wanted": False},
        {"channel": "PUSH", "wanted": True},
    ]
    async with home.database.read() as connection:
        rows = (await connection.execute(select(notification_preferences))).all()
    assert [(row.user_id, row.category) for row in rows] == [(CARLA, "SUGGESTIONS")]
