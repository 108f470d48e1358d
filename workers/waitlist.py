"""How does free time get to those who wait for it? Down the line, the longest waiting first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from db import holds, waitlist, waitlist_grants
from domain.refusals import NotFound
from domain.requests import ServiceInactive
from domain.waitlist import WaitlistState
from workers.jobs import alarm

if TYPE_CHECKING:
    from domain.waitlist import WaitlistEntry
    from workers.jobs import Context

#: How far down a line one job goes. Whoever stands further back gets their turn by the sweep.
_LINE: Final = 100
#: How many lapsed holds one alarm ends; the sweep ends the rest.
_HOLDS: Final = 100


async def grant_waitlist(ctx: Context, provider_id: str) -> None:
    """Keep what is free of a provider's time for those who wait for it."""
    uid = UUID(provider_id)
    async with ctx.database.read() as connection:
        line = await waitlist_grants.line(connection, uid, limit=_LINE)
    for entry in line:
        await _grant(ctx, entry, uid)


async def look_for_slot(ctx: Context, entry_id: str) -> None:
    """See whether there is a slot for somebody in line; whoever it suits before them goes first."""
    async with ctx.database.read() as connection:
        try:
            entry = await waitlist.get(connection, UUID(entry_id))
        except NotFound:
            # Deleted since: nobody waits.
            return
        if entry.state is not WaitlistState.WAITING:
            return
        found = await waitlist_grants.opening(connection, entry, house=ctx.house)
    if found is not None:
        await grant_waitlist(ctx, str(found.provider_id))
        await _grant(ctx, entry, found.provider_id)


async def end_lapsed_holds(ctx: Context) -> None:
    """End the holds whose time has passed, so that what they kept passes on."""
    async with ctx.database.begin() as tx:
        await holds.expire(tx, limit=_HOLDS)


async def _grant(ctx: Context, entry: WaitlistEntry, provider_id: UUID) -> None:
    """Keep the first slot of a provider that suits somebody in line, if there is one."""
    async with ctx.database.read() as connection:
        found = await waitlist_grants.opening(
            connection, entry, provider_id=provider_id, house=ctx.house
        )
    if found is None:
        return
    async with ctx.database.begin() as tx:
        try:
            kept = await waitlist_grants.grant(tx, entry.id, found, house=ctx.house)
        except (NotFound, ServiceInactive):
            return
    if kept is not None:
        await alarm(ctx, "end_lapsed_holds", kept.expires_at)
