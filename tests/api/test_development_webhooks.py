"""Can a developer play the payment gateway, and nobody on a production server?"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from api import app as application
from api import ids
from db.engine import Database
from db.ids import new_id
from db.tables import gateway_events
from gateways.settings import Settings
from tests.api.test_webhooks import client_at
from tests.factories import count_rows

DOOR = "/webhooks/development"


def said(**changes: Any) -> dict[str, Any]:
    payment = ids.encode("Payment", new_id())
    return {"id": "one", "payment": payment, "amountMinor": 6500, "currency": "GBP"} | changes


async def test_what_is_said_twice_is_kept_once(settings: Settings, database: Database) -> None:
    async with client_at(settings) as http:
        first = await http.post(DOOR, json=said())
        again = await http.post(DOOR, json=said())
    assert (first.status_code, first.json()) == (200, {"received": True, "new": True})
    assert (again.status_code, again.json()) == (200, {"received": True, "new": False})
    async with database.read() as connection:
        (row,) = await connection.execute(select(gateway_events))
    assert (row.gateway, row.id, row.said) == ("development", "one", "PAID")
    assert (row.amount_minor, row.currency) == (6500, "GBP")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"3",
        b"[]",
        b"{",
        said(id=""),
        said(id="x" * 201),
        said(payment="x"),
        said(payment=ids.encode("Booking", new_id())),
        said(amountMinor=0),
        said(amountMinor="6500"),
        said(amountMinor=2**31),
        said(currency="POUND"),
        said(currency=["GBP"]),
        said(id="\x00"),
        said(payment=3),
    ],
)
async def test_what_says_nothing_is_answered_with_what_to_say(
    settings: Settings, database: Database, body: bytes | dict[str, Any]
) -> None:
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    async with client_at(settings) as http:
        answer = await http.post(DOOR, **content)
    assert answer.status_code == 400
    assert '"amountMinor"' in answer.json()["error"]
    assert await count_rows(database, gateway_events) == (0,)


async def test_a_production_server_has_no_such_door(settings: Settings) -> None:
    real = {"mode": "production", "secret": SecretStr("s" * 32)}
    app = application.create(settings.model_copy(update=real))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://callout") as http:
            assert (await http.post(DOOR, json=said())).status_code == 404
