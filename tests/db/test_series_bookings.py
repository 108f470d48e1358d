"""Are a series' bookings made sixty days ahead, each once, whatever happens meanwhile?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from db import series as db_series
from db import series_bookings, sweeps
from db.ids import new_id
from db.tables import bookings, events, series, series_occurrences, services, users
from domain import idempotency
from domain.booking_rules import BookingRule, RulesBroken
from domain.events import EventType
from domain.occurrences import (
    OccurrenceConflictCode,
    OccurrenceOutcome,
    OccurrenceState,
    SeriesConflicts,
)
from domain.refusals import InvalidInput, NotFound
from domain.requests import ServiceInactive
from domain.series import SeriesPlace
from gateways.recurrence import expand
from tests.db.racing import race
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    count_rows,
    live_reservations,
    read_events,
)
from tests.series import DAY, FIRST, NOW, WEEK, Diary, diary, held_clock, wall

__all__ = ["diary", "held_clock"]


async def test_nine_stays_nine_across_the_change_of_clocks(diary: Diary) -> None:
    made, report = await diary.create()

    # London puts its clocks forward on 29 March; sixty days end on 24 April.
    assert await diary.starts(made) == [
        "03-02 09:00",
        "03-09 09:00",
        "03-16 09:00",
        "03-23 09:00",
        "03-30 08:00",
        "04-06 08:00",
        "04-13 08:00",
        "04-20 08:00",
    ]
    assert [line.original_start for line in report] == [FIRST + n * WEEK for n in range(8)]
    assert {line.outcome for line in report} == {OccurrenceOutcome.BOOKED}
    stored = await diary.bookings(made)
    assert [one.series for one in stored] == [
        SeriesPlace(series_id=made.id, original_start=FIRST + n * WEEK) for n in range(8)
    ]
    assert all(line.booking == one for line, one in zip(report, stored, strict=True))
    for one in stored:
        assert await live_reservations(diary.database, one.id) == [diary.provider.user_id]


async def test_a_series_knows_how_far_it_is_and_when_to_go_on(diary: Diary) -> None:
    made, _ = await diary.create()

    assert await diary.read(made) == made
    assert made.done_until == wall("04-20 09:00")
    # Sixty days before 27 April 09:00 BST.
    assert f"{made.next_due_at:%m-%d %H:%M}" == "02-26 08:00"
    assert (await read_events(diary.database))[-1] is EventType.SERIES_CREATED
    assert {o.state for o in (await diary.seen(made)).values()} == {OccurrenceState.BOOKED}


async def test_one_clash_refuses_all_with_a_line_for_each(diary: Diary) -> None:
    taken = await add_booking(
        diary.database,
        await add_customer(diary.database),
        diary.service,
        starts_at=NOW + timedelta(days=20, hours=-4),
        provider_id=diary.provider.user_id,
        assigned_at=NOW,
        match_due_at=None,
    )
    assert taken.starts_at.isoformat() == "2026-03-15T08:00:00+00:00"
    tables = (bookings, series, series_occurrences, events)
    before = await count_rows(diary.database, *tables)

    with pytest.raises(SeriesConflicts) as refused:
        await diary.create(rule="FREQ=DAILY;COUNT=24")

    report = refused.value.report
    assert len(report) == 24
    (clash,) = [line for line in report if line.conflict]
    assert clash.original_start == wall("03-15 09:00")
    assert clash.conflict is not None
    assert clash.conflict.code is OccurrenceConflictCode.SLOT_TAKEN
    assert clash.conflict.alternatives[0].isoformat() == "2026-03-15T10:15:00+00:00"
    assert {line.outcome for line in report if line is not clash} == {OccurrenceOutcome.BOOKED}
    assert not any(line.booking for line in report)
    assert await count_rows(diary.database, *tables) == before


async def test_what_can_be_made_is_made_where_the_order_allows_for_it(diary: Diary) -> None:
    await diary.create(first_local_start=wall("03-09 08:00"), rule="FREQ=WEEKLY;COUNT=1")

    made, report = await diary.create(rule="FREQ=WEEKLY;COUNT=3", allow_partial=True)

    assert [line.outcome for line in report] == [
        OccurrenceOutcome.BOOKED,
        OccurrenceOutcome.CONFLICT,
        OccurrenceOutcome.BOOKED,
    ]
    assert await diary.starts(made) == ["03-02 09:00", "03-16 09:00"]
    seen = (await diary.seen(made))[wall("03-09 09:00")]
    assert (seen.state, seen.booking_id) == (OccurrenceState.CONFLICT, None)
    assert seen.conflict == report[1].conflict
    assert made.next_due_at is None


async def test_a_night_without_the_time_is_reported_and_never_moved(diary: Diary) -> None:
    made, report = await diary.create(
        first_local_start=wall("03-28 01:30"), rule="FREQ=DAILY;COUNT=3", allow_partial=True
    )

    odd = report[1]
    assert odd.original_start == wall("03-29 01:30")
    assert odd.starts_at is None
    assert odd.conflict is not None
    (broken,) = odd.conflict.broken
    assert broken.rule is BookingRule.NONEXISTENT_LOCAL_TIME
    assert f"{broken.earliest:%H:%M}" == "01:00"
    assert await diary.starts(made) == ["03-28 01:30", "03-30 00:30"]
    assert (await diary.seen(made))[wall("03-29 01:30")].conflict == odd.conflict


async def test_a_time_that_comes_twice_means_its_first_coming(diary: Diary) -> None:
    diary.clock.at = NOW + timedelta(days=240)  # 21 October; clocks are put back on the 25th

    made, _ = await diary.create(first_local_start=wall("10-25 01:30"), rule="FREQ=WEEKLY;COUNT=1")

    assert await diary.starts(made) == ["10-25 00:30"]


async def test_what_the_service_does_not_book_yet_is_later_and_no_conflict(diary: Diary) -> None:
    rules = {"advance_days": 10}
    async with diary.database.begin() as tx:
        await tx.execute(update(services).values(rules=rules))

    made, report = await diary.create()
    assert [line.original_start for line in report] == [FIRST]
    assert made.next_due_at == NOW + DAY
    diary.clock.at = NOW + WEEK
    await diary.extend(made)

    assert await diary.starts(made) == ["03-02 09:00", "03-09 09:00"]
    assert OccurrenceState.CONFLICT not in {o.state for o in (await diary.seen(made)).values()}


async def test_the_job_goes_on_where_the_last_one_stopped(diary: Diary) -> None:
    made, _ = await diary.create()
    assert made.next_due_at is not None

    diary.clock.at = made.next_due_at - timedelta(seconds=1)
    assert await diary.extend(made) == made.next_due_at
    assert len(await diary.starts(made)) == 8

    diary.clock.at = made.next_due_at
    again_at = await diary.extend(made)
    assert (await diary.starts(made))[8:] == ["04-27 08:00"]
    assert again_at == made.next_due_at + WEEK
    assert (await diary.read(made)).next_due_at == again_at


async def test_the_job_done_twice_makes_nothing_twice(diary: Diary) -> None:
    made, _ = await diary.create()
    diary.clock.at = NOW + timedelta(days=30)

    first = await diary.extend(made)
    after_one = await count_rows(diary.database, bookings, series_occurrences, events)
    second = await diary.extend(made)

    assert first == second
    assert await count_rows(diary.database, bookings, series_occurrences, events) == after_one
    assert len(await diary.starts(made)) == 12


async def test_the_job_done_by_many_at_once_makes_nothing_twice(diary: Diary) -> None:
    made, _ = await diary.create()
    diary.clock.at = NOW + timedelta(days=30)

    ends = await race(
        diary.database,
        [lambda tx: series_bookings.extend(tx, made.id, expand=expand)] * 8,
    )

    assert len(set(ends)) == 1
    assert len(await diary.starts(made)) == len(set(await diary.starts(made))) == 12
    assert len(await diary.seen(made)) == 12


async def test_a_long_absence_is_caught_up(diary: Diary) -> None:
    made, _ = await diary.create(rule="FREQ=DAILY", asked=diary.request())
    assert len(await diary.starts(made)) == 54
    diary.clock.at = NOW + timedelta(days=50)

    again_at = await diary.extend(made)

    assert len(await diary.starts(made)) == 104
    assert again_at is not None
    assert again_at > diary.clock.at


async def test_what_passed_during_an_absence_is_kept_as_a_conflict(diary: Diary) -> None:
    made, _ = await diary.create()
    diary.clock.at = NOW + timedelta(days=70)

    await diary.extend(made)

    late = (await diary.seen(made))[wall("04-27 09:00")]
    assert late.conflict is not None
    assert [one.rule for one in late.conflict.broken] == [BookingRule.PAST]
    assert (await diary.starts(made))[8:11] == ["05-11 08:00", "05-18 08:00", "05-25 08:00"]


async def test_more_than_a_hundred_are_caught_up_in_several_goes(diary: Diary) -> None:
    made, _ = await diary.create(rule="FREQ=DAILY")
    diary.clock.at = NOW + timedelta(days=110)

    due_again = await diary.extend(made)
    assert due_again is not None
    assert due_again <= diary.clock.at
    assert len(await diary.seen(made)) == 154
    due_again = await diary.extend(made)
    assert due_again is not None
    assert due_again > diary.clock.at

    assert len(await diary.seen(made)) == 164


async def test_a_conflict_of_the_job_is_kept_told_and_stops_nothing(diary: Diary) -> None:
    made, _ = await diary.create()
    await add_booking(
        diary.database,
        await add_customer(diary.database),
        diary.service,
        starts_at=NOW + timedelta(days=63, hours=-3),  # 27 April, 10:00 in London
        provider_id=diary.provider.user_id,
        assigned_at=NOW,
        match_due_at=None,
    )
    told = len(await read_events(diary.database))
    diary.clock.at = NOW + timedelta(days=11)

    await diary.extend(made)

    seen = await diary.seen(made)
    clash = seen[wall("04-27 09:00")]
    assert clash.state is OccurrenceState.CONFLICT
    assert clash.conflict is not None
    assert clash.conflict.code is OccurrenceConflictCode.SLOT_TAKEN
    assert seen[wall("05-04 09:00")].state is OccurrenceState.BOOKED
    assert await read_events(diary.database, after=told) == [
        EventType.BOOKING_REQUESTED,
        EventType.BOOKING_ASSIGNED,
        EventType.SERIES_OCCURRENCE_CONFLICT,
    ]
    query = select(events.c.subject).where(events.c.type == EventType.SERIES_OCCURRENCE_CONFLICT)
    async with diary.database.read() as connection:
        subjects = list(await connection.scalars(query))
    assert subjects == [{"series": str(made.id), "customer": str(diary.customer.user_id)}]


async def test_a_service_that_is_given_up_is_a_conflict_and_no_fault(diary: Diary) -> None:
    made, _ = await diary.create()
    async with diary.database.begin() as tx:
        await tx.execute(update(services).values(active=False))
    diary.clock.at = NOW + timedelta(days=4)

    await diary.extend(made)

    last = (await diary.seen(made))[wall("04-27 09:00")]
    assert last.conflict is not None
    assert last.conflict.code is OccurrenceConflictCode.SERVICE_INACTIVE
    with pytest.raises(ServiceInactive):
        await diary.create()


async def test_nothing_is_booked_for_a_closed_account(diary: Diary) -> None:
    made, _ = await diary.create()
    diary.clock.at = NOW + timedelta(days=4)
    closing = update(users).where(users.c.id == diary.customer.user_id)
    async with diary.database.begin() as tx:
        await tx.execute(closing.values(disabled_at=NOW))

    assert await diary.extend(made) == diary.clock.at + DAY
    assert len(await diary.seen(made)) == 8

    async with diary.database.begin() as tx:
        await tx.execute(closing.values(disabled_at=None))
    diary.clock.at += DAY
    await diary.extend(made)
    assert len(await diary.seen(made)) == 9


async def test_an_occurrence_cannot_be_kept_twice(diary: Diary) -> None:
    made, _ = await diary.create()
    row = {"series_id": made.id, "original_start": FIRST, "state": "SKIPPED", "noted_at": NOW}

    with pytest.raises(Exception, match="pk_series_occurrences"):
        async with diary.database.begin() as tx:
            await tx.execute(insert(series_occurrences), row)


async def test_the_same_key_answers_with_the_same_series_and_report(diary: Diary) -> None:
    key = idempotency.key("createBookingSeries", "k", "body")
    made, report = await diary.create(key=key, rule="FREQ=WEEKLY;COUNT=3")
    diary.clock.at = NOW + DAY

    assert await diary.create(key=key, rule="FREQ=WEEKLY;COUNT=3") == (made, report)
    assert len(await diary.bookings()) == 3
    with pytest.raises(idempotency.IdempotencyKeyReused):
        await diary.create(key=idempotency.key("createBookingSeries", "k", "other"))


async def test_a_series_does_not_count_among_a_customers_bookings_but_among_their_series(
    diary: Diary,
) -> None:
    for n in range(10):
        await diary.create(
            first_local_start=wall("03-02 00:00") + n * timedelta(minutes=135),
            rule="FREQ=WEEKLY;COUNT=1",
        )

    with pytest.raises(RulesBroken, match="10 series going on; 10 is the most") as refused:
        await diary.create(first_local_start=wall("03-03 09:00"))
    assert [one.rule for one in refused.value.broken] == [BookingRule.CUSTOMER_LIMIT]

    # The house may go on, and what is over counts no more.
    staff = await add_dispatcher(diary.database)
    await diary.create(by=staff, first_local_start=wall("03-03 09:00"))
    async with diary.database.read() as connection:
        assert await db_series.going_on(connection, diary.customer.user_id) == 11


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"first_local_start": wall("02-23 11:00")}, ["firstLocalStart"]),
        ({"rule": "FREQ=WEEKLY;BYDAY=TU"}, ["rrule"]),
        ({"rule": "FREQ=WEEKLY;BYMONTH=2"}, ["rrule"]),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_without_a_trace(
    diary: Diary, changes: dict[str, Any], paths: list[str]
) -> None:
    before = await count_rows(diary.database, series, bookings)

    with pytest.raises(InvalidInput) as refused:
        await diary.create(**changes)

    assert [error.path[0] for error in refused.value.errors] == paths
    assert await count_rows(diary.database, series, bookings) == before


async def test_what_is_wrong_with_the_visit_itself_is_no_conflict(diary: Diary) -> None:
    with pytest.raises(InvalidInput) as refused:
        await diary.create(asked=diary.request(concern="x" * 2001), allow_partial=True)
    assert [error.path for error in refused.value.errors] == [("concern",)]

    with pytest.raises(NotFound):
        await diary.create(asked=diary.request(provider_id=new_id()), allow_partial=True)


async def test_nobody_orders_for_somebody_else_but_staff(diary: Diary) -> None:
    stranger = await add_customer(diary.database)

    with pytest.raises(NotFound):
        await diary.create(by=stranger)
    assert await count_rows(diary.database, series) == (0,)

    made, _ = await diary.create(by=await add_dispatcher(diary.database))
    assert made.customer_id == diary.customer.user_id


async def test_an_unknown_series_cannot_be_extended(diary: Diary) -> None:
    async with diary.database.begin() as tx:
        with pytest.raises(NotFound):
            await series_bookings.extend(tx, new_id(), expand=expand)


async def test_the_sweep_finds_what_is_due_and_no_more(diary: Diary) -> None:
    due, _ = await diary.create()
    ended, _ = await diary.create(first_local_start=wall("03-03 09:00"))
    later, _ = await diary.create(first_local_start=wall("03-04 09:00"))
    await diary.end(ended)
    # The sweep asks the database itself, whose clock is that of this machine.
    real = select(func.clock_timestamp())
    async with diary.database.begin() as tx:
        now = await tx.scalar(real)
        assert now is not None
        for one, at in ((due, now - DAY), (later, now + DAY)):
            await tx.execute(update(series).where(series.c.id == one.id).values(next_due_at=at))

    async with diary.database.begin() as tx:
        assert await sweeps.series_due(tx, limit=10) == [(due.id, now - DAY)]
