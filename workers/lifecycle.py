"""What happens to a booking by the clock: forgotten work is completed, due work is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from db import lifecycle
from domain.booking_steps import WrongStatus
from domain.bookings import TermsNotAccepted
from domain.refusals import NotFound

if TYPE_CHECKING:
    from workers.jobs import Context


async def close_booking(ctx: Context, booking_id: str) -> None:
    """Complete work that was begun and never completed, unless it has been since."""
    async with ctx.database.begin() as tx:
        try:
            await lifecycle.close(tx, UUID(booking_id))
        except (NotFound, WrongStatus):
            return


async def end_booking(ctx: Context, booking_id: str) -> None:
    """End a booking that nobody was to come for, unless somebody is by now."""
    async with ctx.database.begin() as tx:
        try:
            await lifecycle.pass_by(tx, UUID(booking_id))
        except (NotFound, WrongStatus):
            return


async def open_booking(ctx: Context, booking_id: str) -> None:
    """Begin confirmed work whose window has come, unless it was begun, moved or called off."""
    async with ctx.database.begin() as tx:
        try:
            await lifecycle.open_(tx, UUID(booking_id))
        except (NotFound, WrongStatus, TermsNotAccepted):
            return
