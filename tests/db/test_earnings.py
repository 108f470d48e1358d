"""Are a provider's lines told by their own dates, and is it said where the money is?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from db import earnings, ledger, payouts
from db.ids import new_id
from db.tables import providers
from domain.booking_rules import BookingRules
from domain.earnings import CurrencyEarnings, EarningsBy
from domain.ledger import Account, Line, LineKind, posting
from domain.payouts import PayCycle
from domain.refusals import InvalidInput, NotFound
from tests.db.racing import act
from tests.earners import before, earn, pay, payouts_of, periods
from tests.factories import (
    add_booking,
    add_customer,
    add_provider,
    add_service,
    now,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer

DAY, MONTH = EarningsBy.DAY, EarningsBy.MONTH


async def a_provider(database: Database, **columns: Any) -> Viewer:
    return await add_provider(database, await add_service(database), on_shift=False, **columns)


async def told(
    database: Database, who: Viewer, first: date, last: date, by: EarningsBy = DAY
) -> tuple[CurrencyEarnings, ...]:
    async with database.read() as connection:
        found = await earnings.of_provider(connection, who.user_id, first=first, last=last, by=by)
    assert found.provider_id == who.user_id
    return found.currencies


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends"),
    [
        # 25 hours, 23 hours, and a day that begins at 01:00.
        ("Europe/London", "2026-10-25", "2026-10-24T23:00Z", "2026-10-26T00:00Z"),
        ("Europe/London", "2027-03-28", "2027-03-28T00:00Z", "2027-03-28T23:00Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),
        ("Asia/Kathmandu", "2026-06-01", "2026-05-31T18:15Z", "2026-06-01T18:15Z"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00Z", "2026-11-02T05:00Z"),
    ],
)
async def test_a_day_is_the_providers_own_from_its_first_instant_to_its_last(
    database: Database, zone: str, day: str, begins: str, ends: str
) -> None:
    one = await a_provider(database, time_zone=zone)
    tick = timedelta(microseconds=1)
    first, last = (datetime.fromisoformat(text) for text in (begins, ends))
    for at, minor in ((first - tick, 1), (first, 10), (last - tick, 100), (last, 1000)):
        await earn(database, one, minor, at=at)
    that = date.fromisoformat(day)
    (gbp,) = await told(database, one, that, that)
    assert gbp.total.amount_minor == 110
    around = (that - timedelta(days=1), that + timedelta(days=1))
    (gbp,) = await told(database, one, *around)
    assert [bucket.total.amount_minor for bucket in gbp.buckets] == [1, 110, 1000]


async def test_lines_are_told_by_kind_without_what_was_paid_out_or_is_anothers(
    database: Database,
) -> None:
    one, other = await a_provider(database), await a_provider(database)
    at = datetime(2026, 6, 15, 12, tzinfo=UTC)
    for kind, minor in (
        (LineKind.EARNING, 8000),
        (LineKind.TIP, 500),
        (LineKind.FEE, 300),
        (LineKind.CLAWBACK, -4000),
        (LineKind.PAYOUT, -999),
    ):
        await earn(database, one, minor, at=at, kind=kind)
    await earn(database, one, 70, at=at, currency="EUR")
    await earn(database, other, 1, at=at)
    eur, gbp = await told(database, one, date(2026, 6, 1), date(2026, 6, 30), MONTH)
    assert (eur.currency, eur.total.amount_minor) == ("EUR", 70)
    (bucket,) = gbp.buckets
    assert [
        sum_.amount_minor
        for sum_ in (bucket.earned, bucket.tips, bucket.fees, bucket.clawbacks, bucket.total)
    ] == [8000, 500, 300, -4000, 4800]


async def hold(database: Database, booking: Booking, minor: int) -> None:
    """A customer has paid for a booking."""
    lines = [
        Line(account=Account.OUTSIDE, kind=LineKind.PAYMENT, amount_minor=-minor),
        Line(account=Account.HELD, kind=LineKind.PAYMENT, amount_minor=minor),
    ]
    made = posting(f"test:{new_id()}", booking.price.currency, lines, booking_id=booking.id)
    at = await now(database)
    await act(database, partial(ledger.post, new=[made], at=at))


async def test_it_is_said_where_the_money_is(database: Database) -> None:
    service = await add_service(database)
    one = await add_provider(database, service, on_shift=False)
    customer = await add_customer(database)
    at = await now(database)
    taken = {"provider_id": one.user_id, "assigned_at": at, "paid_at": at, "match_due_at": None}
    # Held for work that they have, at two shares; not for what is over, or nobody's.
    usual = await add_booking(database, customer, service, **taken)
    dearer = BookingRules(provider_share_percent=90)
    apart = timedelta(days=3)
    shared = await add_booking(
        database,
        customer,
        service,
        rules=dearer,
        starts_at=at + apart,
        ends_at=at + apart + timedelta(hours=1),
        **taken,
    )
    over = await add_booking(database, customer, service, cancelled_at=at, **taken)
    open_ = await add_booking(database, customer, service)
    for booking, minor in ((usual, 4050), (shared, 1001), (over, 500), (open_, 700)):
        await hold(database, booking, minor)
    # Paid out, in a payout, and in none.
    weeks = await periods(database, PayCycle.WEEKLY, count=2)
    for week, minor in zip(weeks, (6000, 7000), strict=True):
        await earn(database, one, minor, at=before(PayCycle.WEEKLY, week))
        await pay(database, PayCycle.WEEKLY, week)
    first, _ = await payouts_of(database, one)
    taken_ = await act(database, partial(payouts.take, payout_id=first.id))
    assert taken_ is not None
    noting = partial(payouts.note_paid, gateway="development", gateway_id="1")
    await act(database, partial(noting, sent=taken_[0]))
    await earn(database, one, 900, -100, at=at)

    today = at.date()
    (gbp,) = await told(database, one, today, today)
    assert [
        money.amount_minor for money in (gbp.pending, gbp.payable, gbp.in_payout, gbp.paid)
    ] == [3240 + 901, 800, 7000, 6000]


async def test_without_anything_nothing_is_told(database: Database) -> None:
    one = await a_provider(database)
    assert await told(database, one, date(2026, 6, 1), date(2026, 6, 30)) == ()


async def test_a_stranger_and_a_wrong_period_are_refused(database: Database) -> None:
    one = await a_provider(database)
    with pytest.raises(InvalidInput):
        await told(database, one, date(2026, 6, 2), date(2026, 6, 1))
    async with database.begin() as tx:
        await tx.execute(update(providers).values(time_zone="Asia/Tokyo"))
    async with database.read() as connection:
        facts: dict[str, Any] = {"first": date(2026, 6, 1), "last": date(2026, 6, 1), "by": DAY}
        found = await earnings.of_provider(connection, one.user_id, **facts)
        assert found.time_zone == "Asia/Tokyo"
        with pytest.raises(NotFound):
            await earnings.of_provider(connection, new_id(), **facts)
