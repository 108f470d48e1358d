"""What does a customer owe for a booking, and what has become of each payment?

What a gateway says of a payment is in payment_events.py, and what a payment brings about in
paying.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.refusals import Refusal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.money import Money


class Purpose(StrEnum):
    """What a payment is for."""

    FULL = "FULL"
    DEPOSIT = "DEPOSIT"
    #: What the deposit left to pay.
    BALANCE = "BALANCE"
    TIP = "TIP"


class Method(StrEnum):
    """What a payment is made with."""

    CARD = "CARD"
    CREDITS = "CREDITS"


class PaymentStatus(StrEnum):
    """Where a payment stands. Computed from its facts."""

    #: Asked for; the customer has still to pay, or the gateway to say so.
    PENDING = "PENDING"
    PAID = "PAID"
    #: The gateway took another sum than was asked for. It is kept apart until staff decide.
    MISMATCHED = "MISMATCHED"
    #: Called off before anything was paid.
    CANCELLED = "CANCELLED"


class PaymentUnavailable(Refusal):
    """There is no payment gateway, or it does not do its work just now."""

    def __init__(self, message: str = "This server has no way to take payments.") -> None:
        super().__init__(message)


class NothingToPay(Refusal):
    """All is paid that was to be paid."""

    def __init__(self, message: str = "There is nothing left to pay for this booking.") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One sum that a customer pays, or was asked to pay, for a booking."""

    id: UUID
    booking_id: UUID
    customer_id: UUID
    purpose: Purpose
    method: Method
    #: Who takes it: "stripe", "development" (which takes no money), or "credits".
    gateway: str
    amount: Money
    #: What the gateway calls it; None until it has answered.
    gateway_id: str | None = None
    created_at: datetime
    #: What came in, which should be the amount, and when.
    received: Money | None = None
    paid_at: datetime | None = None
    #: The last attempt that the gateway refused, and why; the customer may try again.
    failed_at: datetime | None = None
    failure: str | None = None
    cancelled_at: datetime | None = None
    #: When the gateway said that it took another sum; what came in may have been put right since.
    mismatched_at: datetime | None = None
    #: How much of what came in has been, or is being, given back, in minor units.
    refunded_minor: int = 0

    @property
    def status(self) -> PaymentStatus:
        """Where it stands, from its facts. The first line that holds decides."""
        if self.received is not None:
            right = self.received == self.amount
            return PaymentStatus.PAID if right else PaymentStatus.MISMATCHED
        return PaymentStatus.CANCELLED if self.cancelled_at else PaymentStatus.PENDING

    @property
    def is_tip(self) -> bool:
        """Is it for the provider, beside the price?"""
        return self.purpose is Purpose.TIP

    @property
    def refundable_minor(self) -> int:
        """How much of it can still be given back."""
        return self.received.amount_minor - self.refunded_minor if self.received else 0
