"""Is what a provider says kept whole, and no booking dropped for it?"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from db import availability
from db.tables import date_overrides, events, temporary_zones, working_hours
from domain.availability_changes import (
    Said,
    SaidInterval,
    SaidOverride,
    SaidStay,
    SaidWeeklyInterval,
)
from domain.booking_rules import BookingRule
from domain.events import EventType
from domain.offers import OfferState
from domain.refusals import InvalidInput, NotFound, VersionConflict
from tests import invariants
from tests.db.racing import act, race
from tests.db.saying import DAY, HOUR, blocking, booked, changing, kept, noon_in, shown, taking_off
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    count_rows,
    now,
    read_booking,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database

#: A little of everything.
SAID = Said(
    weekly_hours=(
        SaidWeeklyInterval(weekday=2, opens=time(13), closes=time()),
        SaidWeeklyInterval(weekday=2, opens=time(9), closes=time(12)),
    ),
    date_overrides=(
        SaidOverride(
            day=date(2030, 1, 2),
            intervals=(
                SaidInterval(opens=time(13), closes=time(17)),
                SaidInterval(opens=time(8), closes=time(12)),
            ),
        ),
        SaidOverride(day=date(2030, 1, 1)),
        SaidOverride(day=date(9999, 12, 31)),
        SaidOverride(day=date(1, 1, 1)),
    ),
    temporary_zones=(
        SaidStay(first=date(2030, 1, 1), last=date(9999, 12, 31), time_zone="Asia/Tokyo"),
    ),
    time_zone="Asia/Kathmandu",
    daily_cap=7,
)


async def test_what_is_said_is_kept_whole_and_told_once(database: Database) -> None:
    provider, other = await add_providers(database, await add_service(database), count=2)
    before = await kept(database, other)

    changed = await act(database, changing(provider, SAID))

    found = await kept(database, provider)
    assert (changed.provider_id, changed.version, changed.conflicts) == (provider.user_id, 2, ())
    assert (found.version, found.time_zone, found.daily_cap) == (2, "Asia/Kathmandu", 7)
    assert [(one.weekday, one.opens, one.closes) for one in found.weekly_hours] == [
        (2, time(9), time(12)),
        (2, time(13), time()),
    ]
    assert [
        (one.day, [(i.opens, i.closes) for i in one.intervals]) for one in found.date_overrides
    ] == [
        (date(1, 1, 1), []),
        (date(2030, 1, 1), []),
        (date(2030, 1, 2), [(time(8), time(12)), (time(13), time(17))]),
        (date(9999, 12, 31), []),
    ]
    assert [(one.first, one.last, one.time_zone) for one in found.temporary_zones] == [
        (date(2030, 1, 1), date(9999, 12, 31), "Asia/Tokyo")
    ]
    assert await read_events(database) == [EventType.PROVIDER_AVAILABILITY_CHANGED]
    assert await kept(database, other) == before


async def test_a_part_that_is_not_said_stays_and_one_that_is_said_is_replaced(
    database: Database,
) -> None:
    provider = await add_provider(database, await add_service(database))
    await act(database, changing(provider, SAID))

    await act(database, changing(provider, Said(weekly_hours=(), daily_cap=1)))
    found = await kept(database, provider)
    assert (found.version, found.weekly_hours, found.daily_cap) == (3, (), 1)
    assert len(found.date_overrides) == 4
    assert len(found.temporary_zones) == 1
    assert found.time_zone == "Asia/Kathmandu"

    await act(database, changing(provider, blocking(date(2030, 5, 5))))
    await act(database, changing(provider, Said(temporary_zones=())))
    found = await kept(database, provider)
    assert [one.day for one in found.date_overrides] == [date(2030, 5, 5)]
    assert (found.version, found.temporary_zones) == (5, ())


async def test_nobody_is_kept_who_is_unknown(database: Database) -> None:
    async with database.read() as connection:
        assert await availability.kept_by(connection, [uuid4()]) == {}
        assert await availability.kept_by(connection, []) == {}


async def test_bookings_that_no_longer_fit_are_reported_and_stay(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    noon = await noon_in(database, 2)
    first = await booked(database, provider, noon)
    second = await booked(database, provider, noon + 3 * HOUR)
    await booked(database, provider, noon + DAY)
    (off, _) = await act(
        database, taking_off(provider, noon + 4 * HOUR, noon + 4 * HOUR + timedelta(minutes=5))
    )

    changed = await act(database, changing(provider, blocking(noon.date())))

    assert shown(changed.conflicts) == [
        (first.id, [BookingRule.OUTSIDE_HOURS]),
        (second.id, [BookingRule.OUTSIDE_HOURS, BookingRule.TIME_OFF]),
    ]
    assert off.provider_id == provider.user_id
    for booking in (first, second):
        assert await read_booking(database, booking.id) == booking
    await invariants.check(database)


async def test_a_lower_cap_conflicts_with_the_latest_of_the_day(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    noon = await noon_in(database, 2)
    made = [await booked(database, provider, noon + n * 3 * HOUR) for n in range(3)]

    changed = await act(database, changing(provider, Said(daily_cap=2)))

    assert shown(changed.conflicts) == [(made[2].id, [BookingRule.DAILY_CAP])]


async def test_what_is_over_or_called_off_or_someone_elses_is_no_conflict(
    database: Database,
) -> None:
    provider, other = await add_providers(database, await add_service(database), count=2)
    noon, at = await noon_in(database, 2), await now(database)
    await booked(database, other, noon)
    await booked(database, provider, noon, cancelled_at=at)
    await booked(database, provider, at - 3 * HOUR)

    changed = await act(database, changing(provider, Said(weekly_hours=())))

    assert changed.conflicts == ()


async def test_a_dry_run_answers_the_same_and_leaves_no_trace(database: Database) -> None:
    service = await add_service(database)
    provider = await add_provider(database, service)
    noon = await noon_in(database, 2)
    booking = await booked(database, provider, noon)
    offered = await add_booking(
        database, await add_customer(database), service, starts_at=noon + DAY
    )
    await add_offers(database, offered, [provider])
    before = await kept(database, provider), await count_rows(database, events)
    said = Said(
        date_overrides=(SaidOverride(day=noon.date()), SaidOverride(day=(noon + DAY).date()))
    )

    dry = await act(database, changing(provider, said, dry_run=True))

    assert (await kept(database, provider), await count_rows(database, events)) == before
    assert (await read_offers(database, offered.id))[provider.user_id].state is OfferState.OFFERED
    wet = await act(database, changing(provider, said))
    assert (
        shown(dry.conflicts) == shown(wet.conflicts) == [(booking.id, [BookingRule.OUTSIDE_HOURS])]
    )
    assert (dry.version, wet.version) == (1, 2)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_version_that_was_overtaken_changes_nothing(
    database: Database, dry_run: bool
) -> None:
    provider = await add_provider(database, await add_service(database))
    await act(database, changing(provider, Said(daily_cap=4), expected_version=1))
    before = await kept(database, provider), await count_rows(database, events)

    with pytest.raises(VersionConflict) as refused:
        await act(
            database,
            changing(provider, Said(daily_cap=5), expected_version=1, dry_run=dry_run),
        )

    assert refused.value.current == 2
    assert (await kept(database, provider), await count_rows(database, events)) == before


async def test_of_changes_at_once_from_one_version_one_is_made(crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd))
    changes = [
        changing(provider, Said(daily_cap=n, weekly_hours=()), expected_version=1)
        for n in range(1, 11)
    ]

    outcomes = await race(crowd, changes)

    assert sum(isinstance(one, VersionConflict) for one in outcomes) == 9
    (won,) = [n for n, one in enumerate(outcomes, 1) if not isinstance(one, VersionConflict)]
    found = await kept(crowd, provider)
    assert (found.version, found.daily_cap) == (2, won)
    assert await read_events(crowd) == [EventType.PROVIDER_AVAILABILITY_CHANGED]


async def test_changes_at_once_come_one_after_another_each_whole(crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd))
    weeks = {
        n: tuple(
            SaidWeeklyInterval(weekday=day, opens=time(n), closes=time(n + 1))
            for day in range(1, n + 1)
        )
        for n in range(1, 8)
    }

    outcomes = await race(
        crowd, [changing(provider, Said(weekly_hours=weeks[n], daily_cap=n)) for n in weeks]
    )

    assert sorted(one.version for one in outcomes) == list(range(2, 9))
    found = await kept(crowd, provider)
    assert found.version == 8
    assert [(one.weekday, one.opens) for one in found.weekly_hours] == [
        (day, time(found.daily_cap)) for day in range(1, found.daily_cap + 1)
    ]


async def test_a_refused_change_leaves_no_trace(database: Database) -> None:
    provider, other = await add_providers(database, await add_service(database), count=2)
    await act(database, changing(provider, SAID))
    tables = (working_hours, date_overrides, temporary_zones, events)
    before = await count_rows(database, *tables), await kept(database, provider)
    overlap = SAID.weekly_hours or ()

    for refusal, change in (
        (InvalidInput, changing(provider, Said(weekly_hours=overlap * 2, date_overrides=()))),
        (InvalidInput, changing(provider, Said())),
        (NotFound, changing(other, SAID, provider_id=provider.user_id)),
        (NotFound, changing(await add_customer(database), SAID)),
    ):
        with pytest.raises(refusal):
            await act(database, change)

    assert (await count_rows(database, *tables), await kept(database, provider)) == before


async def test_staff_change_for_whom_they_name(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    dispatcher = await add_dispatcher(database)

    await act(database, changing(dispatcher, Said(daily_cap=9), provider_id=provider.user_id))

    assert (await kept(database, provider)).daily_cap == 9
    with pytest.raises(NotFound):
        await act(database, changing(dispatcher, Said(daily_cap=9), provider_id=uuid4()))
    with pytest.raises(InvalidInput):
        await act(database, changing(dispatcher, Said(daily_cap=9)))
