"""What did somebody give back at the gateway's own page, and what becomes of that here?

A gateway tells of every refund, of ours too, in any order and more than once. One that we asked for
carries our id of it; of all others we hear from the gateway alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.payment_events import Said
from domain.payments import Method
from domain.refunds import Refund, RefundCause, RefundStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.money import Money
    from domain.payment_events import Report
    from domain.payments import Payment


def unknown(reports: Iterable[Report], known: Sequence[Refund]) -> list[str]:
    """What the gateway calls each refund that we did not ask for and have not booked."""
    ours = {one.id for one in known}
    booked = {name for one in known for name in (one.gateway_id, one.found_as)}
    names = {
        one.refund: None
        for one in reports
        if one.refund is not None
        and one.money is not None
        and one.refund_id not in ours
        and one.refund not in booked
    }
    return list(names)


def stood_in_for(amount: Money, known: Iterable[Refund]) -> Refund | None:
    """The refund of ours that it is, done by hand: one of the same sum that the gateway would not
    do when we asked. The oldest, if there are several."""
    failed = (
        one
        for one in known
        if one.status is RefundStatus.FAILED
        and one.to is Method.CARD
        and one.amount == amount
        and one.found_as is None
    )
    return min(failed, key=lambda one: (one.created_at, one.id), default=None)


def found(payment: Payment, amount: Money, *, gateway_id: str, uid: UUID, at: datetime) -> Refund:
    """What was given back of a payment there, as a refund that is done.

    What is more than there was left to give back, or in another currency than what came in, is its
    excess.
    """
    same = payment.received is not None and payment.received.currency == amount.currency
    covered = min(amount.amount_minor, payment.refundable_minor) if same else 0
    return Refund(
        id=uid,
        payment_id=payment.id,
        booking_id=payment.booking_id,
        customer_id=payment.customer_id,
        amount=amount,
        excess_minor=amount.amount_minor - covered,
        cause=RefundCause.AT_GATEWAY,
        to=Method.CARD,
        created_at=at,
        gateway_id=gateway_id,
        found_as=gateway_id,
        done_at=at,
    )


def made_after_all(reports: Sequence[Report], known: Iterable[Refund]) -> Mapping[UUID, str]:
    """Our refunds that were given up and that the gateway has done all the same, with what it calls
    them: it had not answered."""
    returned = {one.refund for one in reports if one.said is Said.REFUND_FAILED}
    failed = {one.id: one.gateway_id for one in known if one.status is RefundStatus.FAILED}
    return {
        one.refund_id: one.refund
        for one in reports
        if one.said is Said.REFUND_MADE
        and one.refund is not None
        and one.refund_id in failed
        and one.refund not in returned | {failed[one.refund_id]}
    }


def is_old_news(report: Report, known: Iterable[Refund]) -> bool:
    """Does it say that a refund of ours failed which was asked for anew since, and done?"""
    return any(
        one.id == report.refund_id
        and one.status is RefundStatus.DONE
        and one.gateway_id != report.refund
        for one in known
    )


def is_more_than_known(reports: Iterable[Report], known: Iterable[Refund]) -> bool:
    """Has the gateway given back more than it told us of, refund by refund, or was asked for?"""
    sums = (one.money.amount_minor for one in reports if one.said is Said.REFUNDED and one.money)
    told = sum(one.amount.amount_minor for one in known if _is_known_there(one))
    return max(sums, default=0) > told


def _is_known_there(refund: Refund) -> bool:
    """May the gateway have counted it?"""
    if refund.to is not Method.CARD:
        return False
    return refund.status is RefundStatus.WAITING or refund.gateway_id is not None
