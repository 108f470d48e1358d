"""What do tests of messages speak of? The facts of each message, with keyword overrides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.message_facts import MessageFacts
from domain.messages import Message
from domain.money import Money
from domain.people import Role, User
from gateways.letters import Renderer
from gateways.links import Links
from tests.factories import a_user, an_address

if TYPE_CHECKING:
    from collections.abc import Mapping

STARTS: Final = datetime(2026, 6, 3, 13, tzinfo=UTC)
BOOKING, PAYMENT, PAYOUT, OFFER, SERIES, ENTRY, GRANT = (UUID(int=0x9F3A12B0 + n) for n in range(7))
SECRET: Final = "a secret of more than thirty-two characters"


def pounds(minor: int) -> Money:
    """So many pence."""
    return Money(amount_minor=minor, currency="GBP")


def a_renderer(**changes: Any) -> Renderer:
    """Writes for a house in London that has an app."""
    facts: dict[str, Any] = {
        "outside_url": "https://callout.example",
        "app_url": "https://app.callout.example",
        "links": Links(SECRET),
        "house_name": "Callout",
        "house_address": "1 High Street, London W1A 1AA",
        "house_zone": "Europe/London",
    }
    return Renderer(**facts | changes)


def a_reader(message: Message, **changes: Any) -> User:
    """Somebody to whom the message is sent."""
    role = next((role for role, told in _TOLD.items() if message in told), Role.CUSTOMER)
    who = {"given_name": "Chloe", "family_name": "Cleaner"} if role is Role.PROVIDER else {}
    return a_user(role=role, **who | changes)


def some_facts(message: Message, **changes: Any) -> MessageFacts:
    """The facts of one message, as they are when all is said that it can say."""
    recipient = changes.pop("recipient", None) or a_reader(message)
    facts = MessageFacts(
        message=message, recipient=recipient, subject=_SUBJECTS.get(message, {"booking": BOOKING})
    )
    return replace(facts, **_of(message, recipient) | changes)


def bare_facts(message: Message, **changes: Any) -> MessageFacts:
    """The facts of one message of which nothing is left but to whom it goes."""
    return MessageFacts(message=message, recipient=a_reader(message), subject={}, **changes)


_TOLD: Final = {
    Role.PROVIDER: {
        Message.JOB_ASSIGNED,
        Message.JOB_CANCELLED,
        Message.OFFER,
        Message.PAYOUT_SENT,
        Message.PAYOUT_FAILED,
    },
    Role.DISPATCHER: {
        Message.BOOKING_UNFILLED,
        Message.PAYMENT_MISMATCHED,
        Message.REFUND_FAILED,
        Message.REFUND_MISMATCHED,
    },
}

_SUBJECTS: Final[Mapping[Message, Mapping[str, UUID]]] = {
    Message.PAYMENT_RECEIPT: {"booking": BOOKING, "payment": PAYMENT},
    Message.REFUND_SENT: {"booking": BOOKING, "payment": PAYMENT},
    Message.CREDIT_GRANTED: {"credit_grant": GRANT},
    Message.PAYOUT_SENT: {"payout": PAYOUT},
    Message.PAYOUT_FAILED: {"payout": PAYOUT},
    Message.OFFER: {"booking": BOOKING, "offer": OFFER},
    Message.SERIES_CONFLICT: {"series": SERIES},
    Message.WAITLIST_GRANT: {"waitlist_entry": ENTRY},
}


def _of(message: Message, recipient: User) -> dict[str, Any]:
    if message in {Message.PAYOUT_SENT, Message.PAYOUT_FAILED}:
        return {
            "amount": pounds(32_412),
            "period": date(2026, 6, 8),
            "lines": 9,
            "at": STARTS,
            "reason": "The bank account is closed.",
        }
    if message is Message.CREDIT_GRANTED:
        return {"amount": pounds(1500), "at": STARTS, "reason": "For the broken vase"}
    more = dict(_MORE.get(message, {}))
    is_provider = recipient.role is Role.PROVIDER
    work: dict[str, Any] = {
        "service": "Home clean",
        "starts_at": STARTS,
        "ends_at": STARTS + timedelta(hours=2),
        "address": an_address(),
        "amount": pounds(4050),
        "customer": None if recipient.role is Role.CUSTOMER else "John Doe",
        "provider": None if is_provider else "Chloe C.",
    }
    return work | more


_MORE: Final[Mapping[Message, Mapping[str, Any]]] = {
    Message.PROVIDER_ASSIGNED: {
        "due": pounds(4050),
        "until": STARTS + timedelta(minutes=15),
    },
    Message.BOOKING_DECLINED: {
        "reason": "We do not clean ovens.\nTry our partners.",
        "refund": pounds(4050),
    },
    Message.BOOKING_RESCHEDULED: {"reason": "Chloe is ill on Tuesday."},
    Message.BOOKING_CANCELLED: {
        "reason": "Plans have changed.",
        "refund": pounds(2025),
        "fee": pounds(2025),
    },
    Message.JOB_CANCELLED: {"address": None, "area": "SW1A", "fee": pounds(1620)},
    Message.PAYMENT_REMINDER: {"due": pounds(4050), "until": STARTS + timedelta(minutes=15)},
    Message.PAYMENT_RECEIPT: {
        "at": STARTS - timedelta(days=2),
        "amount": pounds(1000),
        "due": pounds(3050),
    },
    Message.PAYMENT_FAILED: {"due": pounds(4050), "reason": "Your card was declined."},
    Message.PAYMENT_MISMATCHED: {
        "amount": pounds(4000),
        "due": pounds(4050),
        "at": STARTS - timedelta(days=2),
    },
    Message.REFUND_SENT: {"refund": pounds(2025), "at": STARTS, "reason": "For the broken vase"},
    Message.REFUND_FAILED: {"refund": pounds(2025), "reason": "charge_already_refunded"},
    Message.REFUND_MISMATCHED: {"refund": pounds(4050), "excess": pounds(2025), "at": STARTS},
    Message.PROVIDER_LATE: {"late_minutes": 20, "reason": "The M25 is at a standstill."},
    Message.NO_SHOW: {"refund": pounds(4050), "reason": "Nobody opened the door."},
    Message.WAITLIST_GRANT: {"until": STARTS - timedelta(days=1)},
    Message.SERIES_CONFLICT: {"reason": "Chloe C. has another job then."},
    Message.OFFER: {
        "address": None,
        "area": "SW1A",
        "distance_miles": 2.6,
        "customer": "John D.",
        "until": STARTS - timedelta(days=1),
    },
}

LONG: Final = (
    "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftschaferswessenschafewaren-"
    "Maximiliane Aurelia"
)
RIGHT_TO_LEFT: Final = "عبد الرحمن بن محمد الفارسي"


def with_names(facts: MessageFacts, text: str) -> MessageFacts:
    """The facts, with this text wherever somebody else chose the words."""
    address = facts.address and replace(
        facts.address, line1=text, line2=text, city=text, state_province=text, postal_code=text
    )
    given: dict[str, Any] = {
        name: text if getattr(facts, name) is not None else None
        for name in ("service", "customer", "provider", "reason", "area")
    }
    recipient = replace(facts.recipient, given_name=text, family_name=text)
    return replace(facts, recipient=recipient, address=address, **given)
