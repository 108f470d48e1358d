"""Paying through the public door: asked for once, heard of in any order, brought about once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from db.tables import payments
from domain.booking_rules import BookingRules
from tests import servers
from tests.api import market, till
from tests.api.house import House
from tests.api.market import Person
from tests.api.till import PRICE, Till, counted, intent_of
from tests.money import books
from tests.stripe_server import StripeServer
from tests.stripe_webhooks import webhook

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANCEL: Final = """mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) {
  __typename ... on CancelBookingSuccess { booking { status } } ... on Problem { code }
} }"""
NODE: Final = """query($id: ID!) { node(id: $id) {
  ... on Payment { status clientSecret booking { status } }
} }"""
GRANT: Final = """mutation($input: GrantCreditsInput!) { grantCredits(input: $input) {
  __typename
} }"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    test_servers: servers.Servers, template: servers.Template
) -> AsyncIterator[tuple[House, StripeServer]]:
    async with till.opened(test_servers, template) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def desk(house: tuple[House, StripeServer]) -> Till:
    return await till.a_till(*house)


@pytest_asyncio.fixture(loop_scope="module")
async def ada(desk: Till) -> Person:
    return await desk.shop.customer()


@pytest_asyncio.fixture(loop_scope="module")
async def bob(desk: Till) -> Person:
    """A provider of the service."""
    return await desk.shop.provider()


@pytest_asyncio.fixture(loop_scope="module")
async def booking(desk: Till, ada: Person, bob: Person) -> Any:
    """Staffed and unpaid, in three days."""
    return await desk.shop.booked(ada, providerId=bob.id)


async def test_a_card_is_paid_in_the_browser_and_the_booking_is_paid_when_stripe_says_so(
    desk: Till, ada: Person, booking: Any
) -> None:
    answer = await desk.ask(ada, booking)
    payment = answer["payment"]
    secret = payment.pop("clientSecret")
    assert answer["booking"] == {"status": "PENDING", "amountDue": {"amountMinor": PRICE}}
    assert payment == {
        "id": payment["id"],
        "purpose": "FULL",
        "method": "CARD",
        "status": "PENDING",
        "amount": {"amountMinor": PRICE, "currency": "GBP"},
        "received": None,
        "refunded": {"amountMinor": 0},
        "failure": None,
    }
    intent = secret.partition("_secret_")[0]
    (made,) = [one for one in desk.stripe.made("payment_intents") if one["id"] == intent]
    assert (made["amount"], made["currency"]) == (PRICE, "gbp")

    declined = desk.stripe.decline(intent)
    await desk.tell(webhook("payment_intent.payment_failed", declined))
    await desk.settled(payment)
    (now,) = (await desk.read(ada, booking))["payments"]
    assert (now["status"], now["failure"]) == ("PENDING", "Your card was declined.")

    await desk.tell(desk.paid({"clientSecret": secret}))
    await desk.settled(payment)
    after = await desk.read(ada, booking)
    assert (after["status"], after["amountDue"]) == ("CONFIRMED", {"amountMinor": 0})
    (now,) = after["payments"]
    assert (now["status"], now["received"]["amountMinor"]) == ("PAID", PRICE)
    again = await desk.ask(ada, booking)
    assert (again["__typename"], again["code"]) == ("NothingToPay", "NOTHING_TO_PAY")


async def test_asking_again_gives_the_same_secret_and_to_nobody_else(
    desk: Till, ada: Person, bob: Person, booking: Any
) -> None:
    first = await desk.asked(ada, booking)
    assert await desk.asked(ada, booking) == first
    keyed = [await desk.asked(ada, booking, idempotencyKey="k") for _ in range(2)]
    assert keyed == [first, first]
    other = await desk.ask(ada, booking, idempotencyKey="k", amount="DEPOSIT")
    assert other["code"] == "IDEMPOTENCY_KEY_REUSED"

    hidden = {**first, "clientSecret": None, "refunds": []}
    for who in (ada, "Dora", "Anna", "Adam"):
        assert (await desk.read(who, booking))["payments"] == [hidden]
        node = await desk.shop.act(who, NODE, id=first["id"])
        assert node == {"status": "PENDING", "clientSecret": None, "booking": {"status": "PENDING"}}
    stranger = await desk.shop.customer()
    assert await desk.read(stranger, booking) is None
    for who in (stranger, bob):
        assert await desk.shop.act(who, NODE, id=first["id"]) is None
        refused = await desk.shop.home.ask(who.name, till.PAY, input={"bookingId": booking["id"]})
        if who is stranger:
            assert refused["data"]["payBooking"]["code"] == "NOT_FOUND"
        else:
            assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    answer = await desk.shop.home.ask(bob.name, till.BOOKING, id=booking["id"])
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}


async def test_the_webhook_log_of_a_payment_replayed_and_shuffled_has_its_effects_once(
    desk: Till, ada: Person, booking: Any
) -> None:
    payment = await desk.asked(ada, booking)
    intent = intent_of(payment)
    log = [
        webhook("payment_intent.processing", desk.stripe.process(intent), created=1_780_000_000),
        webhook(
            "payment_intent.payment_failed", desk.stripe.decline(intent), created=1_780_000_001
        ),
        desk.paid(payment),
    ]
    chance = random.Random(7)
    for _ in range(10):
        chance.shuffle(log)
        await desk.tell(*log)
    # And once more, all at the same time.
    await asyncio.gather(*(desk.tell(one) for one in log * 5))
    await desk.settled(payment)
    after = await desk.read(ada, booking)
    assert (after["status"], after["version"]) == ("CONFIRMED", booking["version"] + 1)
    (now,) = after["payments"]
    assert (now["status"], now["failure"]) == ("PAID", "Your card was declined.")
    assert await desk.kept(*(one.id for one in log)) == 3
    database = desk.shop.home.database
    assert await books(database, market.uid_of(booking)) == {"OUTSIDE": -PRICE, "HELD": PRICE}


@pytest.mark.parametrize(
    "changes", [{"amount_received": PRICE - 1}, {"amount_received": PRICE, "currency": "eur"}]
)
async def test_a_wrong_sum_is_recorded_and_pays_for_nothing(
    desk: Till, ada: Person, booking: Any, changes: dict[str, Any]
) -> None:
    payment = await desk.asked(ada, booking)
    wrong = desk.paid(payment, **changes)
    await desk.tell(wrong, wrong)
    await desk.settled(payment)
    after = await desk.read(ada, booking)
    assert (after["status"], after["paidAt"]) == ("PENDING", None)
    assert after["amountDue"] == {"amountMinor": PRICE}
    (now,) = after["payments"]
    assert now["status"] == "MISMATCHED"
    currency = changes.get("currency", "gbp").upper()
    assert now["received"] == {"amountMinor": changes["amount_received"], "currency": currency}
    # And the customer can still pay as they should.
    await desk.tell(desk.paid(await desk.asked(ada, booking)))


async def test_a_payment_of_a_booking_that_was_called_off_goes_back_once(
    desk: Till, ada: Person, booking: Any
) -> None:
    payment = await desk.asked(ada, booking)
    cancelled = await desk.shop.act(ada, CANCEL, id=booking["id"])
    assert cancelled["booking"] == {"status": "CANCELLED"}
    late = desk.paid(payment)
    for _ in range(3):
        await desk.tell(late)
        await desk.settled(payment)
    after = await desk.read(ada, booking)
    assert (after["status"], after["amountDue"]) == ("CANCELLED", {"amountMinor": 0})
    assert counted(after["payments"]) == [("LATE_PAYMENT", PRICE)]
    refused = await desk.ask(ada, booking)
    assert (refused["__typename"], refused["status"]) == ("WrongStatus", "CANCELLED")


async def test_a_deposit_confirms_and_the_balance_is_due_after_it(
    house: tuple[House, StripeServer],
) -> None:
    desk = await till.a_till(*house, rules=BookingRules(deposit_percent=20))
    ada, bob = await desk.shop.customer(), await desk.shop.provider()
    booking = await desk.shop.booked(ada, providerId=bob.id)
    assert (await desk.read(ada, booking))["deposit"] == {"amountMinor": 810}
    whole = await desk.asked(ada, booking)
    deposit = await desk.asked(ada, booking, amount="DEPOSIT")
    assert (deposit["purpose"], deposit["amount"]["amountMinor"]) == ("DEPOSIT", 810)
    # What it stands in for is called off, at Stripe too.
    stood_in_for = intent_of(whole)
    (gone,) = [one for one in desk.stripe.made("payment_intents") if one["id"] == stood_in_for]
    assert gone["status"] == "canceled"
    await desk.tell(desk.paid(deposit))
    await desk.settled(deposit)
    confirmed = await desk.read(ada, booking)
    assert (confirmed["status"], confirmed["amountDue"]) == ("CONFIRMED", {"amountMinor": 3240})
    assert [one["status"] for one in confirmed["payments"]] == ["CANCELLED", "PAID"]
    balance = await desk.asked(ada, booking)
    assert (balance["purpose"], balance["amount"]["amountMinor"]) == ("BALANCE", 3240)
    await desk.tell(desk.paid(balance))
    await desk.settled(balance)
    after = await desk.read(ada, booking)
    assert (after["status"], after["amountDue"]) == ("CONFIRMED", {"amountMinor": 0})


async def test_there_is_no_deposit_where_the_rules_have_none(
    desk: Till, ada: Person, booking: Any
) -> None:
    refused = await desk.ask(ada, booking, amount="DEPOSIT")
    assert refused["errors"] == [{"path": ["amount"]}]
    assert (await desk.read(ada, booking))["payments"] == []


async def test_credit_pays_at_once_or_says_what_is_missing(
    desk: Till, ada: Person, booking: Any
) -> None:
    calls = len(desk.stripe.calls)
    short = await desk.ask(ada, booking, method="CREDITS")
    assert short == {
        "__typename": "NotEnoughCredit",
        "balance": {"amountMinor": 0},
        "due": {"amountMinor": PRICE},
        "code": "NOT_ENOUGH_CREDIT",
        "message": "There is not enough credit for this; pay by card.",
    }
    assert (await desk.read(ada, booking))["payments"] == []
    given = {"customerId": ada.id, "reason": "A late start."}
    amount = {"amount": {"amountMinor": PRICE, "currency": "GBP"}}
    await desk.shop.act("Dora", GRANT, input={**given, **amount})
    paid = await desk.ask(ada, booking, method="CREDITS")
    assert paid["booking"] == {"status": "CONFIRMED", "amountDue": {"amountMinor": 0}}
    assert (paid["payment"]["status"], paid["payment"]["clientSecret"]) == ("PAID", None)
    assert len(desk.stripe.calls) == calls


@pytest.mark.parametrize("fault", ["error", "hang_after", "drop_after", "refuse"])
async def test_a_stripe_that_does_not_do_its_work_is_asked_again_for_the_same_payment(
    desk: Till, ada: Person, booking: Any, fault: Any
) -> None:
    before = len(desk.stripe.made("payment_intents"))
    desk.stripe.fail(fault, "/v1/payment_intents")
    refused = await desk.ask(ada, booking)
    assert (refused["__typename"], refused["code"]) == ("PaymentUnavailable", "PAYMENT_UNAVAILABLE")
    payment = await desk.asked(ada, booking)
    assert len(desk.stripe.made("payment_intents")) == before + 1
    listed = (await desk.read(ada, booking))["payments"]
    assert [one["id"] for one in listed] == [payment["id"]]


async def test_a_webhook_that_never_came_is_made_up_for_when_the_payment_is_looked_at(
    desk: Till, ada: Person, booking: Any
) -> None:
    payment = await desk.asked(ada, booking)
    desk.paid(payment)
    answer = await desk.ask(ada, booking)
    assert answer["payment"]["status"] == "PENDING"
    await desk.settled(payment)
    assert (await desk.read(ada, booking))["status"] == "CONFIRMED"


async def test_what_was_asked_for_at_once_is_one_payment(
    desk: Till, ada: Person, booking: Any
) -> None:
    answers = await asyncio.gather(*(desk.asked(ada, booking) for _ in range(10)))
    assert len({one["id"] for one in answers}) == len({intent_of(one) for one in answers}) == 1
    query = select(func.count()).where(payments.c.id == till.uid_of(answers[0]))
    async with desk.shop.home.database.read() as connection:
        assert await connection.scalar(query) == 1


async def test_production_without_keys_takes_no_cards_and_no_webhooks(
    test_servers: servers.Servers, template: servers.Template
) -> None:
    keyless = {"mode": "production", "secret": "x" * 40, "introspection": "everyone"}
    nothing = {"stripe_secret_key": None, "stripe_webhook_secret": None}
    async with till.opened(test_servers, template, **keyless, **nothing) as (home, stripe):
        desk = await till.a_till(home, stripe)
        ada, bob = await desk.shop.customer(), await desk.shop.provider()
        booking = await desk.shop.booked(ada, providerId=bob.id)
        refused = await desk.ask(ada, booking)
        assert (refused["code"], refused["message"]) == (
            "PAYMENT_UNAVAILABLE",
            "This server has no way to take payments.",
        )
        assert (await desk.read(ada, booking))["payments"] == []
        posted = webhook("payment_intent.succeeded", {"id": "pi_1"})
        assert (await desk.post(posted)).status_code == 404
        assert (await desk.ask(ada, booking, method="CREDITS"))["code"] == "NOT_ENOUGH_CREDIT"
    assert stripe.calls == []


async def test_a_lapsed_bookings_payment_brings_it_back(
    desk: Till, ada: Person, bob: Person
) -> None:
    booking = await desk.shop.booked(ada, providerId=bob.id)
    payment = await desk.asked(ada, booking)
    # It should have begun twenty minutes ago.
    late = desk.shop.start + timedelta(minutes=20)
    now = await till.now(desk)
    await desk.shop.pass_time(booking, late - now)
    await till.lapse(desk, booking)
    assert (await desk.read(ada, booking))["status"] == "CANCELLED"
    await desk.tell(desk.paid(payment))
    await desk.settled(payment)
    after = await desk.read(ada, booking)
    assert after["status"] == "CONFIRMED"
    assert counted(after["payments"]) == []
