"""What has a gateway said of a payment, and where does the payment stand by that?

A gateway tells of a payment in any order, late and more than once. So all that it said is kept, and
where a payment stands is folded from that anew each time (`fold`): the order does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.money import Money
    from domain.payments import Payment


class Said(StrEnum):
    """What a gateway may say of a payment."""

    PAID = "PAID"
    FAILED = "FAILED"
    PROCESSING = "PROCESSING"
    CANCELLED = "CANCELLED"
    #: So much of it has been given back so far, by whomever.
    REFUNDED = "REFUNDED"
    #: A part of it goes back, because we asked for that, or somebody at the gateway's own page.
    REFUND_MADE = "REFUND_MADE"
    #: The gateway could not, or the customer's bank has sent it back.
    REFUND_FAILED = "REFUND_FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing that a gateway said, once, in our words."""

    gateway: str
    #: What the gateway calls the event, and its kind in the gateway's own words.
    id: str
    type: str
    #: None for what says nothing that matters here.
    said: Said | None = None
    #: Which payment it speaks of: by our id, by the gateway's, or by both.
    payment_id: UUID | None = None
    gateway_id: str | None = None
    #: By the gateway's clock, and by ours once it is kept.
    occurred_at: datetime
    heard_at: datetime | None = None
    money: Money | None = None
    failure: str | None = None
    #: What the gateway calls the refund that it speaks of, and which one it is where we asked for
    #: it.
    refund: str | None = None
    refund_id: UUID | None = None


def fold(payment: Payment, reports: Sequence[Report]) -> Payment:
    """The payment as all reports of it together say. No order of theirs, and no repetition, makes
    a difference, and what has come in never goes away again."""
    paid = _in_order(reports, Said.PAID)
    wrong = [one for one in paid if one.money != payment.amount]
    folded = replace(
        payment,
        mismatched_at=payment.mismatched_at or _first_heard(wrong),
        cancelled_at=payment.cancelled_at or _first_heard(_in_order(reports, Said.CANCELLED)),
    )
    if (came := _came_in(payment, paid)) is not None:
        known_as = payment.gateway_id or came.gateway_id
        folded = replace(folded, received=came.money, paid_at=came.heard_at, gateway_id=known_as)
    if failed := _in_order(reports, Said.FAILED):
        last = failed[-1]
        folded = replace(folded, failed_at=last.occurred_at, failure=last.failure)
    return folded


def _came_in(payment: Payment, paid: Sequence[Report]) -> Report | None:
    """The report of what came in, where that is not known yet or has been put right.

    The right sum counts whichever was told first. It does not where more went back meanwhile than
    it is, or in another currency: what is right there only people can tell.
    """
    if payment.received == payment.amount:
        return None
    right = next((one for one in paid if one.money == payment.amount), None)
    if payment.received is not None:
        return right if _has_room(payment) else None
    return right or (paid[0] if paid else None)


def _has_room(payment: Payment) -> bool:
    """Could what went back of a wrong sum have gone back of the right one as well?"""
    if payment.received is None or not payment.refunded_minor:
        return True
    same = payment.received.currency == payment.amount.currency
    return same and payment.refunded_minor <= payment.amount.amount_minor


def _in_order(reports: Sequence[Report], said: Said) -> list[Report]:
    those = (one for one in reports if one.said is said)
    return sorted(those, key=lambda one: (one.occurred_at, one.id))


def _first_heard(reports: Sequence[Report]) -> datetime | None:
    return min((one.heard_at for one in reports if one.heard_at), default=None)
