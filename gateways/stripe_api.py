"""How is Stripe called? By its own library, one request at a time, with an end to patience.

Its many errors are two to us: it did not answer for certain, or it said no.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import stripe

from gateways.errors import GatewayRefused, GatewayUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateways.settings import Settings

# It would write an id of its own into the home folder, which a container may not even have.
stripe.enable_telemetry = False

#: What payments, refunds and payouts through Stripe have in the database as their gateway.
NAME: Final = "stripe"

#: Said for good. All others, a wrong key of ours among them, may be over the next time.
_FOR_GOOD: Final = (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError)
#: A request with the same key is under way.
_CONFLICT: Final = 409


class StripeApi:
    """Stripe, as this installation's account."""

    def __init__(self, *, secret_key: str, base: str, timeout: float) -> None:
        """`timeout` is how many seconds a call may take."""
        self._timeout = timeout
        self._http = stripe.HTTPXClient(timeout=timeout)
        # Whoever calls has a row that says what is due, and tries again by that.
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": base.rstrip("/")},
            http_client=self._http,
            max_network_retries=0,
        )

    @asynccontextmanager
    async def call(self) -> AsyncIterator[stripe.V1Services]:
        """Everything that Stripe can do. Raises GatewayUnavailable or GatewayRefused."""
        try:
            async with asyncio.timeout(self._timeout):
                yield self._client.v1
        except _FOR_GOOD as error:
            if error.http_status == _CONFLICT:
                raise GatewayUnavailable(_words(error)) from error
            raise GatewayRefused(_words(error)) from error
        except stripe.StripeError as error:
            raise GatewayUnavailable(_words(error)) from error
        except TimeoutError as error:
            raise GatewayUnavailable("Stripe did not answer in time.") from error

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # theirs


def stripe_api(settings: Settings) -> StripeApi | None:
    """Stripe, if the settings have the keys to it."""
    if settings.stripe_secret_key is None:
        return None
    return StripeApi(
        secret_key=settings.stripe_secret_key.get_secret_value(),
        base=settings.stripe_api_base,
        timeout=settings.gateway_timeout_seconds,
    )


def _words(error: stripe.StripeError) -> str:
    return str(error.user_message or error)
