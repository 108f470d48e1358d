"""Who is told what, of which event, on which channels, and can it wait until the night is over?

One table. A rule may look at what its message is about as that stands when the event is told of:
what has moved on by then is not told any more, and what two events bring about together is told
for the later of them, whichever is told of first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from domain import circumstances as so
from domain.circumstances import Condition, To, Urgency, always, is_urgent, recipients
from domain.events import EventType
from domain.messages import Category, Channel, Message, ReminderKind
from domain.people import STAFF, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from domain.circumstances import Circumstances

_MAIL: Final = frozenset({Channel.EMAIL})
_PUSH: Final = frozenset({Channel.PUSH})
_MAIL_AND_PUSH: Final = _MAIL | _PUSH
_PUSH_AND_SMS: Final = frozenset({Channel.PUSH, Channel.SMS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One message to one kind of recipient."""

    message: Message
    to: To
    category: Category = Category.BOOKINGS
    #: Where it goes unless its recipient wants otherwise.
    channels: frozenset[Channel] = _MAIL_AND_PUSH
    urgent: Urgency = Urgency.NEVER
    #: Is it in the list that people read in the app?
    listed: bool = True
    #: Does its recipient need it? What is not transactional can be unsubscribed from.
    transactional: bool = True
    when: Condition = always


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One message that somebody is to get."""

    recipient_id: UUID
    rule: Rule
    urgent: bool


def _customer(message: Message, when: Condition = always, urgent: Urgency = Urgency.NEVER) -> Rule:
    return Rule(message=message, to=To.CUSTOMER, urgent=urgent, when=when)


def _provider(message: Message, when: Condition = always, to: To = To.PROVIDER) -> Rule:
    return Rule(message=message, to=to, urgent=Urgency.SOON, when=when)


def _late(message: Message, to: To, when: Condition = always) -> Rule:
    """Told to somebody who waits, or has to set out."""
    return Rule(
        message=message,
        to=to,
        category=Category.REMINDERS if message is Message.STARTING_SOON else Category.BOOKINGS,
        channels=_PUSH_AND_SMS,
        urgent=Urgency.ALWAYS,
        when=when,
    )


def _money(
    message: Message, to: To = To.CUSTOMER, when: Condition = always, *, push: bool = False
) -> Rule:
    channels = _MAIL_AND_PUSH if push else _MAIL
    return Rule(message=message, to=to, category=Category.MONEY, channels=channels, when=when)


def _staff(message: Message, when: Condition = always) -> Rule:
    operations = Category.OPERATIONS
    return Rule(message=message, to=To.STAFF, category=operations, channels=_MAIL, when=when)


def _reminder(message: Message, to: To) -> Rule:
    return Rule(message=message, to=to, category=Category.REMINDERS)


def _suggestion(
    message: Message, when: Condition = always, channels: frozenset[Channel] = _MAIL_AND_PUSH
) -> Rule:
    """Nobody needs it."""
    return Rule(
        message=message,
        to=To.CUSTOMER,
        category=Category.SUGGESTIONS,
        channels=channels,
        transactional=False,
        when=when,
    )


_OFFER: Final = Rule(
    message=Message.OFFER,
    to=To.PROVIDER,
    category=Category.OFFERS,
    channels=_PUSH,
    urgent=Urgency.WANTED_NOW,
    # The app shows offers where they can be taken.
    listed=False,
    when=so.can_be_taken,
)


def _staffed(event: EventType) -> tuple[Rule, ...]:
    """Somebody is to come. What makes the booking CONFIRMED says that, and not both."""
    wanted_now = Urgency.WANTED_NOW
    return (
        _customer(Message.BOOKING_CONFIRMED, so.confirms(event), wanted_now),
        _customer(Message.PROVIDER_ASSIGNED, so.only_staffs(event), wanted_now),
        _provider(Message.JOB_ASSIGNED, so.staffs(event)),
    )


#: Every event that anybody is told of.
TABLE: Final[Mapping[EventType, tuple[Rule, ...]]] = {
    EventType.BOOKING_REQUESTED: (
        Rule(
            message=Message.BOOKING_REQUESTED,
            to=To.CUSTOMER,
            channels=_MAIL,
            when=so.is_requested,
        ),
    ),
    EventType.BOOKING_APPROVED: (
        *_staffed(EventType.BOOKING_APPROVED),
        _customer(Message.BOOKING_APPROVED, so.is_approved_for_anyone),
    ),
    EventType.BOOKING_ASSIGNED: _staffed(EventType.BOOKING_ASSIGNED),
    # Without a provider there is only the receipt.
    EventType.BOOKING_PAID: (
        _customer(
            Message.BOOKING_CONFIRMED, so.confirms(EventType.BOOKING_PAID), Urgency.WANTED_NOW
        ),
        _provider(Message.BOOKING_CONFIRMED, so.is_confirmed_by_payment),
    ),
    # Its customer, who has paid, reads that it is confirmed.
    EventType.BOOKING_RESTORED: (_provider(Message.JOB_ASSIGNED, so.is_restored),),
    EventType.BOOKING_DECLINED: (_customer(Message.BOOKING_DECLINED, urgent=Urgency.SOON),),
    EventType.BOOKING_RESCHEDULED: (
        _customer(Message.BOOKING_RESCHEDULED, so.is_moved, Urgency.SOON),
        _provider(Message.BOOKING_RESCHEDULED, so.is_moved_and_theirs),
    ),
    EventType.BOOKING_RELEASED: (
        _customer(Message.PROVIDER_LEFT, so.lacks_provider, Urgency.SOON),
        _provider(Message.JOB_CANCELLED, so.was_taken_from_them, To.FORMER_PROVIDER),
    ),
    EventType.BOOKING_CANCELLED: (
        _customer(Message.BOOKING_CANCELLED, so.is_cancelled, Urgency.SOON),
        _provider(Message.JOB_CANCELLED, so.is_cancelled_and_was_agreed),
    ),
    EventType.BOOKING_PREFERRED_LAPSED: (
        _customer(Message.PREFERRED_LAPSED, so.lacks_provider, Urgency.WANTED_NOW),
    ),
    EventType.BOOKING_SEARCH_ENDED: (
        _customer(Message.SEARCH_ENDED, so.is_unfilled, Urgency.SOON),
    ),
    EventType.BOOKING_UNFILLED: (_staff(Message.BOOKING_UNFILLED, so.is_unfilled),),
    EventType.BOOKING_RUNNING_LATE: (_late(Message.PROVIDER_LATE, To.CUSTOMER, so.is_late),),
    EventType.BOOKING_NO_SHOW: (
        _customer(Message.NO_SHOW),
        Rule(message=Message.NO_SHOW, to=To.PROVIDER),
    ),
    EventType.BOOKING_COMPLETED: (_suggestion(Message.COMPLETED, channels=_MAIL),),
    EventType.OFFER_OFFERED: (_OFFER,),
    EventType.OFFER_REMINDED: (_OFFER,),
    EventType.WAITLIST_GRANTED: (_suggestion(Message.WAITLIST_GRANT, so.is_kept),),
    EventType.SERIES_OCCURRENCE_CONFLICT: (_customer(Message.SERIES_CONFLICT),),
    EventType.PAYMENT_SUCCEEDED: (_money(Message.PAYMENT_RECEIPT),),
    EventType.PAYMENT_FAILED: (
        _money(Message.PAYMENT_FAILED, when=so.can_be_paid_again, push=True),
    ),
    EventType.PAYMENT_MISMATCHED: (_staff(Message.PAYMENT_MISMATCHED),),
    EventType.REFUND_DONE: (_money(Message.REFUND_SENT),),
    EventType.REFUND_FAILED: (_money(Message.REFUND_FAILED), _staff(Message.REFUND_FAILED)),
    EventType.REFUND_MISMATCHED: (_staff(Message.REFUND_MISMATCHED),),
    EventType.CREDIT_GRANTED: (_money(Message.CREDIT_GRANTED),),
    EventType.PAYOUT_PAID: (_money(Message.PAYOUT_SENT, To.PROVIDER),),
    EventType.PAYOUT_FAILED: (
        _money(Message.PAYOUT_FAILED, To.PROVIDER),
        _staff(Message.PAYOUT_FAILED),
    ),
}

#: What nobody is told of: what whoever did it sees at once, what is for jobs, and what another
#: event says better.
UNTOLD: Final = frozenset(
    {
        EventType.BOOKING_TERMS_ACCEPTED,
        EventType.BOOKING_EDITED,
        EventType.BOOKING_STARTED,
        EventType.BOOKING_REVIEWED,
        EventType.OFFER_ACCEPTED,
        EventType.OFFER_REJECTED,
        EventType.OFFER_EXPIRED,
        EventType.OFFER_RESCINDED,
        EventType.SEARCH_PLACE_FREED,
        EventType.SLOT_HELD,
        EventType.SLOT_FREED,
        EventType.WAITLIST_JOINED,
        EventType.WAITLIST_TAKEN,
        EventType.WAITLIST_LAPSED,
        EventType.WAITLIST_LEFT,
        EventType.SERIES_CREATED,
        EventType.SERIES_CHANGED,
        EventType.SERIES_ENDED,
        EventType.PROVIDER_CLOCKED_IN,
        EventType.PROVIDER_CLOCKED_OUT,
        EventType.PROVIDER_PRESENCE_CHANGED,
        EventType.PROVIDER_AVAILABILITY_CHANGED,
        EventType.PROVIDER_PROFILE_CHANGED,
        EventType.PROVIDER_APPROVED,
        EventType.PROVIDER_SUSPENDED,
        EventType.PROVIDER_REINSTATED,
        EventType.PAYMENT_REPORTED,
        EventType.REFUND_CREATED,
        EventType.PAYOUT_CREATED,
        EventType.PAYOUT_RETRIED,
        EventType.NOTIFICATION_CREATED,
        EventType.NOTIFICATION_READ,
        EventType.SESSION_REVOKED,
        EventType.JOB_REPLAYED,
    }
)

#: What people are reminded of.
REMINDERS: Final[Mapping[ReminderKind, tuple[Rule, ...]]] = {
    ReminderKind.PAYMENT: (_reminder(Message.PAYMENT_REMINDER, To.CUSTOMER),),
    ReminderKind.DAY_BEFORE: (
        _reminder(Message.BOOKING_REMINDER, To.CUSTOMER),
        _reminder(Message.BOOKING_REMINDER, To.PROVIDER),
    ),
    ReminderKind.HOUR_BEFORE: (
        _late(Message.STARTING_SOON, To.CUSTOMER),
        _late(Message.STARTING_SOON, To.PROVIDER),
    ),
}

#: Every rule, whatever brings it about.
RULES: Final = tuple(chain.from_iterable((*TABLE.values(), *REMINDERS.values())))

_UNSUBSCRIBES: Final = {rule.message: rule.category for rule in RULES if not rule.transactional}

#: The channels on which each category comes unless somebody wants otherwise.
USUAL: Final[Mapping[Category, frozenset[Channel]]] = {
    category: frozenset(
        chain.from_iterable(rule.channels for rule in RULES if rule.category is category)
    )
    for category in Category
}

#: The categories whose mails are all transactional: nobody can do without them.
FIXED: Final = frozenset(
    category
    for category in Category
    if Channel.EMAIL in USUAL[category] and category not in _UNSUBSCRIBES.values()
)

#: Who is meant by whom a message is for.
_ROLES: Final[Mapping[To, Collection[Role]]] = {
    To.CUSTOMER: {Role.CUSTOMER},
    To.PROVIDER: {Role.PROVIDER},
    To.FORMER_PROVIDER: {Role.PROVIDER},
    To.STAFF: STAFF,
}


def usual_for(role: Role) -> dict[Category, frozenset[Channel]]:
    """The categories that people of a role are told of, each with the channels on which it comes
    unless they want otherwise."""
    theirs = [rule for rule in RULES if role in _ROLES[rule.to]]
    return {
        category: frozenset(
            chain.from_iterable(rule.channels for rule in theirs if rule.category is category)
        )
        for category in Category
        if any(rule.category is category for rule in theirs)
    }


def of_event(type_: EventType, circumstances: Circumstances) -> tuple[Telling, ...]:
    """Who is told what of an event."""
    return _tellings(TABLE.get(type_, ()), circumstances)


def of_reminder(kind: ReminderKind, circumstances: Circumstances) -> tuple[Telling, ...]:
    """Who is reminded, with what."""
    return _tellings(REMINDERS[kind], circumstances)


def unsubscribes_from(message: Message) -> Category | None:
    """What somebody gets no more mails of who unsubscribes by the link in this one; None for a
    message that everybody needs."""
    return _UNSUBSCRIBES.get(message)


def _tellings(rules: Iterable[Rule], circumstances: Circumstances) -> tuple[Telling, ...]:
    return tuple(
        Telling(recipient_id=recipient_id, rule=rule, urgent=is_urgent(rule.urgent, circumstances))
        for rule in rules
        if rule.when(circumstances)
        for recipient_id in recipients(rule.to, circumstances)
    )
