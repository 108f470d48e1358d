"""A house whose customers pay by Stripe: it asks, they pay, and Stripe tells it so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import func, select

from api import ids
from db import clock, lapsing
from db.engine import Database
from db.tables import gateway_events
from domain.house import DEFAULT
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests import invariants, servers, stripe_server
from tests.api import market
from tests.api.house import House, running
from tests.api.market import Market, Person
from tests.stripe_server import StripeServer
from tests.stripe_webhooks import Webhook, webhook

PRICE: Final = 4050
PAYMENT: Final = """
  id purpose method status amount { amountMinor currency } received { amountMinor currency }
  refunded { amountMinor } failure clientSecret
"""
PAY: Final = f"""
mutation($input: PayBookingInput!) {{ payBooking(input: $input) {{
  __typename
  ... on PayBookingSuccess {{
    payment {{ {PAYMENT} }} booking {{ status amountDue {{ amountMinor }} }}
  }}
  ... on WrongStatus {{ status }}
  ... on NotEnoughCredit {{ balance {{ amountMinor }} due {{ amountMinor }} }}
  ... on InvalidInput {{ errors {{ path }} }}
  ... on Problem {{ code message }}
}} }}"""
BOOKING: Final = f"""query($id: ID!) {{ booking(id: $id) {{
  status version paidAt amountDue {{ amountMinor }} deposit {{ amountMinor }}
  payments {{ {PAYMENT} refunds {{ cause amount {{ amountMinor }} }} }}
}} }}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """One service of a test's own, and the Stripe that its house calls."""

    shop: Market
    stripe: StripeServer

    @property
    def http(self) -> httpx.AsyncClient:
        """A client of the house."""
        return self.shop.home.door.http

    async def ask(self, who: Person, booking: Any, **wish: Any) -> Any:
        """What comes of asking to pay."""
        return await self.shop.act(who, PAY, input={"bookingId": booking["id"], **wish})

    async def asked(self, who: Person, booking: Any, **wish: Any) -> Any:
        """The payment that is to be made in the browser."""
        answer = await self.ask(who, booking, **wish)
        assert answer["__typename"] == "PayBookingSuccess", answer
        assert answer["payment"]["status"] == "PENDING"
        return answer["payment"]

    async def read(self, who: Person | str, booking: Any) -> Any:
        """A booking with its payments, as somebody sees it."""
        return await self.shop.act(who, BOOKING, id=booking["id"])

    def paid(self, payment: Any, **changes: Any) -> Webhook:
        """The customer pays in their browser; what Stripe says of it."""
        return webhook("payment_intent.succeeded", self.stripe.pay(intent_of(payment), **changes))

    async def tell(self, *posted: Webhook) -> None:
        """Stripe says this, and is heard."""
        for one in posted:
            answer = await self.post(one)
            assert (answer.status_code, answer.json()) == (200, {"received": True}), answer.text

    async def post(self, posted: Webhook) -> httpx.Response:
        """Stripe says something."""
        return await self.http.post("/webhooks/stripe", content=posted.body, headers=posted.headers)

    async def settled(self, *payments: Any) -> None:
        """Return once all that was said of payments has been brought about."""
        g = gateway_events.c
        uids = [uid_of(one) for one in payments]
        left = select(func.count()).where(g.payment_id.in_(uids), g.handled_at.is_(None))
        async with asyncio.timeout(20), self.shop.home.database.read() as connection:
            while await connection.scalar(left):  # noqa: ASYNC110  # a worker does it
                await asyncio.sleep(0.02)

    async def kept(self, *event_ids: str) -> int:
        """How many of these events are in the inbox."""
        query = select(func.count()).where(gateway_events.c.id.in_(event_ids))
        async with self.shop.home.database.read() as connection:
            return int(await connection.scalar(query) or 0)


def uid_of(payment: Any) -> UUID:
    """A payment's own id."""
    return ids.parse("Payment", payment["id"], "id")


def intent_of(payment: Any) -> str:
    """What Stripe calls a payment that is to be made in the browser."""
    intent, _, _ = payment["clientSecret"].partition("_secret_")
    return str(intent)


def counted(payments: Sequence[Any]) -> list[tuple[str, int]]:
    """Why and how much was given back, of all payments."""
    return [
        (refund["cause"], refund["amount"]["amountMinor"])
        for one in payments
        for refund in one["refunds"]
    ]


@asynccontextmanager
async def opened(
    test_servers: servers.Servers, template: servers.Template, **changes: Any
) -> AsyncIterator[tuple[House, StripeServer]]:
    """A house with keys to a Stripe of its own."""
    database_url = await template.clone()
    with stripe_server.running() as stripe:
        settings = Settings.model_validate(
            {
                "mode": "development",
                "database_url": database_url,
                "redis_url": test_servers.redis_url,
                "redis_namespace": f"test-till-{database_url.rpartition('/')[2]}",
                "port": 0,
                "secret": DEVELOPMENT_SECRET,
                "cost_bucket": 1_000_000,
                "gateway_timeout_seconds": 3.0,
                **stripe.settings,
                **changes,
            }
        )
        database = Database(settings.sqlalchemy_url, name="test")
        try:
            async with running(settings, database) as house:
                yield house, stripe
            await invariants.check(database)
        finally:
            await database.close()
            template.drop(database_url)


async def a_till(home: House, stripe: StripeServer, **columns: Any) -> Till:
    """A service of a test's own that costs something."""
    shop = await market.opened(home, **{"price_minor": PRICE} | columns)
    return Till(shop=shop, stripe=stripe)


async def now(desk: Till) -> datetime:
    """The database's clock."""
    async with desk.shop.home.database.read() as connection:
        return await clock.now(connection)


async def lapse(desk: Till, booking: Any) -> None:
    """Do now what the job does that the sweep finds work for."""
    async with desk.shop.home.database.begin() as tx:
        uid = ids.parse("Booking", booking["id"], "id")
        await lapsing.lapse(tx, uid, patience=DEFAULT.payment_patience)
