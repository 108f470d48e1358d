"""Who takes the customer's money, and gives it back?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from domain.payment_events import Report, Said
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.stripe_api import NAME as STRIPE
from gateways.stripe_events import intent_report, refund_report, why_returned

if TYPE_CHECKING:
    import stripe

    from domain.payments import Payment
    from domain.refunds import Refund
    from gateways.settings import Settings
    from gateways.stripe_api import StripeApi

#: As many refunds of one payment as Stripe lists at a time.
_REFUNDS: Final = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A payment as the gateway has it."""

    gateway_id: str
    #: What the customer's browser pays with. Shown to that customer, and kept nowhere.
    client_secret: str | None = field(default=None, repr=False)
    #: What the gateway says of it besides, if it says anything.
    report: Report | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """A refund as the gateway has made it."""

    gateway_id: str
    #: Why it failed at once, if it did.
    failure: str | None = None


class PaymentGateway(Protocol):
    """Takes payments. Every act may be repeated, with the effect of one.

    All raise GatewayUnavailable or GatewayRefused.
    """

    #: What it is called in the database, such as "stripe".
    name: str
    #: Can it take payments at all?
    is_open: bool
    #: Does it pay at once, with nothing for the customer to do? Only a stand-in does.
    settles_at_once: bool

    async def ask(self, payment: Payment) -> Intent:
        """Have a payment ready for its customer to make."""

    async def cancel(self, payment: Payment) -> bool:
        """Take no money for it any more. False for one that was paid meanwhile, or is under way:
        that stays as it is."""

    async def refund(self, refund: Refund, payment: Payment) -> GivenBack:
        """Give a part of a payment back."""

    async def refunds(self, payment: Payment) -> list[Report]:
        """What it has given back of a payment, whoever asked for it: a report of each refund."""

    async def close(self) -> None:
        """Let go of all connections."""


class StripePayments:
    """Stripe's payment intents: the customer pays in their browser, and a webhook says so."""

    name = STRIPE
    is_open = True
    settles_at_once = False

    def __init__(self, api: StripeApi) -> None:
        """`api` is Stripe."""
        self._api = api

    async def ask(self, payment: Payment) -> Intent:
        """The payment's intent: the one that there is, or a new one."""
        async with self._api.call() as v1:
            if payment.gateway_id is not None:
                intent = await v1.payment_intents.retrieve_async(payment.gateway_id)
            else:
                intent = await v1.payment_intents.create_async(
                    {
                        "amount": payment.amount.amount_minor,
                        "currency": payment.amount.currency.lower(),
                        "automatic_payment_methods": {"enabled": True},
                        "metadata": _ours(payment),
                    },
                    {"idempotency_key": str(payment.id)},
                )
        report = intent_report(intent, datetime.now(UTC))
        return Intent(gateway_id=intent.id, client_secret=intent.client_secret, report=report)

    async def cancel(self, payment: Payment) -> bool:
        """Cancel the intent, if there is one."""
        if payment.gateway_id is None:
            return True
        try:
            async with self._api.call() as v1:
                await v1.payment_intents.cancel_async(payment.gateway_id)
        except GatewayRefused:
            async with self._api.call() as v1:
                intent = await v1.payment_intents.retrieve_async(payment.gateway_id)
            return intent.status == "canceled"
        return True

    async def refund(self, refund: Refund, payment: Payment) -> GivenBack:
        """Refund a part of the intent, unless that was done."""
        if payment.gateway != self.name or payment.gateway_id is None:
            raise GatewayRefused(f"This was paid through {payment.gateway}, not through Stripe.")
        if (done := await self._refunded(refund, payment.gateway_id)) is not None:
            return GivenBack(gateway_id=done)
        async with self._api.call() as v1:
            made = await v1.refunds.create_async(
                {
                    "payment_intent": payment.gateway_id,
                    "amount": refund.amount.amount_minor,
                    "metadata": {"refund_id": str(refund.id), **_ours(payment)},
                },
                {"idempotency_key": refund.key},
            )
        failure = why_returned(made.status, getattr(made, "failure_reason", None))
        return GivenBack(gateway_id=made.id, failure=failure)

    async def refunds(self, payment: Payment) -> list[Report]:
        """Every refund of the intent."""
        if payment.gateway_id is None:
            return []
        at, intent = datetime.now(UTC), payment.gateway_id
        reports = [refund_report(one, at) for one in await self._made(intent)]
        return [replace(one, payment_id=payment.id, gateway_id=intent) for one in reports]

    async def close(self) -> None:
        """Let go of all connections."""
        await self._api.close()

    async def _refunded(self, refund: Refund, intent: str) -> str | None:
        # Stripe forgets a key after a day, and a refund that was given up may be tried again later.
        ours = (one for one in await self._made(intent) if _is_of(one, refund))
        return next((one.id for one in ours if one.id != refund.gateway_id), None)

    async def _made(self, intent: str) -> list[stripe.Refund]:
        async with self._api.call() as v1:
            listed = await v1.refunds.list_async({"payment_intent": intent, "limit": _REFUNDS})
        return listed.data


class DevelopmentGateway:
    """A stand-in that takes no money: every payment succeeds at once, and says so in the log."""

    name = "development"
    is_open = True
    settles_at_once = True

    async def ask(self, payment: Payment) -> Intent:
        """Paid."""
        log.warning("payment.pretended", payment=str(payment.id), amount=payment.amount)
        gateway_id = f"development_{payment.id}"
        report = Report(
            gateway=self.name,
            id=gateway_id,
            type="pretended",
            said=Said.PAID,
            payment_id=payment.id,
            gateway_id=gateway_id,
            occurred_at=datetime.now(UTC),
            money=payment.amount,
        )
        return Intent(gateway_id=gateway_id, report=report)

    async def cancel(self, payment: Payment) -> bool:
        """Done."""
        log.warning("payment.cancelling_pretended", payment=str(payment.id))
        return True

    async def refund(self, refund: Refund, payment: Payment) -> GivenBack:
        """Done."""
        log.warning("refund.pretended", refund=str(refund.id), payment=str(payment.id))
        return GivenBack(gateway_id=f"development_{refund.id}")

    async def refunds(self, payment: Payment) -> list[Report]:
        """None: it knows of nothing."""
        del payment
        return []

    async def close(self) -> None:
        """There is nothing to let go of."""


class NoPayments:
    """What a production server without keys has: nobody pays there, and nobody is paid back."""

    name = "none"
    is_open = False
    settles_at_once = False

    async def ask(self, payment: Payment) -> Intent:
        """No."""
        _nobody(payment)

    async def cancel(self, payment: Payment) -> bool:
        """No."""
        _nobody(payment)

    async def refund(self, refund: Refund, payment: Payment) -> GivenBack:
        """No."""
        del refund
        _nobody(payment)

    async def refunds(self, payment: Payment) -> list[Report]:
        """No."""
        _nobody(payment)

    async def close(self) -> None:
        """There is nothing to let go of."""


def payment_gateway(settings: Settings, api: StripeApi | None) -> PaymentGateway:
    """The gateway of this installation: Stripe, if it has the keys to it. Only development has a
    stand-in."""
    if api is not None:
        return StripePayments(api)
    return NoPayments() if settings.is_production else DevelopmentGateway()


def _nobody(payment: Payment) -> NoReturn:
    raise GatewayUnavailable(f"No gateway is configured that could see to payment {payment.id}.")


def _ours(payment: Payment) -> dict[str, str]:
    return {"payment_id": str(payment.id), "booking_id": str(payment.booking_id)}


def _is_of(made: stripe.Refund, refund: Refund) -> bool:
    of = made.metadata.to_dict().get("refund_id") if made.metadata else None
    return of == str(refund.id) and why_returned(made.status, None) is None
