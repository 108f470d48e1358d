"""What is somebody to be told, where, and who may read it?"""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.circumstances import To, Urgency
from domain.events import Event, EventType
from domain.messages import Category, Channel, Message
from domain.notifications import Notification, created, draft, read
from domain.people import Role
from domain.preferences import QuietHours, Reach
from domain.telling import Rule, Telling
from tests.factories import BOOKING, CUSTOMER, NOW, a_viewer

RULE = Rule(
    message=Message.BOOKING_CONFIRMED,
    to=To.CUSTOMER,
    channels=frozenset({Channel.EMAIL, Channel.PUSH}),
    urgent=Urgency.SOON,
)
NOTE = UUID(int=40)


def a_notification(**changes: Any) -> Notification:
    facts: dict[str, Any] = {
        "id": NOTE,
        "recipient_id": CUSTOMER,
        "message": Message.BOOKING_CONFIRMED,
        "cause": "event:1",
        "subject": {"booking": BOOKING},
        "listed": True,
        "created_at": NOW,
    }
    return Notification(**facts | changes)


def a_reach(**changes: Any) -> Reach:
    facts: dict[str, Any] = {
        "user_id": CUSTOMER,
        "zone": ZoneInfo("Europe/London"),
        "phone": "+442079460000",
        "has_device": True,
    }
    return Reach(**facts | changes)


def planned(*, urgent: bool = False, rule: Rule = RULE, **reach: Any) -> list[tuple[Any, ...]]:
    telling = Telling(recipient_id=CUSTOMER, rule=rule, urgent=urgent)
    made = draft(telling, a_reach(**reach), at=NOW)
    assert (made.recipient_id, made.message, made.listed) == (CUSTOMER, rule.message, rule.listed)
    return [(one.channel, one.due_at, one.urgent) for one in made.planned]


def test_it_goes_where_its_rule_says_and_its_recipient_can_be_reached() -> None:
    assert planned() == [(Channel.EMAIL, NOW, False), (Channel.PUSH, NOW, False)]
    assert planned(has_device=False) == [(Channel.EMAIL, NOW, False)]


def test_it_goes_where_its_recipient_wants_it() -> None:
    choices = {
        (Category.BOOKINGS, Channel.SMS): True,
        (Category.BOOKINGS, Channel.PUSH): False,
    }
    assert planned(choices=choices) == [(Channel.EMAIL, NOW, False), (Channel.SMS, NOW, False)]


def test_it_waits_for_the_end_of_the_night_unless_it_is_urgent() -> None:
    # It is 13:00 in London.
    quiet = QuietHours(starts=time(12), ends=time(14))

    assert planned(quiet=quiet, has_device=False) == [
        (Channel.EMAIL, NOW + timedelta(hours=1), False)
    ]
    assert planned(quiet=quiet, has_device=False, urgent=True) == [(Channel.EMAIL, NOW, True)]


def test_what_is_neither_listed_nor_sent_is_told_to_nobody() -> None:
    def is_told(*, listed: bool, has_device: bool) -> bool:
        rule = Rule(
            message=Message.OFFER,
            to=To.PROVIDER,
            channels=frozenset({Channel.PUSH}),
            listed=listed,
        )
        telling = Telling(recipient_id=CUSTOMER, rule=rule, urgent=False)
        return draft(telling, a_reach(has_device=has_device), at=NOW).is_told

    assert is_told(listed=True, has_device=False)
    assert is_told(listed=False, has_device=True)
    assert not is_told(listed=False, has_device=False)


def test_only_its_recipient_reads_it_and_only_what_is_listed() -> None:
    mine, staff = a_viewer(), a_viewer(user_id=UUID(int=41), role=Role.ADMIN)

    assert a_notification().is_visible_to(mine)
    assert not a_notification().is_visible_to(staff)
    assert not a_notification(listed=False).is_visible_to(mine)


def test_its_recipient_hears_of_it_and_of_its_being_read() -> None:
    subject = {"notification": NOTE, "recipient": CUSTOMER}

    assert created(a_notification()) == Event(type=EventType.NOTIFICATION_CREATED, subject=subject)
    assert read(CUSTOMER, NOTE) == Event(type=EventType.NOTIFICATION_READ, subject=subject)
