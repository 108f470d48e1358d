"""What money is there in the small world?

The other customer has paid for work that is long done: once in two parts, with a tip, some of which
was given back; and twice in one. Its providers were paid out, will be, and could not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from db import credits as db_credits
from db import payment_rows, payroll, refunds, tables
from db.ids import new_id
from domain.booking_rules import BookingRules
from domain.house import DEFAULT
from domain.ledger import shared
from domain.payments import Method, Purpose
from domain.payouts import PayCycle
from domain.refunds import Wish
from domain.refunds_elsewhere import found
from tests.api.world import DAY, HOUR, World
from tests.money import a_payment, gbp, pay_in

#: What was paid of the first work, and beside it.
DEPOSIT, BALANCE, TIP = 31_415_927, 27_182_845, 16_180_339
#: What the second work cost, and the rival's.
LATER, RIVALS = 14_142_135, 17_320_508
#: What was given back of the first, once by each way that it can go.
REFUNDS: Final = {"WAITING": 5_772_156, "DONE": 2_645_751, "FAILED": 4_472_135}
#: What staff gave back of it at the gateway itself, and how much of that was not there any more.
TOO_MUCH: Final = 1_772_453
AT_GATEWAY: Final = DEPOSIT - sum(REFUNDS.values()) + TOO_MUCH
#: What the other customer has in credit, and what could not be charged.
CREDIT, DECLINED, WITHDRAWN = 33_166_247, 22_360_679, 24_494_897

#: What the winner has of the two parts: the share is reckoned of the whole.
EARNED: Final = tuple(
    shared(before, after, 80)[0] for before, after in ((0, DEPOSIT), (DEPOSIT, DEPOSIT + BALANCE))
)
FIRST_PAYOUT: Final = sum(EARNED) + TIP
NEXT_PAYOUT: Final = shared(0, LATER, 80)[0]
RIVALS_PAYOUT: Final = shared(0, RIVALS, 80)[0]


async def paid(world: World) -> None:
    """All of it."""
    early, late = world.at - 50 * DAY, world.at - 41 * DAY
    await _first_work(world, early)
    later = Job(name="later", street="29 Card Court", provider="winner", minor=LATER, at=late)
    rivals: dict[str, Any] = {"provider": "rival", "service": "clean", "minor": RIVALS}
    theirs = Job(name="to the rival", street="30 Rival Rise", at=early, **rivals)
    for job in (later, theirs):
        await _done(world, job)
    await _not_paid(world)
    async with world.database.begin() as tx:
        given = await db_credits.grant(
            tx,
            customer_id=world.uid("other"),
            amount=gbp(CREDIT),
            reason="Credit: for the long wait",
            by=world.who("admin"),
        )
    assert given.customer_id == world.uid("other")
    await _paid_out(world, early)
    await _given_back(world)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that was done, so long ago that nobody needs its address any more."""

    name: str
    street: str
    provider: str
    minor: int
    at: datetime
    service: str = "repair"
    deposit_percent: int = 0


async def _first_work(world: World, at: datetime) -> None:
    minor = DEPOSIT + BALANCE
    whose: dict[str, Any] = {"provider": "winner", "minor": minor, "deposit_percent": 53}
    await _book(world, Job(name="paid", street="28 Money Mews", at=at, **whose))
    parts = {Purpose.DEPOSIT: DEPOSIT, Purpose.BALANCE: BALANCE, Purpose.TIP: TIP}
    for number, (purpose, paid) in enumerate(parts.items()):
        await _pay(world, "paid", purpose, paid, at + number * HOUR)


async def _done(world: World, job: Job) -> None:
    await _book(world, job)
    await _pay(world, job.name, Purpose.FULL, job.minor, job.at)


async def _book(world: World, job: Job) -> None:
    at = job.at
    done: dict[str, Any] = dict.fromkeys(("requested_at", "assigned_at", "paid_at"), at)
    done |= {"started_at": at, "completed_at": at, "provider_id": world.uid(job.provider)}
    done |= {"ahead": at - world.at, "price": gbp(job.minor), "service": job.service}
    done["rules"] = BookingRules(deposit_percent=job.deposit_percent)
    await world.book(job.name, "other", job.street, **done)


async def _pay(world: World, name: str, purpose: Purpose, minor: int, at: datetime) -> None:
    async with world.database.begin() as tx:
        uid = world.bookings[name].id
        made = await pay_in(tx, booking_id=uid, minor=minor, at=at, purpose=purpose)
    world.money[f"{name}: {purpose}"] = made.id


async def _not_paid(world: World) -> None:
    """One that the other's bank declined, and one that the customer need not make any more."""
    nothing: dict[str, Any] = {"received": None, "paid_at": None, "created_at": world.at}
    declined = {"failed_at": world.at, "failure": "Card: the bank said no"}
    for name, booking, minor, what in (
        ("declined", "open", DECLINED, declined),
        ("withdrawn", "main", WITHDRAWN, {"cancelled_at": world.at}),
    ):
        about = world.bookings[booking]
        uid = UUID(int=minor)
        whose = {"id": uid, "booking_id": about.id, "customer_id": about.customer_id}
        payment = a_payment(minor, **whose | nothing | what)
        async with world.database.begin() as tx:
            await tx.execute(insert(tables.payments).values(payment_rows.columns(payment)))
        world.money[name] = uid


async def _paid_out(world: World, early: datetime) -> None:
    """What was earned early has been paid, or could not be; what was earned later is on its way."""
    await world.change(tables.providers, world.uid("winner"), payout_account="acct_1OfTheWinner")
    day = (early + DAY).astimezone(ZoneInfo(DEFAULT.zone_name)).date()
    monday = day + timedelta(days=-day.weekday() % 7)
    for period in (monday, None):
        async with world.database.begin() as tx:
            run, _ = await payroll.run(
                tx, cycle=PayCycle.WEEKLY, period=period, house=DEFAULT, by=world.who("admin")
            )
        world.money["first run" if period else "next run"] = run.id
    names = {FIRST_PAYOUT: "first payout", NEXT_PAYOUT: "next payout", RIVALS_PAYOUT: "rival's"}
    p = tables.payouts.c
    async with world.database.read() as connection:
        rows = (await connection.execute(select(p.id, p.amount_minor))).all()
    world.money |= {f"{names[row.amount_minor]}": row.id for row in rows}
    assert len(rows) == len(names)
    paid = {"status": "PAID", "due_at": None, "paid_at": world.at, "tries": 1}
    paid |= {"gateway": "stripe", "gateway_id": "tr_1OfTheWinner"}
    failed = {"status": "FAILED", "due_at": None, "failed_at": world.at}
    failed |= {"failure": "Payout: no such account"}
    await world.change(tables.payouts, world.money["first payout"], **paid)
    await world.change(tables.payouts, world.money["rival's"], **failed)
    waits = {"failure": "Payout: come back later", "tries": 2}
    await world.change(tables.payouts, world.money["next payout"], **waits)


async def _given_back(world: World) -> None:
    for status, minor in REFUNDS.items():
        # What goes to credit is done as soon as it is decided.
        to = Method.CREDITS if status == "DONE" else None
        wish = Wish(
            amount=gbp(minor),
            payment_id=world.money["paid: DEPOSIT"],
            to=to,
            reason=f"Refund: the seal leaked, {status.lower()}",
        )
        async with world.database.begin() as tx:
            (refund,) = await refunds.give_by_hand(
                tx, booking_id=world.bookings["paid"].id, by=world.who("admin"), wish=wish
            )
        world.money[f"refund: {status}"] = refund.id
    await _given_back_there(world)
    said = {"failure": "Refund: the gateway is down"}
    await world.change(tables.refunds, world.money["refund: WAITING"], **said)
    gone = {"status": "FAILED", "due_at": None, "failed_at": world.at}
    await world.change(tables.refunds, world.money["refund: FAILED"], **said | gone)


async def _given_back_there(world: World) -> None:
    async with world.database.begin() as tx:
        (payment,) = await payment_rows.by_ids(tx, [world.money["paid: DEPOSIT"]])
        made: dict[str, Any] = {"gateway_id": "re_ByHand", "uid": new_id(), "at": world.at}
        refund = found(payment, gbp(AT_GATEWAY), **made)
        await refunds.note_found(tx, refund, payment)
    assert refund.excess_minor == TOO_MUCH
    world.money["refund: AT_GATEWAY"] = refund.id
