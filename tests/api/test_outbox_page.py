"""Does development show what would have been sent, safely, and production nothing?"""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from redis.asyncio import Redis

from api import app
from domain.messages import Message
from gateways.mail import Mail
from gateways.mailbox import Mailbox, UnsentMail, UnsentPush, UnsentSms
from gateways.push import Push
from gateways.settings import Settings
from tests.factories import a_user
from tests.gateways.test_mail import a_mail
from tests.messages import a_renderer, some_facts

EVIL = "<script>alert('x')</script>$list{{7*7}}"


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    application = app.create(settings)
    transport = httpx.ASGITransport(application)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://callout.example") as client,
        application.router.lifespan_context(application),
    ):
        yield client


@pytest.fixture
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with served(settings) as client:
        yield client


@pytest.fixture
async def mailbox(settings: Settings) -> AsyncIterator[Mailbox]:
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        yield Mailbox(redis, settings.redis_namespace)


def a_letter(**changes: str) -> Mail:
    written = a_renderer().letter(some_facts(Message.BOOKING_CONFIRMED))
    return a_mail(
        **{"subject": written.subject, "html": written.html, "text": written.text} | changes
    )


def frames(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<iframe title="The mail" src="([^"]+)" sandbox="([^"]+)">', page)


def listed(page: str) -> list[str]:
    return re.findall(r'<strong dir="auto">(.*?)</strong><span class="to"', page)


async def test_it_is_empty_at_first_and_says_what_it_is(http: httpx.AsyncClient) -> None:
    answer = await http.get("/dev/outbox")
    assert answer.status_code == 200
    assert "Nothing was sent." in answer.text
    assert "Nothing here yet." in answer.text
    assert "0 messages; the last 500 are kept" in answer.text


async def test_a_mail_is_shown_as_it_would_look(http: httpx.AsyncClient, mailbox: Mailbox) -> None:
    await UnsentMail(mailbox).send(a_letter(unsubscribe_url="https://x.example/u"))
    page = (await http.get("/dev/outbox")).text
    assert listed(page) == ["Confirmed: Home clean, Wed 3 Jun, 14:00"]
    for shown in ("John Doe &lt;john@example.com&gt;", "Callout &lt;no-reply@callout.example&gt;"):
        assert shown in page
    assert "List-Unsubscribe" in page
    assert "Everything is settled: Chloe C. will come." in html.unescape(page)
    ((source, sandbox),) = frames(page)
    assert sandbox == "allow-popups allow-popups-to-escape-sandbox"

    frame = await http.get(str(httpx.URL("http://callout.example/dev/outbox").join(source)))
    assert "Your booking is confirmed</h1>" in frame.text
    assert '<head><base target="_blank">' in frame.text
    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"sandbox {sandbox}" in policy
    assert "script" not in policy
    assert frame.headers["X-Frame-Options"] == "SAMEORIGIN"


async def test_text_and_push_messages_are_shown_as_on_a_telephone(
    http: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await UnsentSms(mailbox).send(to="+442079460000", text="Chloe comes", key="k")
    page = (await http.get("/dev/outbox")).text
    assert '<p class="bubble" dir="auto">Chloe comes</p>' in page
    assert "11 characters" in page
    push = Push(title="New offer", body="Home clean", data={"offer": "7"})
    await UnsentPush(mailbox).send(token="device-1", push=push, key="k")
    page = (await http.get("/dev/outbox")).text
    assert '<strong dir="auto">New offer</strong><p dir="auto">Home clean</p>' in page
    assert '<dt>offer</dt><dd dir="auto">7</dd>' in page
    assert frames(page) == []


async def test_it_is_filtered_by_channel_and_recipient(
    http: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await UnsentMail(mailbox).send(a_letter(subject="to John"))
    jane = a_user(email="jane@example.com", given_name="Jané")
    await UnsentMail(mailbox).send(a_letter(subject="to Jane", to=jane.email, to_name=jane.name))
    await UnsentSms(mailbox).send(to="+442079460000", text="to a number", key="k")

    async def found(**query: str) -> list[str]:
        return listed((await http.get("/dev/outbox", params=query)).text)

    assert await found() == ["to a number", "to Jane", "to John"]
    assert await found(channel="EMAIL") == ["to Jane", "to John"]
    assert await found(to="JANÉ") == ["to Jane"]
    assert await found(to=" jane@ ") == ["to Jane"]
    assert await found(channel="SMS", to="+4420") == ["to a number"]
    assert await found(channel="PUSH") == []
    assert await found(channel="PIGEON") == []
    page = (await http.get("/dev/outbox", params={"to": "john"})).text
    assert "1 message of 3;" in page
    (kept,) = [one for one in await mailbox.all() if one.subject == "to Jane"]
    page = (await http.get("/dev/outbox", params={"show": kept.id})).text
    assert len(re.findall('aria-current="true"', page)) == 1
    assert f'src="outbox/{kept.id}"' in page


async def test_nothing_that_was_kept_becomes_markup_of_the_page(
    http: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await UnsentSms(mailbox).send(to=EVIL, text=EVIL, key=EVIL)
    push = Push(title=EVIL, body=EVIL, data={EVIL: EVIL})
    await UnsentPush(mailbox).send(token=EVIL, push=push, key=EVIL)
    mail = a_letter(subject=EVIL, to=EVIL, to_name=EVIL, text=EVIL, html=EVIL)
    await UnsentMail(mailbox).send(mail)
    for kept in await mailbox.all():
        query = {"show": kept.id, "to": "<script>"}
        answer = await http.get("/dev/outbox", params=query)
        assert "<script" not in answer.text
        assert "&lt;script&gt;" in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src" not in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


async def test_there_is_no_frame_of_what_is_no_mail_or_gone(
    http: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await UnsentSms(mailbox).send(to="+44", text="x", key="k")
    (kept,) = await mailbox.all()
    assert (await http.get(f"/dev/outbox/{kept.id}")).status_code == 404
    assert (await http.get("/dev/outbox/none")).status_code == 404
    assert (await http.get("/dev/outbox", params={"show": "none"})).status_code == 200


async def test_production_has_no_such_page(settings: Settings, mailbox: Mailbox) -> None:
    await UnsentMail(mailbox).send(a_letter())
    (kept,) = await mailbox.all()
    real = Settings.model_validate(
        settings.model_dump() | {"mode": "production", "secret": "s" * 40}
    )
    async with served(real) as http:
        for path in ("/dev/outbox", f"/dev/outbox/{kept.id}"):
            assert (await http.get(path)).status_code == 404


async def test_without_redis_it_says_so(settings: Settings) -> None:
    away = Settings.model_validate(settings.model_dump() | {"redis_url": "redis://127.0.0.1:1/0"})
    application = app.create(away)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://callout.example") as http:
        answer = await http.get("/dev/outbox")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    services = application.state.services
    await services.outside.close()
    await services.redis.aclose()
