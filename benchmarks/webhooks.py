"""How fast are a thousand payments heard of and brought about, when Stripe says everything twice?

    python -m benchmarks.webhooks --payments 1000 --clients 16

Signed webhooks are posted to the API over so many connections, in no order, each of them twice; a
critical worker settles what they say. Seconds until all are answered, and until every booking is
paid. The baseline, in the same run on a house of its own, is each of them once. At the end each
payment has had its effects once, or the run fails.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select

from benchmarks.house import House, house
from benchmarks.report import main, milliseconds
from db import payment_rows
from db.tables import bookings, events, gateway_events, history, payments
from domain.events import EventType
from tests import factories, invariants
from tests.caller import Caller
from tests.paying import to_pay
from tests.stripe_server import SECRET_KEY
from tests.stripe_webhooks import WEBHOOK_SECRET, Webhook, webhook

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sqlalchemy import Select

    from domain.payments import Payment
    from tests import servers

#: Nothing calls Stripe here.
_KEYS: Final = {
    "CALLOUT_STRIPE_SECRET_KEY": SECRET_KEY,
    "CALLOUT_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
_PATH: Final = "/webhooks/stripe"
_SIGNATURE: Final = "Stripe-Signature"
#: Seconds that every booking may take to be paid.
_PATIENCE: Final = 300


async def asked_for(home: House, several: int) -> list[Payment]:
    """Payments that are to be made, each for a booking of its own that nobody is sought for."""
    service = await factories.add_service(home.database, price_minor=4050)
    later = await factories.tomorrow(home.database)
    made = []
    for customer in await factories.add_customers(home.database, count=several):
        booking = await factories.add_booking(home.database, customer, service, match_due_at=later)
        facts = {"id": booking.id, "booking_id": booking.id, "customer_id": customer.user_id}
        known = {"gateway_id": f"pi_{booking.id}", "amount": booking.price}
        made.append(to_pay(**facts | known, created_at=booking.requested_at))
    async with home.database.begin() as tx:
        await tx.execute(insert(payments), [payment_rows.columns(one) for one in made])
    return made


def paid(payment: Payment) -> Webhook:
    """What Stripe says when it was made."""
    minor = payment.amount.amount_minor
    intent = {
        "id": payment.gateway_id,
        "object": "payment_intent",
        "status": "succeeded",
        "amount": minor,
        "amount_received": minor,
        "currency": payment.amount.currency.lower(),
        "metadata": {"payment_id": str(payment.id)},
    }
    return webhook("payment_intent.succeeded", intent)


async def post_all(home: House, said: Sequence[Webhook], clients: int) -> list[float]:
    """Post all of these, on so many connections; how long each answer took."""
    left, waits = deque(said), list[float]()

    async def post(caller: Caller) -> None:
        while left:
            one = left.popleft()
            sent = perf_counter()
            await caller.post(
                one.body, _PATH, {"Stripe-Signature": one.headers["Stripe-Signature"]}
            )
            waits.append(perf_counter() - sent)

    callers = [Caller(home.base) for _ in range(clients)]
    await asyncio.gather(*(post(caller) for caller in callers))
    for caller in callers:
        await caller.close()
    return waits


async def all_paid(home: House, several: int) -> None:
    """Return once so many bookings are paid."""
    query = select(func.count()).where(bookings.c.paid_at.is_not(None))
    async with asyncio.timeout(_PATIENCE):
        while await count(home, query) < several:  # noqa: ASYNC110  # a worker does it
            await asyncio.sleep(0.02)


async def count(home: House, query: Select[Any]) -> int:
    """What a query counts."""
    async with home.database.read() as connection:
        return int(await connection.scalar(query) or 0)


async def check(home: House, several: int) -> None:
    """Each payment was heard of once, and had its effects once."""
    once = {
        "webhooks kept": select(func.count()).select_from(gateway_events),
        "bookings paid": select(func.count()).where(history.c.act == "PAY"),
        "payments told of": select(func.count()).where(
            events.c.type == EventType.PAYMENT_SUCCEEDED
        ),
    }
    for what, query in once.items():
        found = await count(home, query)
        assert found == several, f"{what}: {found}"
    await invariants.check(home.database)


async def rate(
    template: servers.Template, chosen: argparse.Namespace, *, times: int
) -> dict[str, Any]:
    """The figures with each webhook said so many times."""
    async with house(template, outside=_KEYS) as home:
        made = await asked_for(home, chosen.clients + chosen.payments)
        # Unmeasured: every process opens its connections.
        await post_all(home, [paid(one) for one in made[: chosen.clients]], chosen.clients)
        await all_paid(home, chosen.clients)
        said = [paid(payment) for payment in made[chosen.clients :]] * times
        random.Random(times).shuffle(said)
        began = perf_counter()
        settled = asyncio.create_task(all_paid(home, len(made)))
        waits = await post_all(home, said, chosen.clients)
        answered = perf_counter() - began
        await settled
        done = perf_counter() - began
        await check(home, len(made))
    return {
        "requests": len(said),
        "answered_seconds": round(answered, 2),
        "answers_per_second": round(len(said) / answered, 1),
        "paid_seconds": round(done, 2),
        "paid_per_second": round(chosen.payments / done, 1),
        **milliseconds(waits),
    }


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """Each once, and each twice."""
    once = await rate(template, chosen, times=1)
    twice = await rate(template, chosen, times=2)
    return {
        "payments": chosen.payments,
        "clients": chosen.clients,
        "once": once,
        "twice": twice,
        "times_as_long": round(twice["paid_seconds"] / once["paid_seconds"], 2),
    }


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--payments", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16, help="connections that Stripe has")


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    lines = []
    for times in ("twice", "once"):
        one = figures[times]
        label = f"{figures['payments']} payments, each said {times}"
        answers = f"answers p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms"
        rate = f"{one['answers_per_second']}/s"
        lines.append((label, f"all paid in {one['paid_seconds']} s; {answers}, {rate}"))
    lines.append(("  twice, as against once", f"{figures['times_as_long']} times as long"))
    return lines


if __name__ == "__main__":
    main("webhooks", options, measure, rows, __doc__)
