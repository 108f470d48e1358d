"""What does a receipt say of a payment, and of what was given back of it?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from domain.refunds import RefundStatus

if TYPE_CHECKING:
    from datetime import datetime

    from domain.money import Money
    from domain.payments import Payment
    from domain.people import User
    from domain.refunds import Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A payment that came in, what it was for, and what was given back of it."""

    payment: Payment
    received: Money
    paid_at: datetime
    #: All that were decided and have not failed, oldest first.
    refunds: tuple[Refund, ...]
    customer: User
    service: str
    starts_at: datetime
    ends_at: datetime

    @property
    def left(self) -> Money:
        """What remains paid."""
        back = sum(refund.covered_minor for refund in self.refunds)
        return replace(self.received, amount_minor=self.received.amount_minor - back)


def standing(refunds: list[Refund]) -> tuple[Refund, ...]:
    """The refunds that a receipt shows: money that went back, or is on its way."""
    return tuple(one for one in refunds if one.status is not RefundStatus.FAILED)
