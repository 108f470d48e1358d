"""What does a message need to know to be written?

Everything is read anew when a message is written or shown, and as its reader may see it at that
moment: a provider who no longer has a job finds no address in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from uuid import UUID

    from domain.messages import Message
    from domain.money import Money
    from domain.people import User
    from domain.places import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """The facts of one message to one person. What a message is not about is None."""

    message: Message
    recipient: User
    #: It speaks of what is so no longer, such as an offer that is gone: it stays in the list, but
    #: is not sent any more.
    moot: bool = False
    #: Ids by name, as the event had them: booking, payment, refund, payout, offer …
    subject: Mapping[str, UUID]
    service: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    #: Where, as far as the reader may know: an address, or a postal district.
    address: Address | None = None
    area: str | None = None
    distance_miles: float | None = None
    #: The other side, by the name that the reader may see: the one who reads it has None here.
    customer: str | None = None
    provider: str | None = None
    #: The sum that the message is about: a price, a payment, a refund, a payout,
    #: credit.
    amount: Money | None = None
    #: What the customer gets back, and what calling off cost them.
    refund: Money | None = None
    fee: Money | None = None
    #: How much of what went back was more than there was to give back; for staff.
    excess: Money | None = None
    due: Money | None = None
    reason: str | None = None
    late_minutes: int | None = None
    #: Until when it can be acted on: an offer, a grant, a payment.
    until: datetime | None = None
    #: When it happened: a payment, a refund.
    at: datetime | None = None
    #: A payout's period, and how many jobs and other lines it pays.
    period: date | None = None
    lines: int | None = None
