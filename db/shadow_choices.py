"""What would another policy have chosen? Noted beside each wave; nothing acts on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert

from db.ids import new_id
from db.tables import shadow_choices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.house import HouseRules
    from domain.matching import Ranked
    from domain.waves import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Whom a wave asked, and whom it would have asked by the shadow policy, best first."""

    live: Sequence[Ranked]
    shadow: Sequence[Ranked]
    #: Out of how many.
    eligible: int


async def add(
    tx: AsyncConnection,
    booking: Booking,
    call: Call,
    seen: Seen,
    *,
    at: datetime,
    house: HouseRules,
) -> None:
    """Note what the house's shadow policy would have chosen in a wave that asks anybody."""
    if house.shadow is None or not seen.eligible:
        return
    await tx.execute(
        insert(shadow_choices).values(
            id=new_id(),
            booking_id=booking.id,
            round=call.round,
            wave=call.wave,
            at=at,
            policy=house.shadow.name,
            live_policy=house.policy.name,
            chosen=[one.candidate.provider_id for one in seen.shadow],
            scores=[one.score.total for one in seen.shadow],
            live_chosen=[one.candidate.provider_id for one in seen.live],
            candidates=seen.eligible,
        )
    )
