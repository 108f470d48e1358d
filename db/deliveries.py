"""How is a delivery taken up, kept from everybody else meanwhile, and written of afterwards?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, literal_column, select, update

from db import clock, dead_letters
from db.tables import deliveries
from domain import deliveries as rules
from domain.deliveries import LEASE, Delivery
from domain.messages import Channel, DeliveryStatus
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.deliveries import Outcome

#: The job that has a failed delivery tried again, and where it is done.
REDELIVER: Final = "redeliver"
_QUEUE: Final = "slow"

_D = deliveries.c
#: In words that the index of what is due has, whatever a statement's plan is made for.
_WAITING: Final = _D.status == literal_column("'WAITING'")
_CHANGING: Final = ("status", "due_at", "tries", "sent_at", "failed_at", "error", "remote_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a claim. `jitter`, from 0 to 1, spreads the tries that follow."""

    claimed: Delivery
    outcome: Outcome
    jitter: float


def delivery_of(row: Row[Any]) -> Delivery:
    """The delivery of a row that has all columns of the table."""
    return Delivery(
        id=row.id,
        notification_id=row.notification_id,
        channel=Channel(row.channel),
        status=DeliveryStatus(row.status),
        due_at=row.due_at,
        tries=row.tries,
        urgent=row.urgent,
        sent_at=row.sent_at,
        failed_at=row.failed_at,
        error=row.error,
        remote_id=row.remote_id,
    )


async def claim(tx: AsyncConnection, channel: Channel, *, limit: int) -> list[Delivery]:
    """Take up what is due on a channel and nobody else has, longest due first.

    It is due again, for anybody, when the lease has passed; so a crash loses nothing.
    """
    due = (
        select(_D.id, _D.due_at)
        .where(_WAITING, _D.channel == channel, _D.due_at <= func.clock_timestamp())
        .order_by(_D.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # As a subquery it might be looked for again for every row, and lock more than `limit`.
        .cte("due")
    )
    taken = {"tries": _D.tries + 1, "due_at": func.clock_timestamp() + LEASE}
    mine = update(deliveries).where(_D.id == due.c.id).values(taken)
    was_due = due.c.due_at.label("was_due")
    rows = (await tx.execute(mine.returning(deliveries, was_due))).all()
    return [delivery_of(row) for row in sorted(rows, key=lambda row: row.was_due)]


async def settle(tx: AsyncConnection, tried: Sequence[Tried]) -> list[Delivery]:
    """Write what came of claims. Those that somebody else has taken up since are left to them,
    and are not in the answer."""
    by_id = {one.claimed.id: one for one in tried}
    locked = await _lock(tx, by_id.keys())
    at = await clock.now(tx)
    settled = [
        rules.settle(one.claimed, one.outcome, at=at, jitter=one.jitter)
        for id_, one in by_id.items()
        if id_ in locked and locked[id_].is_held_as(one.claimed)
    ]
    await _save(tx, settled)
    for delivery in settled:
        if delivery.status is DeliveryStatus.FAILED:
            await _rest(tx, delivery)
    return settled


async def redeliver(tx: AsyncConnection, delivery_id: UUID) -> Delivery:
    """Have a delivery that failed tried again, as if it were new; any other stays as it is.
    Raises NotFound."""
    locked = await _lock(tx, [delivery_id])
    if delivery_id not in locked:
        raise NotFound("Delivery")
    delivery = rules.again(locked[delivery_id], at=await clock.now(tx))
    await _save(tx, [delivery])
    return delivery


async def channels_due(connection: AsyncConnection) -> list[Channel]:
    """The channels on which something is to be sent by now."""
    found = []
    for channel in Channel:
        due = (_D.channel == channel) & (_D.due_at <= func.clock_timestamp())
        if await connection.scalar(select(select(_D.id).where(_WAITING, due).exists())):
            found.append(channel)
    return found


async def _lock(tx: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Delivery]:
    query = select(deliveries).where(_D.id.in_(ids)).order_by(_D.id).with_for_update()
    return {row.id: delivery_of(row) for row in await tx.execute(query)}


async def _save(tx: AsyncConnection, changed: Sequence[Delivery]) -> None:
    if not changed:
        return
    one = update(deliveries).where(_D.id == bindparam("b_id"))
    values: dict[str, Any] = {name: bindparam(f"b_{name}") for name in _CHANGING}
    rows = [{f"b_{name}": value for name, value in asdict(each).items()} for each in changed]
    await tx.execute(one.values(values), rows)


async def _rest(tx: AsyncConnection, failed: Delivery) -> None:
    await dead_letters.rest(
        tx,
        call=f"delivery:{failed.id}",
        job=REDELIVER,
        queue=_QUEUE,
        arguments=[str(failed.id)],
        error=f"{failed.channel}: {failed.error}",
        tries=failed.tries,
    )
