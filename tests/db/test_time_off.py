"""Is time off taken at once, and once?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import select

from db import availability, time_off
from db.tables import events
from db.tables import time_off as time_off_table
from domain.booking_rules import BookingRule
from domain.events import EventType
from domain.refusals import InvalidInput, NotFound
from tests.db.racing import act, race
from tests.db.saying import DAY, HOUR, blocking, booked, changing, noon_in, shown, taking_off
from tests.factories import (
    add_provider,
    add_providers,
    add_service,
    count_rows,
    now,
    read_booking,
    read_events,
)

if TYPE_CHECKING:
    from db.engine import Database


class TestTimeOff:
    async def test_is_off_at_once_and_told(self, database: Database) -> None:
        provider = await add_provider(database, await add_service(database))
        noon = await noon_in(database, 2)

        taken, lying_in_it = await act(database, taking_off(provider, noon, noon + HOUR))

        assert (taken.span, taken.reason) == ((noon, noon + HOUR), "Dentist")
        assert (taken.requested_by, lying_in_it) == (provider.user_id, ())
        async with database.read() as connection:
            assert await time_off.by_id(connection, taken.id) == taken
            ahead = await time_off.ahead_of(connection, [provider.user_id])
            seen = await availability.of_providers(
                connection, [provider.user_id], starts_at=noon, ends_at=noon
            )
        assert ahead == {provider.user_id: [taken]}
        assert seen[provider.user_id].time_off == ((noon, noon + HOUR),)
        assert await read_events(database) == [EventType.PROVIDER_AVAILABILITY_CHANGED]

    async def test_reports_what_lies_in_it_and_nothing_else(self, database: Database) -> None:
        provider = await add_provider(database, await add_service(database))
        noon = await noon_in(database, 2)
        inside, outside = [await booked(database, provider, noon + n * DAY) for n in range(2)]
        await act(database, changing(provider, blocking(outside.starts_at.date())))

        _, lying_in_it = await act(database, taking_off(provider, noon - DAY, noon + HOUR))

        assert shown(lying_in_it) == [(inside.id, [BookingRule.TIME_OFF])]
        assert await read_booking(database, inside.id) == inside

    async def test_asked_for_twice_is_taken_once(self, crowd: Database) -> None:
        provider = await add_provider(crowd, await add_service(crowd))
        noon = await noon_in(crowd, 2)

        outcomes = await race(crowd, [taking_off(provider, noon, noon + HOUR)] * 5)

        assert len({taken.id for taken, _ in outcomes}) == 1
        assert await count_rows(crowd, time_off_table, events) == (1, 1)

    async def test_cancelled_twice_is_cancelled_once(self, crowd: Database) -> None:
        provider = await add_provider(crowd, await add_service(crowd))
        noon = await noon_in(crowd, 2)
        taken, _ = await act(crowd, taking_off(provider, noon, noon + HOUR))
        cancelling = partial(time_off.cancel, time_off_id=taken.id, by=provider)

        outcomes = await race(crowd, [cancelling] * 5)

        assert len({one.cancelled_at for one in outcomes}) == 1
        assert outcomes[0].cancelled_at is not None
        assert await read_events(crowd) == [EventType.PROVIDER_AVAILABILITY_CHANGED] * 2
        async with crowd.read() as connection:
            assert await time_off.ahead_of(connection, [provider.user_id]) == {provider.user_id: []}

    async def test_of_somebody_else_is_not_found(self, database: Database) -> None:
        provider, other = await add_providers(database, await add_service(database), count=2)
        noon = await noon_in(database, 2)
        taken, _ = await act(database, taking_off(provider, noon, noon + HOUR))

        for uid, by in ((taken.id, other), (uuid4(), provider)):
            with pytest.raises(NotFound):
                await act(database, partial(time_off.cancel, time_off_id=uid, by=by))
        with pytest.raises(NotFound):
            await act(database, taking_off(other, noon, noon + HOUR, provider_id=provider.user_id))
        async with database.read() as connection:
            found = await connection.execute(select(time_off_table.c.cancelled_at))
            assert found.scalars().all() == [None]

    async def test_that_is_over_is_listed_no_longer(self, database: Database) -> None:
        provider = await add_provider(database, await add_service(database))
        at = await now(database)
        soon, later = at + timedelta(seconds=0.2), at + DAY
        await act(database, taking_off(provider, at - DAY, soon))
        still, _ = await act(database, taking_off(provider, at - DAY, later))
        async with database.read() as connection:
            while await now(database) <= soon:
                pass
            ahead = await time_off.ahead_of(connection, [provider.user_id])
        assert ahead == {provider.user_id: [still]}

    async def test_wrongly_asked_for_leaves_no_trace(self, database: Database) -> None:
        provider = await add_provider(database, await add_service(database))
        noon = await noon_in(database, 2)

        with pytest.raises(InvalidInput):
            await act(database, taking_off(provider, noon, noon))
        assert await count_rows(database, time_off_table, events) == (0, 0)
