"""Are people reminded once, of what is so, and of nothing else?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import select, update

from db import bookings as db_bookings
from db import cancellations, clock, moves, reminders, telling
from db.tables import bookings
from db.tables import reminders as table
from domain.bookings import Booking, happened
from domain.events import EventType
from domain.messages import Channel, Message, ReminderKind
from domain.refusals import NotFound
from tests.db.racing import act, race
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_provider,
    add_service,
    now,
    read_booking,
    shift_time,
)
from tests.notes import add_device, happen, notes, to_send, told

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from db.engine import Database
    from domain.people import Viewer

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
PAYMENT, DAY_BEFORE, HOUR_BEFORE = ReminderKind
NOTHING: Final[frozenset[Channel]] = frozenset()


async def agreed(
    database: Database, *, paid: bool = True, **changes: Any
) -> tuple[Viewer, Viewer, Booking]:
    """A customer, their provider and their booking in five days."""
    customer, service = await add_customer(database), await add_service(database)
    provider, at = await add_provider(database, service), await now(database)
    facts: dict[str, Any] = {
        "provider_id": provider.user_id,
        "assigned_at": at,
        "paid_at": at if paid else None,
        "match_due_at": None,
        "starts_at": at.replace(minute=0, second=0, microsecond=0) + 5 * DAY,
    }
    return customer, provider, await add_booking(database, customer, service, **facts | changes)


async def plan(database: Database, booking: Booking) -> None:
    """As the job does that tells of an event."""
    event_id = await happen(database, happened(EventType.BOOKING_ASSIGNED, booking))
    await act(database, partial(telling.plan, event_id=event_id))


async def planned(
    database: Database, booking: Booking
) -> dict[ReminderKind, tuple[datetime, bool]]:
    async with database.read() as connection:
        found = await reminders.of_booking(connection, booking.id)
    return {kind: (one.due_at, one.done_at is not None) for kind, one in found.items()}


def reminding(booking: Booking, kind: ReminderKind) -> Any:
    return partial(telling.remind, booking_id=booking.id, kind=kind)


async def pass_time(database: Database, booking: Booking, by: timedelta) -> Booking:
    """Let time pass for a booking, and for what is planned of it."""
    await shift_time(database, booking, by)
    async with database.begin() as tx:
        mine = update(table).where(table.c.booking_id == booking.id)
        await tx.execute(mine.values(due_at=table.c.due_at - by))
    return await read_booking(database, booking.id)


async def test_a_booking_has_its_reminders_planned_and_again_it_changes_nothing(
    database: Database,
) -> None:
    _, _, booking = await agreed(database, paid=False)
    await plan(database, booking)
    first = await planned(database, booking)

    await plan(database, booking)

    assert first == await planned(database, booking)
    assert first == {
        PAYMENT: (booking.requested_at + DAY, False),
        DAY_BEFORE: (booking.starts_at - DAY, False),
        HOUR_BEFORE: (booking.starts_at - HOUR, False),
    }


async def test_both_are_reminded_once_whoever_rings_and_however_often(crowd: Database) -> None:
    customer, provider, booking = await agreed(crowd)
    await add_device(crowd, provider.user_id)
    await plan(crowd, booking)
    await pass_time(crowd, booking, 4 * DAY + HOUR)

    answers = await race(crowd, [reminding(booking, DAY_BEFORE)] * 10)

    assert sorted(answers, key=len)[:-1] == 9 * [NOTHING]
    assert await told(crowd) == [
        (customer.user_id, Message.BOOKING_REMINDER),
        (provider.user_id, Message.BOOKING_REMINDER),
    ]
    assert (provider.user_id, Message.BOOKING_REMINDER, Channel.PUSH) in await to_send(crowd)
    assert (await planned(crowd, booking))[DAY_BEFORE][1] is True


async def test_a_bell_that_rings_early_has_no_effect(database: Database) -> None:
    _, _, booking = await agreed(database)
    await plan(database, booking)
    before = await planned(database, booking)

    for kind in ReminderKind:
        assert await act(database, reminding(booking, kind)) == NOTHING

    assert await told(database) == []
    assert await planned(database, booking) == before


async def test_an_hour_before_both_hear_that_it_starts_soon_and_it_waits_for_nobody(
    database: Database,
) -> None:
    customer, provider, booking = await agreed(database)
    for viewer in (customer, provider):
        await add_device(database, viewer.user_id)
    await plan(database, booking)
    after = await pass_time(
        database, booking, booking.starts_at - await now(database) - 59 * MINUTE
    )

    assert await act(database, reminding(booking, HOUR_BEFORE)) == {Channel.PUSH}

    assert await told(database) == [
        (customer.user_id, Message.STARTING_SOON),
        (provider.user_id, Message.STARTING_SOON),
    ]
    [first, _] = await notes(database)
    due = (after.starts_at - HOUR).isoformat()
    assert first.cause == f"reminder:{booking.id}:HOUR_BEFORE:{due}"
    assert first.subject == {
        "booking": booking.id,
        "customer": customer.user_id,
        "provider": provider.user_id,
    }


async def test_a_move_takes_the_reminders_along_and_gives_them_again(database: Database) -> None:
    customer, _, booking = await agreed(database)
    await plan(database, booking)
    there = await pass_time(database, booking, 4 * DAY + HOUR)
    await act(database, reminding(booking, DAY_BEFORE))
    staff = await add_dispatcher(database)
    later = there.starts_at + 7 * DAY + HOUR
    moving = partial(moves.reschedule, booking_id=booking.id, by=staff, starts_at=later)
    moved = await act(database, moving)
    await plan(database, moved)

    assert await planned(database, moved) == {
        DAY_BEFORE: (later - DAY, False),
        HOUR_BEFORE: (later - HOUR, False),
    }
    # The old time comes, and nobody hears of it.
    assert await act(database, reminding(booking, HOUR_BEFORE)) == NOTHING
    assert len(await told(database)) == 2
    await pass_time(database, booking, 7 * DAY + MINUTE)
    assert await act(database, reminding(booking, DAY_BEFORE)) == {Channel.EMAIL}
    assert [uid for uid, _ in await told(database)].count(customer.user_id) == 2


async def test_a_move_that_nobody_has_planned_for_yet_is_followed_all_the_same(
    database: Database,
) -> None:
    _, _, booking = await agreed(database)
    await plan(database, booking)
    there = await pass_time(database, booking, 4 * DAY + HOUR)
    b = bookings.c
    later = {"starts_at": there.starts_at + DAY, "ends_at": there.ends_at + DAY}
    async with database.begin() as tx:
        await tx.execute(update(bookings).where(b.id == booking.id).values(later))

    assert await act(database, reminding(booking, DAY_BEFORE)) == NOTHING
    assert await told(database) == []
    assert (await planned(database, booking))[DAY_BEFORE] == (there.starts_at, False)


async def test_a_cancellation_takes_the_reminders_with_it_planned_or_due(
    database: Database,
) -> None:
    _, _, booking = await agreed(database)
    await plan(database, booking)
    await pass_time(database, booking, 4 * DAY + HOUR)
    staff = await add_dispatcher(database)
    calling_off = partial(
        cancellations.cancel, booking_id=booking.id, by=staff, reason="", expected_fee_minor=0
    )
    off = await act(database, calling_off)

    assert await act(database, reminding(booking, DAY_BEFORE)) == NOTHING
    assert await told(database) == []
    assert await planned(database, off) == {}


async def test_who_pays_in_time_is_not_reminded_to(database: Database) -> None:
    _, _, booking = await agreed(database, paid=False)
    await plan(database, booking)
    due = await pass_time(database, booking, DAY + HOUR)
    async with database.begin() as tx:
        at = await clock.now(tx)
        await db_bookings.save(tx, due, replace(due, paid_at=at), at=at)

    assert await act(database, reminding(booking, PAYMENT)) == NOTHING
    assert await told(database) == []

    _, _, unpaid = await agreed(database, paid=False)
    await plan(database, unpaid)
    await pass_time(database, unpaid, DAY + HOUR)
    assert await act(database, reminding(unpaid, PAYMENT)) == {Channel.EMAIL}
    assert await told(database) == [(unpaid.customer_id, Message.PAYMENT_REMINDER)]


@pytest.mark.parametrize(
    ("kind", "left"), [(DAY_BEFORE, 59 * MINUTE), (HOUR_BEFORE, -MINUTE), (DAY_BEFORE, -MINUTE)]
)
async def test_what_was_missed_while_nobody_worked_is_dropped_and_not_sent_late(
    database: Database, kind: ReminderKind, left: timedelta
) -> None:
    _, _, booking = await agreed(database)
    await plan(database, booking)
    await pass_time(database, booking, booking.starts_at - await now(database) - left)

    assert await act(database, reminding(booking, kind)) == NOTHING

    assert await told(database) == []
    assert (await planned(database, booking))[kind][1] is True


async def test_a_little_late_is_not_too_late(database: Database) -> None:
    _, _, booking = await agreed(database)
    await plan(database, booking)
    await pass_time(database, booking, booking.starts_at - await now(database) - MINUTE)

    assert await act(database, reminding(booking, HOUR_BEFORE)) == NOTHING
    assert {message for _, message in await told(database)} == {Message.STARTING_SOON}


async def test_only_what_is_due_and_not_done_is_found_longest_overdue_first(
    database: Database,
) -> None:
    made: list[UUID] = []
    for hours in (1, 3, -1):
        _, _, booking = await agreed(database)
        await plan(database, booking)
        await pass_time(
            database, booking, booking.starts_at - DAY - await now(database) + hours * HOUR
        )
        made.append(booking.id)
    done = await agreed(database)
    await plan(database, done[2])
    await pass_time(database, done[2], 4 * DAY + HOUR)
    await act(database, reminding(done[2], DAY_BEFORE))

    async with database.begin() as tx:
        found = await reminders.due(tx, limit=10)
        assert [(one.booking_id, one.kind) for one in found] == [
            (made[1], DAY_BEFORE),
            (made[0], DAY_BEFORE),
        ]
        assert len(await reminders.due(tx, limit=1)) == 1


async def test_of_an_unknown_booking_nobody_is_reminded(database: Database) -> None:
    _, _, booking = await agreed(database)
    with pytest.raises(NotFound):
        await act(database, reminding(replace(booking, id=booking.customer_id), DAY_BEFORE))


async def test_what_moves_no_reminder_plans_none(database: Database) -> None:
    _, _, booking = await agreed(database)
    event_id = await happen(database, happened(EventType.BOOKING_EDITED, booking))

    await act(database, partial(telling.plan, event_id=event_id))

    async with database.read() as connection:
        assert list(await connection.scalars(select(table.c.kind))) == []
