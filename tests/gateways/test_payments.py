"""Does Stripe take, call off and give back each payment once, whatever goes wrong on the way?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.money import Money
from domain.payment_events import Said
from domain.payments import Method
from domain.refunds import Refund, RefundCause
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.payments import (
    DevelopmentGateway,
    GivenBack,
    NoPayments,
    StripePayments,
    payment_gateway,
)
from gateways.settings import DEVELOPMENT_SECRET, Settings
from gateways.stripe_api import StripeApi, stripe_api
from tests import stripe_server
from tests.factories import BOOKING, CUSTOMER, NOW
from tests.paying import PAYMENT, to_pay
from tests.stripe_server import StripeServer

INTENTS, REFUNDS = "/v1/payment_intents", "/v1/refunds"
OURS = {"payment_id": str(PAYMENT), "booking_id": str(BOOKING)}
REFUND = UUID(int=51)


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with stripe_server.running() as server:
        yield server


def gateway_at(
    stripe: StripeServer, *, key: str = stripe_server.SECRET_KEY, timeout: float = 10.0
) -> StripePayments:
    return StripePayments(StripeApi(secret_key=key, base=stripe.address, timeout=timeout))


@pytest.fixture
async def gateway(stripe: StripeServer) -> AsyncIterator[StripePayments]:
    opened = gateway_at(stripe)
    yield opened
    await opened.close()


@pytest.fixture
async def impatient(stripe: StripeServer) -> AsyncIterator[StripePayments]:
    """The same, which waits for nobody."""
    opened = gateway_at(stripe, timeout=0.7)
    yield opened
    await opened.close()


def a_refund(minor: int = 1000, **changes: Any) -> Refund:
    facts: dict[str, Any] = {
        "id": REFUND,
        "payment_id": PAYMENT,
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "amount": Money(amount_minor=minor, currency="GBP"),
        "cause": RefundCause.CANCELLED,
        "to": Method.CARD,
        "created_at": NOW,
        "due_at": NOW + timedelta(seconds=60),
        "tries": 1,
    }
    return Refund(**facts | changes)


class TestAsking:
    async def test_makes_an_intent_for_the_sum_by_the_payments_own_key(
        self, gateway: StripePayments, stripe: StripeServer
    ) -> None:
        intent = await gateway.ask(to_pay())
        (made,) = stripe.made("payment_intents")
        assert (intent.gateway_id, intent.client_secret) == (made["id"], made["client_secret"])
        assert intent.report is None
        (call,) = stripe.calls
        assert call.idempotency_key == str(PAYMENT)
        assert call.form == {
            "amount": "4050",
            "currency": "gbp",
            "automatic_payment_methods": {"enabled": "true"},
            "metadata": OURS,
        }
        assert "client_secret" not in repr(intent)

    async def test_again_makes_no_other_intent(
        self, gateway: StripePayments, stripe: StripeServer
    ) -> None:
        stripe.fail("drop_after", INTENTS)
        with pytest.raises(GatewayUnavailable):
            await gateway.ask(to_pay())
        first = await gateway.ask(to_pay())
        known = await gateway.ask(to_pay(gateway_id=first.gateway_id))
        assert first == known
        assert len(stripe.made("payment_intents")) == 1
        assert [call.method for call in stripe.calls] == ["POST", "POST", "GET"]

    async def test_of_one_that_was_paid_or_called_off_says_so(
        self, gateway: StripePayments, stripe: StripeServer
    ) -> None:
        intent = await gateway.ask(to_pay())
        known = to_pay(gateway_id=intent.gateway_id)
        stripe.pay(intent.gateway_id, amount_received=405)
        report = (await gateway.ask(known)).report
        assert report is not None
        assert (report.said, report.gateway_id) == (Said.PAID, intent.gateway_id)
        assert report.money == Money(amount_minor=405, currency="GBP")
        assert report.id == f"{intent.gateway_id}:succeeded"
        other = await gateway.ask(to_pay(id=UUID(int=99)))
        stripe.cancel(other.gateway_id)
        report = (await gateway.ask(to_pay(gateway_id=other.gateway_id))).report
        assert report is not None
        assert (report.said, report.money) == (Said.CANCELLED, None)


@pytest.mark.parametrize("fault", ["busy", "error", "hang", "hang_after", "drop", "drop_after"])
async def test_whoever_does_not_answer_for_certain_is_unavailable(
    impatient: StripePayments, stripe: StripeServer, fault: stripe_server.Fault
) -> None:
    stripe.fail(fault, INTENTS)
    with pytest.raises(GatewayUnavailable):
        await impatient.ask(to_pay())
    assert len(stripe.calls) == 1, "only the row that says what is due has it tried again"


@pytest.mark.parametrize("fault", ["decline", "refuse"])
async def test_whoever_says_no_for_good_has_refused(
    gateway: StripePayments, stripe: StripeServer, fault: stripe_server.Fault
) -> None:
    stripe.fail(fault, INTENTS)
    with pytest.raises(GatewayRefused, match=fault):
        await gateway.ask(to_pay())


async def test_a_key_that_came_with_another_body_is_refused(
    gateway: StripePayments,
) -> None:
    await gateway.ask(to_pay())
    with pytest.raises(GatewayRefused, match="idempotent"):
        await gateway.ask(to_pay(amount=Money(amount_minor=1, currency="GBP")))


async def test_a_wrong_key_of_ours_is_no_answer(stripe: StripeServer) -> None:
    gateway = gateway_at(stripe, key="sk_test_revoked")
    with pytest.raises(GatewayUnavailable, match="Invalid API Key"):
        await gateway.ask(to_pay())
    await gateway.close()


@pytest.fixture
def home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Somebody's, where there must be nothing afterwards."""
    monkeypatch.setattr("stripe._telemetry_id._loaded", False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    yield
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("home_folder")
async def test_nothing_is_written_into_the_home_folder(
    gateway: StripePayments, stripe: StripeServer
) -> None:
    await gateway.ask(to_pay())
    assert len(stripe.calls) == 1


class TestCallingOff:
    async def test_ends_the_intent_however_often(
        self, gateway: StripePayments, stripe: StripeServer
    ) -> None:
        intent = await gateway.ask(to_pay())
        known = to_pay(gateway_id=intent.gateway_id)
        assert await gateway.cancel(known)
        assert await gateway.cancel(known)
        (made,) = stripe.made("payment_intents")
        assert made["status"] == "canceled"

    async def test_leaves_what_was_paid_meanwhile(
        self, gateway: StripePayments, stripe: StripeServer
    ) -> None:
        intent = await gateway.ask(to_pay())
        stripe.pay(intent.gateway_id)
        assert not await gateway.cancel(to_pay(gateway_id=intent.gateway_id))

    async def test_of_what_stripe_never_heard_of_calls_nobody(
        self, gateway: StripePayments, stripe: StripeServer
    ) -> None:
        assert await gateway.cancel(to_pay())
        assert stripe.calls == []

    async def test_that_is_not_answered_is_not_done(
        self, gateway: StripePayments, stripe: StripeServer
    ) -> None:
        intent = await gateway.ask(to_pay())
        stripe.fail("error", INTENTS)
        with pytest.raises(GatewayUnavailable):
            await gateway.cancel(to_pay(gateway_id=intent.gateway_id))


class TestGivingBack:
    @pytest.fixture
    async def paid(self, gateway: StripePayments, stripe: StripeServer) -> Any:
        intent = await gateway.ask(to_pay())
        stripe.pay(intent.gateway_id)
        return to_pay(gateway_id=intent.gateway_id)

    async def test_says_whose_it_is(
        self, gateway: StripePayments, stripe: StripeServer, paid: Any
    ) -> None:
        made = await gateway.refund(a_refund(), paid)
        (refund,) = stripe.made("refunds")
        assert made == GivenBack(gateway_id=refund["id"])
        assert refund["amount"] == 1000
        assert refund["metadata"] == {"refund_id": str(REFUND)} | OURS
        (call,) = stripe.called("POST", REFUNDS)
        assert call.idempotency_key == str(REFUND)

    async def test_that_was_done_and_not_answered_is_not_done_twice(
        self, gateway: StripePayments, stripe: StripeServer, paid: Any
    ) -> None:
        stripe.fail("drop_after", REFUNDS)
        with pytest.raises(GatewayUnavailable):
            await gateway.refund(a_refund(), paid)
        # Long after, when Stripe has forgotten the key.
        stripe.forget_keys()
        made = await gateway.refund(a_refund(tries=2), paid)
        assert [one["id"] for one in stripe.made("refunds")] == [made.gateway_id]

    async def test_that_the_bank_sent_back_is_done_anew(
        self, gateway: StripePayments, stripe: StripeServer, paid: Any
    ) -> None:
        first = await gateway.refund(a_refund(), paid)
        # We may hear of that later than we ask again.
        known: dict[str, Any] = {"gateway_id": first.gateway_id, "refusals": 1}
        again = await gateway.refund(a_refund(**known), paid)
        stripe.fail_refund(first.gateway_id)
        assert again != first
        assert await gateway.refund(a_refund(), paid) == again

    @pytest.mark.parametrize("back", ["failed", "canceled"])
    async def test_says_of_a_refund_that_fails_at_once_that_it_does(
        self, gateway: StripePayments, stripe: StripeServer, paid: Any, back: str
    ) -> None:
        stripe.fail_next_refund(back)
        failed = await gateway.refund(a_refund(), paid)
        (refund,) = stripe.made("refunds")
        assert failed == GivenBack(
            gateway_id=refund["id"], failure=refund.get("failure_reason", "canceled")
        )
        again = await gateway.refund(a_refund(gateway_id=refund["id"], refusals=1), paid)
        assert again.failure is None

    async def test_is_told_of_refund_by_refund_whoever_asked_for_it(
        self, gateway: StripePayments, stripe: StripeServer, paid: Any
    ) -> None:
        ours = await gateway.refund(a_refund(), paid)
        theirs = stripe.give_back(paid.gateway_id, 50)["id"]
        stripe.fail_refund(stripe.give_back(paid.gateway_id, 7)["id"])

        back, hand, card = await gateway.refunds(paid)

        assert [(one.said, one.money) for one in (back, hand, card)] == [
            (Said.REFUND_FAILED, Money(amount_minor=7, currency="GBP")),
            (Said.REFUND_MADE, Money(amount_minor=50, currency="GBP")),
            (Said.REFUND_MADE, Money(amount_minor=1000, currency="GBP")),
        ]
        assert back.failure == "expired_or_canceled_card"
        assert (hand.refund, hand.refund_id) == (theirs, None)
        assert (card.refund, card.refund_id) == (ours.gateway_id, REFUND)
        assert (card.payment_id, card.gateway_id) == (PAYMENT, paid.gateway_id)
        # The same again is the same report.
        assert [one.id for one in await gateway.refunds(paid)] == [back.id, hand.id, card.id]
        stripe.fail_refund(theirs)
        assert (await gateway.refunds(paid))[1].id != hand.id

    async def test_is_nothing_where_stripe_was_never_asked(
        self, gateway: StripePayments, stripe: StripeServer
    ) -> None:
        assert await gateway.refunds(to_pay()) == []
        assert stripe.calls == []

    async def test_of_more_than_was_paid_is_refused(
        self, gateway: StripePayments, paid: Any
    ) -> None:
        with pytest.raises(GatewayRefused, match="greater than unrefunded"):
            await gateway.refund(a_refund(4051), paid)

    async def test_of_what_was_paid_elsewhere_is_refused(
        self, gateway: StripePayments, stripe: StripeServer, paid: Any
    ) -> None:
        before = len(stripe.calls)
        with pytest.raises(GatewayRefused, match="development"):
            await gateway.refund(a_refund(), replace(paid, gateway="development"))
        assert len(stripe.calls) == before


class TestWhoTakesPayments:
    def configured(self, **changes: Any) -> Settings:
        facts: dict[str, Any] = {
            "mode": "production",
            "database_url": "postgresql://localhost/none",
            "redis_url": "redis://localhost/0",
            "secret": DEVELOPMENT_SECRET[::-1],
        }
        return Settings.model_validate(facts | changes)

    async def test_is_stripe_wherever_there_are_keys(self) -> None:
        keys = {"stripe_secret_key": "sk_1", "stripe_webhook_secret": "whsec_1"}
        for mode in ("production", "development"):
            settings = self.configured(mode=mode, **keys)
            gateway = payment_gateway(settings, stripe_api(settings))
            assert isinstance(gateway, StripePayments)
            await gateway.close()

    async def test_is_a_stand_in_in_development_only(self) -> None:
        for mode, kind in (("development", DevelopmentGateway), ("production", NoPayments)):
            settings = self.configured(mode=mode)
            assert stripe_api(settings) is None
            assert isinstance(payment_gateway(settings, None), kind)

    async def test_is_nobody_in_production_without_keys(self) -> None:
        nobody = NoPayments()
        assert not nobody.is_open
        for act in (
            nobody.ask(to_pay()),
            nobody.cancel(to_pay()),
            nobody.refund(a_refund(), to_pay()),
            nobody.refunds(to_pay()),
        ):
            with pytest.raises(GatewayUnavailable, match="No gateway is configured"):
                await act


async def test_the_stand_in_pays_at_once_and_gives_back() -> None:
    gateway = DevelopmentGateway()
    assert gateway.settles_at_once
    intent = await gateway.ask(to_pay())
    assert intent.report is not None
    assert (intent.report.said, intent.report.money) == (Said.PAID, to_pay().amount)
    assert intent.report.payment_id == PAYMENT
    assert (await gateway.ask(to_pay())).report is not None
    assert intent.client_secret is None
    assert await gateway.cancel(to_pay())
    made = await gateway.refund(a_refund(), to_pay())
    assert made == GivenBack(gateway_id=f"development_{REFUND}")
    assert await gateway.refunds(to_pay()) == []
