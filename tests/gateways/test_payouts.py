"""Does Stripe pay a payout once, and is it found again when its answer was lost?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.payouts import DevelopmentPayouts, StripePayouts
from gateways.stripe_api import StripeApi
from tests import stripe_server
from tests.domain.test_payouts import UID, a_payout
from tests.stripe_server import SECRET_KEY, Fault, StripeServer

ACCOUNT = "acct_1"


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with stripe_server.running() as server:
        yield server


@pytest.fixture
async def payouts(stripe: StripeServer) -> AsyncIterator[StripePayouts]:
    api = StripeApi(secret_key=SECRET_KEY, base=stripe.address, timeout=1.0)
    yield StripePayouts(api)
    await api.close()


async def test_a_payout_is_a_transfer_under_its_own_key_and_group(
    payouts: StripePayouts, stripe: StripeServer
) -> None:
    made = await payouts.send(a_payout(), account=ACCOUNT)
    (transfer,) = stripe.made("transfers")
    assert transfer["id"] == made
    assert (transfer["amount"], transfer["currency"]) == (6000, "gbp")
    assert (transfer["destination"], transfer["transfer_group"]) == (ACCOUNT, str(UID))
    assert transfer["metadata"] == {"payout_id": str(UID)}
    (call,) = stripe.called("POST", "/v1/transfers")
    assert call.idempotency_key == str(UID)


async def test_sent_again_it_is_the_same_transfer(
    payouts: StripePayouts, stripe: StripeServer
) -> None:
    first, second = [await payouts.send(a_payout(), account=ACCOUNT) for _ in range(2)]
    assert first == second
    assert len(stripe.made("transfers")) == 1


@pytest.mark.parametrize("fault", ["drop_after", "hang_after"])
async def test_a_transfer_whose_answer_was_lost_is_found(
    payouts: StripePayouts, stripe: StripeServer, fault: Fault
) -> None:
    stripe.fail(fault, "/v1/transfers")
    with pytest.raises(GatewayUnavailable):
        await payouts.send(a_payout(), account=ACCOUNT)
    (transfer,) = stripe.made("transfers")
    assert await payouts.find(a_payout()) == transfer["id"]
    # Also long after, when Stripe has forgotten the key.
    assert await payouts.find(a_payout(tries=9, refusals=1)) == transfer["id"]


async def test_what_was_not_made_or_is_anothers_is_not_found(
    payouts: StripePayouts, stripe: StripeServer
) -> None:
    await payouts.send(replace(a_payout(), id=a_payout().run_id), account=ACCOUNT)
    stripe.fail("drop", "/v1/transfers")
    with pytest.raises(GatewayUnavailable):
        await payouts.send(a_payout(), account=ACCOUNT)
    assert await payouts.find(a_payout()) is None


@pytest.mark.parametrize("fault", ["busy", "error", "hang", "drop"])
async def test_no_answer_is_no_refusal(
    payouts: StripePayouts, stripe: StripeServer, fault: Fault
) -> None:
    stripe.fail(fault, "/v1/transfers")
    with pytest.raises(GatewayUnavailable):
        await payouts.send(a_payout(), account=ACCOUNT)
    stripe.fail(fault, "/v1/transfers", method="GET")
    with pytest.raises(GatewayUnavailable):
        await payouts.find(a_payout())


async def test_a_refusal_is_told_apart(payouts: StripePayouts, stripe: StripeServer) -> None:
    stripe.fail("refuse", "/v1/transfers")
    with pytest.raises(GatewayRefused):
        await payouts.send(a_payout(), account=ACCOUNT)
    assert stripe.made("transfers") == []


async def test_without_an_account_nobody_is_called(
    payouts: StripePayouts, stripe: StripeServer
) -> None:
    with pytest.raises(GatewayRefused, match="no account"):
        await payouts.send(a_payout(), account=None)
    assert stripe.calls == []


async def test_the_stand_in_says_yes_and_that_it_is_one() -> None:
    stand_in = DevelopmentPayouts()
    assert await stand_in.find(a_payout()) is None
    assert await stand_in.send(a_payout(), account=None) == f"development_{UID}"
