"""Are many bookings asked about at once answered as each of them alone is?"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from db import batch_candidates, candidates
from db.ids import new_id
from db.tables import certifications, provider_blocks, withdrawals
from domain.booking_rules import Advance, BookingRules
from domain.bookings import BookingKind
from domain.matching import V1, Work, is_eligible
from domain.offers import OfferState
from domain.places import Point
from domain.services import ServiceMode
from tests.factories import (
    WESTMINSTER,
    add_booking,
    add_customers,
    add_offers,
    add_provider,
    add_service,
    an_address,
    now,
)

if TYPE_CHECKING:
    from datetime import datetime

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Town:
    """Bookings of every shape, and people of every kind."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.chance = random.Random(seed)
        self.people: list[Viewer] = []
        self.bookings: list[Booking] = []

    async def settle(self) -> None:
        plain = await add_service(self.database)
        special = await add_service(
            self.database, required_skills=["Oven"], required_certifications=["gas-safe"]
        )
        remote = await add_service(self.database, mode=ServiceMode.VIDEO)
        at = await now(self.database)
        for service in (plain, special, remote):
            for n in range(8):
                who = await add_provider(
                    self.database,
                    service,
                    on_shift=self.chance.random() < 0.7,
                    **self.someone(n),
                )
                self.people.append(who)
                if n % 3:
                    await self.certify(who, at, lasting=n % 2 == 0)
        customers = await add_customers(self.database, count=3)
        for number in range(24):
            service = (plain, special, remote)[number % 3]
            point: Point | None = Point(
                latitude=WESTMINSTER.latitude + self.chance.uniform(-0.2, 0.2),
                longitude=WESTMINSTER.longitude + self.chance.uniform(-0.2, 0.2),
            )
            wanted_now = number % 5 == 0
            made = await add_booking(
                self.database,
                customers[number % 3],
                service,
                kind=BookingKind.IMMEDIATE if wanted_now else BookingKind.SCHEDULED,
                starts_at=at + (HOUR if wanted_now else (1 + number % 4) * DAY),
                address=an_address(point=None if number % 7 == 0 else point),
                requirements=service.requirements,
                requested_brand="BMW" if number % 11 == 0 else "",
                keywords=("oven",) if number % 4 == 0 else (),
                rules=BookingRules(advance=Advance.BOOKABLE_DAYS if number % 6 else Advance.DAYS),
            )
            self.bookings.append(made)
            await self.history(made, at)
        async with self.database.begin() as tx:
            pairs = {(self.chance.choice(customers), self.chance.choice(self.people)) for _ in "12"}
            rows = [
                {
                    "id": new_id(),
                    "customer_id": customer.user_id,
                    "provider_id": who.user_id,
                    "blocked_by": customer.user_id,
                    "blocked_at": at,
                }
                for customer, who in pairs
            ]
            await tx.execute(insert(provider_blocks), rows)

    def someone(self, n: int) -> dict[str, Any]:
        nowhere = {"latitude": None, "longitude": None} if n == 7 else {}
        return {
            "latitude": WESTMINSTER.latitude + self.chance.uniform(-0.3, 0.3),
            "longitude": WESTMINSTER.longitude + self.chance.uniform(-0.3, 0.3),
            "radius_miles": self.chance.choice([8.0, 20.0]),
            "rating": self.chance.choice([None, 4.0, 5.0]),
            "brands": ["bmw"] if n % 2 else [],
            "skills": ["oven"] if n % 4 else [],
            "suspended_at": None,
            **nowhere,
        }

    async def certify(self, who: Viewer, at: datetime, *, lasting: bool) -> None:
        row = {
            "id": new_id(),
            "provider_id": who.user_id,
            "code": "gas-safe",
            "name": "Gas",
            "number": "1",
            "issuer": "Register",
            "added_at": at,
            "verified_at": at,
            "verified_by": who.user_id,
            "expires_on": None if lasting else (at + 2 * DAY).date(),
        }
        async with self.database.begin() as tx:
            await tx.execute(insert(certifications).values(row))

    async def history(self, booking: Booking, at: datetime) -> None:
        """Some have been asked, some have said no, and some have given it back."""
        asked, no, back = self.chance.sample(self.people, 3)
        await add_offers(self.database, booking, [asked])
        refused = {"state": OfferState.REJECTED, "resolved_at": at}
        await add_offers(self.database, booking, [no], **refused)
        row = {"booking_id": booking.id, "provider_id": back.user_id, "at": at}
        async with self.database.begin() as tx:
            await tx.execute(insert(withdrawals).values(row))


@pytest.mark.parametrize("seed", [1, 2])
async def test_those_who_can_do_each_are_those_whom_each_alone_would_find(
    crowd: Database, seed: int
) -> None:
    town = Town(crowd, seed)
    await town.settle()
    works = [candidates.work_of(one, reach_miles=15.0) for one in town.bookings]
    at = await now(crowd)
    everyone = [who.user_id for who in town.people]

    async with crowd.read() as connection:
        found = await batch_candidates.of_works(connection, works, at=at, policy=V1)
        for work in works:
            facts = await candidates.of_providers(connection, work, everyone, at=at)
            able = {one.provider_id for one in facts if is_eligible(work, one, at=at)}
            seen = {one.provider_id for one in found[work.booking_id]}
            fit = {c.provider_id for c in found[work.booking_id] if is_eligible(work, c, at=at)}
            assert fit == able & seen == able, work
    assert sum(len(each) for each in found.values()) > 20


async def test_the_facts_of_each_pair_are_those_that_each_alone_would_read(
    crowd: Database,
) -> None:
    town = Town(crowd, 3)
    await town.settle()
    at = await now(crowd)
    pairs: list[tuple[Work, UUID]] = [
        (candidates.work_of(booking, reach_miles=15.0), town.chance.choice(town.people).user_id)
        for booking in town.bookings
    ]
    async with crowd.read() as connection:
        for record in (False, True):
            found = await batch_candidates.of_pairs(connection, pairs, at=at, record=record)
            for (work, uid), one in zip(pairs, found, strict=True):
                (alone,) = await candidates.of_providers(
                    connection, work, [uid], at=at, record=record
                )
                near = {block for block in one.taken if block in alone.taken}
                assert near == set(alone.taken)
                assert one.availability.hours == alone.availability.hours
                # Of their time more is known than that around this booking.
                known = replace(one, taken=alone.taken, availability=alone.availability)
                assert known == alone
        assert await batch_candidates.of_pairs(connection, [], at=at, record=True) == []
