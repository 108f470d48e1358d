"""Are links to a calendar made, listed and revoked by those whose calendar it is, and no others?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, update

from api import ids
from db.engine import Database
from db.seed import ACCOUNTS
from db.tables import calendar_links, users
from gateways.settings import Settings
from gateways.tokens import fingerprint
from tests.api import house
from tests.api.house import House, provider
from tests.factories import count_rows

CREATE = """
mutation($input: CreateCalendarLinkInput!) { createCalendarLink(input: $input) {
  __typename
  ... on CreateCalendarLinkSuccess { url calendarLink { id name revokedAt provider { name } } }
  ... on Problem { code }
  ... on InvalidInput { errors { path } }
  ... on TooManyCalendarLinks { limit }
} }
"""
REVOKE = """
mutation($id: ID!) { revokeCalendarLink(input: { calendarLinkId: $id }) {
  __typename
  ... on RevokeCalendarLinkSuccess { calendarLink { id revokedAt } }
  ... on CalendarLinkRevoked { code calendarLink { id revokedAt } }
  ... on InvalidInput { errors { path } }
} }
"""
LINKS = "query($provider: ID) { calendarLinks(providerId: $provider) { id name createdAt } }"
NODE = "query($id: ID!) { node(id: $id) { ... on CalendarLink { name } } }"


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def create(home: House, by: str, /, **facts: Any) -> Any:
    return await home.act(by, CREATE, input=facts)


async def read(home: House, url: str) -> httpx.Response:
    return await home.door.http.get(urlsplit(url).path)


async def test_a_providers_link_is_told_once_and_leads_to_their_calendar(home: House) -> None:
    made = await create(home, "Chloe", name=" Phone ")
    link = made["calendarLink"]
    assert made["__typename"] == "CreateCalendarLinkSuccess"
    assert (link["name"], link["revokedAt"], link["provider"]["name"]) == (
        "Phone",
        None,
        "Chloe C.",
    )
    answer = await read(home, made["url"])
    assert answer.status_code == 200
    assert "NAME:Callout: Chloe C." in answer.text
    (listed,) = await home.act("Chloe", LINKS)
    assert (listed["id"], listed["name"]) == (link["id"], "Phone")
    assert await home.act("Chloe", NODE, id=link["id"]) == {"name": "Phone"}


async def test_of_a_links_address_only_a_hash_is_kept(home: House) -> None:
    url = (await create(home, "Chloe"))["url"]
    assert url.startswith("http://127.0.0.1:0/calendar/")
    token = url.removeprefix("http://127.0.0.1:0/calendar/").removesuffix(".ics")
    # 256 bits in letters that no program has to escape.
    assert len(token) == 43
    assert token.replace("-", "").replace("_", "").isalnum()
    async with home.database.read() as connection:
        (row,) = await connection.execute(select(calendar_links))
    assert row.token_hash == fingerprint(token)
    assert token not in str(row)
    assert (await create(home, "Chloe"))["url"] != url


async def test_staff_make_a_link_for_the_provider_they_name(home: House) -> None:
    made = await create(home, "Dora", providerId=provider("Chloe"))
    assert made["calendarLink"]["provider"]["name"] == "Chloe C."
    (listed,) = await home.act("Chloe", LINKS)
    assert await home.act("Adam", LINKS, provider=provider("Chloe")) == [listed]
    nameless = await create(home, "Dora")
    assert nameless["errors"] == [{"path": ["providerId"]}]
    answer = await home.ask("Dora", LINKS)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    unknown = await create(home, "Dora", providerId=ids.encode("Provider", uuid4()))
    assert unknown["__typename"] == "NotFound"
    assert await count_rows(home.database, calendar_links) == (1,)


async def test_nobody_makes_or_reads_links_to_a_strangers_calendar(home: House) -> None:
    made = await create(home, "Chloe")
    for asked in (provider("Chloe"), ids.encode("Provider", uuid4())):
        refused = await create(home, "Callum", providerId=asked)
        assert refused == {"__typename": "NotFound", "code": "NOT_FOUND"}
        answer = await home.ask("Callum", LINKS, provider=asked)
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert await home.act("Callum", LINKS) == []
    for name in ("Callum", "Carla", "Anna"):
        assert await home.act(name, NODE, id=made["calendarLink"]["id"]) is None
    for name in ("Carla", "Anna"):
        for document in (CREATE, LINKS):
            answer = await home.ask(name, document, input={})
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await count_rows(home.database, calendar_links) == (1,)


async def test_the_sixth_link_is_refused_until_one_is_revoked(home: House) -> None:
    made = [await create(home, "Chloe", name=str(n)) for n in range(5)]
    refused = await create(home, "Chloe", name="5")
    assert refused == {"__typename": "TooManyCalendarLinks", "code": "TOO_MANY", "limit": 5}
    assert await count_rows(home.database, calendar_links) == (5,)
    await home.act("Chloe", REVOKE, id=made[2]["calendarLink"]["id"])
    assert (await create(home, "Chloe", name="5"))["__typename"] == "CreateCalendarLinkSuccess"
    listed = await home.act("Chloe", LINKS)
    assert [one["name"] for one in listed] == ["0", "1", "3", "4", "5"]


async def test_a_name_that_is_too_long_is_refused_by_its_field(home: House) -> None:
    refused = await create(home, "Chloe", name="x" * 101)
    assert refused["errors"] == [{"path": ["name"]}]
    assert await count_rows(home.database, calendar_links) == (0,)


async def test_a_revoked_link_leads_nowhere_and_the_others_still_do(home: House) -> None:
    first, second = [await create(home, "Chloe") for _ in range(2)]
    uid = first["calendarLink"]["id"]
    revoked = await home.act("Chloe", REVOKE, id=uid)
    assert revoked["__typename"] == "RevokeCalendarLinkSuccess"
    assert revoked["calendarLink"]["revokedAt"] is not None
    assert (await read(home, first["url"])).status_code == 404
    assert (await read(home, second["url"])).status_code == 200
    again = await home.act("Dora", REVOKE, id=uid)
    assert (again["__typename"], again["code"]) == ("CalendarLinkRevoked", "CALENDAR_LINK_REVOKED")
    assert again["calendarLink"] == revoked["calendarLink"]


async def test_a_strangers_link_is_not_revoked(home: House) -> None:
    made = await create(home, "Chloe")
    for uid in (made["calendarLink"]["id"], ids.encode("CalendarLink", uuid4())):
        assert await home.act("Callum", REVOKE, id=uid) == {"__typename": "NotFound"}
    wrong = await home.act("Chloe", REVOKE, id=provider("Chloe"))
    assert wrong["errors"] == [{"path": ["calendarLinkId"]}]
    assert (await read(home, made["url"])).status_code == 200


async def test_unknown_revoked_and_closed_links_answer_alike(home: House) -> None:
    revoked, closed = await create(home, "Chloe"), await create(home, "Callum")
    await home.act("Chloe", REVOKE, id=revoked["calendarLink"]["id"])
    (callum,) = (one for one in ACCOUNTS if one.given_name == "Callum")
    async with home.database.begin() as tx:
        account = update(users).where(users.c.id == callum.id)
        await tx.execute(account.values(disabled_at=users.c.created_at))
    paths = [urlsplit(url["url"]).path for url in (revoked, closed)]
    paths += ["/calendar/unknown.ics", f"/calendar/{'x' * 43}.ics", "/calendar/%C3%A9.ics"]
    answers = [await home.door.http.get(path) for path in paths]
    own = {"date", "x-request-id"}
    shown = [
        (one.status_code, one.text, {k: v for k, v in one.headers.items() if k not in own})
        for one in answers
    ]
    assert shown[0][:2] == (404, "There is no such calendar.\n")
    assert shown == [shown[0]] * len(paths)
