"""Is everybody told of an event once, whoever tells of it, and however often?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from db import bookings as db_bookings
from db import (
    cancellations,
    clock,
    lapsing,
    message_facts,
    offers,
    preferences,
    telling,
    withdrawals,
)
from db.tables import deliveries, events, notifications, untold_events, users
from domain.bookings import happened
from domain.events import Event, EventType
from domain.messages import Category, Channel, Message
from domain.offers import about
from domain.people import Role
from domain.preferences import Choice, QuietHours
from tests.db.racing import act, race, waiting
from tests.factories import (
    add_account,
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    count_rows,
    now,
    read_events,
)
from tests.notes import add_device, happen, last, notes, tell, to_send, told
from tests.paying import asked, hear, pay, said, settle

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EMAIL, SMS, PUSH = Channel.EMAIL, Channel.SMS, Channel.PUSH


async def assigned(database: Database, **changes: Any) -> tuple[Viewer, Viewer, Booking]:
    """A customer, their provider, and a booking of theirs that is not paid."""
    customer, service = await add_customer(database), await add_service(database)
    provider = await add_provider(database, service)
    at = await now(database)
    facts = {"provider_id": provider.user_id, "assigned_at": at, "match_due_at": None}
    return customer, provider, await add_booking(database, customer, service, **facts | changes)


async def test_who_is_to_come_is_told_to_both_who_meet_wherever_they_are_reached(
    database: Database,
) -> None:
    customer, provider, booking = await assigned(database)
    await add_device(database, provider.user_id)
    event_id = await happen(database, happened(EventType.BOOKING_ASSIGNED, booking))

    assert await tell(database, event_id) == {EMAIL, PUSH}

    ours = (customer.user_id, Message.PROVIDER_ASSIGNED)
    theirs = (provider.user_id, Message.JOB_ASSIGNED)
    assert await to_send(database) == [(*ours, EMAIL), (*theirs, EMAIL), (*theirs, PUSH)]
    kept = await notes(database)
    assert [(one.recipient_id, one.message) for one in kept] == [ours, theirs]
    assert {one.cause for one in kept} == {f"event:{event_id}"}
    assert [one.subject for one in kept] == 2 * [
        {"booking": booking.id, "customer": customer.user_id, "provider": provider.user_id}
    ]
    assert all(one.listed and one.read_at is None for one in kept)


async def test_everyone_who_was_told_hears_of_it_in_the_app(database: Database) -> None:
    customer, provider, booking = await assigned(database)
    event_id = await happen(database, happened(EventType.BOOKING_ASSIGNED, booking))
    await tell(database, event_id)

    e = events.c
    query = select(e.subject).where(e.type == EventType.NOTIFICATION_CREATED).order_by(e.position)
    async with database.read() as connection:
        subjects = list(await connection.scalars(query))
    assert subjects == [
        {"notification": str(one.id), "recipient": str(one.recipient_id)}
        for one in await notes(database)
    ]
    assert {one["recipient"] for one in subjects} == {str(customer.user_id), str(provider.user_id)}


async def test_a_payment_that_confirms_a_booking_is_told_to_its_provider(
    database: Database,
) -> None:
    customer, provider, booking = await assigned(database)
    await act(database, partial(pay, booking_id=booking.id, by=customer))

    await tell(database, await last(database, EventType.BOOKING_PAID))

    confirmed = Message.BOOKING_CONFIRMED
    who = [(one.recipient_id, one.message) for one in await notes(database)]
    assert who == [(customer.user_id, confirmed), (provider.user_id, confirmed)]
    async with database.read() as connection:
        facts = await message_facts.read(connection, await notes(database))
    (theirs,) = [one for one in facts.values() if one.recipient.id == provider.user_id]
    assert (theirs.moot, theirs.service is not None, theirs.due) == (False, True, None)


async def test_a_payment_that_brings_a_booking_back_is_told_to_its_provider_as_theirs_again(
    database: Database,
) -> None:
    start = await now(database) - HOUR
    times = {"starts_at": start, "requested_at": start, "assigned_at": start}
    customer, provider, booking = await assigned(database, **times)
    payment = await asked(database, booking, customer)
    await act(database, partial(lapsing.lapse, booking_id=booking.id, patience=HOUR / 4))
    await hear(database, said(payment))
    await settle(database, payment)

    for type_ in (EventType.BOOKING_RESTORED, EventType.BOOKING_PAID):
        await tell(database, await last(database, type_))

    assert [(one.recipient_id, one.message) for one in await notes(database)] == [
        (provider.user_id, Message.JOB_ASSIGNED),
        (customer.user_id, Message.BOOKING_CONFIRMED),
    ]


async def test_an_event_that_is_told_again_changes_nothing(database: Database) -> None:
    _, _, booking = await assigned(database)
    event_id = await happen(database, happened(EventType.BOOKING_ASSIGNED, booking))
    await tell(database, event_id)
    before = await count_rows(database, notifications, deliveries, events)

    assert await tell(database, event_id) == frozenset()
    assert await count_rows(database, notifications, deliveries, events) == before


async def test_twenty_who_tell_of_one_event_at_once_tell_it_once(crowd: Database) -> None:
    for _ in range(3):
        await add_dispatcher(crowd)
    _, _, booking = await assigned(crowd, provider_id=None, assigned_at=None)
    left = await now(crowd)
    async with crowd.begin() as tx:
        await db_bookings.save(tx, booking, replace(booking, unfilled_at=left), at=left)
    event_id = await happen(crowd, happened(EventType.BOOKING_UNFILLED, booking))

    answers = await race(crowd, [partial(telling.tell, event_id=event_id)] * 20)

    assert sorted(answers, key=len) == [frozenset()] * 19 + [{EMAIL}]
    assert [message for _, message in await told(crowd)] == 3 * [Message.BOOKING_UNFILLED]
    assert len(await to_send(crowd)) == 3
    assert (await read_events(crowd)).count(EventType.NOTIFICATION_CREATED) == 3


async def test_who_tells_while_another_does_waits_and_tells_nothing(crowd: Database) -> None:
    _, _, booking = await assigned(crowd)
    event_id = await happen(crowd, happened(EventType.BOOKING_ASSIGNED, booking))

    async with crowd.begin() as tx:
        assert await telling.tell(tx, event_id) == {EMAIL}
        second = await waiting(crowd, partial(telling.tell, event_id=event_id))
    assert await second == frozenset()
    assert len(await told(crowd)) == 2


async def test_the_same_message_for_another_event_is_another_one(database: Database) -> None:
    _, _, booking = await assigned(database)
    for _ in range(2):
        event_id = await happen(database, happened(EventType.BOOKING_RESCHEDULED, booking))
        await tell(database, event_id)

    assert [message for _, message in await told(database)] == 4 * [Message.BOOKING_RESCHEDULED]


async def test_an_offer_goes_to_phones_and_is_not_listed(database: Database) -> None:
    customer, service = await add_customer(database), await add_service(database)
    with_phone, without = await add_providers(database, service, count=2)
    await add_device(database, with_phone.user_id)
    booking = await add_booking(database, customer, service)
    for offer in await add_offers(database, booking, [with_phone, without]):
        await tell(database, await happen(database, about(EventType.OFFER_OFFERED, offer)))

    assert await to_send(database) == [(with_phone.user_id, Message.OFFER, PUSH)]
    [only] = await notes(database)
    assert (only.recipient_id, only.listed) == (with_phone.user_id, False)
    assert EventType.NOTIFICATION_CREATED not in await read_events(database)


async def test_an_offer_that_is_gone_by_then_is_told_to_nobody(database: Database) -> None:
    customer, service = await add_customer(database), await add_service(database)
    provider = await add_provider(database, service)
    await add_device(database, provider.user_id)
    booking = await add_booking(database, customer, service)
    (offer,) = await add_offers(database, booking, [provider])
    event_id = await happen(database, about(EventType.OFFER_OFFERED, offer))
    rejecting = partial(offers.reject, offer_id=offer.id, by=provider.user_id, reason="")
    await act(database, rejecting)

    assert await tell(database, event_id) == frozenset()
    assert await told(database) == []


async def test_staff_are_all_told_but_those_whose_accounts_are_closed(database: Database) -> None:
    _, _, booking = await assigned(database)
    dispatcher = await add_dispatcher(database)
    admin = await add_account(database, Role.ADMIN)
    closed = await add_dispatcher(database)
    await add_account(database, Role.ANALYST)
    gone = update(users).where(users.c.id == closed.user_id)
    async with database.begin() as tx:
        await tx.execute(gone.values(disabled_at=await clock.now(tx)))
    mismatched = Event(
        type=EventType.PAYMENT_MISMATCHED,
        subject={"payment": UUID(int=1), "booking": booking.id, "customer": booking.customer_id},
    )
    await tell(database, await happen(database, mismatched))

    assert await told(database) == [
        (one.user_id, Message.PAYMENT_MISMATCHED) for one in (dispatcher, admin)
    ]


async def test_a_closed_account_is_told_nothing(database: Database) -> None:
    customer, provider, booking = await assigned(database)
    async with database.begin() as tx:
        mine = update(users).where(users.c.id == customer.user_id)
        await tx.execute(mine.values(disabled_at=await clock.now(tx)))
    await tell(database, await happen(database, happened(EventType.BOOKING_ASSIGNED, booking)))

    assert await told(database) == [(provider.user_id, Message.JOB_ASSIGNED)]


async def test_it_goes_where_its_recipient_wants_it_and_waits_for_their_morning(
    database: Database,
) -> None:
    customer, _, booking = await assigned(database, starts_at=await now(database) + 3 * DAY)
    at = await now(database)
    night = QuietHours(starts=(at - HOUR).time(), ends=(at + HOUR).time())
    async with database.begin() as tx:
        mine = update(users).where(users.c.id == customer.user_id)
        await tx.execute(mine.values(phone="+442079460000", time_zone="UTC"))
        sms = Choice(category=Category.BOOKINGS, channel=SMS, wanted=True)
        await preferences.save_choices(tx, customer.user_id, [sms])
        await preferences.save_quiet_hours(tx, customer.user_id, night)
    event_id = await happen(database, happened(EventType.BOOKING_RESCHEDULED, booking))

    # Their provider's mail is all there is to send now.
    assert await tell(database, event_id) == {EMAIL}
    d, n = deliveries.c, notifications.c
    due = select(d.channel, d.due_at, d.urgent).join_from(deliveries, notifications)
    async with database.read() as connection:
        rows = await connection.execute(due.where(n.recipient_id == customer.user_id))
        found = {(row.channel, row.urgent): row.due_at for row in rows}
    assert found.keys() == {(EMAIL, False), (SMS, False)}
    assert {due.time() for due in found.values()} == {night.ends}


async def test_a_cancellation_on_the_day_waits_for_no_morning(database: Database) -> None:
    at = await now(database)
    customer, _, booking = await assigned(database, starts_at=at + 11 * HOUR)
    night = QuietHours(starts=(at - HOUR).time(), ends=(at + HOUR).time())
    async with database.begin() as tx:
        mine = update(users).where(users.c.id == customer.user_id)
        await tx.execute(mine.values(time_zone="UTC"))
        await preferences.save_quiet_hours(tx, customer.user_id, night)
    staff = await add_dispatcher(database)
    calling_off = partial(
        cancellations.cancel, booking_id=booking.id, by=staff, reason="", expected_fee_minor=0
    )
    await act(database, calling_off)

    assert await tell(database, await last(database, EventType.BOOKING_CANCELLED)) == {EMAIL}
    async with database.read() as connection:
        rows = list(await connection.execute(select(deliveries.c.due_at, deliveries.c.urgent)))
    assert [(row.due_at <= await now(database), row.urgent) for row in rows] == 2 * [(True, True)]


async def test_who_gives_work_back_is_not_told_but_its_customer_is(database: Database) -> None:
    customer, provider, booking = await assigned(database)
    giving = partial(
        withdrawals.hand_back, booking_id=booking.id, by=provider, reason="My car is broken."
    )
    await act(database, giving)
    await tell(database, await last(database, EventType.BOOKING_RELEASED))

    assert await told(database) == [(customer.user_id, Message.PROVIDER_LEFT)]


async def test_what_nobody_is_told_of_leaves_no_trace(database: Database) -> None:
    _, _, booking = await assigned(database)
    event_id = await happen(database, happened(EventType.BOOKING_EDITED, booking))

    assert await tell(database, event_id) == frozenset()
    assert await told(database) == []


async def test_an_event_that_was_archived_is_told_no_more(database: Database) -> None:
    _, _, booking = await assigned(database)
    event_id = await happen(database, happened(EventType.BOOKING_ASSIGNED, booking))
    async with database.begin() as tx:
        await tx.execute(delete(events).where(events.c.id == event_id))
        await tx.execute(insert(untold_events).values(event_id=event_id))

    assert await tell(database, event_id) == frozenset()
    assert await told(database) == []
    # And nobody looks for it any more.
    assert await count_rows(database, untold_events) == (0,)
    async with database.begin() as tx:
        await telling.plan(tx, event_id)


async def test_only_what_was_overlooked_for_a_while_and_is_still_news_is_found(
    database: Database,
) -> None:
    at = await now(database)
    ages = {9: None, 11: UUID(int=11), 3600: UUID(int=12), 25 * 3600: None}
    rows = [
        {"event_id": uid or UUID(int=99 + age), "since": at - timedelta(seconds=age)}
        for age, uid in ages.items()
    ]
    async with database.begin() as tx:
        await tx.execute(insert(untold_events), rows)

    async with database.read() as connection:
        assert await telling.overlooked(connection, limit=10) == [UUID(int=12), UUID(int=11)]
        assert await telling.overlooked(connection, limit=1) == [UUID(int=12)]
