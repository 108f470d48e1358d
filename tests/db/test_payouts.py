"""Is a payout sent by one at a time, noted once, and found by those who may?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from db import dead_letters, payouts
from db.tables import events, ledger_lines, ledger_postings
from db.tables import payouts as payouts_table
from domain.events import EventType
from domain.ledger import Account
from domain.pages import PageRequest
from domain.payouts import PayCycle, Payout, PayoutNotFailed, PayoutStatus
from domain.people import Role
from domain.refusals import InvalidInput, NotFound
from tests.db.racing import act, race
from tests.earners import balance, before, check, earn, pay, payouts_of, periods
from tests.factories import (
    a_viewer,
    add_providers,
    add_service,
    count_rows,
    now,
    read_events,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.engine import Database
    from domain.people import Viewer

WEEKLY, MONTHLY = PayCycle.WEEKLY, PayCycle.MONTHLY
MINUTE = timedelta(minutes=1)
ADMIN = a_viewer(role=Role.ADMIN)


async def owed(database: Database, *amounts: int, **columns: Any) -> tuple[Viewer, ...]:
    """Providers who have a payout each, which waits."""
    service = await add_service(database)
    made = await add_providers(database, service, count=len(amounts), on_shift=False, **columns)
    (period,) = await periods(database, WEEKLY, count=1)
    for one, minor in zip(made, amounts, strict=True):
        await earn(database, one, minor, at=before(WEEKLY, period))
    await pay(database)
    return tuple(made)


async def a_payout(database: Database, **columns: Any) -> Payout:
    (one,) = await owed(database, 6000, **columns)
    (made,) = await payouts_of(database, one)
    return made


async def read(database: Database, payout: Payout) -> Payout:
    async with database.read() as connection:
        (found,) = await payouts.by_ids(connection, [payout.id])
    return found


async def take(database: Database, payout: Payout) -> Payout:
    taken = await act(database, partial(payouts.take, payout_id=payout.id))
    assert taken is not None
    return taken[0]


async def let_pass(database: Database, payout: Payout, by: timedelta) -> None:
    async with database.begin() as tx:
        mine = update(payouts_table).where(payouts_table.c.id == payout.id)
        await tx.execute(mine.values(due_at=payouts_table.c.due_at - by))


async def test_one_of_many_takes_it_with_the_account_it_goes_to(crowd: Database) -> None:
    payout = await a_payout(crowd, payout_account="acct_1")
    found = await race(crowd, [partial(payouts.take, payout_id=payout.id)] * 10)
    (taken,) = [one for one in found if one is not None]
    assert taken[1] == "acct_1"
    stands = await read(crowd, payout)
    assert taken[0] == stands
    assert stands.tries == 1
    assert stands.due_at is not None
    assert abs(stands.due_at - await now(crowd) - payouts.LEASE) < MINUTE / 2


async def test_what_was_taken_and_never_heard_of_is_taken_again(database: Database) -> None:
    payout = await a_payout(database)
    first = await take(database, payout)
    assert await act(database, partial(payouts.take, payout_id=payout.id)) is None
    await let_pass(database, payout, payouts.LEASE)
    second = await take(database, payout)
    assert second.tries == 2
    # Who had it before and comes back late is not heard.
    noting = partial(payouts.note_paid, gateway="stripe", gateway_id="tr_1")
    known = await count_rows(database, events, ledger_postings)
    assert not await act(database, partial(noting, sent=first))
    assert await act(database, partial(payouts.put_off, sent=first, failure="", after=MINUTE)) is (
        None
    )
    assert not await act(database, partial(payouts.give_up, sent=first, failure="", refused=False))
    assert await read(database, payout) == second
    assert await count_rows(database, events, ledger_postings) == known
    assert await act(database, partial(noting, sent=second))


async def test_paid_it_is_posted_and_told_of_once(crowd: Database) -> None:
    payout = await a_payout(crowd)
    sent = await take(crowd, payout)
    known = len(await read_events(crowd))
    noting = partial(payouts.note_paid, sent=sent, gateway="stripe", gateway_id="tr_1")
    assert sorted(await race(crowd, [noting] * 5)) == [False] * 4 + [True]
    stands = await read(crowd, payout)
    assert (stands.status, stands.gateway, stands.gateway_id) == (
        *(PayoutStatus.PAID, "stripe"),
        "tr_1",
    )
    assert stands.due_at is None
    assert await read_events(crowd, after=known) == [EventType.PAYOUT_PAID]
    posted = (
        select(ledger_lines.c.account, ledger_lines.c.amount_minor, ledger_lines.c.provider_id)
        .join(ledger_postings, ledger_postings.c.id == ledger_lines.c.posting_id)
        .where(ledger_postings.c.cause == f"payout:{payout.id}")
    )
    async with crowd.read() as connection:
        lines = {tuple(row) for row in await connection.execute(posted)}
    assert lines == {("PROVIDER", -6000, payout.provider_id), ("OUTSIDE", 6000, None)}
    assert await balance(crowd, Account.PROVIDER) == 0
    await check(crowd)


async def test_put_off_it_is_due_again_then(database: Database) -> None:
    payout = await a_payout(database)
    sent = await take(database, payout)
    until = await act(
        database, partial(payouts.put_off, sent=sent, failure="No answer.", after=5 * MINUTE)
    )
    stands = await read(database, payout)
    assert (stands.status, stands.due_at, stands.failure) == (
        *(PayoutStatus.WAITING, until),
        "No answer.",
    )
    async with database.begin() as tx:
        assert await payouts.due(tx, limit=10) == []
    await let_pass(database, payout, 5 * MINUTE)
    async with database.begin() as tx:
        assert [uid for uid, _ in await payouts.due(tx, limit=10)] == [payout.id]


async def test_given_up_it_rests_among_the_dead_letters_until_it_is_retried(
    database: Database,
) -> None:
    payout = await a_payout(database)
    sent = await take(database, payout)
    known = len(await read_events(database))
    giving_up = partial(payouts.give_up, failure="No account.", refused=True)
    assert await act(database, partial(giving_up, sent=sent))
    stands = await read(database, payout)
    assert (stands.status, stands.due_at, stands.failure, stands.refusals) == (
        *(PayoutStatus.FAILED, None),
        *("No account.", 1),
    )
    request = PageRequest(limit=10)
    async with database.read() as connection:
        (letter,) = (await dead_letters.page(connection, request)).items
    assert (letter.job, letter.queue, letter.arguments, letter.error, letter.tries) == (
        *("retry_payout", "slow"),
        *((str(payout.id),), "No account.", 1),
    )
    again = await act(database, partial(payouts.retry, payout_id=payout.id))
    assert again == await read(database, payout)
    assert (again.status, again.tries, again.tries_now) == (PayoutStatus.WAITING, 1, 0)
    # Nobody need replay what was tried again.
    async with database.read() as connection:
        assert (await dead_letters.page(connection, request)).items == ()
    told = [EventType.PAYOUT_FAILED, EventType.PAYOUT_RETRIED]
    assert await read_events(database, after=known) == told
    # It may fail once more, and rests once more.
    sent = await take(database, payout)
    assert await act(database, partial(giving_up, sent=sent))
    async with database.read() as connection:
        assert len((await dead_letters.page(connection, request)).items) == 1
    await check(database)


async def test_only_what_has_failed_is_retried_and_once(crowd: Database) -> None:
    payout = await a_payout(crowd)
    with pytest.raises(PayoutNotFailed):
        await act(crowd, partial(payouts.retry, payout_id=payout.id))
    sent = await take(crowd, payout)
    await act(crowd, partial(payouts.give_up, sent=sent, failure="No.", refused=False))
    found = await race(crowd, [partial(payouts.retry, payout_id=payout.id)] * 5)
    assert sum(isinstance(one, Payout) for one in found) == 1
    assert sum(isinstance(one, PayoutNotFailed) for one in found) == 4
    with pytest.raises(NotFound):
        await act(crowd, partial(payouts.retry, payout_id=UUID(int=1)))
    with pytest.raises(NotFound):
        await act(crowd, partial(payouts.take, payout_id=UUID(int=1)))


async def test_they_are_listed_newest_first_by_whose_and_how_they_stand(
    database: Database,
) -> None:
    one, other = await owed(database, 6000, 7000)
    (period,) = await periods(database, WEEKLY, count=1)
    (mine,), (theirs,) = [await payouts_of(database, who) for who in (one, other)]
    sent = await take(database, mine)
    await act(
        database, partial(payouts.note_paid, sent=sent, gateway="development", gateway_id="1")
    )

    async def found(**which: Any) -> list[UUID]:
        chosen = payouts.Which(**which)
        async with database.read() as connection:
            page = await payouts.page(connection, PageRequest(limit=10), which=chosen)
            assert await payouts.count(connection, which=chosen) == len(page.items)
        return [payout.id for payout in page.items]

    everything = sorted([mine.id, theirs.id], reverse=True)
    assert await found() == everything
    assert await found(run_id=mine.run_id, cycle=WEEKLY, period=period) == everything
    assert await found(status=PayoutStatus.PAID) == [mine.id]
    assert await found(status=PayoutStatus.WAITING) == [theirs.id]
    assert await found(provider_id=other.user_id) == [theirs.id]
    for nothing in (
        *({"cycle": MONTHLY}, {"period": period + timedelta(days=7)}),
        *({"status": PayoutStatus.FAILED}, {"run_id": UUID(int=1)}),
    ):
        assert await found(**nothing) == []


async def test_how_a_provider_is_paid_is_kept(database: Database) -> None:
    one, other = await owed(database, 6000, 6000)

    async def details(who: Viewer) -> Sequence[Any]:
        async with database.read() as connection:
            found = await payouts.details(connection, who.user_id)
        return (found.provider_id, found.cycle, found.account)

    changing = partial(payouts.change_details, provider_id=one.user_id, by=ADMIN)
    assert await details(one) == (one.user_id, WEEKLY, None)
    await act(database, partial(changing, account="acct_1", cycle=MONTHLY))
    await act(database, partial(changing, account=None, cycle=None))
    assert await details(one) == (one.user_id, MONTHLY, "acct_1")
    assert await details(other) == (other.user_id, WEEKLY, None)
    with pytest.raises(InvalidInput):
        await act(database, partial(changing, account="no account", cycle=WEEKLY))
    assert await details(one) == (one.user_id, MONTHLY, "acct_1")
    with pytest.raises(NotFound):
        await details(a_viewer())
