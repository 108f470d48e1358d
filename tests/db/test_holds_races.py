"""Do those who give a slot back and those who take it meet without harm?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import update

from db import holds, providers, requests
from db.tables import holds as holds_table
from db.tables import reservations
from domain.holds import HoldEnding
from tests import invariants
from tests.db.racing import act, waiting
from tests.factories import (
    a_request,
    add_customers,
    add_provider,
    add_service,
    live_reservations,
    tomorrow,
)

if TYPE_CHECKING:
    from db.engine import Database

HOUR = timedelta(hours=1)


async def test_who_chooses_another_slot_while_their_lapsed_one_is_booked_does_not_deadlock(
    crowd: Database,
) -> None:
    service = await add_service(crowd)
    provider = await add_provider(crowd, service)
    first, second = await add_customers(crowd, count=2)
    asked = a_request(
        customer_id=first.user_id,
        service_id=service.id,
        provider_id=provider.user_id,
        starts_at=await tomorrow(crowd),
    )
    lapsed = await act(crowd, partial(holds.hold, asked=asked))
    await lapse(crowd)
    later = replace(asked, starts_at=lapsed.starts_at + 4 * HOUR)

    async with crowd.begin() as tx:
        await providers.lock(tx, [provider.user_id])
        # They must not hold their old time already while they wait for the provider.
        task = await waiting(crowd, partial(holds.hold, asked=later))
        made = await requests.request(tx, replace(asked, customer_id=second.user_id), by=second)

    assert (await task).starts_at == later.starts_at
    assert await live_reservations(crowd, made.id) == [provider.user_id]
    async with crowd.read() as connection:
        assert (await holds.get(connection, lapsed.id)).ending is HoldEnding.REPLACED
    await invariants.check(crowd)


async def lapse(database: Database) -> None:
    """Let an hour pass for every hold."""
    h, r = holds_table.c, reservations.c
    async with database.begin() as tx:
        past = {"created_at": h.created_at - HOUR, "expires_at": h.expires_at - HOUR}
        await tx.execute(update(holds_table).values(past))
        await tx.execute(update(reservations).values(expires_at=r.expires_at - HOUR))
