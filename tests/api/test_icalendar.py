"""Can a calendar program follow a provider's work, and nobody learn what they should not?"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import structlog
from icalendar import Calendar, Event

from api import icalendar, ids
from api.rate_limits import Limit
from callout import logs
from db import bookings, clock, providers
from db.engine import Database
from db.seed import ACCOUNTS
from domain.booking_steps import Act
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House, provider

LINK = """mutation { createCalendarLink(input: {}) {
  ... on CreateCalendarLinkSuccess { url } } }"""
CANCEL = """mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }"""


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def link(home: House, name: str) -> str:
    """The path of a new link to the provider's calendar."""
    url: str = (await home.act(name, LINK))["url"]
    return urlsplit(url).path


async def events(home: House, path: str) -> list[Event]:
    answer = await home.door.http.get(path)
    assert answer.status_code == 200
    return Calendar.from_ical(answer.content).events


async def change(home: House, global_id: str, act: Act, **facts: Any) -> None:
    """Make facts of a booking true, as an act would."""
    decoded = ids.decode(global_id)
    assert decoded
    async with home.database.begin() as tx:
        before = await bookings.lock(tx, decoded[1])
        await providers.lock(tx, [one.id for one in ACCOUNTS])
        after = replace(before, version=before.version + 1, **facts)
        await bookings.save(tx, before, after, at=await clock.now(tx), act=act)


async def test_a_booking_is_followed_from_its_making_to_its_end(home: House) -> None:
    chloes, callums = await link(home, "Chloe"), await link(home, "Callum")
    assert await events(home, chloes) == []
    made = await home.book(providerId=provider("Chloe"), specialRequirements="Mind the cat; really")
    booking = made["booking"]
    (event,) = await events(home, chloes)
    starts_at = datetime.fromisoformat(booking["startsAt"])
    assert (event.start, event.end) == (starts_at, starts_at + timedelta(hours=2))
    shown = {name: str(event[name]) for name in ("SUMMARY", "STATUS", "LOCATION", "DESCRIPTION")}
    assert shown == {
        "SUMMARY": "Home clean",
        "STATUS": "CONFIRMED",
        "LOCATION": "10 Downing Street, London, SW1A 2AA, GB",
        "DESCRIPTION": "Mind the cat; really",
    }
    assert await events(home, callums) == []
    uid, sequence = event.uid, event.sequence

    later = {"starts_at": starts_at + timedelta(days=1), "ends_at": starts_at + timedelta(days=2)}
    await change(home, booking["id"], Act.RESCHEDULE, **later)
    (event,) = await events(home, chloes)
    assert (event.uid, event.start) == (uid, later["starts_at"])
    assert event.sequence > sequence
    sequence = event.sequence

    (callum,) = (one for one in ACCOUNTS if one.given_name == "Callum")
    await change(home, booking["id"], Act.REASSIGN, provider_id=callum.id)
    (lost,), (won,) = await events(home, chloes), await events(home, callums)
    assert [(one.uid, str(one["STATUS"])) for one in (lost, won)] == [
        (uid, "CANCELLED"),
        (uid, "CONFIRMED"),
    ]
    assert lost.sequence > sequence
    assert not {"LOCATION", "DESCRIPTION"} & set(lost)

    cancelled = await home.act("Carla", CANCEL, id=booking["id"])
    assert cancelled == {"__typename": "CancelBookingSuccess"}
    (gone,) = await events(home, callums)
    assert (gone.uid, str(gone["STATUS"])) == (uid, "CANCELLED")
    assert gone.sequence > won.sequence
    assert not {"LOCATION", "DESCRIPTION"} & set(gone)


async def test_a_feed_says_what_it_is_and_that_it_is_private(home: House) -> None:
    answer = await home.door.http.get(await link(home, "Chloe"))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["content-disposition"] == 'inline; filename="callout.ics"'
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert b"METHOD" not in answer.content


async def test_head_says_the_same_without_the_feed(home: House) -> None:
    path = await link(home, "Chloe")
    await home.book(providerId=provider("Chloe"))
    whole, head = await home.door.http.get(path), await home.door.http.head(path)
    own = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in own} == {
        k: v for k, v in whole.headers.items() if k not in own
    }
    assert (head.status_code, head.content) == (200, b"")
    assert (await home.door.http.head("/calendar/x.ics")).status_code == 404
    assert (await home.door.http.post(path)).status_code == 405


async def test_what_a_reader_has_already_is_not_sent_again_until_it_changes(home: House) -> None:
    path = await link(home, "Chloe")
    booking = (await home.book(providerId=provider("Chloe")))["booking"]
    first = await home.door.http.get(path)
    etag = first.headers["etag"]

    async def asked(if_none_match: str) -> httpx.Response:
        return await home.door.http.get(path, headers={"If-None-Match": if_none_match})

    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await asked(known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "private, no-cache"
    assert (await asked('"other"')).content == first.content
    await home.act("Carla", CANCEL, id=booking["id"])
    changed = await asked(etag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


async def test_misses_are_limited_by_address_and_good_links_are_not_among_them(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(icalendar, "_MISSES", replace(icalendar._MISSES, amount=2))
    path = await link(home, "Chloe")
    codes = [(await home.door.http.get("/calendar/x.ics")).status_code for _ in range(2)]
    assert codes == [404, 404]
    refused = await home.door.http.get("/calendar/y.ics")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert (await home.door.http.get(path)).status_code == 200


async def test_a_link_is_read_only_so_often(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    once = Limit(act="reading", amount=1, window=timedelta(minutes=15))
    monkeypatch.setattr(icalendar, "_READS", once)
    chloes, callums = await link(home, "Chloe"), await link(home, "Callum")
    assert (await home.door.http.get(chloes)).status_code == 200
    refused = await home.door.http.get(chloes)
    assert (refused.status_code, refused.headers["cache-control"]) == (429, "no-store")
    assert (await home.door.http.get(callums)).status_code == 200


async def test_a_feed_says_when_to_come_back_while_the_database_is_away(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await link(home, "Chloe")

    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("db.calendar_links.by_token", away)
    answer = await home.door.http.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    handlers, level, filters = root.handlers[:], root.level, access.filters[:]
    # A quieter server that ran in this process before has cut it off.
    propagates, access.propagate = access.propagate, True
    # The tests' own client, which says what it asks for.
    client = logging.getLogger("httpcore")
    client_level = client.level
    client.setLevel(logging.WARNING)
    before = structlog.get_config()
    yield
    client.setLevel(client_level)
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)
    access.filters[:] = filters
    access.propagate = propagates


@pytest.mark.usefixtures("_logging_as_it_was")
async def test_no_log_line_carries_the_address_of_a_calendar(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    loud = settings.model_copy(update={"log_level": "debug"})
    async with house.running(loud, database) as home:
        logs.configure(loud)
        path = await link(home, "Chloe")
        token = path.removeprefix("/calendar/").removesuffix(".ics")
        for asked in (path, f"{path}/", f"{path}?x={token}", f"/Calendar/{token}", f"/x{path}"):
            await home.door.http.get(asked, headers={"Referer": f"http://callout{path}"})
    written = capsys.readouterr().out
    assert written.count("/calendar/[hidden]") >= 4
    assert "/graphql" in written
    assert token not in written
