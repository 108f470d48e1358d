"""Does the search for candidates leave out nobody who could do the work, and are the best first?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import delete, insert

from db import candidates
from db.ids import new_id
from db.tables import (
    certifications,
    provider_blocks,
    temporary_zones,
    time_off,
    withdrawals,
    working_hours,
)
from domain.matching import is_eligible
from domain.offers import OfferState
from domain.places import Point
from domain.services import Requirements
from tests.db.crowd_lives import a_crowd
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    an_address,
    now,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.matching import Candidate, Work
    from domain.people import Viewer

#: Noon before an odd night (or a plain one), and the zone in which it is odd.
NIGHTS: Final = [
    ("America/New_York", datetime(2026, 3, 7, 17, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 16, tzinfo=UTC)),
    ("Europe/London", datetime(2027, 3, 27, 12, tzinfo=UTC)),
    ("Europe/London", datetime(2026, 10, 24, 11, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 3, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 3, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 10, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 10, 29, 10, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, 6, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(2026, 6, 1, 6, tzinfo=UTC)),
]


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def search(
    database: Database, work: Work, *, at: datetime | None = None, **asked: Any
) -> list[Candidate]:
    """Those whom the search finds, in its order."""
    at = at or await now(database)
    async with database.read() as connection:
        return await candidates.eligible(connection, work, at=at, **asked)


async def found_ids(database: Database, booking: Booking, **asked: Any) -> list[UUID]:
    return [one.provider_id for one in await search(database, candidates.work_of(booking), **asked)]


class TestWhoIsFound:
    async def test_is_whoever_could_go_on_with_what_they_have(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        has_it, busy = await add_providers(database, service, count=2)
        staffed = {"assigned_at": await now(database), "match_due_at": None}
        booking = await add_booking(
            database, customer, service, provider_id=has_it.user_id, **staffed
        )
        same_time = {"starts_at": booking.starts_at + HOUR}
        await add_booking(
            database, customer, service, provider_id=busy.user_id, **staffed, **same_time
        )

        (found,) = await search(database, candidates.work_of(booking))
        assert found.provider_id == has_it.user_id
        assert found.taken == ()
        assert is_eligible(candidates.work_of(booking), found, at=await now(database))

    @pytest.mark.parametrize(("home", "work"), [(179.99, -179.99), (-179.99, 179.99)])
    @pytest.mark.parametrize("reach", [None, 10.0])
    async def test_lives_near_it_on_the_other_side_of_the_antimeridian(
        self, database: Database, home: float, work: float, reach: float | None
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        near = await add_provider(database, service, latitude=-17.0, longitude=home)
        await add_provider(database, service, latitude=-17.0, longitude=-home / 2)
        there = an_address(point=Point(latitude=-17.0, longitude=work))
        booking = await add_booking(database, customer, service, address=there)

        found = await search(database, candidates.work_of(booking, reach_miles=reach))

        assert [one.provider_id for one in found] == [near.user_id]

    async def test_is_not_who_thinks_about_the_work_or_has_refused_it(
        self, database: Database
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        people = await add_providers(database, service, count=len(OfferState))
        booking = await add_booking(database, customer, service)
        for one, state in zip(people, OfferState, strict=True):
            resolved = None if state is OfferState.OFFERED else await now(database)
            await add_offers(database, booking, [one], state=state, resolved_at=resolved)

        left = {OfferState.OFFERED, OfferState.REJECTED}
        assert await found_ids(database, booking) == [
            one.user_id for one, state in zip(people, OfferState, strict=True) if state not in left
        ]

    async def test_is_not_who_has_time_off_then_unless_it_only_touches_the_work(
        self, database: Database
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        before, during, after, cancelled = await add_providers(database, service, count=4)
        booking = await add_booking(database, customer, service)
        starts_at, ends_at = booking.starts_at, booking.ends_at
        async with database.begin() as tx:
            for one, start, end in (
                (before, starts_at - HOUR, starts_at),
                (during, ends_at - timedelta(microseconds=1), ends_at + HOUR),
                (after, ends_at, ends_at + HOUR),
                (cancelled, starts_at, ends_at),
            ):
                row = {"id": new_id(), "provider_id": one.user_id, "requested_by": one.user_id}
                span = {"starts_at": start, "ends_at": end, "requested_at": starts_at}
                dropped = {"cancelled_at": starts_at if one is cancelled else None}
                await tx.execute(insert(time_off), row | span | dropped)

        assert await found_ids(database, booking) == [
            one.user_id for one in (before, after, cancelled)
        ]

    async def test_is_not_who_gave_this_work_back_or_is_not_to_meet_this_customer(
        self, database: Database
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        gave_back, gave_other_back, apart, apart_from_other = await add_providers(
            database, service, count=4
        )
        booking = await add_booking(database, customer, service)
        stranger = await add_customer(database)
        other = await add_booking(database, stranger, service)
        at = await now(database)
        async with database.begin() as tx:
            for one, of in ((gave_back, booking), (gave_other_back, other)):
                row = {"booking_id": of.id, "provider_id": one.user_id, "at": at}
                await tx.execute(insert(withdrawals), row)
            for one, whom in ((apart, customer), (apart_from_other, stranger)):
                row = {"customer_id": whom.user_id, "provider_id": one.user_id}
                kept = {"id": new_id(), "blocked_by": one.user_id, "blocked_at": at}
                await tx.execute(insert(provider_blocks), row | kept)

        assert await found_ids(database, booking) == [
            gave_other_back.user_id,
            apart_from_other.user_id,
        ]
        work, ids = candidates.work_of(booking), [gave_back.user_id, apart.user_id]
        async with database.read() as connection:
            facts = await candidates.of_providers(connection, work, ids, at=at)
        assert {(one.provider_id, one.withdrew, one.blocked) for one in facts} == {
            (gave_back.user_id, True, False),
            (apart.user_id, False, True),
        }

    @pytest.mark.parametrize(
        ("home", "away", "starts_at"),
        [
            # The third begins where they are; at home it is ten in the evening of the first.
            ("Etc/GMT+12", "Pacific/Kiritimati", datetime(2026, 6, 2, 10, tzinfo=UTC)),
            # The first ends where they are; at home it is a quarter to two on the third.
            ("Pacific/Kiritimati", "Etc/GMT+12", datetime(2026, 6, 2, 11, 45, tzinfo=UTC)),
        ],
    )
    async def test_works_by_the_clock_of_a_journey_however_far_it_leads(
        self, database: Database, home: str, away: str, starts_at: datetime
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        traveller = await add_provider(database, service, time_zone=home)
        there = 3 if home.startswith("Etc") else 1
        day = date(2026, 6, there)
        async with database.begin() as tx:
            await tx.execute(delete(working_hours))
            hours = {"weekday": day.isoweekday(), "opens": time(), "closes": time()}
            await tx.execute(insert(working_hours), hours | {"provider_id": traveller.user_id})
            stay = {"first_day": day, "last_day": day, "time_zone": away}
            await tx.execute(insert(temporary_zones), stay | {"provider_id": traveller.user_id})
        ends_at = starts_at + HOUR / 4
        booking = await add_booking(
            database, customer, service, starts_at=starts_at, ends_at=ends_at
        )

        (found,) = await search(database, candidates.work_of(booking), at=starts_at - DAY)

        assert is_eligible(candidates.work_of(booking), found, at=starts_at - DAY)

    @pytest.mark.parametrize("who", ["ŠKODA", "škoda", " Škoda "])
    async def test_knows_a_brand_whose_letters_the_database_cannot_compare(
        self, database: Database, who: str
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        specialist = await add_provider(database, service, brands=["VW", who])
        await add_provider(database, service, brands=["VW"])
        booking = await add_booking(database, customer, service, requested_brand="Škoda")

        assert await found_ids(database, booking) == [specialist.user_id]


class TestCertifications:
    NOON: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)

    async def shown(self, database: Database, provider: Viewer, **changes: Any) -> None:
        staff, at = await add_dispatcher(database), self.NOON - DAY
        facts = {
            "id": new_id(),
            "provider_id": provider.user_id,
            "code": "gas-safe",
            "name": "Gas Safe",
            "number": f"{new_id()}",
            "issuer": "The Register",
            "added_at": at,
            "verified_at": at,
            "verified_by": staff.user_id,
        }
        async with database.begin() as tx:
            await tx.execute(insert(certifications), facts | changes)

    async def held(self, database: Database, *, zone: str, starts_at: datetime) -> frozenset[str]:
        """The codes of the one who is found, asked for or not."""
        service, customer = await add_service(database), await add_customer(database)
        provider = await add_provider(database, service, time_zone=zone)
        for code, expires_on in (
            ("never", None),
            ("on-31", date(2026, 5, 31)),
            ("on-1", date(2026, 6, 1)),
            ("on-2", date(2026, 6, 2)),
        ):
            await self.shown(database, provider, code=code, expires_on=expires_on)
        await self.shown(database, provider, code="removed", removed_at=self.NOON)
        await self.shown(database, provider, code="new", verified_at=None, verified_by=None)
        booking = await add_booking(
            database, customer, service, starts_at=starts_at, ends_at=starts_at + 2 * HOUR
        )
        (found,) = await search(database, candidates.work_of(booking), at=self.NOON - DAY)
        assert found.certified
        for needed in sorted(found.certifications):
            asks = Requirements(certifications=(needed,))
            work = replace(candidates.work_of(booking), requirements=asks)
            assert await search(database, work, at=self.NOON - DAY) == [found]
        for lacking in {"on-31", "on-1", "on-2", "removed", "new"} - found.certifications:
            asks = Requirements(certifications=("never", lacking))
            work = replace(candidates.work_of(booking), requirements=asks)
            assert await search(database, work, at=self.NOON - DAY) == []
        return found.certifications

    @pytest.mark.parametrize(
        ("zone", "hour", "held"),
        [
            ("Europe/London", 12, {"never", "on-1", "on-2"}),
            # Until midnight by their clock, which is an hour before London's midnight in summer.
            ("Europe/London", 21, {"never", "on-1", "on-2"}),
            ("Europe/London", 22, {"never", "on-2"}),
            ("America/New_York", 22, {"never", "on-1", "on-2"}),
            ("Pacific/Kiritimati", 7, {"never", "on-1", "on-2"}),
            ("Pacific/Kiritimati", 12, {"never", "on-2"}),
        ],
    )
    async def test_count_until_the_end_of_their_last_day_by_their_holders_calendar(
        self, database: Database, zone: str, hour: int, held: set[str]
    ) -> None:
        starts_at = self.NOON.replace(hour=hour)

        assert await self.held(database, zone=zone, starts_at=starts_at) == held


@pytest.mark.parametrize(("zone", "noon"), NIGHTS)
async def test_nobody_who_could_do_the_work_is_left_out(
    database: Database, zone: str, noon: datetime
) -> None:
    crowd = await a_crowd(database, zone=zone, noon=noon, seed=noon.toordinal())
    pairs = 0
    for booking in crowd.bookings:
        work = candidates.work_of(booking, reach_miles=crowd.chance.choice((None, 10.0, 25.0)))
        found = {one.provider_id: one for one in await search(database, work, at=noon)}
        async with database.read() as connection:
            everybody = await candidates.of_providers(connection, work, crowd.people, at=noon)
        assert len(everybody) == len(crowd.people) < candidates.LIMIT
        able = {one.provider_id: one for one in everybody if is_eligible(work, one, at=noon)}
        assert set(able) <= set(found), booking
        # The facts are the same, whichever way they are read.
        assert all(found[uid] == one for uid, one in able.items())
        pairs += len(able)
    assert pairs > 50
