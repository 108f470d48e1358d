"""Is Stripe heard at /webhooks/stripe when it is Stripe, and nobody else?"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from api import app as application
from db.engine import Database
from db.tables import events, gateway_events
from gateways.settings import Settings
from tests.factories import count_rows
from tests.stripe_webhooks import WEBHOOK_SECRET, Webhook, sign, webhook

UNKNOWN = {"id": "cus_1", "object": "customer", "email": "ada@example.com"}


@pytest.fixture
def keyed(settings: Settings) -> Settings:
    keys = {
        "stripe_secret_key": SecretStr("sk_test"),
        "stripe_webhook_secret": SecretStr(WEBHOOK_SECRET),
    }
    return settings.model_copy(update=keys)


@asynccontextmanager
async def client_at(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application, as it is with these settings."""
    app = application.create(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://callout") as client:
            yield client


async def post(http: httpx.AsyncClient, posted: Webhook, **headers: str) -> httpx.Response:
    return await http.post(
        "/webhooks/stripe", content=posted.body, headers=posted.headers | headers
    )


@pytest.fixture
async def http(keyed: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_at(keyed) as client:
        yield client


async def test_an_event_that_is_about_nothing_of_ours_is_kept_once_and_answered_well(
    http: httpx.AsyncClient, database: Database
) -> None:
    posted = webhook("customer.created", UNKNOWN, created=1_780_000_000)
    for _ in range(3):
        answer = await post(http, posted)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    async with database.read() as connection:
        (row,) = await connection.execute(select(gateway_events))
    assert (row.gateway, row.id, row.type) == ("stripe", posted.id, "customer.created")
    assert (row.payment_id, row.said, row.handled_at) == (None, None, None)
    assert row.body["data"]["object"] == UNKNOWN
    assert int(row.occurred_at.timestamp()) == 1_780_000_000
    assert await count_rows(database, events) == (0,)


@pytest.mark.parametrize(
    "posted",
    [
        webhook("customer.created", UNKNOWN, secret="whsec_of_somebody_else"),
        webhook("customer.created", UNKNOWN, signed_at=int(time.time()) - 3600),
        Webhook(id="", body=b"{}", headers={}),
        Webhook(id="", body=b"", headers={"Stripe-Signature": "t=1,v1=00"}),
        sign(b"3"),
        sign(b"[" * 10_000),
        sign(b'{"object": "event"}'),
    ],
    ids=["another's", "old", "unsigned", "empty", "a number", "deep", "no event"],
)
async def test_whatever_else_is_posted_is_refused_and_leaves_no_trace(
    http: httpx.AsyncClient, database: Database, posted: Webhook
) -> None:
    answer = await post(http, posted)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert await count_rows(database, gateway_events) == (0,)


async def test_the_signature_is_over_the_body_as_it_came(
    http: httpx.AsyncClient, database: Database
) -> None:
    posted = webhook("customer.created", UNKNOWN)
    spaced = sign(posted.body.replace(b": ", b" :  "))
    assert (await post(http, spaced)).status_code == 200
    same_meaning = Webhook(id="", body=posted.body, headers=spaced.headers)
    assert (await post(http, same_meaning)).status_code == 400
    assert await count_rows(database, gateway_events) == (1,)


async def test_a_body_that_is_too_long_is_not_read_to_its_end(http: httpx.AsyncClient) -> None:
    answer = await post(http, sign(b" " * (256 * 1024 + 1)))
    assert answer.status_code == 413


async def test_only_posts_are_heard(http: httpx.AsyncClient) -> None:
    assert (await http.get("/webhooks/stripe")).status_code == 405


async def test_without_a_secret_there_is_nobody_to_hear(settings: Settings) -> None:
    async with client_at(settings) as http:
        posted = webhook("customer.created", UNKNOWN)
        assert (await post(http, posted)).status_code == 404


async def test_while_the_database_is_away_stripe_is_asked_to_say_it_again(
    keyed: Settings,
) -> None:
    nowhere = SecretStr("postgresql://127.0.0.1:1/none")
    async with client_at(keyed.model_copy(update={"database_url": nowhere})) as http:
        answer = await post(http, webhook("customer.created", UNKNOWN))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
