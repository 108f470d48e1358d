"""What becomes of a message on a channel once it was tried?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.deliveries import (
    PATIENCE,
    Delivery,
    Dropped,
    Outcome,
    Patience,
    Postponed,
    Refused,
    Sent,
    Unavailable,
    again,
    hindrance,
    settle,
)
from domain.messages import Category, Channel, DeliveryStatus
from domain.preferences import QuietHours
from tests.domain.test_preferences import a_reach
from tests.factories import NOW

LATER = NOW + timedelta(seconds=3)


def a_delivery(**changes: Any) -> Delivery:
    """A mail, taken up for the first time."""
    facts: dict[str, Any] = {
        "id": UUID(int=1),
        "notification_id": UUID(int=2),
        "channel": Channel.EMAIL,
        "due_at": NOW + timedelta(seconds=60),
        "tries": 1,
    }
    return Delivery(**facts | changes)


def test_what_the_service_took_is_sent() -> None:
    claimed = a_delivery(tries=3, error="busy")
    assert settle(claimed, Sent(remote_id="SM1"), at=LATER, jitter=0.5) == replace(
        claimed, status=DeliveryStatus.SENT, sent_at=LATER, remote_id="SM1", error=None
    )


def test_what_nobody_took_is_tried_again_after_a_pause() -> None:
    claimed = a_delivery(tries=2)
    waits = settle(claimed, Unavailable(error="busy"), at=LATER, jitter=0)
    assert waits == replace(claimed, due_at=LATER + timedelta(seconds=25), error="busy")


@pytest.mark.parametrize(
    ("channel", "tries", "seconds"),
    [
        (Channel.EMAIL, 8, [5, 25, 125, 625, 3125, 15625, 43200]),
        (Channel.SMS, 6, [5, 25, 125, 625, 3125]),
        (Channel.PUSH, 6, [5, 25, 125, 625, 3125]),
    ],
)
def test_each_channel_has_its_patience(channel: Channel, tries: int, seconds: list[int]) -> None:
    patience = PATIENCE[channel]
    pauses = [patience.pause(n, jitter=0).total_seconds() for n in range(1, tries)]
    assert pauses == seconds
    last = a_delivery(channel=channel, tries=tries - 1)
    status = settle(last, Unavailable(error="busy"), at=LATER, jitter=0).status
    assert status is DeliveryStatus.WAITING
    over = replace(last, tries=tries)
    assert settle(over, Unavailable(error="busy"), at=LATER, jitter=0) == replace(
        over, status=DeliveryStatus.FAILED, failed_at=LATER, error="busy"
    )


@pytest.mark.parametrize(
    ("channel", "asked", "seconds"),
    [
        # Less than its own pause, more, and more than is ever waited.
        (Channel.SMS, 4, 12.5),
        (Channel.SMS, 90, 90),
        (Channel.PUSH, 7200, 3600),
        (Channel.EMAIL, 7200, 7200),
    ],
)
def test_nothing_is_tried_again_before_the_service_wants_it_to(
    channel: Channel, asked: int, seconds: float
) -> None:
    busy = Unavailable(error="busy", retry_after=timedelta(seconds=asked))
    claimed = a_delivery(channel=channel, tries=2)
    waits = settle(claimed, busy, at=LATER, jitter=1)
    assert waits.due_at == LATER + timedelta(seconds=seconds)


def test_jitter_halves_a_pause_at_most() -> None:
    patience = Patience(tries=100, longest=timedelta(minutes=1))
    pauses = [patience.pause(2, jitter=jitter).total_seconds() for jitter in (0, 0.5, 1)]
    assert pauses == [25, 18.75, 12.5]
    assert patience.pause(90, jitter=0) == timedelta(minutes=1)


def test_what_is_refused_for_good_fails_at_once() -> None:
    claimed = a_delivery()
    assert settle(claimed, Refused(error="no such mailbox"), at=LATER, jitter=0) == replace(
        claimed, status=DeliveryStatus.FAILED, failed_at=LATER, error="no such mailbox"
    )


def test_what_there_is_nothing_of_to_send_is_dropped() -> None:
    claimed = a_delivery()
    assert settle(claimed, Dropped(why="moved on"), at=LATER, jitter=0) == replace(
        claimed, status=DeliveryStatus.DROPPED, error="moved on"
    )


def test_what_was_not_tried_does_not_count_as_tried() -> None:
    claimed = a_delivery(tries=4, error="busy")
    morning = NOW + timedelta(hours=9)
    assert settle(claimed, Postponed(until=morning), at=LATER, jitter=0) == replace(
        claimed, tries=3, due_at=morning
    )


@pytest.mark.parametrize("outcome", [Unavailable(error="x" * 9000), Refused(error="x" * 9000)])
def test_nobody_keeps_a_novel(outcome: Unavailable | Refused) -> None:
    settled = settle(a_delivery(), outcome, at=LATER, jitter=0)
    assert settled.error == "x" * 2000


def test_a_claim_holds_until_somebody_else_took_it_up_or_it_was_settled() -> None:
    claimed = a_delivery()
    assert claimed.is_held_as(claimed)
    taken = replace(claimed, tries=2, due_at=NOW + timedelta(seconds=120))
    assert not taken.is_held_as(claimed)
    # Tried again from the start by somebody's order, as often by now as before.
    assert not replace(claimed, due_at=NOW + timedelta(days=1)).is_held_as(claimed)
    assert not replace(claimed, tries=2).is_held_as(claimed)
    assert not replace(claimed, status=DeliveryStatus.SENT).is_held_as(claimed)


def test_a_delivery_whose_last_try_never_ended_is_spent() -> None:
    assert not a_delivery(tries=8).is_spent
    assert a_delivery(tries=9).is_spent
    assert not a_delivery(channel=Channel.SMS, tries=6).is_spent
    assert a_delivery(channel=Channel.SMS, tries=7).is_spent


def test_what_failed_can_be_tried_as_if_it_were_new() -> None:
    failed = a_delivery(
        status=DeliveryStatus.FAILED, tries=8, failed_at=NOW, error="no such mailbox"
    )
    assert again(failed, at=LATER) == replace(
        failed, status=DeliveryStatus.WAITING, tries=0, due_at=LATER, failed_at=None
    )


@pytest.mark.parametrize(
    "status", [DeliveryStatus.WAITING, DeliveryStatus.SENT, DeliveryStatus.DROPPED]
)
def test_what_did_not_fail_stays_as_it_is(status: DeliveryStatus) -> None:
    delivery = a_delivery(status=status)
    assert again(delivery, at=LATER) == delivery


LONDON_NIGHT = QuietHours(starts=time(22), ends=time(7))


def hindered(delivery: Delivery, at: datetime = NOW, **changes: Any) -> Outcome | None:
    """What keeps it from being tried, if it is of what one may unsubscribe from."""
    reach = a_reach(**changes)
    return hindrance(delivery, reach, unsubscribable=Category.SUGGESTIONS, at=at)


def test_a_mail_by_day_is_tried() -> None:
    assert hindered(a_delivery(), quiet=LONDON_NIGHT) is None
    assert hindered(a_delivery(), phone=None, has_device=False) is None


def test_what_comes_round_again_at_night_waits_for_the_morning_unless_it_is_urgent() -> None:
    late = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)
    morning = datetime(2026, 6, 2, 6, tzinfo=UTC)
    assert hindered(a_delivery(), late, quiet=LONDON_NIGHT) == Postponed(until=morning)
    assert hindered(a_delivery(urgent=True), late, quiet=LONDON_NIGHT) is None


def test_what_nobody_takes_any_more_is_dropped() -> None:
    sms, push = a_delivery(channel=Channel.SMS), a_delivery(channel=Channel.PUSH)
    nowhere = Dropped(why="There is nowhere to send it to any more.")
    assert hindered(sms, phone=None) == hindered(push, has_device=False) == nowhere


def test_who_has_unsubscribed_since_gets_no_more_of_it() -> None:
    suggestions = {(Category.SUGGESTIONS, Channel.EMAIL): False}
    unwanted = Dropped(why="Its recipient has chosen to hear no more of such things.")
    assert hindered(a_delivery(), choices=suggestions) == unwanted
    assert hindered(a_delivery(channel=Channel.SMS), choices=suggestions) is None
    money = {(Category.MONEY, Channel.EMAIL): False}
    assert hindered(a_delivery(), choices=money) is None
    reach = a_reach(choices=suggestions)
    assert hindrance(a_delivery(), reach, unsubscribable=None, at=NOW) is None


def test_what_ended_every_try_without_a_word_is_not_tried_again() -> None:
    spent = a_delivery(tries=9)
    outcome = hindered(spent)
    assert outcome == Unavailable(error="The last try ended without a word.")
    assert settle(spent, outcome, at=LATER, jitter=0).status is DeliveryStatus.FAILED
