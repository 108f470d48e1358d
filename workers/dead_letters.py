"""What happens when a dispatcher has a dead job tried again?"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from uuid import UUID

from db import dead_letters
from workers.queue import Call, Queue

if TYPE_CHECKING:
    from workers.jobs import Context


async def replay_dead_letter(ctx: Context, letter_id: str) -> None:
    """Put the job of a replayed letter back into its queue, as it was called."""
    async with ctx.database.read() as connection:
        letter = await dead_letters.get(connection, UUID(letter_id))
    again = Call(
        job=letter.job,
        arguments=letter.arguments,
        queue=cast("Queue", letter.queue),
        key=f"replay:{letter.id}",
    )
    await ctx.jobs.enqueue([again])
