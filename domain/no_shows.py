"""Who did not turn up, who says so, and what follows?

The provider reports an absent customer, the customer an absent provider, staff either; each with
evidence, and not before the other has had some minutes to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.booking_steps import Act, WrongStatus, step
from domain.bookings import Booking, Party, happened
from domain.cancellations import part
from domain.events import EventType
from domain.offers import Outcome
from domain.refusals import FieldError, InvalidInput, NotFound, TooEarly, wrong_text
from domain.work import wrong_photos

if TYPE_CHECKING:
    from datetime import datetime

    from domain.people import Viewer

#: How long after the start somebody counts as absent: a customer who does not open, and a
#: provider who may still be in traffic.
PATIENCE: Final = {Party.CUSTOMER: timedelta(minutes=15), Party.PROVIDER: timedelta(minutes=30)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What shows that somebody did not turn up."""

    note: str
    photo_urls: tuple[str, ...] = ()

    def wrong_fields(self) -> tuple[FieldError, ...]:
        """Every field that cannot be kept, with its remedy."""
        return (*wrong_text(("note",), self.note, 1, 2000), *wrong_photos(self.photo_urls))


def report(
    booking: Booking, *, absent: Party, evidence: Evidence, by: Viewer, at: datetime
) -> Outcome:
    """End the booking because one of the two did not come.

    An absent customer pays what calling off at the last moment costs; an absent provider costs
    them nothing. Raises NotFound, InvalidInput, WrongStatus, also when nobody was to come, or
    TooEarly.
    """
    if not _may_report(booking, absent, by):
        raise NotFound("Booking")
    if wrong := evidence.wrong_fields():
        raise InvalidInput(*wrong)
    percent = booking.rules.cancel_whole_percent if absent is Party.CUSTOMER else 0
    ended = step(
        booking,
        Act.REPORT_NO_SHOW,
        no_show_at=at,
        absent=absent,
        evidence=evidence.note,
        photo_urls=evidence.photo_urls,
        fee_minor=part(booking.price, percent).amount_minor,
        match_due_at=None,
    )
    if booking.provider_id is None:
        raise WrongStatus(Act.REPORT_NO_SHOW, booking.status)
    possible_from = booking.starts_at + PATIENCE[absent]
    if at < possible_from:
        message = "It is too early to call this a no-show; wait a little longer."
        raise TooEarly(message, possible_from)
    return Outcome(booking=ended, events=(happened(EventType.BOOKING_NO_SHOW, ended),))


def _may_report(booking: Booking, absent: Party, by: Viewer) -> bool:
    """The one who came says it of the other; staff of either."""
    witness = booking.provider_id if absent is Party.CUSTOMER else booking.customer_id
    return by.is_staff or by.user_id == witness
