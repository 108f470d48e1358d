"""Are the most promising candidates found first, so that a few of many are enough?"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import insert

from db import candidates
from db.ids import first_id, new_id
from db.tables import certifications, reservations
from domain.bookings import BookingKind
from domain.matching import V1, V2, Ingredient, score
from domain.offers import OfferState
from domain.places import miles_between
from tests.factories import (
    NOW,
    WESTMINSTER,
    add_booking,
    add_completed,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    fall_silent,
    now,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.matching import Candidate, Policy

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: A mile north, in degrees.
MILE: Final = 1 / 69.0934
COUNT: Final = 60
KEYWORDS: Final = ("brakes", "abs", "airbag", "noise", "oven")
#: What v2 gives points for and the search does not reckon: what became of earlier work and offers.
RECORD: Final = {Ingredient.IDLE, Ingredient.NEWCOMER, Ingredient.ACCEPTANCE}


async def found(database: Database, booking: Booking, **asked: Any) -> list[Candidate]:
    """Those whom the search finds, in its order."""
    at = await now(database)
    async with database.read() as connection:
        return await candidates.eligible(connection, candidates.work_of(booking), at=at, **asked)


def ids(of: list[Candidate]) -> list[UUID]:
    return [one.provider_id for one in of]


async def people_of_all_kinds(database: Database, kind: BookingKind, *, seed: int) -> Booking:
    """Off and on shift, and as their profiles are kept; and work for them."""
    chance = random.Random(seed)
    service, customer = await add_service(database), await add_customer(database)
    staff, at = await add_dispatcher(database), await now(database)
    verified = {"added_at": at, "verified_at": at, "verified_by": staff.user_id}
    for number in range(COUNT):
        located = chance.random() < 0.8
        one = await add_provider(
            database,
            service,
            on_shift=chance.random() < 0.5,
            country=chance.choice(("GB", "GB", "FR")),
            city=chance.choice(("London", "Leeds")),
            postal_code=chance.choice(("SW1A 2JR", "sw1a2jr", "SW1V 1AA", "LS1 1AA")),
            latitude=WESTMINSTER.latitude + chance.choice((1, 3, 5)) * MILE if located else None,
            longitude=WESTMINSTER.longitude if located else None,
            years_experience=chance.choice((4, 5, 9, 10)),
            rating=chance.choice((None, 3.99, 4.0, 4.49, 4.5)),
            completed_jobs=chance.choice((0, 19, 20, 49, 50)),
            profile_percent=chance.choice((80, 94, 95)),
            keywords=chance.sample(KEYWORDS, chance.randint(0, 5)),
        )
        if chance.random() < 0.5:
            paper = {"id": new_id(), "provider_id": one.user_id, "number": f"{number}"}
            names = dict.fromkeys(("code", "name", "issuer"), "gas-safe")
            async with database.begin() as tx:
                await tx.execute(insert(certifications), paper | names | verified)
    return await add_booking(database, customer, service, kind=kind, keywords=KEYWORDS[:4])


def reckoned(booking: Booking, candidate: Candidate, policy: Policy, at: datetime) -> int:
    """The points that the search goes by."""
    said = score(candidates.work_of(booking), candidate, at=at, policy=policy)
    return sum(points for ingredient, points in said.breakdown if ingredient not in RECORD)


@pytest.mark.parametrize("policy", [V1, V2])
@pytest.mark.parametrize("kind", list(BookingKind))
async def test_the_order_is_that_of_the_policys_points_and_then_of_the_distance(
    database: Database, policy: Policy, kind: BookingKind
) -> None:
    booking = await people_of_all_kinds(database, kind, seed=len(kind) + len(policy.name))
    at = await now(database)

    people = await found(database, booking, policy=policy)

    order = [
        (
            -reckoned(booking, one, policy, at),
            99.0 if one.point is None else miles_between(WESTMINSTER, one.point),
        )
        for one in people
    ]
    assert order == sorted(order)
    assert len({points for points, _ in order}) > 15
    if kind is BookingKind.SCHEDULED:
        assert len(people) == COUNT
        assert {one.on_shift for one in people} == {False, True}
    else:
        assert {one.on_shift for one in people} == {True}


async def test_it_is_found_a_page_at_a_time_without_a_gap_or_a_repetition(
    database: Database,
) -> None:
    booking = await people_of_all_kinds(database, BookingKind.SCHEDULED, seed=1)
    whole = ids(await found(database, booking))

    pages = [
        ids(await found(database, booking, limit=7, skip=skip)) for skip in range(0, COUNT + 7, 7)
    ]

    assert [len(page) for page in pages] == [7] * (COUNT // 7) + [COUNT % 7, 0]
    assert [uid for page in pages for uid in page] == whole


async def test_nobody_takes_a_place_who_does_not_offer_the_service(database: Database) -> None:
    service, other = await add_service(database), await add_service(database)
    customer = await add_customer(database)
    mine = await add_providers(database, service, count=3)
    await add_providers(database, other, count=3)
    booking = await add_booking(database, customer, service)
    assert set(ids(await found(database, booking))) == {one.user_id for one in mine}


async def test_nobody_takes_a_place_in_immediate_work_who_is_not_heard_from(
    database: Database,
) -> None:
    service, customer = await add_service(database), await add_customer(database)
    heard, silent = await add_providers(database, service, count=2)
    await fall_silent(database, silent)
    booking = await add_booking(database, customer, service, kind=BookingKind.IMMEDIATE)
    assert ids(await found(database, booking)) == [heard.user_id]


async def test_at_most_two_hundred_are_found_at_a_time(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    many = await add_providers(database, service, count=201)
    booking = await add_booking(database, customer, service)

    first = ids(await found(database, booking))
    rest = ids(await found(database, booking, skip=candidates.LIMIT))

    assert candidates.LIMIT == 200
    assert first == [one.user_id for one in many[:200]]
    assert rest == [many[200].user_id]


async def test_the_best_of_very_many_is_found_however_late_they_came(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    await add_providers(database, service, count=205, on_shift=False)
    best = await add_provider(database, service, rating=4.9)
    booking = await add_booking(database, customer, service)

    assert ids(await found(database, booking))[0] == best.user_id


class TestARecord:
    async def test_is_not_read_where_nobody_scores_it(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        one = await add_provider(database, service)
        await add_completed(database, customer, service, one)
        booking = await add_booking(database, customer, service)

        (candidate,) = await found(database, booking)

        assert candidate.idle_since is None
        assert candidate.offers_answered == candidate.offers_accepted == 0
        assert candidate.offered_lately == 0

    async def test_begins_with_the_approval(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        await add_provider(database, service, approved_at=NOW)
        booking = await add_booking(database, customer, service)

        (candidate,) = await found(database, booking, record=True)

        assert candidate.idle_since == NOW
        assert candidate.offers_answered == candidate.offers_accepted == 0
        assert candidate.offered_lately == 0
        assert candidate.last_offered_at is None

    async def test_is_of_thirty_days_of_answered_offers_and_of_all_made_in_the_last_one(
        self, database: Database
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        one, other = await add_providers(database, service, count=2)
        at = await now(database)
        for ago, state in (
            (31 * DAY, OfferState.ACCEPTED),
            (29 * DAY, OfferState.ACCEPTED),
            (28 * DAY, OfferState.ACCEPTED),
            (27 * DAY, OfferState.RESCINDED),
            (3 * DAY, OfferState.REJECTED),
            (DAY + HOUR, OfferState.EXPIRED),
            (DAY - HOUR, OfferState.EXPIRED),
            (HOUR, OfferState.OFFERED),
        ):
            elsewhere = await add_booking(database, customer, service, match_due_at=None)
            offered = {"id": first_id(at - ago), "offered_at": at - ago, "state": state}
            open_ = state is OfferState.OFFERED
            await add_offers(
                database,
                elsewhere,
                [one],
                expires_at=at + HOUR if open_ else at - ago + HOUR / 2,
                resolved_at=None if open_ else at - ago + HOUR / 4,
                **offered,
            )
        booking = await add_booking(database, customer, service)

        records = {c.provider_id: c for c in await found(database, booking, record=True)}

        seen = records[one.user_id]
        assert (seen.offers_answered, seen.offers_accepted, seen.offered_lately) == (5, 2, 2)
        assert seen.last_offered_at == at - HOUR
        unseen = records[other.user_id]
        assert (unseen.offers_answered, unseen.offered_lately) == (0, 0)

    async def test_knows_since_when_somebody_has_had_no_work(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        one = await add_provider(database, service)
        done = [await add_completed(database, customer, service, one) for _ in range(2)]
        ended = [await now(database) - 5 * HOUR, await now(database) - 9 * HOUR]
        async with database.begin() as tx:
            for number, (work, end) in enumerate(zip(done, ended, strict=True)):
                await tx.execute(
                    insert(reservations).values(
                        id=new_id(),
                        provider_id=one.user_id,
                        booking_id=work.id,
                        starts_at=end - HOUR,
                        ends_at=end - HOUR / 2,
                        released_at=end,
                        # Work that was called off is no work.
                        done=number != 0,
                    )
                )
        booking = await add_booking(database, customer, service)

        (candidate,) = await found(database, booking, record=True)

        assert candidate.idle_since == ended[1]


async def test_facts_are_those_that_were_said(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    one = await add_provider(
        database,
        service,
        years_experience=7,
        rating=4.2,
        completed_jobs=12,
        profile_percent=96,
        brands=["BMW"],
        skills=["coding"],
        keywords=["abs"],
        radius_miles=4.5,
    )
    booking = await add_booking(
        database, customer, service, requested_brand="bmw", keywords=("abs",)
    )

    (candidate,) = await found(database, booking)

    assert candidate.provider_id == one.user_id
    assert (candidate.approved, candidate.suspended, candidate.on_shift) == (True, False, True)
    assert candidate.service_ids == {service.id}
    assert (candidate.years_experience, candidate.rating, candidate.completed_jobs) == (7, 4.2, 12)
    assert (candidate.profile_percent, candidate.radius_miles) == (96, 4.5)
    assert candidate.brands == {"BMW"}
    assert candidate.skills == {"coding"}
    assert candidate.keywords == {"abs"}
    assert (candidate.rejected, candidate.withdrew, candidate.blocked) == (False, False, False)
    assert (candidate.certified, candidate.certifications) == (False, frozenset())
    assert candidate.point == WESTMINSTER
