"""Does a change of a series reach what it is about, and nothing else?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from db import cancellations, moves
from db.ids import new_id
from db.tables import bookings, events, history, series, series_occurrences
from domain.booking_rules import BookingRule
from domain.booking_steps import BookingStatus
from domain.bookings import Booking
from domain.cancellations import FeeChanged
from domain.events import EventType
from domain.lifecycle import Details
from domain.occurrences import (
    OccurrenceConflictCode,
    OccurrenceOutcome,
    OccurrenceState,
    SeriesConflicts,
)
from domain.recurrence import parse
from domain.refusals import InvalidInput, NotFound, VersionConflict
from domain.series import AlreadySkipped, NotSkipped, SeriesEnded, SeriesPlace
from domain.series_changes import SeriesScope
from tests.factories import (
    add_booking,
    add_customer,
    add_provider,
    add_service,
    count_rows,
    live_reservations,
    read_events,
)
from tests.series import DAY, FIRST, NOW, WEEK, Diary, diary, held_clock, wall

__all__ = ["diary", "held_clock"]

HOUR = timedelta(hours=1)
THIS, FOLLOWING, ALL = SeriesScope.THIS, SeriesScope.THIS_AND_FOLLOWING, SeriesScope.ALL
SECOND, THIRD = FIRST + WEEK, FIRST + 2 * WEEK
WEEKS = ["03-02 09:00", "03-09 09:00", "03-16 09:00", "03-23 09:00", "03-30 08:00"]
FIVE = "FREQ=WEEKLY;COUNT=5"
TABLES = (bookings, history, series, series_occurrences, events)


async def somebody_elses(diary: Diary, **changes: Any) -> Booking:
    """Other work of the same provider."""
    facts = {"provider_id": diary.provider.user_id, "assigned_at": NOW, "match_due_at": None}
    customer = await add_customer(diary.database)
    return await add_booking(diary.database, customer, diary.service, **facts | changes)


async def move(diary: Diary, booking: Booking, by: timedelta) -> Booking:
    """Move a booking by itself, as its customer."""
    async with diary.database.begin() as tx:
        return await moves.reschedule(
            tx, booking_id=booking.id, by=diary.customer, starts_at=booking.starts_at + by
        )


async def test_moving_one_neither_drags_the_others_nor_makes_a_twin(diary: Diary) -> None:
    made, _ = await diary.create()

    after, (line,) = await diary.change(
        made, scope=THIS, original_start=SECOND, new_start=wall("03-10 14:00")
    )

    assert (line.original_start, line.outcome) == (SECOND, OccurrenceOutcome.MOVED)
    assert line.booking is not None
    assert line.booking.series == SeriesPlace(series_id=made.id, original_start=SECOND)
    assert (after.id, after.version) == (made.id, 2)
    moved = [WEEKS[0], "03-10 14:00", *WEEKS[2:]]
    assert (await diary.starts(made))[:5] == moved
    diary.clock.at = NOW + timedelta(days=30)
    await diary.extend(made)
    assert (await diary.starts(made))[:5] == moved
    assert len(await diary.starts(made)) == len(await diary.seen(made)) == 12


async def test_one_booking_is_moved_by_its_own_mutation_too(diary: Diary) -> None:
    made, report = await diary.create()
    second = report[1].booking
    assert second is not None

    await move(diary, second, DAY)
    diary.clock.at = NOW + timedelta(days=30)
    await diary.extend(made)

    assert (await diary.starts(made))[:3] == ["03-02 09:00", "03-10 09:00", "03-16 09:00"]
    assert len(await diary.seen(made)) == 12


async def test_one_that_is_not_booked_yet_is_booked_ahead_and_only_once(diary: Diary) -> None:
    made, _ = await diary.create()

    _, (line,) = await diary.change(
        made, scope=THIS, original_start=wall("05-04 09:00"), new_start=wall("05-05 10:00")
    )

    assert line.outcome is OccurrenceOutcome.BOOKED
    diary.clock.at = NOW + timedelta(days=30)
    await diary.extend(made)
    assert (await diary.starts(made))[7:] == [
        "04-20 08:00",
        "04-27 08:00",
        "05-05 09:00",
        "05-11 08:00",
        "05-18 08:00",
    ]


async def test_a_conflict_is_mended_by_another_time(diary: Diary) -> None:
    await somebody_elses(diary, starts_at=NOW + timedelta(days=14, hours=-3))
    made, report = await diary.create(rule=FIVE, allow_partial=True)
    assert report[1].conflict is not None

    _, (line,) = await diary.change(
        made, scope=THIS, original_start=SECOND, new_start=wall("03-09 12:00")
    )

    assert line.outcome is OccurrenceOutcome.BOOKED
    assert await diary.starts(made) == [WEEKS[0], "03-09 12:00", *WEEKS[2:]]
    seen = (await diary.seen(made))[SECOND]
    assert (seen.state, seen.conflict) == (OccurrenceState.BOOKED, None)


async def test_one_that_cannot_go_there_stays_and_nothing_is_written(diary: Diary) -> None:
    await somebody_elses(diary, starts_at=NOW + timedelta(days=15))
    made, _ = await diary.create(rule=FIVE)
    before = await count_rows(diary.database, *TABLES)

    for partial in (False, True):
        with pytest.raises(SeriesConflicts) as refused:
            await diary.change(
                made,
                scope=THIS,
                original_start=SECOND,
                new_start=wall("03-10 12:00"),
                allow_partial=partial,
            )

        (line,) = refused.value.report
        assert line.conflict is not None
        assert line.conflict.code is OccurrenceConflictCode.SLOT_TAKEN
    assert await count_rows(diary.database, *TABLES) == before
    assert await diary.starts(made) == WEEKS
    assert await diary.read(made) == made


async def test_what_follows_goes_on_as_a_series_of_its_own(diary: Diary) -> None:
    made, _ = await diary.create()
    told = len(await read_events(diary.database))

    tail, report = await diary.change(
        made, scope=FOLLOWING, original_start=THIRD, new_start=THIRD + HOUR
    )

    assert [line.outcome for line in report] == [OccurrenceOutcome.MOVED] * 6
    assert await diary.starts(made) == ["03-02 09:00", "03-09 09:00"]
    assert (await diary.starts(tail))[:3] == ["03-16 10:00", "03-23 10:00", "03-30 09:00"]
    assert tail.follows_id == made.id
    assert (tail.first_local_start, tail.version) == (THIRD + HOUR, 1)
    head = await diary.read(made)
    assert head.rrule == "FREQ=WEEKLY;UNTIL=20260316T085959"
    assert (head.version, head.next_due_at) == (2, None)
    assert list(await diary.seen(made)) == [FIRST, SECOND]
    assert next(iter(await diary.seen(tail))) == THIRD + HOUR
    happened = await read_events(diary.database, after=told)
    assert happened[-2:] == [EventType.SERIES_CHANGED, EventType.SERIES_CREATED]

    diary.clock.at = NOW + timedelta(days=30)
    await diary.extend(made)
    await diary.extend(tail)
    assert len(await diary.starts(made)) == 2
    assert len(await diary.starts(tail)) == len(await diary.seen(tail)) == 10
    assert len(await diary.bookings()) == 12


async def test_a_counted_series_is_cut_without_losing_or_gaining_one(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)

    tail, _ = await diary.change(made, scope=FOLLOWING, original_start=THIRD, new_start=THIRD + DAY)

    assert ((await diary.read(made)).rrule, tail.rrule) == (
        "FREQ=WEEKLY;COUNT=2",
        "FREQ=WEEKLY;COUNT=3",
    )
    assert await diary.starts(tail) == ["03-17 09:00", "03-24 09:00", "03-31 08:00"]


async def test_this_and_following_from_the_first_is_all_of_it(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)

    after, _ = await diary.change(
        made, scope=FOLLOWING, original_start=FIRST, new_start=FIRST + HOUR
    )

    assert (after.id, after.version, after.follows_id) == (made.id, 2, None)
    assert (await diary.starts(made))[0] == "03-02 10:00"
    assert await count_rows(diary.database, series) == (1,)


async def test_all_that_is_to_come_changes_and_what_was_done_does_not(diary: Diary) -> None:
    made, _ = await diary.create(rule="FREQ=WEEKLY;COUNT=10")
    diary.clock.at = NOW + timedelta(days=10)  # the first is over

    after, report = await diary.change(
        made, scope=ALL, original_start=THIRD, new_start=THIRD + HOUR, expected_version=1
    )

    assert (after.id, after.version) == (made.id, 2)
    assert after.first_local_start == FIRST + HOUR
    assert [line.original_start for line in report][:2] == [SECOND + HOUR, THIRD + HOUR]
    assert (await diary.starts(made))[:3] == ["03-02 09:00", "03-09 10:00", "03-16 10:00"]
    assert list(await diary.seen(made))[:3] == [FIRST, SECOND + HOUR, THIRD + HOUR]
    diary.clock.at = NOW + timedelta(days=30)
    await diary.extend(made)
    assert len(await diary.starts(made)) == len(await diary.seen(made)) == 10


async def test_one_that_was_moved_by_itself_stays_when_all_move(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)
    await diary.change(made, scope=THIS, original_start=SECOND, new_start=wall("03-12 15:00"))

    _, report = await diary.change(made, scope=ALL, original_start=FIRST, new_start=FIRST + HOUR)

    assert [line.outcome for line in report] == [
        OccurrenceOutcome.MOVED,
        OccurrenceOutcome.KEPT,
        *[OccurrenceOutcome.MOVED] * 3,
    ]
    assert await diary.starts(made) == [
        "03-02 10:00",
        "03-12 15:00",
        "03-16 10:00",
        "03-23 10:00",
        "03-30 09:00",
    ]
    # It is the same occurrence still: none comes in its place.
    assert list(await diary.seen(made))[1] == SECOND + HOUR
    assert len(await diary.bookings()) == 5


async def test_days_can_move_onto_each_other(diary: Diary) -> None:
    made, _ = await diary.create(rule="FREQ=DAILY;COUNT=4")

    for there in (FIRST + DAY, FIRST):
        start = (await diary.read(made)).first_local_start
        _, report = await diary.change(made, scope=ALL, original_start=start, new_start=there)
        assert {line.outcome for line in report} == {OccurrenceOutcome.MOVED}

    assert await diary.starts(made) == ["03-02 09:00", "03-03 09:00", "03-04 09:00", "03-05 09:00"]


async def test_a_new_rule_calls_off_what_it_lacks_and_books_what_it_adds(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)

    after, report = await diary.change(
        made, scope=ALL, rule=parse("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=5")
    )

    assert [(f"{line.original_start:%m-%d}", line.outcome.value) for line in report] == [
        ("03-02", "KEPT"),
        ("03-04", "BOOKED"),
        ("03-09", "CALLED_OFF"),
        ("03-16", "KEPT"),
        ("03-18", "BOOKED"),
        ("03-23", "CALLED_OFF"),
        ("03-30", "KEPT"),
    ]
    assert await diary.starts(made) == [
        "03-02 09:00",
        "03-04 09:00",
        "03-16 09:00",
        "03-18 09:00",
        "03-30 08:00",
    ]
    called_off = [one for one in await diary.bookings() if one.is_final]
    assert [one.series for one in called_off] == [None, None]
    assert [one.cancel_reason for one in called_off] == ["The series no longer has this visit."] * 2
    assert after.next_due_at is None


async def test_a_clash_refuses_the_whole_change_and_leaves_no_trace(diary: Diary) -> None:
    await somebody_elses(diary, starts_at=NOW + timedelta(days=21))
    made, _ = await diary.create(rule=FIVE)
    before = await count_rows(diary.database, *TABLES)
    seen = await diary.seen(made)
    change: dict[str, Any] = {"original_start": FIRST, "new_start": FIRST + 2 * HOUR}

    for scope in (ALL, FOLLOWING):
        with pytest.raises(SeriesConflicts) as refused:
            await diary.change(made, scope=scope, **change)
        assert [line.outcome.value for line in refused.value.report] == [
            "MOVED",
            "MOVED",
            "CONFLICT",
            "MOVED",
            "MOVED",
        ]
    assert await count_rows(diary.database, *TABLES) == before
    assert (await diary.starts(made), await diary.seen(made)) == (WEEKS, seen)

    await diary.change(made, scope=ALL, allow_partial=True, **change)
    assert await diary.starts(made) == [
        "03-02 11:00",
        "03-09 11:00",
        "03-16 09:00",
        "03-23 11:00",
        "03-30 10:00",
    ]
    assert len(await diary.seen(made)) == 5


async def test_another_provider_takes_over_what_is_to_come(diary: Diary) -> None:
    other = await add_provider(diary.database, diary.service)
    made, _ = await diary.create()

    tail, report = await diary.change(
        made, scope=FOLLOWING, original_start=SECOND, provider_id=other.user_id
    )
    diary.clock.at = NOW + timedelta(days=10)
    await diary.extend(tail)

    assert {line.outcome for line in report} == {OccurrenceOutcome.CHANGED}
    whose = [one.provider_id for one in await diary.bookings()]
    assert whose == [diary.provider.user_id, *[other.user_id] * 9]
    second = (await diary.bookings(tail))[0]
    assert await live_reservations(diary.database, second.id) == [other.user_id]


async def test_details_reach_what_is_booked_and_what_will_be(diary: Diary) -> None:
    made, _ = await diary.create(asked=diary.request(concern="Dust"))

    await diary.change(made, scope=ALL, details=Details(special_requirements="Cat"))
    diary.clock.at = NOW + timedelta(days=10)
    await diary.extend(made)

    said = {(one.concern, one.special_requirements) for one in await diary.bookings(made)}
    assert (len(await diary.bookings(made)), said) == (10, {("Dust", "Cat")})


async def test_one_may_take_the_day_of_another_that_is_called_off(diary: Diary) -> None:
    made, _ = await diary.create(rule="FREQ=DAILY;COUNT=4")

    _, report = await diary.change(
        made,
        scope=ALL,
        original_start=FIRST,
        new_start=FIRST + DAY,
        rule=parse("FREQ=DAILY;INTERVAL=2;COUNT=2"),
    )

    assert sorted(line.outcome.value for line in report) == [
        "CALLED_OFF",
        "CALLED_OFF",
        "MOVED",
        "MOVED",
    ]
    assert await diary.starts(made) == ["03-03 09:00", "03-05 09:00"]


async def test_a_series_that_names_its_provider_does_not_fall_to_another(diary: Diary) -> None:
    await add_provider(diary.database, diary.service)
    await somebody_elses(diary, starts_at=NOW + timedelta(days=21))
    change: dict[str, Any] = {"original_start": FIRST, "new_start": FIRST + 2 * HOUR}
    named, _ = await diary.create(rule=FIVE)

    with pytest.raises(SeriesConflicts) as refused:
        await diary.change(named, scope=ALL, **change)

    (clash,) = [line.conflict for line in refused.value.report if line.conflict]
    assert clash.code is OccurrenceConflictCode.SLOT_TAKEN


async def test_one_that_is_refused_half_way_is_as_it_was(diary: Diary) -> None:
    stranger = await add_provider(diary.database, await add_service(diary.database))
    made, _ = await diary.create(rule=FIVE)

    _, report = await diary.change(
        made,
        scope=ALL,
        original_start=FIRST,
        new_start=FIRST + HOUR,
        provider_id=stranger.user_id,
        allow_partial=True,
    )

    # The move would do; the provider does not have the service.
    assert {line.conflict.code for line in report if line.conflict} == {
        OccurrenceConflictCode.PROVIDER_NOT_ELIGIBLE
    }
    assert len(report) == 5
    assert await diary.starts(made) == WEEKS
    assert {one.provider_id for one in await diary.bookings()} == {diary.provider.user_id}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"scope": THIS, "original_start": FIRST + DAY}, "originalStart"),
        ({"scope": THIS, "original_start": FIRST - WEEK}, "originalStart"),
        ({"scope": FOLLOWING, "original_start": FIRST + DAY}, "originalStart"),
        ({"scope": ALL, "original_start": FIRST + DAY}, "originalStart"),
        ({"scope": ALL, "rule": parse("FREQ=WEEKLY;BYDAY=TU")}, "rrule"),
        ({"scope": ALL, "details": Details(concern="x" * 2001)}, "concern"),
        (
            {"scope": THIS, "original_start": FIRST, "details": Details(concern="x" * 2001)},
            "concern",
        ),
    ],
)
async def test_a_change_that_makes_no_sense_is_refused_without_a_trace(
    diary: Diary, change: dict[str, Any], path: str
) -> None:
    made, _ = await diary.create()
    before = await count_rows(diary.database, *TABLES)

    with pytest.raises(InvalidInput) as refused:
        await diary.change(made, **change)

    assert [error.path for error in refused.value.errors] == [(path,)]
    assert await count_rows(diary.database, *TABLES) == before
    assert await diary.read(made) == made


async def test_only_a_party_changes_a_series_as_it_has_seen_it(diary: Diary) -> None:
    made, _ = await diary.create()

    with pytest.raises(NotFound):
        await diary.change(made, scope=ALL, by=await add_customer(diary.database))
    with pytest.raises(VersionConflict):
        await diary.change(made, scope=ALL, expected_version=2)
    with pytest.raises(NotFound):
        await diary.change(made, scope=ALL, provider_id=new_id())
    assert await diary.read(made) == made


async def test_a_skipped_occurrence_is_called_off_and_not_made_again(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)

    after = await diary.skip(made, SECOND)
    await diary.extend(made)

    assert after.version == 2
    assert await diary.starts(made) == [WEEKS[0], *WEEKS[2:]]
    assert (await diary.seen(made))[SECOND].state is OccurrenceState.SKIPPED
    with pytest.raises(AlreadySkipped):
        await diary.skip(made, SECOND)
    with pytest.raises(AlreadySkipped):
        await diary.change(made, scope=THIS, original_start=SECOND, new_start=SECOND + HOUR)
    with pytest.raises(InvalidInput):
        await diary.skip(made, SECOND + DAY)


async def test_what_is_skipped_ahead_is_never_made(diary: Diary) -> None:
    made, _ = await diary.create()

    await diary.skip(made, wall("05-04 09:00"))
    diary.clock.at = NOW + timedelta(days=30)
    await diary.extend(made)

    assert (await diary.starts(made))[8:] == ["04-27 08:00", "05-11 08:00", "05-18 08:00"]


async def test_what_was_skipped_can_be_taken_up_again(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)
    await diary.skip(made, SECOND)

    after, line = await diary.unskip(made, SECOND)

    assert line is not None
    assert (after.version, line.outcome) == (3, OccurrenceOutcome.BOOKED)
    assert await diary.starts(made) == WEEKS
    for start in (SECOND, wall("03-30 10:00")):
        with pytest.raises(NotSkipped):
            await diary.unskip(made, start)


async def test_what_was_skipped_ahead_is_made_in_its_time_after_all(diary: Diary) -> None:
    made, _ = await diary.create()
    await diary.skip(made, wall("04-27 09:00"))

    after, line = await diary.unskip(made, wall("04-27 09:00"))

    assert line is None
    assert after.next_due_at == made.next_due_at
    diary.clock.at = NOW + timedelta(days=4)
    await diary.extend(made)
    assert (await diary.starts(made))[8:] == ["04-27 08:00"]


async def test_one_that_was_called_off_by_itself_can_be_taken_up_again(diary: Diary) -> None:
    made, report = await diary.create(rule=FIVE)
    second = report[1].booking
    assert second is not None
    async with diary.database.begin() as tx:
        await cancellations.cancel(tx, booking_id=second.id, by=diary.customer, reason="")
    await diary.extend(made)
    assert await diary.starts(made) == [WEEKS[0], *WEEKS[2:]]

    await diary.unskip(made, SECOND)

    assert await diary.starts(made) == WEEKS
    assert len(await diary.bookings()) == 6


async def test_what_was_skipped_stays_so_when_its_time_is_taken(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)
    await diary.skip(made, SECOND)
    await somebody_elses(diary, starts_at=NOW + timedelta(days=14, hours=-3))
    before = await count_rows(diary.database, *TABLES)

    with pytest.raises(SeriesConflicts):
        await diary.unskip(made, SECOND)

    assert await count_rows(diary.database, *TABLES) == before
    assert (await diary.seen(made))[SECOND].state is OccurrenceState.SKIPPED


async def test_skipping_what_costs_a_fee_needs_a_yes_to_it(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)
    diary.clock.at = NOW + timedelta(days=13)  # 21 hours before the second
    before = await count_rows(diary.database, *TABLES)
    await price(diary, 4000)

    with pytest.raises(FeeChanged) as refused:
        await diary.skip(made, SECOND)
    assert refused.value.quote.fee.amount_minor == 2000
    assert await count_rows(diary.database, *TABLES) == before

    await diary.skip(made, SECOND, expected_fee_minor=2000)
    assert (await diary.starts(made))[1] == "03-16 09:00"


async def test_an_ended_series_makes_no_more_and_leaves_what_was_made(diary: Diary) -> None:
    made, _ = await diary.create()

    ended, report = await diary.end(made)
    diary.clock.at = NOW + timedelta(days=30)

    assert report == []
    assert (ended.ended_at, ended.next_due_at, ended.version) == (NOW, None, 2)
    assert await diary.extend(made) is None
    assert len(await diary.starts(made)) == 8
    with pytest.raises(SeriesEnded):
        await diary.end(made)
    with pytest.raises(SeriesEnded):
        await diary.change(made, scope=ALL)
    with pytest.raises(SeriesEnded):
        await diary.skip(made, SECOND)
    with pytest.raises(SeriesEnded):
        await diary.unskip(made, SECOND)
    assert (await read_events(diary.database))[-1] is EventType.SERIES_ENDED


async def test_ending_calls_off_what_costs_nothing_and_names_the_rest(diary: Diary) -> None:
    made, _ = await diary.create(rule=FIVE)
    await price(diary, 4000)
    diary.clock.at = NOW + timedelta(days=13)

    _, report = await diary.end(made, cancel=True)

    assert [line.outcome.value for line in report] == [
        "CONFLICT",
        "CALLED_OFF",
        "CALLED_OFF",
        "CALLED_OFF",
    ]
    assert report[0].conflict is not None
    assert report[0].conflict.code is OccurrenceConflictCode.FEE_DUE
    assert await diary.starts(made) == WEEKS[:2]
    states = [one.status for one in await diary.bookings()]
    assert states[2:] == [BookingStatus.CANCELLED] * 3


async def test_a_series_that_moves_into_the_night_without_the_time_says_so(diary: Diary) -> None:
    made, _ = await diary.create(first_local_start=wall("03-27 03:00"), rule="FREQ=DAILY;COUNT=4")

    with pytest.raises(SeriesConflicts) as refused:
        await diary.change(
            made, scope=ALL, original_start=wall("03-27 03:00"), new_start=wall("03-27 01:30")
        )

    odd = refused.value.report[2]
    assert (odd.original_start, odd.starts_at) == (wall("03-29 01:30"), None)
    assert odd.conflict is not None
    assert [one.rule for one in odd.conflict.broken] == [BookingRule.NONEXISTENT_LOCAL_TIME]


async def price(diary: Diary, amount_minor: int) -> None:
    """Let every booking cost something."""
    async with diary.database.begin() as tx:
        await tx.execute(bookings.update().values(price_minor=amount_minor))
