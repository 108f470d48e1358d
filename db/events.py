"""How does a change tell the world? By a row in the outbox, in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from db import wake
from db.ids import new_id
from db.tables import events
from domain.audience import topics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.events import Event


async def append(tx: AsyncConnection, happened: Iterable[Event]) -> None:
    """Record what happened, in order. The relay delivers it once this transaction has committed.

    Raises domain.audience.Unaddressed here, where one change fails, rather than in the relay,
    where it would stop everyone's.
    """
    rows = [_row(event) for event in happened]
    if rows:
        await tx.execute(insert(events), rows)
        wake.mark(tx)


def _row(event: Event) -> dict[str, object]:
    topics(event)
    return {
        "id": new_id(),
        "type": event.type,
        "subject": {name: str(value) for name, value in event.subject.items()},
    }
