"""Which job does an event call for?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.events import EventType, RecordedEvent
from workers import routing
from workers.main import JOBS
from workers.queue import Call
from workers.routing import ROUTES, Route, calls

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOOKING, EVENT = UUID(int=1), UUID(int=2)


def an_event(type_: EventType) -> RecordedEvent:
    return RecordedEvent(
        id=EVENT, type=type_, subject={"booking": BOOKING, "dead_letter": BOOKING}, occurred_at=AT
    )


@pytest.mark.parametrize(
    "type_",
    [EventType.BOOKING_REQUESTED, EventType.BOOKING_APPROVED, EventType.OFFER_REJECTED],
)
def test_what_opens_a_place_in_line_advances_the_matching_of_its_booking(
    type_: EventType,
) -> None:
    assert calls(an_event(type_)) == [
        Call(
            job="advance_matching",
            arguments=(str(BOOKING),),
            queue="critical",
            key=f"{EVENT}:advance_matching",
        )
    ]


def test_an_event_without_a_line_calls_for_nothing() -> None:
    assert calls(an_event(EventType.BOOKING_CANCELLED)) == []


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
