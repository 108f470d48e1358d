"""Does the queue hold what waits, in its order, and is it found by index however much is over?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, insert, literal, select, text

from db import queue
from db.tables import bookings
from domain.booking_steps import BookingStatus
from domain.bookings import BookingKind
from domain.pages import PageRequest
from domain.services import Trade
from tests.factories import add_booking, add_customer, add_provider, add_service, now

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer

#: So many bookings are over.
PAST = 4000


async def queued(
    database: Database, *, of_provider: UUID | None = None, trade: Trade | None = None
) -> list[UUID]:
    """The ids of a whole queue, in order; its count agrees."""
    async with database.read() as connection:
        page = await queue.page(
            connection, PageRequest(limit=99), of_provider=of_provider, trade=trade
        )
        count = await queue.count(connection, of_provider=of_provider, trade=trade)
    assert count == len(page.items)
    return [booking.id for booking in page.items]


async def test_it_holds_what_waits_for_a_provider_and_nothing_else(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    at = await now(crowd)
    pending = await add_booking(crowd, customer, service)
    paid = await add_booking(crowd, customer, service, paid_at=at)
    unfilled = await add_booking(crowd, customer, service, unfilled_at=at, match_due_at=None)
    agreed = await add_booking(crowd, customer, service, needs_terms=True, terms_accepted_at=at)
    await add_booking(crowd, customer, service, provider_id=provider.user_id, assigned_at=at)
    await add_booking(crowd, customer, service, cancelled_at=at)
    await add_booking(crowd, customer, service, declined_at=at)
    await add_booking(crowd, customer, service, needs_approval=True)
    await add_booking(crowd, customer, service, needs_terms=True)

    assert await queued(crowd) == [pending.id, paid.id, unfilled.id, agreed.id]


async def test_the_urgent_come_first_and_then_the_oldest(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    made = [
        await add_booking(crowd, customer, service, kind=kind)
        for kind in (BookingKind.SCHEDULED, BookingKind.IMMEDIATE) * 2
    ]

    assert await queued(crowd) == [made[n].id for n in (1, 3, 0, 2)]


async def test_a_provider_has_before_them_what_is_theirs_and_not_over(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    mine, other = await add_provider(crowd, service), await add_provider(crowd, service)
    at = await now(crowd)

    async def booking(provider: Viewer, number: int, **facts: Any) -> Booking:
        given = {"provider_id": provider.user_id, "assigned_at": at, "match_due_at": None}
        from_, to = (at.replace(year=at.year + 1, day=day, hour=9) for day in (number, number + 1))
        times = {"starts_at": from_, "ends_at": to}
        return await add_booking(crowd, customer, service, **given | times | facts)

    waiting = await booking(mine, 1, needs_approval=True)
    confirmed = await booking(mine, 3, paid_at=at)
    urgent = await booking(mine, 5, kind=BookingKind.IMMEDIATE)
    under_way = await booking(mine, 7, paid_at=at, started_at=at)
    await booking(mine, 9, paid_at=at, started_at=at, completed_at=at)
    await booking(mine, 11, cancelled_at=at)
    theirs = await booking(other, 1)
    await add_booking(crowd, customer, service)

    assert await queued(crowd, of_provider=mine.user_id) == [
        *(one.id for one in (urgent, waiting, confirmed, under_way)),
    ]
    assert await queued(crowd, of_provider=other.user_id) == [theirs.id]
    assert await queued(crowd, of_provider=customer.user_id) == []


async def test_one_trade_has_a_queue_of_its_own(crowd: Database) -> None:
    customer = await add_customer(crowd)
    cleaning = await add_service(crowd)
    mechanical = await add_service(crowd, trade=Trade.MECHANICAL)
    await add_booking(crowd, customer, cleaning)
    repair = await add_booking(crowd, customer, mechanical)

    assert await queued(crowd, trade=Trade.MECHANICAL) == [repair.id]
    assert await queued(crowd, trade=Trade.FACILITIES) == []


async def add_past(database: Database, like: Booking, status: BookingStatus) -> None:
    """Very many bookings that are over, but for that like this one."""
    over = {"id": func.gen_random_uuid(), "status": literal(status)}
    columns = [over.get(c.name, c).label(c.name) for c in bookings.c]
    series = func.generate_series(1, PAST).table_valued("n")
    copied = select(*columns).select_from(bookings.join(series, text("true")))
    async with database.begin() as tx:
        await tx.execute(
            insert(bookings).from_select(
                [c.name for c in bookings.c], copied.where(bookings.c.id == like.id)
            )
        )
    async with database.begin() as tx:
        await tx.execute(text("ANALYZE bookings"))


async def plan(database: Database, of_provider: UUID | None) -> str:
    """How the database reads a page of a queue, if it plans once for all parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _m: bool) -> None:
        sent.append((statement, parameters))

    async with database.begin() as tx:
        await tx.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        event.listen(tx.sync_connection, "before_cursor_execute", note)
        await queue.page(tx, PageRequest(limit=25), of_provider=of_provider, trade=None)
        event.remove(tx.sync_connection, "before_cursor_execute", note)
        ((statement, parameters),) = sent
        values = ", ".join(f"'{value}'" for value in parameters)
        await tx.exec_driver_sql(f"PREPARE page AS {statement}")
        explained = await tx.exec_driver_sql(f"EXPLAIN EXECUTE page({values})")
        await tx.exec_driver_sql("DEALLOCATE page")
        return "\n".join(explained.scalars())


@pytest.mark.parametrize("whose", ["nobody's", "mine"])
async def test_a_queue_is_read_in_its_order_from_an_index_of_it_alone(
    crowd: Database, whose: str
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    given = {"provider_id": provider.user_id, "assigned_at": await now(crowd)}
    facts = given if whose == "mine" else {}
    waiting = await add_booking(crowd, customer, service, match_due_at=None, **facts)
    await add_past(crowd, waiting, BookingStatus.CANCELLED)

    steps = await plan(crowd, provider.user_id if whose == "mine" else None)

    assert f"using {'ix_bookings_mine' if whose == 'mine' else 'ix_bookings_queue'} on" in steps
    assert "Sort" not in steps
