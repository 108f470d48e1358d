"""What becomes of the money that is held for a booking when the booking is over?

Done, it is earned. Otherwise the fee that was agreed to is kept, as far as there is money to keep,
and the rest goes back. It is reckoned from what stands, so asking again changes nothing, and money
that comes later is dealt with when it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.booking_steps import BookingStatus
from domain.ledger import Account, Line, LineKind, posting, provider_percent, shared
from domain.refunds import RefundCause, divided, for_work

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from domain.bookings import Booking
    from domain.ledger import Posting, Settled
    from domain.payments import Payment
    from domain.refunds import Portion

#: Why money goes back when a booking ends without the work being done.
_CAUSES: Final = {
    BookingStatus.CANCELLED: RefundCause.CANCELLED,
    BookingStatus.DECLINED: RefundCause.DECLINED,
    BookingStatus.NO_SHOW: RefundCause.NO_SHOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What there is to do about a booking's money: what is kept, and what goes back and why."""

    kept: Posting | None = None
    refunds: tuple[tuple[Portion, RefundCause], ...] = ()


def settle(booking: Booking, payments: Sequence[Payment], money: Settled) -> Settlement:
    """What there is to do about the money of a booking as it stands. Of one that goes on, nothing:
    its money stays held."""
    if booking.status is BookingStatus.COMPLETED:
        return Settlement(kept=_kept(booking, money, money.held, "earning"))
    if booking.status not in _CAUSES:
        return Settlement()
    owed = max(0, (booking.fee_minor or 0) - money.fees)
    fee = min(money.held, owed)
    rest = divided(for_work(payments), money.held - fee)
    return Settlement(
        kept=_kept(booking, money, fee, "fee"),
        refunds=tuple((one, _cause(booking, one.payment)) for one in rest),
    )


def _kept(booking: Booking, money: Settled, amount: int, why: str) -> Posting | None:
    """Held money as the provider's and the platform's, reckoned from the totals (`shared`)."""
    after = money.earned + amount
    theirs, ours = shared(money.earned, after, provider_percent(booking))
    done = why == "earning"
    kinds = (LineKind.EARNING, LineKind.COMMISSION) if done else (LineKind.FEE, LineKind.FEE)
    out = LineKind.EARNING if done else LineKind.FEE
    return posting(
        f"{why}:{booking.id}:{money.settlements}",
        booking.price.currency,
        (
            Line(account=Account.HELD, kind=out, amount_minor=-amount),
            Line(
                account=Account.PROVIDER,
                kind=kinds[0],
                amount_minor=theirs,
                provider_id=booking.provider_id,
            ),
            Line(account=Account.PLATFORM, kind=kinds[1], amount_minor=ours),
        ),
        booking_id=booking.id,
    )


def _cause(booking: Booking, payment: Payment) -> RefundCause:
    ended = _ended_at(booking)
    late = ended is not None and payment.paid_at is not None and payment.paid_at > ended
    return RefundCause.LATE_PAYMENT if late else _CAUSES[booking.status]


def _ended_at(booking: Booking) -> datetime | None:
    return booking.cancelled_at or booking.declined_at or booking.no_show_at
