"""Who pays providers?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from gateways import stripe_api
from gateways.errors import GatewayRefused

if TYPE_CHECKING:
    from domain.payouts import Payout
    from gateways.settings import Settings
    from gateways.stripe_api import StripeApi

log = structlog.get_logger(__name__)


class PayoutGateway(Protocol):
    """Pays providers. By its key a payout is paid once, however often it is sent.

    Both raise GatewayUnavailable, and `send` raises GatewayRefused too.
    """

    #: What it is called in the database, such as "stripe".
    name: str

    async def find(self, payout: Payout) -> str | None:
        """What the gateway calls the payout, if it has it. Asked before it is sent again."""

    async def send(self, payout: Payout, *, account: str | None) -> str:
        """Pay it into a provider's account. What the gateway calls it."""


class DevelopmentPayouts:
    """A stand-in that pays nobody: every payout succeeds at once, and says so in the log."""

    name = "development"

    async def find(self, payout: Payout) -> str | None:
        """It remembers nothing."""
        del payout
        return None

    async def send(self, payout: Payout, *, account: str | None) -> str:
        """Say yes."""
        del account
        log.warning("payout.pretended", payout=str(payout.id), amount=payout.amount)
        return f"development_{payout.id}"


class StripePayouts:
    """Transfers to the providers' own accounts with Stripe.

    The payout's id is the group of its transfer too, and so it is found again long after Stripe has
    forgotten the key.
    """

    name = stripe_api.NAME

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    async def find(self, payout: Payout) -> str | None:
        """The transfer that was made for the payout, if there is one."""
        async with self._api.call() as stripe:
            found = await stripe.transfers.list_async(
                {"transfer_group": str(payout.id), "limit": 1}
            )
        return found.data[0].id if found.data else None

    async def send(self, payout: Payout, *, account: str | None) -> str:
        """Make the transfer."""
        if account is None:
            raise GatewayRefused("The provider has no account to pay into.")
        async with self._api.call() as stripe:
            made = await stripe.transfers.create_async(
                {
                    "amount": payout.amount.amount_minor,
                    "currency": payout.amount.currency.lower(),
                    "destination": account,
                    "transfer_group": str(payout.id),
                    "metadata": {"payout_id": str(payout.id)},
                },
                {"idempotency_key": payout.key},
            )
        return made.id


def payout_gateway(settings: Settings, api: stripe_api.StripeApi | None) -> PayoutGateway | None:
    """Who pays providers here: Stripe, if there are keys to it. Only development has a stand-in."""
    if api is not None:
        return StripePayouts(api)
    return None if settings.is_production else DevelopmentPayouts()
