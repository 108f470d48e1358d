"""A booking and its money, as people may live with them, and what that should come to.

What it should come to is reckoned in whole pence and by the rules alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hypothesis import strategies as st
from sqlalchemy import func, select, update

from db import lapsing, ledger, no_shows, paying, payment_rows, payouts, payroll, refunds
from db.engine import Database
from db.tables import ledger_lines, payable_lines
from db.tables import payouts as payouts_table
from domain import tips
from domain.booking_rules import BookingRules
from domain.bookings import Party
from domain.house import HouseRules
from domain.ledger import NotEnoughCredit
from domain.no_shows import Evidence
from domain.paying import PayAmount, Wish
from domain.payment_events import Said
from domain.payments import Method, Payment, PaymentStatus
from domain.payouts import PayCycle
from domain.refunds import Wish as RefundWish
from tests import paying as gateway
from tests.db.till import House
from tests.money import gbp, sums

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking

Act: TypeAlias = tuple[str, Any]

#: Acts in each life, after its beginning.
ACTS: Final = 9
HOUR: Final = timedelta(hours=1)
LONG: Final = timedelta(days=999)
RULES: Final = HouseRules()
#: The payrolls of a life, one after the other, all of them in the past.
PAYDAY: Final = date(2026, 1, 5)
MONDAYS: Final = [PAYDAY + timedelta(weeks=n) for n in range(ACTS)]
PART: Final = st.sampled_from([0.0, 0.01, 0.3, 0.5, 0.99, 1.0, 1.01])

PRICES: Final = st.one_of(st.integers(1, 200), st.integers(1, 30_000))
PERCENT: Final = st.sampled_from([0, 1, 33, 50, 65, 80, 99, 100])
BOOKED: Final = st.fixed_dictionaries(
    {
        "price": PRICES,
        "deposit": st.sampled_from([0, 1, 20, 50, 99]),
        "share": PERCENT,
        "fee": PERCENT,
        # Before its start, or when it has begun and is unpaid or somebody is missing.
        "begun": st.booleans(),
    }
)
#: How often each is drawn beside the others, and what is drawn for it.
DRAWN: Final[dict[str, tuple[int, st.SearchStrategy[Any]]]] = {
    "ask": (4, st.sampled_from(list(PayAmount))),
    "hear": (5, st.sampled_from(["right", "right", "right", "wrong"])),
    "put_right": (2, st.sampled_from([None, 0.01, 0.5, 1.0])),
    "give_back_there": (3, PART),
    "credit": (2, st.sampled_from(list(PayAmount))),
    "work": (3, st.none()),
    "cancel": (2, st.booleans()),
    "miss": (2, st.sampled_from(list(Party))),
    "lapse": (3, st.none()),
    "refund": (4, st.tuples(PART, st.sampled_from([None, *Method]))),
    "tip": (3, st.sampled_from([1, 99, 5000, 10_000])),
    "refund_tip": (1, st.none()),
    "payroll": (3, st.none()),
}
ACT: Final = st.one_of(
    [
        st.tuples(st.just(name), drawn)
        for name, (times, drawn) in DRAWN.items()
        for _ in range(times)
    ]
)

FULL, DEPOSIT = PayAmount.FULL, PayAmount.DEPOSIT
#: How a life begins: most that can go wrong goes wrong with money that is there.
BEGINNINGS: Final[list[tuple[Act, ...]]] = [
    (),
    (("ask", FULL), ("hear", "right")),
    (("ask", DEPOSIT), ("hear", "right"), ("ask", FULL)),
    (("credit", FULL), ("work", None)),
    (("credit", DEPOSIT), ("work", None), ("ask", FULL)),
    (("ask", FULL), ("cancel", False)),
    (("ask", DEPOSIT), ("credit", FULL), ("hear", "right")),
    (("ask", FULL), ("lapse", None), ("hear", "right")),
    (("ask", DEPOSIT), ("lapse", None), ("hear", "right"), ("work", None)),
    (("ask", FULL), ("put_right", 0.5), ("work", None)),
    (("ask", FULL), ("cancel", False), ("put_right", 1.0)),
    (("ask", FULL), ("hear", "right"), ("work", None), ("give_back_there", 0.3)),
]


def half_up(total: int, percent: int) -> int:
    """So many percent, halves up: reckoned by division, not as the product does it."""
    whole, rest = divmod(total * percent, 100)
    return whole + (rest >= 50)


@dataclass
class Expected:
    """What a life should come to, in pence."""

    price: int
    share: int
    #: "on", "done" or "off".
    stands: str = "on"
    lapsed: bool = False
    received: int = 0
    returned: int = 0
    held: int = 0
    had: int = 0
    fee_due: int = 0
    fee_kept: int = 0
    tips: int = 0
    apart: int = 0
    payouts: list[int] = field(default_factory=list)
    share_lost: bool = False

    def come_in(self, minor: int, *, confirms: int, returned: int = 0) -> None:
        """A right payment for the work, of which so much went back before it was known as such."""
        self.received += minor
        self.returned += returned
        left = minor - returned
        if self.lapsed and self.received >= confirms:
            self.stands, self.lapsed = "on", False
        excess = min(left, max(0, self.received - self.price)) if self.stands != "off" else 0
        self.returned += excess
        self.held += left - excess
        self.settle()

    def settle(self) -> None:
        if self.stands == "done":
            self.had, self.held = self.had + self.held, 0
        if self.stands == "off":
            fee = min(self.held, self.fee_due - self.fee_kept)
            self.fee_kept, self.had = self.fee_kept + fee, self.had + fee
            self.returned, self.held = self.returned + self.held - fee, 0

    def end(self, stands: str, fee: int = 0) -> None:
        self.stands, self.fee_due = stands, fee
        self.settle()

    def give_back(self, minor: int) -> None:
        held = min(minor, self.held)
        self.held, self.had = self.held - held, self.had - (minor - held)
        self.returned += minor

    @property
    def provider(self) -> int:
        share = 0 if self.share_lost else self.share
        return half_up(self.had, share) + self.tips

    @property
    def books(self) -> dict[str, int]:
        found = {
            "HELD": self.held,
            "PROVIDER": self.provider,
            "PLATFORM": self.had + self.tips - self.provider,
            "UNALLOCATED": self.apart,
        }
        return {name: total for name, total in found.items() if total}


class Life:
    """One booking, and what people do with it."""

    def __init__(self, house: House, booking: Booking, expected: Expected) -> None:
        self.house, self.booking, self.expected = house, booking, expected
        self.asked: Payment | None = None
        self.mondays = iter(MONDAYS)
        self.given = 0
        self.confirms = half_up(expected.price, booking.rules.deposit_percent) or expected.price

    async def ask(self, amount: PayAmount) -> None:
        ordered = await self._ask(amount=amount)
        self.asked = await self.house.do(
            partial(
                paying.arrange,
                payment=ordered.payment,
                gateway_id=f"pi_{ordered.payment.id}",
                report=None,
                settles_at_once=False,
            )
        )

    async def hear(self, what: str) -> None:
        if self.asked is None:
            return
        payment, self.asked = self.asked, None
        money = payment.amount if what == "right" else gbp(payment.amount.amount_minor + 7)
        await gateway.hear(self.house.database, gateway.said(payment, money=money))
        settled = await gateway.settle(self.house.database, payment)
        if what == "right":
            assert settled.payment.status is PaymentStatus.PAID
            self.expected.come_in(money.amount_minor, confirms=self.confirms)
        else:
            self.expected.apart += money.amount_minor

    async def put_right(self, part: float | None) -> None:
        """A wrong sum comes in, some of it is given back, and then it was right after all."""
        if self.asked is None:
            return
        payment, self.asked = self.asked, None
        right = payment.amount.amount_minor
        wrong, database = gbp(right + 7), self.house.database
        await gateway.hear(database, gateway.said(payment, money=wrong))
        await gateway.settle(database, payment)
        back = min(right, max(1, int(right * part))) if part else 0
        if back:
            wish = RefundWish(amount=gbp(back), payment_id=payment.id, to=None, reason="Sorry.")
            await self._give(wish)
        await gateway.hear(database, gateway.said(payment))
        await gateway.settle(database, payment)
        self.expected.come_in(right, confirms=self.confirms, returned=back)

    async def give_back_there(self, part: float) -> None:
        """Staff give back at the gateway's own page, perhaps more than there is left to give."""
        async with self.house.database.read() as connection:
            all_ = (await payment_rows.of_bookings(connection, [self.booking.id]))[self.booking.id]
        paid = [one for one in all_ if one.status is PaymentStatus.PAID and not one.is_tip]
        paid = [one for one in paid if one.method is Method.CARD]
        if not paid:
            return
        payment, self.given = paid[-1], self.given + 1
        minor = max(1, int(payment.amount.amount_minor * part))
        facts = {"refund": f"re_{self.booking.id}_{self.given}", "money": gbp(minor)}
        for _ in range(2):
            report = gateway.said(payment, Said.REFUND_MADE, **facts)
            await gateway.hear(self.house.database, report, report)
            await gateway.settle(self.house.database, payment)
        covered = min(minor, payment.refundable_minor)
        self.expected.give_back(covered)
        self.expected.apart -= minor - covered

    async def credit(self, amount: PayAmount) -> None:
        await self.house.grant(1)
        try:
            paid = (await self._ask(amount=amount, method=Method.CREDITS)).payment
        except NotEnoughCredit as refused:
            await self.house.grant(refused.due.amount_minor)
            paid = (await self._ask(amount=amount, method=Method.CREDITS)).payment
        self.expected.come_in(paid.amount.amount_minor, confirms=self.confirms)

    async def work(self, _: None) -> None:
        await self.house.work(self.booking)
        self.expected.end("done")

    async def cancel(self, by_staff: bool) -> None:
        by = self.house.staff if by_staff else self.house.customer
        done = await self.house.cancel(self.booking, by=by)
        part = self.booking.rules.cancel_part_percent
        fee = 0 if by_staff else half_up(self.expected.price, part)
        assert done.fee_minor == fee
        self.expected.end("off", fee)

    async def miss(self, absent: Party) -> None:
        seen = Evidence(note="Nobody there.")
        told = partial(no_shows.report, booking_id=self.booking.id, by=self.house.staff)
        await self.house.do(partial(told, absent=absent, evidence=seen))
        whole = self.booking.rules.cancel_whole_percent
        fee = half_up(self.expected.price, whole) if absent is Party.CUSTOMER else 0
        self.expected.share_lost = absent is Party.PROVIDER
        self.expected.end("off", fee)

    async def lapse(self, _: None) -> None:
        lapse = partial(lapsing.lapse, booking_id=self.booking.id, patience=HOUR / 4)
        await self.house.do(lapse)
        self.expected.lapsed = True
        self.expected.end("off")

    async def refund(self, asked: tuple[float, Method | None]) -> None:
        part, to = asked
        left = self.expected.received - self.expected.returned
        amount = gbp(max(1, int(left * part)))
        wish = RefundWish(amount=amount, payment_id=None, to=to, reason="Sorry.")
        given = await self._give(wish)
        assert sum(one.amount.amount_minor for one in given) == amount.amount_minor
        self.expected.give_back(amount.amount_minor)

    async def tip(self, minor: int) -> None:
        await self.house.grant(minor)
        wish = tips.Wish(amount=gbp(minor), method=Method.CREDITS)
        self.tipped = (await self._ask(wish, rule=tips.ask)).payment
        self.expected.tips += minor

    async def refund_tip(self, _: None) -> None:
        tip = getattr(self, "tipped", None)
        if tip is None:
            return
        wish = RefundWish(amount=None, payment_id=tip.id, to=None, reason="Sorry.")
        (given,) = await self._give(wish)
        self.expected.tips -= given.amount.amount_minor

    async def payroll(self, _: None) -> None:
        """Another week has passed, and its payroll pays what there is, if it is enough."""
        period, mine = next(self.mondays), self.house.provider.user_id
        database = self.house.database
        run = partial(payroll.run, cycle=PayCycle.WEEKLY, period=period, house=RULES)
        await self.house.do(partial(as_if_long_ago, mine=mine, change=run))
        p = payouts_table.c
        fresh = select(p.id, p.amount_minor).where(p.provider_id == mine, p.period == period)
        async with database.read() as connection:
            found = (await connection.execute(fresh)).all()
        due = self.expected.provider - sum(self.expected.payouts)
        wanted = [due] if due >= RULES.least_payout_minor else []
        assert [row.amount_minor for row in found] == wanted
        for row in found:
            await self.house.do(partial(pay_out, payout_id=row.id))
        self.expected.payouts += wanted

    async def check(self) -> None:
        """Is everything where it should be?"""
        database, mine = self.house.database, self.house.provider.user_id
        async with database.read() as connection:
            entries = await ledger.of_booking(connection, self.booking.id)
            lines = ledger_lines.c
            own = select(func.coalesce(func.sum(lines.amount_minor), 0))
            owed = await connection.scalar(own.where(lines.provider_id == mine))
        found = sums(entries)
        outside = found.pop("OUTSIDE", 0) + found.pop("CREDIT", 0)
        assert found == self.expected.books
        assert outside == -sum(found.values())
        assert owed == self.expected.provider - sum(self.expected.payouts)

    async def _ask(self, wish: Any = None, *, rule: Any = None, **facts: Any) -> Any:
        wish = wish or Wish(**{"gateway": "stripe"} | facts)
        asking = partial(paying.ask, booking_id=self.booking.id, by=self.house.customer, wish=wish)
        return await self.house.do(partial(asking, rule=rule) if rule else asking)

    async def _give(self, wish: RefundWish) -> Any:
        giving = partial(refunds.give_by_hand, booking_id=self.booking.id, by=self.house.staff)
        return await self.house.do(partial(giving, wish=wish))


async def as_if_long_ago(tx: AsyncConnection, mine: UUID, change: Any) -> None:
    """Do it as if all that is payable now had been written long before."""
    o = payable_lines.c
    theirs = update(payable_lines).where(o.provider_id == mine)
    await tx.execute(theirs.values(at=o.at - LONG))
    await change(tx)
    await tx.execute(theirs.values(at=o.at + LONG))


async def pay_out(tx: AsyncConnection, payout_id: Any) -> None:
    """The gateway pays a payout."""
    taken = await payouts.take(tx, payout_id)
    assert taken is not None
    assert await payouts.note_paid(tx, taken[0], gateway="test", gateway_id=f"tr_{payout_id}")


async def begin(database: Database, drawn: dict[str, Any]) -> Life:
    rules = BookingRules(
        deposit_percent=drawn["deposit"],
        provider_share_percent=drawn["share"],
        cancel_part_percent=drawn["fee"],
        cancel_whole_percent=max(drawn["fee"], 50),
    )
    house = await House(database).open()
    booking = await house.book(
        ahead=-HOUR if drawn["begun"] else 10 * HOUR,
        price=gbp(drawn["price"]),
        rules=rules,
        paid_at=None,
    )
    return Life(house, booking, Expected(price=drawn["price"], share=drawn["share"]))
