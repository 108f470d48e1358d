"""A customer's Mondays, for tests of series: on a clock that stands still until it is moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db import bookings as db_bookings
from db import clock, occurrences, series_bookings, series_changes, series_endings
from db import series as db_series
from db.engine import Database
from db.tables import bookings, series_occurrences
from domain.bookings import Booking
from domain.occurrences import Occurrence, ReportLine
from domain.people import Viewer
from domain.recurrence import parse
from domain.series import Order, Series
from domain.series_changes import Change
from domain.services import Service
from gateways.recurrence import expand
from tests.factories import a_request, add_customer, add_provider, add_service

#: A Monday, four weeks before London puts its clocks forward (on 29 March).
NOW = datetime(2026, 2, 23, 12, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def wall(text: str) -> datetime:
    """A wall time in 2026: wall("03-02 09:00")."""
    return datetime.fromisoformat(f"2026-{text}")


FIRST = wall("03-02 09:00")


@dataclass
class Clock:
    """The database's clock, held."""

    at: datetime = NOW

    async def now(self, _tx: object) -> datetime:
        """What it shows."""
        return self.at


@pytest.fixture
def held_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock, standing at NOW."""
    held = Clock()
    monkeypatch.setattr(clock, "now", held.now)
    return held


@dataclass
class Diary:
    """One customer, one service, one provider, and what is done about series."""

    database: Database
    clock: Clock
    customer: Viewer
    service: Service
    provider: Viewer

    async def create(
        self, *, by: Viewer | None = None, **changes: Any
    ) -> tuple[Series, list[ReportLine]]:
        """Order a clean every Monday at nine in London from the provider, or what changes say."""
        facts: dict[str, Any] = {
            "asked": self.request(),
            "time_zone": "Europe/London",
            "first_local_start": FIRST,
            "rule": "FREQ=WEEKLY",
        }
        facts |= changes
        key = facts.pop("key", None)
        order = Order(**{**facts, "rule": parse(facts["rule"])})
        async with self.database.begin() as tx:
            made, report = await series_bookings.create(
                tx, order, by=by or self.customer, expand=expand, key=key
            )
        return made, list(report)

    def request(self, **changes: Any) -> Any:
        """What each visit asks for."""
        facts = {
            "customer_id": self.customer.user_id,
            "service_id": self.service.id,
            "provider_id": self.provider.user_id,
            "starts_at": None,
        }
        return a_request(**facts | changes)

    async def extend(self, made: Series) -> datetime | None:
        """What the job does."""
        async with self.database.begin() as tx:
            return await series_bookings.extend(tx, made.id, expand=expand)

    async def change(
        self, made: Series, *, by: Viewer | None = None, **changes: Any
    ) -> tuple[Series, list[ReportLine]]:
        """Change the series."""
        async with self.database.begin() as tx:
            after, report = await series_changes.change(
                tx, made.id, Change(**changes), by=by or self.customer, expand=expand
            )
        return after, list(report)

    async def skip(self, made: Series, start: datetime, **more: Any) -> Series:
        """Skip an occurrence."""
        async with self.database.begin() as tx:
            return await series_endings.skip(
                tx, made.id, start, by=self.customer, expand=expand, **more
            )

    async def unskip(self, made: Series, start: datetime) -> tuple[Series, ReportLine | None]:
        """Take an occurrence up again."""
        async with self.database.begin() as tx:
            return await series_endings.unskip(tx, made.id, start, by=self.customer, expand=expand)

    async def end(self, made: Series, *, cancel: bool = False) -> tuple[Series, list[ReportLine]]:
        """End the series."""
        async with self.database.begin() as tx:
            ended, report = await series_endings.end(
                tx, made.id, by=self.customer, cancel_upcoming=cancel
            )
        return ended, list(report)

    async def read(self, made: Series) -> Series:
        """The series as it stands in the database."""
        async with self.database.read() as connection:
            return await db_series.get(connection, made.id)

    async def seen(self, made: Series) -> dict[datetime, Occurrence]:
        """What became of its occurrences."""
        query = select(series_occurrences).where(series_occurrences.c.series_id == made.id)
        query = query.order_by(series_occurrences.c.original_start)
        async with self.database.read() as connection:
            rows = await connection.execute(query)
            return {one.original_start: one for one in map(occurrences.occurrence, rows)}

    async def bookings(self, made: Series | None = None) -> list[Booking]:
        """The customer's bookings, of one series or all, by start."""
        query = select(bookings).order_by(bookings.c.starts_at, bookings.c.id)
        if made is not None:
            query = query.where(bookings.c.series_id == made.id)
        async with self.database.read() as connection:
            return [db_bookings.booking(row) for row in await connection.execute(query)]

    async def starts(self, made: Series) -> list[str]:
        """When its bookings that stand start, in UTC."""
        standing = [one for one in await self.bookings(made) if not one.is_final]
        return [f"{one.starts_at:%m-%d %H:%M}" for one in standing]


@pytest.fixture
async def diary(database: Database, held_clock: Clock) -> Diary:
    """A diary on the test's database."""
    service = await add_service(database)
    return Diary(
        database=database,
        clock=held_clock,
        customer=await add_customer(database),
        service=service,
        provider=await add_provider(database, service),
    )
