"""How does a change tell the world? By a row in the outbox, in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, cast, column, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from db import wake
from db.ids import new_id
from db.json import dumps
from db.tables import events
from domain.audience import topics
from domain.events import EventType, RecordedEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Insert
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.events import Event


async def append(tx: AsyncConnection, happened: Iterable[Event]) -> None:
    """Record what happened, in order. The relay delivers it once this transaction has committed.

    Raises domain.audience.Unaddressed here, where one change fails, rather than in the relay,
    where it would stop everyone's.
    """
    rows = [_row(event) for event in happened]
    if rows:
        ids, types, subjects = zip(*rows, strict=True)
        await tx.execute(_APPEND, {"ids": ids, "types": types, "subjects": subjects})
        wake.mark(tx)


async def find(connection: AsyncConnection, event_id: UUID) -> RecordedEvent | None:
    """One event; None if it has been archived since."""
    row = (await connection.execute(select(events).where(events.c.id == event_id))).one_or_none()
    if row is None:
        return None
    return RecordedEvent(
        id=row.id,
        type=EventType(row.type),
        subject={name: UUID(value) for name, value in row.subject.items()},
        occurred_at=row.occurred_at,
        seq=row.seq,
    )


def _appending() -> Insert:
    """All of them in one statement: a booking that is given away may have hundreds to tell."""
    lists = {"ids": Uuid, "types": Text, "subjects": Text}
    given = func.unnest(*(bindparam(name, type_=ARRAY(type_)) for name, type_ in lists.items()))
    names = column("id", Uuid), column("type", Text), column("subject", Text)
    new = given.table_valued(*names, with_ordinality="place").render_derived(name="happened")
    # Their positions are given in the order in which they happened.
    rows = select(new.c.id, new.c.type, cast(new.c.subject, JSONB)).order_by(new.c.place)
    return insert(events).from_select(["id", "type", "subject"], rows)


_APPEND: Final = _appending()


def _row(event: Event) -> tuple[Any, str, str]:
    topics(event)
    ids = {name: str(value) for name, value in event.subject.items()}
    return new_id(), event.type, dumps(ids)
