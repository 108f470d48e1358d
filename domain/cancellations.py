"""What does it cost to call a booking off, and how is it done?

The fee is quoted before the act, and the act repeats it: a customer never pays a fee that they were
not shown, even when the clock passes a boundary while they decide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.booking_rules import BookingRule, BrokenRule, RulesBroken
from domain.booking_steps import STEPS, Act, BookingStatus, WrongStatus, step
from domain.bookings import Booking, happened
from domain.events import EventType
from domain.offers import Outcome, rescind, settled
from domain.refusals import NotFound, Refusal, check_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from domain.money import Money
    from domain.offers import JobOffer
    from domain.people import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationQuote:
    """What calling a booking off costs the customer now."""

    percent: int
    fee: Money
    #: What the customer gets back of what they have paid.
    refund: Money
    #: When the fee becomes another one; None when it will not.
    changes_at: datetime | None


class FeeChanged(Refusal):
    """The fee is not the one that the customer agreed to. Carries the quote of this moment."""

    def __init__(self, quote: CancellationQuote) -> None:
        super().__init__("The fee for cancelling is another one now. Agree to it and try again.")
        self.quote = quote


def quote(booking: Booking, *, by: Viewer, at: datetime, paid_minor: int) -> CancellationQuote:
    """What it costs if `by` calls the booking off at `at` (rules.md, Booking rules), and what of
    the sum that they have paid comes back.

    Nothing when the house does it, and nothing, however late, as long as nobody has the work or
    the house has not said yes: then no provider counts on it. Raises WrongStatus when it cannot be
    called off any more, NotFound for those who may not, or RulesBroken when it is too late for the
    customer.
    """
    if not booking.may_be_cancelled_by(by):
        raise NotFound("Booking")
    if Act.CANCEL not in STEPS[booking.status]:
        raise WrongStatus(Act.CANCEL, booking.status)
    if not by.is_staff and booking.provider_id is not None:
        _check_time(booking, at)
    percent, changes_at = due(booking, by=by, at=at)
    fee = part(booking.price, percent)
    refund = replace(booking.price, amount_minor=max(0, paid_minor - fee.amount_minor))
    return CancellationQuote(percent=percent, fee=fee, refund=refund, changes_at=changes_at)


def due(booking: Booking, *, by: Viewer, at: datetime) -> tuple[int, datetime | None]:
    """The part of the price that calling it off would cost, in percent, and when that changes."""
    agreed = booking.provider_id is not None and booking.status in _AGREED
    if by.is_staff or not agreed:
        return 0, None
    percent, changes_at = _tier(booking, at)
    if percent >= booking.least_fee_percent:
        return percent, changes_at
    return booking.least_fee_percent, _rises_at(booking, booking.least_fee_percent)


#: Where a provider counts on the work. What still waits for the house's yes is not agreed.
_AGREED: Final = frozenset({BookingStatus.PENDING, BookingStatus.CONFIRMED})


def cancel(
    booking: Booking,
    offers: Sequence[JobOffer],
    *,
    by: Viewer,
    reason: str,
    expected_fee_minor: int,
    paid_minor: int,
    at: datetime,
) -> Outcome:
    """Call the booking off and withdraw its offers, for the fee that the customer agreed to.

    Raises what `quote` raises, FeeChanged or InvalidInput.
    """
    check_sizes(reason=(reason, 0, 500))
    now = quote(booking, by=by, at=at, paid_minor=paid_minor)
    if now.fee.amount_minor != expected_fee_minor and not by.is_staff:
        raise FeeChanged(now)
    cancelled = step(
        booking,
        Act.CANCEL,
        cancelled_at=at,
        cancel_reason=reason,
        fee_minor=now.fee.amount_minor,
        match_due_at=None,
    )
    withdrawn = rescind(offers, at=at)
    told = (happened(EventType.BOOKING_CANCELLED, cancelled), *settled(withdrawn))
    return Outcome(booking=cancelled, offers=withdrawn, events=told)


def part(amount: Money, percent: int) -> Money:
    """So many percent of a sum, halves of a minor unit rounded up."""
    return replace(amount, amount_minor=(amount.amount_minor * percent + 50) // 100)


def _check_time(booking: Booking, at: datetime) -> None:
    notice = timedelta(minutes=booking.rules.cancel_notice_minutes)
    if at > booking.starts_at - notice:
        message = "It is too late to cancel this booking yourself; ask the house."
        latest = booking.starts_at - notice
        broken = BrokenRule(rule=BookingRule.CANCEL_TOO_LATE, message=message, latest=latest)
        raise RulesBroken((broken,))


def _tier(booking: Booking, at: datetime) -> tuple[int, datetime | None]:
    """The percentage that falls due now, and when it becomes another one."""
    part_from, whole_from = _boundaries(booking)
    if at > whole_from:
        return booking.rules.cancel_whole_percent, None
    percent = booking.rules.cancel_part_percent if at >= part_from else 0
    return percent, _rises_at(booking, percent)


def _rises_at(booking: Booking, percent: int) -> datetime | None:
    """When the fee becomes higher than this; None when it does not."""
    part_from, whole_from = _boundaries(booking)
    if percent < booking.rules.cancel_part_percent:
        return part_from
    return whole_from if percent < booking.rules.cancel_whole_percent else None


def _boundaries(booking: Booking) -> tuple[datetime, datetime]:
    rules = booking.rules
    part_from = booking.starts_at - timedelta(minutes=rules.cancel_free_minutes)
    return part_from, booking.starts_at - timedelta(minutes=rules.cancel_part_minutes)
