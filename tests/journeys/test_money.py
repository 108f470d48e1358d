"""Money moves while processes die and Stripe repeats itself: is all of it there, and once?"""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, update

from api import ids
from callout.client import Client, Unreachable
from callout.embedded import free_port
from db.tables import gateway_events, history, payments, payouts, refunds
from domain.messages import Message
from domain.payouts import PayCycle
from gateways import failpoints
from tests import factories, invariants
from tests.earners import before, earn, pay, periods
from tests.installation import Process
from tests.journeys.dealings import PRICE, Dealings, intent_of, payment_of
from tests.journeys.documents import PAY, REFUND
from tests.journeys.town import HOUR, Person, Shop
from tests.money import books
from tests.stripe_webhooks import Webhook, webhook
from tests.waiting import comes_to
from workers.sweeps import payouts_to_send, refunds_to_send, unsettled_payments

#: A busy machine needs its time to start the processes.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

#: Bookings that are paid at once.
CROWD = 6


async def a_booking(shop: Shop, provider: Person, number: int = 0) -> tuple[Person, UUID]:
    """Somebody, and what they have booked: the provider's next window but so many."""
    ada = await shop.customer()
    starts_at = (shop.start + number * 5 * HOUR).isoformat()
    return ada, await shop.booked(ada, providerId=provider.id, startsAt=starts_at)


async def statuses(dealings: Dealings, table: Any, about: UUID) -> Counter[str]:
    """How many of the payments or refunds of a booking, or of somebody's payouts, stand where."""
    c = table.c
    own = c.provider_id if table is payouts else c.booking_id
    query = select(c.status, func.count()).where(own == about).group_by(c.status)
    async with dealings.database.read() as connection:
        return Counter({row[0]: row[1] for row in await connection.execute(query)})


async def acts(dealings: Dealings, booking: UUID, act: str) -> int:
    """How many lines of a booking's history say that."""
    h = history.c
    lines = select(func.count()).where(h.booking_id == booking, h.act == act)
    return await dealings.count(lines)


async def test_a_refund_is_given_once_wherever_its_worker_dies(dealings: Dealings) -> None:
    shop, dora = await dealings.town.opens(price_minor=PRICE), await dealings.town.dispatcher()
    ada, booking = await a_booking(shop, await shop.provider())
    await dealings.pay(ada, booking)
    await dealings.heeded()
    # Each is given once, so that which is which can be told at Stripe.
    parts = (700, 800, 900)
    points = ("refund.before_call", "refund.after_call", "refund.before_commit")

    async with dealings.doomed(*points, instead_of=dealings.slow) as doomed:
        for number, minor in enumerate(parts, start=1):
            part = {"amountMinor": minor, "currency": "GBP"}
            about = {"bookingId": ids.encode("Booking", booking), "reason": "Sorry."}
            await dora.does(REFUND, amount=part, **about)
            await doomed.falls(number)
            await dealings.stretch(refunds)
        # Two of them had called; none of them could say so.
        assert len(dealings.stripe.made("refunds")) == 2
        assert await statuses(dealings, refunds, booking) == {"WAITING": 3}
    await dealings.let_pass(refunds)
    await dealings.sweep(refunds_to_send)

    await comes_to(lambda: statuses(dealings, refunds, booking), Counter({"DONE": 3}))
    given = [one["amount"] for one in dealings.stripe.made("refunds")]
    assert sorted(given) == list(parts)
    kept = PRICE - sum(parts)
    assert await books(dealings.database, booking) == {"OUTSIDE": -kept, "HELD": kept}
    await invariants.check(dealings.database)


async def test_a_payout_is_paid_once_wherever_its_worker_dies(dealings: Dealings) -> None:
    shop = await dealings.town.opens()
    (period,) = await periods(dealings.database, PayCycle.MONTHLY, count=1)
    points = ("payout.before_call", "payout.after_call", "payout.before_commit")
    paid = []

    async with dealings.doomed(*points, instead_of=dealings.slow) as doomed:
        for number in range(1, len(points) + 1):
            facts: dict[str, Any] = {
                "pay_cycle": PayCycle.MONTHLY,
                "payout_account": f"acct_{number}",
            }
            one = await factories.add_provider(dealings.database, shop.service, **facts)
            at = before(PayCycle.MONTHLY, period)
            await earn(dealings.database, one, 6000 + number, at=at)
            await pay(dealings.database, PayCycle.MONTHLY)
            await doomed.falls(number)
            await dealings.stretch(payouts)
            paid.append(one.user_id)
        assert len(dealings.stripe.made("transfers")) == 2
    await dealings.let_pass(payouts)
    await dealings.sweep(payouts_to_send)

    for provider in paid:
        await comes_to(lambda: statuses(dealings, payouts, provider), Counter({"PAID": 1}))  # noqa: B023
    transfers = dealings.stripe.made("transfers")
    sums = {one["destination"]: one["amount"] for one in transfers}
    assert len(transfers) == len(points)
    assert sums == {"acct_1": 6001, "acct_2": 6002, "acct_3": 6003}
    await invariants.check(dealings.database)


async def test_a_payment_is_settled_once_wherever_its_worker_dies(dealings: Dealings) -> None:
    shop = await dealings.town.opens(price_minor=PRICE)
    provider = await shop.provider()
    made = []
    points = ("payment.before_commit", "payment.after_commit")

    worker = dealings.town.worker
    async with dealings.doomed(*points, instead_of=worker, queue="critical") as doomed:
        for number in range(1, len(points) + 1):
            made.append(await a_booking(shop, provider, number))
            await dealings.pay(*made[-1])
            await doomed.falls(number)
        # One of them could commit before it died.
        found = [(await statuses(dealings, payments, uid))["PAID"] for _, uid in made]
        assert sorted(found) == [0, 1]
    async with dealings.database.begin() as tx:
        long_ago = gateway_events.c.received_at - timedelta(minutes=1)
        await tx.execute(update(gateway_events).values(received_at=long_ago))
    await dealings.sweep(unsettled_payments)
    await dealings.heeded()

    for ada, booking in made:
        await paid_for_once(dealings, shop, ada, booking)
        # The calls that were lost turn up after all.
        await dealings.town.ring("settle_payment", *await payment_ids(dealings, booking), times=5)
        await paid_for_once(dealings, shop, ada, booking)
    await invariants.check(dealings.database)


async def payment_ids(dealings: Dealings, booking: UUID) -> list[UUID]:
    query = select(payments.c.id).where(payments.c.booking_id == booking)
    async with dealings.database.read() as connection:
        return list(await connection.scalars(query))


async def paid_for_once(dealings: Dealings, shop: Shop, ada: Person, booking: UUID) -> None:
    """Each effect of a payment is there once; the receipt has come, once."""
    assert (await factories.read_booking(dealings.database, booking)).status == "CONFIRMED"
    assert await acts(dealings, booking, "PAY") == 1
    told = Counter((await shop.trace(booking)).told)
    assert (told["payment.succeeded"], told["booking.paid"]) == (1, 1)
    assert await statuses(dealings, payments, booking) == {"PAID": 1}
    assert await books(dealings.database, booking) == {"OUTSIDE": -PRICE, "HELD": PRICE}
    await dealings.all_is_told()
    got = await dealings.mails(ada.uid, Message.PAYMENT_RECEIPT)
    assert list(got.values()) == [1]


async def test_asked_again_after_the_api_died_it_answers_with_the_same_payment(
    dealings: Dealings,
) -> None:
    shop = await dealings.town.opens(price_minor=PRICE)
    # Where each dies, and how many intents Stripe has made for it by then.
    deaths = {"payment.before_call": 0, "payment.after_call": 1}
    apis = [an_api(dealings, point) for point in deaths]
    provider = await shop.provider()
    for number, ((api, base), intents) in enumerate(zip(apis, deaths.values(), strict=True)):
        await comes_to(lambda: is_ready(dealings, base), True)  # noqa: B023
        ada, booking = await a_booking(shop, provider, number)
        (token,) = await dealings.town.callout.tokens(dealings.database, [ada.viewer])
        wish = {"bookingId": ids.encode("Booking", booking), "idempotencyKey": f"key {number}"}
        with pytest.raises(Unreachable):
            await Client(base, dealings.town.callout.http, token=token).ask(PAY, input=wish)
        assert await api.ended() == failpoints.STATUS
        (uid,) = await payment_ids(dealings, booking)
        assert len(intents_for(dealings, uid)) == intents

        by_its_key = await dealings.asked(ada, booking, idempotencyKey=wish["idempotencyKey"])
        anew = await dealings.asked(ada, booking)

        assert payment_of(by_its_key) == payment_of(anew) == uid
        (intent,) = intents_for(dealings, uid)
        assert intent_of(by_its_key) == intent_of(anew) == intent["id"]
        assert await statuses(dealings, payments, booking) == {"PENDING": 1}
    await invariants.check(dealings.database)


def an_api(dealings: Dealings, point: str) -> tuple[Process, str]:
    """An API beside the town's, which dies at that failpoint, and where it is."""
    port, callout = str(free_port()), dealings.town.callout
    process = callout.process(f"api-{port}", "serve")
    process.start(CALLOUT_PORT=port, CALLOUT_FAILPOINTS=point)
    return process, f"http://{callout.settings.host}:{port}"


def intents_for(dealings: Dealings, payment_id: UUID) -> list[Any]:
    """What Stripe has made for a payment."""
    made = dealings.stripe.made("payment_intents")
    return [one for one in made if one["metadata"]["payment_id"] == str(payment_id)]


async def test_whatever_order_stripe_speaks_in_and_however_often_each_payment_counts_once(
    dealings: Dealings,
) -> None:
    shop = await dealings.town.opens(price_minor=PRICE)
    provider = await shop.provider()
    made = [await a_booking(shop, provider, number) for number in range(CROWD)]
    said = [one for who in made for one in story(dealings, await dealings.asked(*who))]
    order = random.Random(CROWD)

    twice = said * 2
    order.shuffle(twice)
    await dealings.hear(*twice)
    await dealings.heeded()

    for ada, booking in made:
        await paid_for_once(dealings, shop, ada, booking)
    mine = gateway_events.c.id.in_([one.id for one in said])
    assert await dealings.count(select(func.count()).where(mine)) == len(said)
    # Days later all of it is said once more.
    before = [await shop.trace(booking) for _, booking in made]
    order.shuffle(said)
    await dealings.hear(*said)
    for _, booking in made:
        await dealings.town.ring("settle_payment", *await payment_ids(dealings, booking))
    assert [await shop.trace(booking) for _, booking in made] == before
    await invariants.check(dealings.database)


def story(dealings: Dealings, payment: Any) -> list[Webhook]:
    """All that Stripe says of a payment whose customer tried one card and then another."""
    intent, seconds = intent_of(payment), count(int(time.time()) - 60)
    stripe = dealings.stripe
    return [
        webhook(f"payment_intent.{kind}", thing, created=next(seconds))
        for kind, thing in (
            ("processing", stripe.process(intent)),
            ("payment_failed", stripe.decline(intent)),
            ("processing", stripe.process(intent)),
            ("succeeded", stripe.pay(intent, last_payment_error=None)),
        )
    ]


async def is_ready(dealings: Dealings, base: str) -> bool:
    """Does an API take requests?"""
    try:
        return (await dealings.town.callout.http.get(f"{base}/readyz")).is_success
    except httpx.HTTPError:
        return False
