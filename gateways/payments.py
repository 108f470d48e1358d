"""Who takes the customer's money?

So far only a stand-in for development, which takes none and says yes at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from domain.payments import PaymentUnavailable

if TYPE_CHECKING:
    from domain.bookings import Booking
    from gateways.settings import Settings

log = structlog.get_logger(__name__)


class PaymentGateway(Protocol):
    """Takes payment for a booking."""

    async def charge(self, booking: Booking) -> None:
        """Take the booking's price, once however often it is asked for the same booking."""


class DevelopmentGateway:
    """A stand-in that takes no money: every charge succeeds at once, and says so in the log."""

    async def charge(self, booking: Booking) -> None:
        """Say yes."""
        log.warning("payment.pretended", booking=str(booking.id), price=booking.price)


def payment_gateway(settings: Settings) -> PaymentGateway:
    """The gateway of this installation. Raises PaymentUnavailable in production."""
    if settings.is_production:
        raise PaymentUnavailable
    return DevelopmentGateway()
