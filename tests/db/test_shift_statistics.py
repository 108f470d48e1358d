"""Are a provider's figures those of the period, of what happened in it and no other?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from db import shift_statistics
from db.tables import shifts
from domain.offers import OfferState
from domain.refusals import InvalidInput
from domain.shift_statistics import ShiftStatistics
from tests.db.saying import booked
from tests.factories import (
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_service,
    now,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.people import Viewer

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
async def provider(crowd: Database) -> Viewer:
    return await add_provider(crowd, await add_service(crowd), on_shift=False)


async def figures(
    database: Database, provider: Viewer, starts_at: datetime, ends_at: datetime
) -> ShiftStatistics:
    async with database.read() as connection:
        return await shift_statistics.of_provider(
            connection, provider.user_id, starts_at=starts_at, ends_at=ends_at
        )


async def add_shift(
    database: Database, provider: Viewer, started_at: datetime, ended_at: datetime | None
) -> None:
    row = {"id": uuid4(), "provider_id": provider.user_id, "heartbeat_at": started_at}
    async with database.begin() as tx:
        await tx.execute(insert(shifts), row | {"started_at": started_at, "ended_at": ended_at})


async def worked(
    database: Database, provider: Viewer, started_at: datetime, ended_at: datetime | None
) -> None:
    """Work that was begun and completed then, or was not completed."""
    await booked(database, provider, started_at, started_at=started_at, completed_at=ended_at)


async def test_who_has_done_nothing_has_no_figures(crowd: Database, provider: Viewer) -> None:
    at = await now(crowd)
    found = await figures(crowd, provider, at - DAY, at)
    assert found == ShiftStatistics(
        provider_id=provider.user_id,
        starts_at=at - DAY,
        ends_at=at,
        shifts=0,
        on_shift=timedelta(),
        at_work=timedelta(),
        jobs_completed=0,
        offers_received=0,
        offers_accepted=0,
        offers_rejected=0,
        offers_expired=0,
        median_response=None,
    )
    assert (found.acceptance_rate, found.median_response_seconds) == (None, None)


async def test_of_shifts_the_part_within_the_period_counts(
    crowd: Database, provider: Viewer
) -> None:
    end = await now(crowd)
    start = end - 10 * HOUR
    await add_shift(crowd, provider, start - 9 * HOUR, start - HOUR)
    await add_shift(crowd, provider, start - HOUR, start + HOUR)
    await add_shift(crowd, provider, start + 2 * HOUR, start + 2 * HOUR + 90 * MINUTE)
    await add_shift(crowd, provider, end - HOUR, None)
    other = await add_provider(crowd, await add_service(crowd), on_shift=False)
    await add_shift(crowd, other, start, end)
    found = await figures(crowd, provider, start, end)
    assert (found.shifts, found.on_shift) == (3, 3 * HOUR + 30 * MINUTE)
    # One that is open lasts until now, whatever the period.
    later = await figures(crowd, provider, end - 2 * HOUR, end + DAY)
    assert later.shifts == 1
    assert HOUR <= later.on_shift < HOUR + 5 * MINUTE
    # Who ends when the period begins was not in it.
    assert (await figures(crowd, provider, start + HOUR, start + 2 * HOUR)).shifts == 0


async def test_of_work_the_part_within_the_period_counts_and_what_was_completed_in_it(
    crowd: Database, provider: Viewer
) -> None:
    end = await now(crowd) - MINUTE
    start = end - 10 * HOUR
    await worked(crowd, provider, start - 2 * HOUR, start - HOUR)
    await worked(crowd, provider, start - HOUR, start + 30 * MINUTE)
    await worked(crowd, provider, start + 3 * HOUR, start + 4 * HOUR)
    await worked(crowd, provider, end - HOUR, end)
    await worked(crowd, provider, end, None)
    other = await add_provider(crowd, await add_service(crowd))
    await worked(crowd, other, start + 3 * HOUR, start + 4 * HOUR)
    found = await figures(crowd, provider, start, end)
    # Completed at the very end of it is completed in the next.
    assert (found.jobs_completed, found.at_work) == (2, 2 * HOUR + 30 * MINUTE)
    after = await figures(crowd, provider, end, end + MINUTE)
    assert (after.jobs_completed, after.at_work) == (1, MINUTE)


async def test_what_was_begun_and_forgotten_counts_until_its_window_was_over(
    crowd: Database, provider: Viewer
) -> None:
    start = await now(crowd) - 2 * DAY
    closed_by_the_clock = start + 14 * HOUR
    await worked(crowd, provider, start, closed_by_the_clock)
    found = await figures(crowd, provider, start, start + DAY)
    assert (found.jobs_completed, found.at_work) == (1, 2 * HOUR)
    late = await figures(crowd, provider, start + 14 * HOUR, start + DAY)
    assert (late.jobs_completed, late.at_work) == (1, timedelta())


async def test_a_door_that_nobody_opened_is_work_until_it_was_reported(
    crowd: Database, provider: Viewer
) -> None:
    start = await now(crowd) - DAY
    facts: dict[str, Any] = {"started_at": start, "no_show_at": start + 20 * MINUTE}
    await booked(crowd, provider, start, **facts)
    found = await figures(crowd, provider, start, start + DAY)
    assert (found.jobs_completed, found.at_work) == (0, 20 * MINUTE)


async def test_offers_count_by_what_became_of_them_and_answers_by_their_median(
    crowd: Database, provider: Viewer
) -> None:
    service = await add_service(crowd)
    other = await add_provider(crowd, service)
    end = await now(crowd)
    start = end - DAY
    made = [
        (OfferState.ACCEPTED, 10),
        (OfferState.REJECTED, 20),
        (OfferState.REJECTED, 60),
        (OfferState.EXPIRED, 300),
        (OfferState.RESCINDED, 5),
        (OfferState.OFFERED, None),
    ]
    whens = [*(start + n * HOUR for n in range(len(made))), start - MINUTE, end]
    for (state, seconds), offered_at in zip([*made, made[0], made[0]], whens, strict=True):
        booking = await add_booking(crowd, await add_customer(crowd), service)
        answered = (
            {} if seconds is None else {"resolved_at": offered_at + timedelta(seconds=seconds)}
        )
        times = {"offered_at": offered_at, "expires_at": offered_at + HOUR}
        await add_offers(crowd, booking, [provider], state=state, **times, **answered)
    await add_offers(crowd, booking, [other], offered_at=start + HOUR)

    found = await figures(crowd, provider, start, end)

    assert found.offers_received == 6
    counts = (found.offers_accepted, found.offers_rejected, found.offers_expired)
    assert counts == (1, 2, 1)
    assert found.acceptance_rate == 0.25
    assert found.median_response_seconds == 20


async def test_no_period_backwards(crowd: Database, provider: Viewer) -> None:
    at = await now(crowd)
    with pytest.raises(InvalidInput):
        await figures(crowd, provider, at, at)


async def test_the_providers_own_rows_are_found_by_index(crowd: Database, provider: Viewer) -> None:
    """Asked to, the database reads no table as a whole."""
    at = await now(crowd)
    query = shift_statistics.query(provider.user_id, at - DAY, at)
    async with crowd.begin() as tx:
        await tx.execute(text("SET LOCAL enable_seqscan = off"))
        compiled = query.compile(tx.engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join(await tx.scalars(text(f"EXPLAIN {compiled}")))
    assert "Seq Scan" not in plan, plan
    assert "provider_id" in plan
