"""Is a refund sent by one at a time, noted once, and never lost?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from db import dead_letters, refunds
from db.engine import constraint
from db.ids import new_id
from db.tables import refunds as refunds_table
from domain.events import EventType
from domain.pages import PageRequest
from domain.refunds import LEASE, Refund, RefundStatus
from tests.db.racing import race
from tests.db.till import DAY, House, a_wish, by_hand, read
from tests.factories import now, read_events

if TYPE_CHECKING:
    from db.engine import Database

AGAIN = timedelta(seconds=30)
FIRST_PAGE = PageRequest(limit=9, after=None, before=None, backwards=False)


@pytest.fixture
async def house(crowd: Database) -> House:
    return await House(crowd).open()


async def make_due(house: House) -> None:
    """Let the time of whatever waits come."""
    at = await now(house.database)
    waits = update(refunds_table).where(refunds_table.c.due_at.is_not(None))
    await house.do(lambda tx: tx.execute(waits.values(due_at=at)))


class TestSending:
    async def a_refund(self, house: House, *, ahead: timedelta = DAY) -> Refund:
        booking = await house.book(ahead=ahead)
        await house.pay(booking)
        (refund,) = await by_hand(house, booking, a_wish(1000))
        return refund

    async def take(self, house: House, refund: Refund) -> Refund | None:
        found = await house.do(partial(refunds.take, refund_id=refund.id))
        return found[0] if found else None

    async def test_it_is_taken_once_by_many_at_once(self, house: House) -> None:
        refund = await self.a_refund(house)
        came = await race(house.database, [partial(refunds.take, refund_id=refund.id)] * 12)
        taken = [one for one in came if one is not None]
        assert len(taken) == 1
        ((mine, payment),) = taken
        assert (mine.tries, payment.id) == (1, refund.payment_id)
        assert mine.due_at is not None
        assert mine.due_at > refund.created_at + LEASE
        assert await read(house, refund) == mine

    async def test_what_nobody_knows_is_not_there_to_take(self, house: House) -> None:
        assert await house.do(partial(refunds.take, refund_id=new_id())) is None

    async def test_sent_it_is_done_and_told_once(self, house: House) -> None:
        refund = await self.a_refund(house)
        mine = await self.take(house, refund)
        assert mine is not None
        before = len(await read_events(house.database))

        for _ in range(2):
            await house.do(partial(refunds.sent, taken=mine, gateway_id="re_1"))

        done = await read(house, refund)
        assert (done.status, done.gateway_id, done.due_at) == (RefundStatus.DONE, "re_1", None)
        assert await read_events(house.database, after=before) == [EventType.REFUND_DONE]
        assert await self.take(house, refund) is None

    async def test_whoever_was_too_slow_changes_nothing(self, house: House) -> None:
        refund = await self.a_refund(house)
        slow = await self.take(house, refund)
        await make_due(house)
        quick = await self.take(house, refund)
        assert slow is not None
        assert quick is not None
        before = len(await read_events(house.database))

        await house.do(partial(refunds.sent, taken=slow, gateway_id="re_slow"))
        put_off = partial(refunds.not_sent, taken=slow, failure="slow", again_in=AGAIN)
        assert await house.do(put_off) is None
        await house.do(partial(refunds.give_up, taken=slow, failure="slow", refused=False))

        assert await read(house, refund) == quick
        assert await read_events(house.database, after=before) == []

    async def test_put_off_it_is_due_again_later(self, house: House) -> None:
        refund = await self.a_refund(house)
        mine = await self.take(house, refund)
        assert mine is not None
        due = await house.do(partial(refunds.not_sent, taken=mine, failure="busy", again_in=AGAIN))
        later = await read(house, refund)
        assert (later.due_at, later.failure, later.status) == (due, "busy", RefundStatus.WAITING)
        assert due > refund.created_at + AGAIN
        assert await self.take(house, refund) is None
        async with house.database.read() as connection:
            assert await refunds.due(connection, limit=9) == []
        await make_due(house)
        async with house.database.read() as connection:
            assert [one[0] for one in await refunds.due(connection, limit=9)] == [refund.id]

    async def test_given_up_it_rests_where_staff_can_have_it_tried_again(
        self, house: House
    ) -> None:
        refund = await self.a_refund(house)
        mine = await self.take(house, refund)
        assert mine is not None
        before = len(await read_events(house.database))

        await house.do(partial(refunds.give_up, taken=mine, failure="No.", refused=True))

        failed = await read(house, refund)
        assert (failed.status, failed.failure, failed.refusals) == (
            RefundStatus.FAILED,
            "No.",
            1,
        )
        assert await read_events(house.database, after=before) == [EventType.REFUND_FAILED]
        async with house.database.read() as connection:
            (letter,) = (await dead_letters.page(connection, FIRST_PAGE)).items
        assert (letter.job, letter.queue, letter.error) == ("retry_refund", "slow", "No.")
        assert letter.arguments == (str(refund.id),)

        for _ in range(2):
            await house.do(partial(refunds.revive, refund_id=refund.id))
        again = await self.take(house, refund)
        assert again is not None
        assert (again.tries, again.key) == (1, f"{refund.id}:1")

    async def test_what_has_not_failed_is_not_tried_anew(self, house: House) -> None:
        refund = await self.a_refund(house)
        mine = await self.take(house, refund)
        await house.do(partial(refunds.revive, refund_id=refund.id))
        await house.do(partial(refunds.revive, refund_id=new_id()))
        assert await read(house, refund) == mine

    async def test_what_the_cards_bank_sends_back_has_failed_once(self, house: House) -> None:
        refund = await self.a_refund(house)
        mine = await self.take(house, refund)
        assert mine is not None
        await house.do(partial(refunds.sent, taken=mine, gateway_id="re_1"))
        before = len(await read_events(house.database))
        failed = RefundStatus.FAILED

        assert await self.hear(house, "re_2", failed) is False
        assert await self.hear(house, "re_1", RefundStatus.DONE) is True
        assert (await read(house, refund)).status is RefundStatus.DONE
        for _ in range(2):
            assert await self.hear(house, "re_1", failed) is True

        now_ = await read(house, refund)
        assert (now_.status, now_.failure, now_.key) == (failed, "closed card", f"{refund.id}:1")
        assert await read_events(house.database, after=before) == [EventType.REFUND_FAILED]
        # While it is tried anew, an old report says nothing new.
        await house.do(partial(refunds.revive, refund_id=refund.id))
        assert await self.hear(house, "re_1", failed) is True
        assert (await read(house, refund)).status is RefundStatus.WAITING

    async def hear(self, house: House, gateway_id: str, status: RefundStatus) -> bool:
        said = partial(refunds.reported, gateway_id=gateway_id, status=status)
        known: bool = await house.do(partial(said, failure="closed card"))
        return known

    async def test_a_refund_of_theirs_is_one_of_ours(self, house: House) -> None:
        first, second = [await self.a_refund(house, ahead=n * DAY) for n in (1, 2)]
        for refund in (first, second):
            mine = await self.take(house, refund)
            assert mine is not None
            change = partial(refunds.sent, taken=mine, gateway_id="re_1")
            if refund is first:
                await house.do(change)
                continue
            with pytest.raises(IntegrityError) as refused:
                await house.do(change)
            assert constraint(refused.value) == "uq_refunds_gateway_id"
