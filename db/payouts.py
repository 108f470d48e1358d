"""Payouts: how one is sent, once, and how they are found.

Whoever sends a payout takes it first, in a transaction of its own, then calls the gateway with none
open, and notes the answer in another one, if nobody else has taken the payout meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import func, select, update

from db import clock, dead_letters, events, ledger, pages
from db.tables import payouts, providers
from domain import payouts as rules
from domain.events import Event, EventType
from domain.ledger import Account, Line, LineKind, posting
from domain.money import Money
from domain.payouts import PayCycle, Payout, PayoutDetails, PayoutStatus
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest
    from domain.people import Viewer

#: Who has taken a payout has this long; then somebody else may.
LEASE: Final = timedelta(seconds=60)

_NEWEST_FIRST: Final = pages.Order(columns=(payouts.c.id,), parse=(UUID,), descending=True)
_P = payouts.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which payouts a list is of; None stands for any."""

    provider_id: UUID | None = None
    run_id: UUID | None = None
    status: PayoutStatus | None = None
    cycle: PayCycle | None = None
    period: date | None = None


async def take(tx: AsyncConnection, payout_id: UUID) -> tuple[Payout, str | None] | None:
    """Take a payout to send it, with the account that it goes to; None where it is not due.

    Raises NotFound.
    """
    found = await _lock(tx, payout_id)
    mine = rules.taken(found, at=await clock.now(tx), lease=LEASE)
    if mine is None:
        return None
    await _save(tx, mine)
    return mine, (await details(tx, mine.provider_id)).account


async def note_paid(tx: AsyncConnection, sent: Payout, *, gateway: str, gateway_id: str) -> bool:
    """Note that a payout was paid, and post it. False where somebody else has it by now."""
    found = await _lock(tx, sent.id)
    if not rules.is_sent_by(found, sent.tries):
        return False
    at = await clock.now(tx)
    await _save(tx, rules.paid(found, gateway=gateway, gateway_id=gateway_id, at=at))
    minor = found.amount.amount_minor
    lines = [
        Line(
            account=Account.PROVIDER,
            kind=LineKind.PAYOUT,
            amount_minor=-minor,
            provider_id=found.provider_id,
        ),
        Line(account=Account.OUTSIDE, kind=LineKind.PAYOUT, amount_minor=minor),
    ]
    await ledger.post(tx, [posting(f"payout:{found.id}", found.amount.currency, lines)], at=at)
    await _tell(tx, EventType.PAYOUT_PAID, found)
    return True


async def put_off(
    tx: AsyncConnection, sent: Payout, *, failure: str, after: timedelta
) -> datetime | None:
    """Have a payout sent again after a while; when that is. None where somebody else has it."""
    found = await _lock(tx, sent.id)
    if not rules.is_sent_by(found, sent.tries):
        return None
    until = await clock.now(tx) + after
    await _save(tx, rules.put_off(found, failure=failure, until=until))
    return until


async def give_up(tx: AsyncConnection, sent: Payout, *, failure: str, refused: bool) -> bool:
    """Send a payout no more, and lay it to rest where staff see it.

    False where somebody else has it by now.
    """
    found = await _lock(tx, sent.id)
    if not rules.is_sent_by(found, sent.tries):
        return False
    at = await clock.now(tx)
    await _save(tx, rules.failed(found, failure=failure, refused=refused, at=at))
    await dead_letters.rest(
        tx,
        call=_call(found.id),
        job="retry_payout",
        queue="slow",
        arguments=[str(found.id)],
        error=failure,
        tries=found.tries_now,
    )
    await _tell(tx, EventType.PAYOUT_FAILED, found)
    return True


async def retry(tx: AsyncConnection, payout_id: UUID) -> Payout:
    """Have a payout that failed sent again. Raises NotFound or PayoutNotFailed."""
    found = await _lock(tx, payout_id)
    again = rules.retried(found, at=await clock.now(tx))
    await _save(tx, again)
    await dead_letters.settle(tx, _call(payout_id))
    await _tell(tx, EventType.PAYOUT_RETRIED, again)
    return again


async def due(tx: AsyncConnection, *, limit: int) -> list[tuple[UUID, datetime]]:
    """The payouts that are to be sent, with since when, longest overdue first."""
    rows = await tx.execute(
        select(_P.id, _P.due_at)
        .where(_P.due_at <= func.clock_timestamp())
        .order_by(_P.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [(row.id, row.due_at) for row in rows]


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Payout]:
    """The payouts with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(payouts).where(_P.id.in_(ids)))
    return [payout(row) for row in rows]


async def page(connection: AsyncConnection, request: PageRequest, *, which: Which) -> Page[Payout]:
    """A page of payouts, newest first."""
    return await pages.fetch(connection, _listed(which), _NEWEST_FIRST, request, payout)


async def count(connection: AsyncConnection, *, which: Which) -> int:
    """How many payouts there are."""
    return await pages.count(connection, _listed(which))


async def details(connection: AsyncConnection, provider_id: UUID) -> PayoutDetails:
    """How a provider is paid. Raises NotFound."""
    return _details(await _one(connection, _DETAILS.where(providers.c.id == provider_id)))


async def change_details(
    tx: AsyncConnection,
    provider_id: UUID,
    *,
    account: str | None,
    cycle: PayCycle | None,
    by: Viewer,
) -> PayoutDetails:
    """Change how a provider is paid. Raises NotFound or InvalidInput."""
    mine = providers.c.id == provider_id
    kept = _details(await _one(tx, _DETAILS.where(mine).with_for_update()))
    new = rules.change_details(kept, account=account, cycle=cycle, by=by)
    values = {"pay_cycle": new.cycle, "payout_account": new.account}
    await tx.execute(update(providers).where(mine).values(values))
    return new


_DETAILS: Final = select(providers.c.id, providers.c.pay_cycle, providers.c.payout_account)


def _details(row: Row[Any]) -> PayoutDetails:
    return PayoutDetails(
        provider_id=row.id, cycle=PayCycle(row.pay_cycle), account=row.payout_account
    )


async def _lock(tx: AsyncConnection, payout_id: UUID) -> Payout:
    query = select(payouts).where(_P.id == payout_id).with_for_update()
    return payout(await _one(tx, query, kind="Payout"))


async def _one(
    connection: AsyncConnection, query: Select[Any], *, kind: str = "Provider"
) -> Row[Any]:
    row: Row[Any] | None = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(kind)
    return row


async def _save(tx: AsyncConnection, changed: Payout) -> None:
    values = {name: getattr(changed, name) for name in (*_CHANGING, "status")}
    await tx.execute(update(payouts).where(_P.id == changed.id).values(values))


async def _tell(tx: AsyncConnection, type_: EventType, about: Payout) -> None:
    subject = {"payout": about.id, "provider": about.provider_id}
    await events.append(tx, [Event(type=type_, subject=subject)])


def _call(payout_id: UUID) -> str:
    return f"send_payout:{payout_id}"


def _listed(which: Which) -> Select[Any]:
    query = select(payouts)
    for name in which.__slots__:
        value = getattr(which, name)
        query = query if value is None else query.where(_P[name] == value)
    return query


#: What may become of a payout; all else stays as it was made.
_CHANGING: Final = (
    *("gateway", "gateway_id", "tries", "tries_before", "refusals"),
    *("due_at", "paid_at", "failed_at", "failure"),
)
#: Facts that a payout and its row call by the same name.
_PLAIN: Final = ("id", "run_id", "provider_id", "period", "lines", "created_at", *_CHANGING)


def payout(row: Row[Any]) -> Payout:
    """The payout in a row."""
    return Payout(
        **{name: getattr(row, name) for name in _PLAIN},
        cycle=PayCycle(row.cycle),
        amount=Money(amount_minor=row.amount_minor, currency=row.currency),
    )
