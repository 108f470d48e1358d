"""Is a delay noted and told, and what it puts in danger found?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from db import bookings, lateness
from db.tables import bookings as bookings_table
from db.tables import events, history
from domain.events import EventType
from domain.history import Source
from domain.refusals import NotFound, TooEarly
from tests import invariants
from tests.db.racing import act, race
from tests.db.saying import booked
from tests.factories import (
    add_customer,
    add_dispatcher,
    add_provider,
    add_service,
    count_rows,
    now,
    read_booking,
    read_events,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TRACES = (bookings_table, events, history)


@pytest.fixture
async def provider(crowd: Database) -> Viewer:
    return await add_provider(crowd, await add_service(crowd))


def telling(booking: Booking, by: Viewer, **changes: Any) -> Any:
    facts: dict[str, Any] = {"booking_id": booking.id, "by": by, "minutes": 20, "reason": "Rain"}
    return partial(lateness.report, **facts | changes)


async def test_it_is_kept_told_and_written_into_the_history(
    crowd: Database, provider: Viewer
) -> None:
    booking = await booked(crowd, provider, await now(crowd) + HOUR)
    staff, before = await add_dispatcher(crowd), len(await read_events(crowd))

    late, endangered = await act(crowd, telling(booking, provider))
    later, _ = await act(crowd, telling(booking, staff, minutes=45, reason=""))

    assert endangered == ()
    assert (late.late_minutes, late.late_reason) == (20, "Rain")
    assert await read_booking(crowd, booking.id) == later
    assert (later.late_minutes, later.late_reason, later.version) == (45, "", 3)
    assert await read_events(crowd, after=before) == [EventType.BOOKING_RUNNING_LATE] * 2
    async with crowd.read() as connection:
        lines = (await bookings.histories(connection, [booking.id]))[booking.id]
    assert [(one.act, one.source, one.reason) for one in lines[1:]] == [
        ("REPORT_LATE", Source.PROVIDER, "20 min: Rain"),
        ("REPORT_LATE", Source.STAFF, "45 min"),
    ]
    await invariants.check(crowd)


async def test_the_same_again_leaves_no_trace(crowd: Database, provider: Viewer) -> None:
    booking = await booked(crowd, provider, await now(crowd) + HOUR)
    late, _ = await act(crowd, telling(booking, provider))
    before = await count_rows(crowd, *TRACES)

    assert await race(crowd, [telling(booking, provider)] * 4) == [(late, ())] * 4

    assert await count_rows(crowd, *TRACES) == before
    assert await read_booking(crowd, booking.id) == late


async def test_a_refused_report_leaves_no_trace(crowd: Database, provider: Viewer) -> None:
    early = await booked(crowd, provider, await now(crowd) + 7 * HOUR)
    before = await count_rows(crowd, *TRACES)
    with pytest.raises(TooEarly):
        await act(crowd, telling(early, provider))
    strangers = [await add_customer(crowd), await add_provider(crowd, await add_service(crowd))]
    for stranger in strangers:
        with pytest.raises(NotFound):
            await act(crowd, telling(early, stranger))
    assert await count_rows(crowd, *TRACES) == before


async def test_the_providers_own_later_work_that_comes_too_near_is_found(
    crowd: Database, provider: Viewer
) -> None:
    start = await now(crowd) + HOUR
    other = await add_provider(crowd, await add_service(crowd))
    first = await booked(crowd, provider, start)
    next_one = await booked(crowd, provider, start + 2 * HOUR + 15 * MINUTE)
    after = await booked(crowd, provider, start + 5 * HOUR)
    await booked(crowd, other, start + 2 * HOUR + 15 * MINUTE)

    _, none = await act(crowd, telling(next_one, provider, minutes=1))
    _, one = await act(crowd, telling(first, provider, minutes=1))
    _, both = await act(crowd, telling(first, provider, minutes=240))

    assert none == ()
    assert [booking.id for booking in one] == [next_one.id]
    assert [booking.id for booking in both] == [next_one.id, after.id]
    # A warning only: they stay as they are.
    assert (await read_booking(crowd, after.id)) == after


async def test_reports_at_once_come_one_after_another(crowd: Database, provider: Viewer) -> None:
    booking = await booked(crowd, provider, await now(crowd) + HOUR)

    outcomes = await race(
        crowd, [telling(booking, provider, minutes=minutes) for minutes in range(10, 18)]
    )

    versions = sorted(late.version for late, _ in outcomes)
    assert versions == list(range(2, 10))
    (last,) = (late for late, _ in outcomes if late.version == 9)
    assert await read_booking(crowd, booking.id) == last
    await invariants.check(crowd)
