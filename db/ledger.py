"""The ledger: how lines are written, once for each cause, and what they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from db.ids import new_id
from db.tables import credit_balances, ledger_lines, ledger_postings
from domain.ledger import Account, Entry, LineKind, NotEnoughCredit, Settled
from domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.ledger import Posting

#: What a provider and the platform have of a booking, tips apart.
_HAD: Final = (LineKind.EARNING, LineKind.COMMISSION, LineKind.FEE, LineKind.CLAWBACK)


async def post(tx: AsyncConnection, new: Iterable[Posting | None], *, at: datetime) -> None:
    """Write postings, and keep customers' credit in step. None, where nothing was to be said, is
    left out.

    The database refuses a cause that was posted before (uq_ledger_postings_cause), by an
    IntegrityError that is nobody's to expect: whoever posts holds the lock of what it is about, and
    has looked. Raises NotEnoughCredit, with nothing written.
    """
    postings = [(new_id(), posting) for posting in new if posting is not None]
    if not postings:
        return
    for _, posting in postings:
        await _keep_credit(tx, posting)
    await tx.execute(
        insert(ledger_postings),
        [
            {"id": uid, "cause": one.cause, "booking_id": one.booking_id, "at": at}
            for uid, one in postings
        ],
    )
    await tx.execute(
        insert(ledger_lines),
        [
            {
                "id": new_id(),
                "posting_id": uid,
                "account": line.account,
                "kind": line.kind,
                "amount_minor": line.amount_minor,
                "currency": one.currency,
                "booking_id": one.booking_id,
                "provider_id": line.provider_id,
                "customer_id": line.customer_id,
                "at": at,
            }
            for uid, one in postings
            for line in one.lines
        ],
    )


async def settled(connection: AsyncConnection, booking_id: UUID) -> Settled:
    """What a booking's money has become so far. The caller holds the booking's lock if it is going
    to change that."""
    lines = ledger_lines.c
    shared = lines.account.in_((Account.PROVIDER, Account.PLATFORM)) & lines.kind.in_(_HAD)
    taken = lines.kind != LineKind.CLAWBACK
    own = select(
        _sum(lines.account == Account.HELD).label("held"),
        _sum(shared).label("earned"),
        _sum(shared & (lines.kind == LineKind.FEE)).label("fees"),
        func.count(lines.posting_id.distinct()).filter(shared & taken).label("settlements"),
    ).where(lines.booking_id == booking_id)
    row = (await connection.execute(own)).one()
    return Settled(held=row.held, earned=row.earned, fees=row.fees, settlements=row.settlements)


async def of_booking(connection: AsyncConnection, booking_id: UUID) -> list[Entry]:
    """Every line about a booking, oldest first."""
    query = listed().where(ledger_lines.c.booking_id == booking_id).order_by(ledger_lines.c.id)
    return [entry(row) for row in await connection.execute(query)]


async def credit(connection: AsyncConnection, customer_id: UUID) -> list[Money]:
    """What a customer has in credit, in each currency in which they have any."""
    b = credit_balances.c
    own = select(b.currency, b.balance_minor).where(b.customer_id == customer_id)
    rows = await connection.execute(own.where(b.balance_minor > 0).order_by(b.currency))
    return [Money(amount_minor=row.balance_minor, currency=row.currency) for row in rows]


def listed() -> Select[Any]:
    """Lines with the cause of their posting, for `entry`."""
    joined = ledger_lines.join(ledger_postings, ledger_lines.c.posting_id == ledger_postings.c.id)
    return select(ledger_lines, ledger_postings.c.cause).select_from(joined)


def entry(row: Row[Any]) -> Entry:
    """The line in a row of `listed`."""
    return Entry(
        id=row.id,
        cause=row.cause,
        account=Account(row.account),
        kind=LineKind(row.kind),
        amount=Money(amount_minor=row.amount_minor, currency=row.currency),
        booking_id=row.booking_id,
        provider_id=row.provider_id,
        customer_id=row.customer_id,
        at=row.at,
    )


async def _keep_credit(tx: AsyncConnection, posting: Posting) -> None:
    for customer_id, change in _credit_changes(posting).items():
        if change > 0:
            await _add_credit(tx, customer_id, posting.currency, change)
        elif change < 0:
            await _take_credit(tx, customer_id, posting.currency, -change)


def _credit_changes(posting: Posting) -> dict[UUID, int]:
    changes: dict[UUID, int] = {}
    for line in posting.lines:
        if line.customer_id is not None:
            changes[line.customer_id] = changes.get(line.customer_id, 0) + line.amount_minor
    return changes


async def _add_credit(tx: AsyncConnection, customer_id: UUID, currency: str, minor: int) -> None:
    row = {"customer_id": customer_id, "currency": currency, "balance_minor": minor}
    new = pg_insert(credit_balances).values(row)
    more = credit_balances.c.balance_minor + minor
    await tx.execute(
        new.on_conflict_do_update(constraint="pk_credit_balances", set_={"balance_minor": more})
    )


async def _take_credit(tx: AsyncConnection, customer_id: UUID, currency: str, minor: int) -> None:
    b = credit_balances.c
    own = (b.customer_id == customer_id) & (b.currency == currency)
    # Asked on the row that is written, after waiting for whoever else is spending.
    taken = await tx.execute(
        update(credit_balances)
        .where(own, b.balance_minor >= minor)
        .values(balance_minor=b.balance_minor - minor)
        .returning(b.balance_minor)
    )
    if taken.one_or_none() is None:
        balance = await tx.scalar(select(b.balance_minor).where(own))
        due = Money(amount_minor=minor, currency=currency)
        raise NotEnoughCredit(Money(amount_minor=balance or 0, currency=currency), due)


def _sum(which: Any) -> Any:
    total = func.sum(ledger_lines.c.amount_minor).filter(which)
    return func.coalesce(total, 0).cast(BigInteger)
