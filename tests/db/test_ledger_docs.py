"""Does docs/ledger.md say what is so? Every example in it is done, and what it lists is all there
is."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from db import ledger, paying, payouts, payroll, refunds
from domain import tips
from domain.booking_rules import BookingRules
from domain.house import DEFAULT
from domain.ledger import Account, Entry, LineKind
from domain.paying import PayAmount, Wish
from domain.payment_events import Said
from domain.payments import Method
from domain.payouts import PayCycle
from domain.refunds import Wish as RefundWish
from tests import paying as gateway
from tests.db.money_lives import PAYDAY, as_if_long_ago, pay_out
from tests.db.till import HOUR, House
from tests.doc_tables import rows
from tests.money import gbp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from db.engine import Database
    from domain.bookings import Booking
    from domain.payments import Payment

PAGE: Final = Path(__file__).parents[2] / "docs" / "ledger.md"
PRICE: Final = 10_001
ACCOUNTS: Final = [account.value for account in Account]


class Example:
    """A booking of 100.01, and what becomes of its money."""

    def __init__(self, house: House, booking: Booking) -> None:
        self.house, self.booking = house, booking

    async def ask(self, wish: Any = None, **facts: Any) -> Payment:
        wish = wish or Wish(**{"gateway": "stripe"} | facts)
        rule = {"rule": tips.ask} if isinstance(wish, tips.Wish) else {}
        asking = partial(paying.ask, booking_id=self.booking.id, by=self.house.customer)
        asked = (await self.house.do(partial(asking, wish=wish, **rule))).payment
        payment: Payment = asked
        return payment

    async def pay(self, wish: Any = None, *, received: int | None = None, **facts: Any) -> Payment:
        """By card, unless it says otherwise."""
        payment = await self.ask(wish, **facts)
        if payment.method is Method.CARD:
            money = gbp(received or payment.amount.amount_minor)
            await gateway.hear(self.house.database, gateway.said(payment, money=money))
            await gateway.settle(self.house.database, payment)
        return payment

    async def give_back(self, minor: int | None, payment: Payment | None = None) -> None:
        wish = RefundWish(
            amount=None if minor is None else gbp(minor),
            payment_id=payment.id if payment else None,
            to=None,
            reason="Sorry.",
        )
        giving = partial(refunds.give_by_hand, booking_id=self.booking.id, by=self.house.staff)
        await self.house.do(partial(giving, wish=wish))

    async def work(self) -> None:
        await self.house.work(self.booking)


async def full(one: Example) -> None:
    await one.pay()
    await one.work()


async def deposit(one: Example) -> None:
    await one.pay(amount=PayAmount.DEPOSIT)
    await one.work()
    await one.pay()


async def called_off(one: Example) -> None:
    await one.pay()
    await one.house.cancel(one.booking)


async def given_back(one: Example) -> None:
    await full(one)
    await one.give_back(2500)


async def tipped(one: Example) -> None:
    await full(one)
    tip = await one.pay(tips.Wish(amount=gbp(500), gateway="stripe"))
    await one.give_back(None, tip)


async def credited(one: Example) -> None:
    await one.house.grant(5000)
    await one.pay(amount=PayAmount.DEPOSIT, method=Method.CREDITS)
    await one.pay()
    await one.house.cancel(one.booking, by=one.house.staff)


async def wrong(one: Example) -> None:
    payment = await one.pay(received=1001)
    await one.give_back(None, payment)


async def put_right(one: Example) -> None:
    payment = await one.pay(received=1001)
    await gateway.hear(one.house.database, gateway.said(payment))
    await gateway.settle(one.house.database, payment)


async def put_right_late(one: Example) -> None:
    payment = await one.pay(received=1001)
    await one.give_back(None, payment)
    await gateway.hear(one.house.database, gateway.said(payment))
    await gateway.settle(one.house.database, payment)


async def given_back_there(one: Example) -> None:
    payment = await one.pay()
    wish = RefundWish(amount=gbp(3000), payment_id=None, to=Method.CREDITS, reason="Sorry.")
    giving = partial(refunds.give_by_hand, booking_id=one.booking.id, by=one.house.staff)
    await one.house.do(partial(giving, wish=wish))
    there: dict[str, Any] = {"refund": f"re_{payment.id}", "money": gbp(PRICE)}
    report = gateway.said(payment, Said.REFUND_MADE, **there)
    await gateway.hear(one.house.database, report)
    await gateway.settle(one.house.database, payment)


async def paid_out(one: Example) -> None:
    await full(one)
    mine = one.house.provider.user_id
    run = partial(payroll.run, cycle=PayCycle.WEEKLY, period=PAYDAY, house=DEFAULT)
    await one.house.do(partial(as_if_long_ago, mine=mine, change=run))
    async with one.house.database.read() as connection:
        ((payout_id, _),) = await payouts.due(connection, limit=9)
    await one.house.do(partial(pay_out, payout_id=payout_id))


EXAMPLES: Final[dict[str, Callable[[Example], Awaitable[None]]]] = {
    "Paid in full, and done": full,
    "A deposit, and the balance after the work": deposit,
    "Called off at half the price": called_off,
    "Given back after the work": given_back,
    "A tip, and its return": tipped,
    "Partly with credit, and called off by the house": credited,
    "A wrong sum, given back": wrong,
    "A wrong sum, put right": put_right,
    "A wrong sum, put right when it had gone back": put_right_late,
    "Given back at the gateway itself, more than there was": given_back_there,
    "Paid out": paid_out,
}


async def entries(database: Database, example: Callable[[Example], Awaitable[None]]) -> list[Entry]:
    """Every line that an example makes, in order."""
    house = await House(database).open()
    rules = BookingRules(deposit_percent=30)
    booking = await house.book(ahead=10 * HOUR, price=gbp(PRICE), rules=rules, paid_at=None)
    await example(Example(house, booking))
    async with database.read() as connection:
        listed = await connection.execute(ledger.listed().order_by("at", "id"))
        return [ledger.entry(row) for row in listed]


def shown(lines: Iterable[Entry]) -> list[list[str]]:
    """As the page has them: a row for each posting, and what it comes to."""
    postings: dict[str, dict[str, int]] = {}
    for one in lines:
        sums = postings.setdefault(one.cause, dict.fromkeys(ACCOUNTS, 0))
        sums[one.account.value] += one.amount.amount_minor
    causes = [[named(cause), *map(cell, sums.values())] for cause, sums in postings.items()]
    totals = [sum(sums[account] for sums in postings.values()) for account in ACCOUNTS]
    return [*causes, ["in all", *map(cell, totals)]]


def named(cause: str) -> str:
    return re.sub(r":[0-9a-f-]{36}", ":…", cause)


def cell(minor: int) -> str:
    return f"{minor / 100:+.2f}" if minor else ""


@pytest.mark.parametrize("name", list(EXAMPLES))
async def test_every_example_comes_to_what_the_page_says(database: Database, name: str) -> None:
    found = shown(await entries(database, EXAMPLES[name]))
    assert rows(PAGE, "posting", after=f"### {name}\n") == found


def test_every_account_and_kind_is_listed_with_its_meaning() -> None:
    assert [row[0] for row in rows(PAGE, "account")] == ACCOUNTS
    assert [row[0] for row in rows(PAGE, "kind")] == [kind.value for kind in LineKind]


async def test_every_posting_is_listed_with_the_lines_that_it_may_have(
    database: Database,
) -> None:
    seen: dict[str, set[str]] = {}
    for example in EXAMPLES.values():
        for one in await entries(database, example):
            family = re.sub(r":\d+$", ":n", named(one.cause))
            seen.setdefault(family, set()).add(f"{one.account} {one.kind}")
    listed = {row[0]: set(row[2].split(", ")) for row in rows(PAGE, "cause")}
    assert listed == seen


def test_no_cause_is_made_in_the_code_that_is_not_listed() -> None:
    root = Path(__file__).parents[2]
    makers = [*root.glob("domain/*.py"), *root.glob("db/*.py")]
    made = {
        cause
        for path in makers
        if "posting(" in (text := path.read_text()) or "Posting(" in text
        for cause in re.findall(r'f"([a-z]+):\{', text)
    }
    listed = {row[0].partition(":")[0] for row in rows(PAGE, "cause")}
    # "fee" and "earning" are named by what they are for.
    assert made | {"fee", "earning"} == listed
