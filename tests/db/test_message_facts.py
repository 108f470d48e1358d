"""Do messages say what is so in the database, for all of them in a few statements?"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import event, insert, update

from db import bookings as db_bookings
from db import cancellations, clock, holds, message_facts, moves, refunds, waitlist, waitlist_grants
from db.ids import new_id
from db.tables import payouts, payroll_runs, users
from domain.house import HouseRules
from domain.messages import Message
from domain.money import Money
from domain.notifications import Notification
from domain.people import Role
from domain.refunds import RefundCause
from domain.refunds_elsewhere import found
from domain.waitlist import Opening, Wish
from tests.db.racing import act
from tests.factories import (
    NOW,
    WESTMINSTER,
    add_account,
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_service,
    an_address,
    now,
)
from tests.money import gbp, pay_in
from tests.series import Diary, diary, held_clock, wall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.engine import Database
    from domain.bookings import Booking
    from domain.message_facts import MessageFacts
    from domain.people import Viewer
    from domain.services import Service

__all__ = ["diary", "held_clock"]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def note(message: Message, to: Viewer, **subject: UUID) -> Notification:
    """As somebody was told it, whenever that was."""
    return Notification(
        id=new_id(),
        recipient_id=to.user_id,
        message=message,
        cause="event:1",
        subject=subject,
        listed=True,
        created_at=NOW,
    )


async def read(database: Database, *told: Notification, **options: Any) -> list[MessageFacts]:
    async with database.read() as connection:
        found = await message_facts.read(connection, told, **options)
    return [found[one.id] for one in told]


class House:
    """A customer, a provider called Chloe and a service, and what they have with each other."""

    def __init__(self, customer: Viewer, provider: Viewer, service: Service) -> None:
        self.customer, self.provider, self.service = customer, provider, service

    @classmethod
    async def open(cls, database: Database) -> House:
        customer = await add_customer(database, phone="+442079460000")
        service = await add_service(database, name="Oven clean", price_minor=4050)
        provider = await add_provider(database, service)
        chloe = update(users).where(users.c.id == provider.user_id)
        async with database.begin() as tx:
            await tx.execute(chloe.values(given_name="Chloe", family_name="Cleaner"))
        return cls(customer, provider, service)

    async def book(self, database: Database, *, staffed: bool = True, **changes: Any) -> Booking:
        at = await now(database)
        hour = at.replace(minute=0, second=0, microsecond=0)
        facts: dict[str, Any] = {"starts_at": hour + 3 * DAY}
        if staffed:
            facts |= {"provider_id": self.provider.user_id, "assigned_at": at}
            facts |= {"match_due_at": None}
        return await add_booking(database, self.customer, self.service, **facts | changes)


async def test_a_booking_is_described_to_each_as_they_may_see_it(database: Database) -> None:
    house, staff = await House.open(database), await add_dispatcher(database)
    booking = await house.book(database)
    told = [
        note(Message.PROVIDER_ASSIGNED, house.customer, booking=booking.id),
        note(Message.JOB_ASSIGNED, house.provider, booking=booking.id),
        note(Message.BOOKING_UNFILLED, staff, booking=booking.id),
    ]

    to_customer, to_provider, to_staff = await read(database, *told)

    assert (to_customer.service, to_customer.amount) == ("Oven clean", gbp(4050))
    assert (to_customer.starts_at, to_customer.ends_at) == (booking.starts_at, booking.ends_at)
    assert to_customer.recipient.id == house.customer.user_id
    assert (to_customer.customer, to_customer.provider) == (None, "Chloe C.")
    assert (to_customer.due, to_customer.until) == (
        gbp(4050),
        booking.starts_at + timedelta(minutes=15),
    )
    assert (to_provider.customer, to_provider.provider) == ("John Doe", None)
    assert (to_provider.address, to_provider.due) == (booking.address, None)
    assert (to_staff.customer, to_staff.provider) == ("John Doe", "Chloe C.")


async def test_the_house_says_how_long_it_waits_for_a_payment(database: Database) -> None:
    house = await House.open(database)
    booking = await house.book(database)
    told = note(Message.PAYMENT_REMINDER, house.customer, booking=booking.id)

    (said,) = await read(database, told, house=HouseRules(payment_patience=HOUR))

    assert said.until == booking.starts_at + HOUR


async def test_what_was_paid_is_not_due_and_what_was_given_back_is_told(
    database: Database,
) -> None:
    house, staff = await House.open(database), await add_dispatcher(database)
    booking = await house.book(database, starts_at=await now(database) + 20 * HOUR)
    async with database.begin() as tx:
        at = await clock.now(tx)
        paid = await pay_in(tx, booking_id=booking.id, minor=1000, at=at)
    told = [
        note(Message.PAYMENT_RECEIPT, house.customer, booking=booking.id, payment=paid.id),
        note(Message.BOOKING_CANCELLED, house.customer, booking=booking.id),
    ]
    receipt, _ = await read(database, *told)
    assert (receipt.amount, receipt.due, receipt.at) == (gbp(1000), gbp(3050), paid.paid_at)

    calling_off = partial(
        cancellations.cancel,
        booking_id=booking.id,
        by=staff,
        reason="The house is shut.",
        expected_fee_minor=0,
    )
    await act(database, calling_off)

    _, off = await read(database, *told)
    assert (off.refund, off.fee, off.reason) == (gbp(1000), None, "The house is shut.")
    to_provider = note(Message.JOB_CANCELLED, house.provider, booking=booking.id)
    (said,) = await read(database, to_provider)
    assert (said.address, said.customer, said.refund, said.fee) == (None, "John D.", None, None)


async def test_a_provider_reads_what_of_the_fee_is_theirs(database: Database) -> None:
    house = await House.open(database)
    booking = await house.book(database, starts_at=await now(database) + 20 * HOUR)
    async with database.begin() as tx:
        at = await clock.now(tx)
        await pay_in(tx, booking_id=booking.id, minor=4050, at=at)
        before = await db_bookings.lock(tx, booking.id)
        await db_bookings.save(tx, before, replace(before, paid_at=at), at=at)
    calling_off = partial(
        cancellations.cancel,
        booking_id=booking.id,
        by=house.customer,
        reason="",
        expected_fee_minor=2025,
    )
    await act(database, calling_off)

    to_customer, to_provider = await read(
        database,
        note(Message.BOOKING_CANCELLED, house.customer, booking=booking.id),
        note(Message.JOB_CANCELLED, house.provider, booking=booking.id),
    )
    assert (to_customer.fee, to_customer.refund) == (gbp(2025), gbp(2025))
    assert (to_provider.fee, to_provider.refund) == (gbp(1620), None)


async def test_who_lost_work_by_a_move_reads_when_it_was(database: Database) -> None:
    house, staff = await House.open(database), await add_dispatcher(database)
    booking = await house.book(database)
    # In the way of the new time.
    await house.book(database, starts_at=booking.starts_at + 4 * HOUR)
    moving = partial(
        moves.reschedule,
        booking_id=booking.id,
        by=staff,
        starts_at=booking.starts_at + 4 * HOUR,
    )
    # Somebody else is free then.
    await add_provider(database, house.service)
    moved = await act(database, moving)
    assert moved.provider_id is None
    subject = {"booking": booking.id, "provider": house.provider.user_id}

    lost, left = await read(
        database,
        note(Message.JOB_CANCELLED, house.provider, **subject),
        note(Message.PROVIDER_LEFT, house.customer, **subject),
    )

    assert (lost.starts_at, lost.ends_at) == (booking.starts_at, booking.ends_at)
    assert (lost.address, lost.customer) == (None, "John D.")
    assert (left.provider, left.starts_at) == ("Chloe C.", moved.starts_at)


async def test_who_was_wished_for_is_named_when_they_let_it_pass(database: Database) -> None:
    house = await House.open(database)
    booking = await house.book(
        database, staffed=False, preferred_provider_id=house.provider.user_id
    )

    (said,) = await read(
        database, note(Message.PREFERRED_LAPSED, house.customer, booking=booking.id)
    )

    assert said.provider == "Chloe C."


async def test_an_offer_shows_no_more_than_an_offer_may(database: Database) -> None:
    house = await House.open(database)
    booking = await house.book(database, staffed=False)
    (offer,) = await add_offers(database, booking, [house.provider])
    subject = {"offer": offer.id, "booking": booking.id, "provider": house.provider.user_id}

    (said,) = await read(database, note(Message.OFFER, house.provider, **subject))

    assert (said.customer, said.area, said.address) == ("John D.", "SW1A", None)
    assert (said.distance_miles, said.amount) == (1, gbp(4050))
    assert (said.until, said.moot) == (offer.expires_at, False)
    assert booking.address.point == WESTMINSTER


async def test_a_refund_says_what_was_given_back(database: Database) -> None:
    house = await House.open(database)
    booking = await house.book(database)
    async with database.begin() as tx:
        at = await clock.now(tx)
        paid = await pay_in(tx, booking_id=booking.id, minor=4050, at=at)
        await db_bookings.lock(tx, booking.id)
        refund = await refunds.give(
            tx, paid, 500, cause=RefundCause.BY_HAND, reason="The vase", at=at
        )
    subject = {"refund": refund.id, "payment": paid.id, "booking": booking.id}

    (said,) = await read(database, note(Message.REFUND_SENT, house.customer, **subject))

    assert (said.refund, said.reason, said.service) == (gbp(500), "The vase", "Oven clean")


async def test_what_went_back_of_a_booking_is_told_in_its_currency(database: Database) -> None:
    house = await House.open(database)
    booking = await house.book(database)
    async with database.begin() as tx:
        at = await clock.now(tx)
        paid = await pay_in(tx, booking_id=booking.id, minor=4050, at=at)
        for number, money in enumerate((gbp(500), Money(amount_minor=7, currency="USD"))):
            made: dict[str, Any] = {"gateway_id": f"re_{number}", "uid": new_id(), "at": at}
            await refunds.note_found(tx, found(paid, money, **made), paid)
    told = note(Message.BOOKING_CANCELLED, house.customer, booking=booking.id)

    (said,) = await read(database, told)

    assert said.refund == gbp(500)


async def test_a_payout_says_what_it_pays(database: Database) -> None:
    house = await House.open(database)
    at, run, payout = await now(database), new_id(), new_id()
    due = {"cycle": "WEEKLY", "period": date(2026, 6, 1)}
    async with database.begin() as tx:
        await tx.execute(insert(payroll_runs).values(id=run, due_at=at, started_at=at, **due))
        sums = {"amount_minor": 32_412, "currency": "GBP", "lines": 9, "status": "PAID"}
        whose = {"id": payout, "run_id": run, "provider_id": house.provider.user_id}
        await tx.execute(insert(payouts).values(**whose, **due, **sums, created_at=at, paid_at=at))

    (said,) = await read(database, note(Message.PAYOUT_SENT, house.provider, payout=payout))

    assert (said.amount, said.lines, said.period) == (gbp(32_412), 9, date(2026, 6, 1))
    assert (said.at, said.service) == (at, None)


async def test_a_grant_says_which_slot_is_kept(database: Database) -> None:
    house = await House.open(database)
    start = (await now(database) + 3 * DAY).replace(minute=0, second=0, microsecond=0)
    wish = Wish(
        customer_id=house.customer.user_id,
        service_id=house.service.id,
        address=an_address(),
        earliest=start,
        latest=start,
    )
    entry = await act(database, partial(waitlist.join, wish=wish))
    opening = Opening(provider_id=house.provider.user_id, starts_at=start)
    hold = await act(database, partial(waitlist_grants.grant, entry_id=entry.id, found=opening))
    assert hold is not None
    told = note(Message.WAITLIST_GRANT, house.customer, waitlist_entry=entry.id)

    (said,) = await read(database, told)
    assert (said.service, said.starts_at, said.until) == ("Oven clean", start, hold.expires_at)
    assert (said.provider, said.moot) == ("Chloe C.", False)

    await act(database, partial(holds.release, hold_id=hold.id, by=house.customer))
    (gone,) = await read(database, told)
    assert gone.moot


async def test_whose_account_is_gone_is_left_out_and_so_is_nothing_else(
    database: Database,
) -> None:
    house = await House.open(database)
    stranger = await add_account(database, Role.ANALYST)
    lost = note(Message.NO_SHOW, stranger, booking=new_id())
    nobody = Notification(
        id=new_id(),
        recipient_id=new_id(),
        message=Message.NO_SHOW,
        cause="event:1",
        subject={},
        listed=True,
        created_at=NOW,
    )
    async with database.read() as connection:
        found = await message_facts.read(connection, [lost, nobody])
        assert await message_facts.read(connection, []) == {}

    assert list(found) == [lost.id]
    assert (found[lost.id].service, found[lost.id].starts_at) == (None, None)
    assert house.customer.user_id not in found


async def test_a_series_says_which_visit_could_not_be_booked_and_why(diary: Diary) -> None:
    await diary.create(first_local_start=wall("03-09 08:00"), rule="FREQ=WEEKLY;COUNT=2")
    made, report = await diary.create(allow_partial=True)
    told = note(Message.SERIES_CONFLICT, diary.customer, series=made.id)
    clash = report[1].conflict
    assert clash is not None

    # The first of the two that could not be.
    (said,) = await read(diary.database, told)
    assert (said.service, said.reason) == ("Home clean", clash.message)
    assert said.starts_at == datetime(2026, 3, 9, 9, tzinfo=UTC)

    # And then the one that could not be when it was seen to later.
    diary.clock.at += 11 * DAY
    await diary.create(first_local_start=wall("04-27 08:00"), rule="FREQ=WEEKLY;COUNT=1")
    await diary.extend(made)
    (said,) = await read(diary.database, told)
    assert said.starts_at == datetime(2026, 4, 27, 8, tzinfo=UTC)


async def test_a_series_in_which_nothing_clashes_says_nothing_of_a_visit(diary: Diary) -> None:
    made, _ = await diary.create()

    (said,) = await read(
        diary.database, note(Message.SERIES_CONFLICT, diary.customer, series=made.id)
    )

    assert (said.service, said.starts_at, said.reason) == ("Home clean", None, None)


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements of a block."""
    seen: list[str] = []

    def note_it(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note_it)
    yield seen
    event.remove(engine, "before_cursor_execute", note_it)


async def test_a_hundred_messages_take_as_many_statements_as_one(database: Database) -> None:
    house = await House.open(database)
    made = [
        await house.book(database, starts_at=await now(database) + n * 3 * HOUR + DAY)
        for n in range(20)
    ]
    told = [
        note(message, house.customer, booking=booking.id)
        for booking in made
        for message in (Message.PROVIDER_ASSIGNED, Message.BOOKING_RESCHEDULED)
    ]

    with counted(database) as one:
        await read(database, told[0])
    with counted(database) as many:
        await read(database, *told)

    assert len(many) == len(one) <= 8
