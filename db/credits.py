"""Credits: how credit is granted, and what a customer's is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Uuid, case, cast, func, insert, select

from db import accounts, clock, events, idempotency, ledger, pages
from db.ids import new_id
from db.tables import credit_grants, ledger_lines, ledger_postings
from domain import credits as rules
from domain.credits import CreditLine, Grant
from domain.ledger import Account
from domain.money import Money
from domain.people import Role
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.idempotency import Key
    from domain.pages import Page, PageRequest
    from domain.people import Viewer

_NEWEST_FIRST: Final = pages.Order(columns=(ledger_lines.c.id,), parse=(UUID,), descending=True)


async def grant(
    tx: AsyncConnection,
    *,
    customer_id: UUID,
    amount: Money,
    reason: str,
    by: Viewer,
    key: Key | None = None,
) -> Grant:
    """Give a customer credit. The same key again answers with the first time's.

    Raises NotFound for whoever is no customer, InvalidInput or IdempotencyKeyReused.
    """
    uid = new_id()
    if key is not None:
        first = await idempotency.claim(tx, key, user_id=by.user_id, result_id=uid)
        if first != uid:
            return await _get(tx, first)
    new = Grant(
        id=uid,
        customer_id=customer_id,
        amount=amount,
        reason=reason,
        granted_by=by.user_id,
        at=await clock.now(tx),
    )
    rules.check(new)
    whose = (await accounts.by_ids(tx, [customer_id])).get(customer_id)
    if whose is None or whose.role is not Role.CUSTOMER:
        raise NotFound("User")
    await tx.execute(insert(credit_grants).values(_columns(new)))
    await ledger.post(tx, [rules.grant_posting(new)], at=new.at)
    kept = {one.currency: one.amount_minor for one in await ledger.credit(tx, customer_id)}
    rules.check_balance(kept[amount.currency])
    await events.append(tx, [rules.granted(new)])
    return new


async def page(
    connection: AsyncConnection, request: PageRequest, *, customer_id: UUID
) -> Page[CreditLine]:
    """A page of the changes of a customer's credit, newest first."""
    return await pages.fetch(connection, _of(customer_id), _NEWEST_FIRST, request, _line)


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Grant]:
    """The credit that was granted with these ids, in no particular order; missing ones are left
    out."""
    rows = await connection.execute(select(credit_grants).where(credit_grants.c.id.in_(ids)))
    return [_grant(row) for row in rows]


async def count(connection: AsyncConnection, *, customer_id: UUID) -> int:
    """How many changes of a customer's credit there were."""
    return await pages.count(connection, _of(customer_id))


def _of(customer_id: UUID) -> Select[Any]:
    lines, posting, grants = ledger_lines.c, ledger_postings.c, credit_grants.c
    # A grant's posting is called after it.
    named = cast(func.substr(posting.cause, len("credit:") + 1), Uuid)
    its = grants.id == case((posting.cause.like("credit:%"), named))
    whole = ledger_lines.join(ledger_postings, lines.posting_id == posting.id)
    whole = whole.outerjoin(credit_grants, its)
    shown = select(ledger_lines, posting.cause, grants.reason).select_from(whole)
    return shown.where(lines.account == Account.CREDIT, lines.customer_id == customer_id)


def _line(row: Row[Any]) -> CreditLine:
    return CreditLine(
        id=row.id,
        cause=row.cause,
        amount=Money(amount_minor=row.amount_minor, currency=row.currency),
        booking_id=row.booking_id,
        reason=row.reason,
        at=row.at,
    )


async def _get(connection: AsyncConnection, grant_id: UUID) -> Grant:
    (found,) = await by_ids(connection, [grant_id])
    return found


def _columns(value: Grant) -> dict[str, Any]:
    return {
        "id": value.id,
        "customer_id": value.customer_id,
        "amount_minor": value.amount.amount_minor,
        "currency": value.amount.currency,
        "reason": value.reason,
        "granted_by": value.granted_by,
        "at": value.at,
    }


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        id=row.id,
        customer_id=row.customer_id,
        amount=Money(amount_minor=row.amount_minor, currency=row.currency),
        reason=row.reason,
        granted_by=row.granted_by,
        at=row.at,
    )
