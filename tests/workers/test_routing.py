"""Which job does an event call for?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.events import EventType, RecordedEvent
from domain.telling import TABLE, UNTOLD
from workers import routing
from workers.main import JOBS
from workers.queue import Call
from workers.routing import ROUTES, Route, calls

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOOKING, EVENT, PROVIDER = (UUID(int=n) for n in range(1, 4))


def an_event(type_: EventType) -> RecordedEvent:
    return RecordedEvent(
        id=EVENT, type=type_, subject={"booking": BOOKING, "dead_letter": BOOKING}, occurred_at=AT
    )


def untold(made: list[Call]) -> list[Call]:
    """The calls for something else than telling people."""
    return [call for call in made if call.job != "notify"]


@pytest.mark.parametrize(
    "type_",
    [
        EventType.BOOKING_REQUESTED,
        EventType.BOOKING_APPROVED,
        EventType.BOOKING_TERMS_ACCEPTED,
        EventType.BOOKING_RELEASED,
        EventType.BOOKING_RESCHEDULED,
        EventType.OFFER_REJECTED,
    ],
)
def test_what_opens_a_place_in_line_advances_the_matching_of_its_booking(
    type_: EventType,
) -> None:
    matching = Call(
        job="advance_matching",
        arguments=(str(BOOKING),),
        queue="critical",
        key=f"{EVENT}:advance_matching",
    )
    assert untold(calls(an_event(type_))) == [matching]


def test_an_event_without_a_line_calls_for_nothing() -> None:
    assert calls(an_event(EventType.BOOKING_STARTED)) == []


@pytest.mark.parametrize(
    "type_",
    [
        EventType.BOOKING_CANCELLED,
        EventType.BOOKING_DECLINED,
        EventType.BOOKING_RELEASED,
        EventType.BOOKING_RESCHEDULED,
        EventType.BOOKING_NO_SHOW,
        EventType.SLOT_FREED,
        EventType.PROVIDER_AVAILABILITY_CHANGED,
    ],
)
def test_what_frees_a_providers_time_is_passed_on_to_those_who_wait(type_: EventType) -> None:
    event = RecordedEvent(id=EVENT, type=type_, subject={"provider": PROVIDER}, occurred_at=AT)

    passing_on = Call(
        job="grant_waitlist",
        arguments=(str(PROVIDER),),
        queue="critical",
        key=f"{EVENT}:grant_waitlist",
    )
    assert untold(calls(event)) == [passing_on]


def test_a_slot_is_looked_for_at_once_for_who_joins_the_waitlist() -> None:
    entry = UUID(int=4)
    event = RecordedEvent(
        id=EVENT,
        type=EventType.WAITLIST_JOINED,
        subject={"waitlist_entry": entry, "customer": PROVIDER},
        occurred_at=AT,
    )

    assert calls(event) == [
        Call(
            job="look_for_slot",
            arguments=(str(entry),),
            queue="critical",
            key=f"{EVENT}:look_for_slot",
        )
    ]


def test_what_frees_nobodys_time_is_passed_on_to_nobody() -> None:
    made = calls(an_event(EventType.BOOKING_CANCELLED))

    assert "grant_waitlist" not in {call.job for call in made}


@pytest.mark.parametrize("type_", sorted(TABLE))
def test_what_people_are_told_of_is_told_by_one_job_about_the_event(type_: EventType) -> None:
    [telling] = [call for call in calls(an_event(type_)) if call.job == "notify"]

    assert telling == Call(
        job="notify", arguments=(str(EVENT),), queue="slow", key=f"{EVENT}:notify"
    )


@pytest.mark.parametrize("type_", sorted(UNTOLD))
def test_what_nobody_is_told_of_is_told_by_none(type_: EventType) -> None:
    assert untold(calls(an_event(type_))) == calls(an_event(type_))


def test_a_deferred_route_counts_from_when_the_event_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = Route(job="remind", about="booking", queue="slow", after=timedelta(minutes=2))
    monkeypatch.setattr(routing, "ROUTES", {EventType.BOOKING_ASSIGNED: (later,)})

    [call] = calls(an_event(EventType.BOOKING_ASSIGNED))

    assert call.at == AT + timedelta(minutes=2)


def test_every_route_leads_to_a_job_that_the_workers_of_its_queue_know() -> None:
    known = {(queue, job.name) for queue, jobs in JOBS.items() for job in jobs}
    assert {(r.queue, r.job) for routes in ROUTES.values() for r in routes} <= known
