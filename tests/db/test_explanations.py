"""Does an explanation say what matching does, in any market?"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, insert

from db import bookings, cancellations, clock, explanations, matching, offers
from db.ids import new_id
from db.tables import (
    certifications,
    job_offers,
    provider_blocks,
    providers,
    shadow_choices,
    time_off,
    withdrawals,
)
from domain import waves
from domain.bookings import BookingKind
from domain.house import DEFAULT, HouseRules
from domain.matching import V1, V2, HardRule
from domain.matching.nobody import LOOKED_AT, SHOWN
from domain.offers import OfferState, Wave
from domain.refusals import NotFound
from domain.services import Requirements
from tests.db.racing import act
from tests.factories import (
    NOW,
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    an_address,
    count_rows,
    fall_silent,
    now,
    read_booking,
    read_offers,
    shift_time,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.matching.explanations import Explanation
    from domain.matching.nobody import WhyNobody
    from domain.people import Viewer
    from domain.services import Service

HOUR = timedelta(hours=1)
#: One mile north, in degrees.
MILE = 1 / 69.0934
WESTMINSTER_NORTH = 51.5010


async def explained(
    database: Database, booking: Booking, provider: Viewer | UUID, house: HouseRules = DEFAULT
) -> Explanation:
    uid = provider if isinstance(provider, UUID) else provider.user_id
    async with database.read() as connection:
        return await explanations.explain(
            connection, booking_id=booking.id, provider_id=uid, house=house
        )


async def nobody(database: Database, booking: Booking) -> WhyNobody:
    async with database.read() as connection:
        return await explanations.why_nobody(connection, booking_id=booking.id, house=DEFAULT)


def broken(found: Explanation) -> set[HardRule]:
    return {one.rule for one in found.verdicts if not one.passed}


class Chance:
    """A market of which everything is drawn, the same for the same seed."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.random = random.Random(seed)
        policies = [V1, V2]
        self.random.shuffle(policies)
        self.house = replace(DEFAULT, policy=policies[0], shadow=policies[1])

    def often(self) -> bool:
        return self.random.random() < 0.94

    async def opens(self) -> tuple[Booking, list[Viewer]]:
        """A booking whose matching is due, and everybody who might be asked."""
        draw = self.random
        service = await add_service(self.database)
        customer = await add_customer(self.database)
        somebody = [await self._provider(service) for _ in range(draw.randint(4, 12))]
        immediate = draw.random() < 0.4
        at = await now(self.database)
        booking = await add_booking(
            self.database,
            customer,
            service,
            kind=BookingKind.IMMEDIATE if immediate else BookingKind.SCHEDULED,
            starts_at=at + (HOUR if immediate else 30 * HOUR),
            requested_brand=draw.choice(["", "", "Bosch"]),
            keywords=draw.choice([(), ("brakes", "oven")]),
            requirements=Requirements(
                skills=draw.choice([(), (), ("plumbing",)]),
                certifications=draw.choice([(), (), ("gas-safe",)]),
            ),
            preferred_provider_id=draw.choice([None, *(one.user_id for one in somebody[:3])]),
        )
        for one in somebody:
            await self._circumstances(one, customer, service, booking)
        return booking, somebody

    async def _provider(self, service: Service) -> Viewer:
        draw = self.random
        one = await add_provider(
            self.database,
            service,
            on_shift=self.often(),
            approved_at=NOW if self.often() else None,
            suspended_at=None if self.often() else NOW,
            profile_percent=draw.choice([80, 80, 95, 100, 79]),
            latitude=WESTMINSTER_NORTH + draw.choice([0, 2, 7, 9, 11, 14, 20]) * MILE,
            radius_miles=draw.choice([8.0, 12.0, 25.0]),
            daily_cap=draw.choice([1, 50]),
            rating=draw.choice([None, 3.9, 4.2, 4.8]),
            completed_jobs=draw.choice([0, 3, 20, 60]),
            years_experience=draw.choice([0, 5, 12]),
            brands=draw.choice([["bosch"], ["Bosch", "Miele"], []]),
            skills=["Plumbing "] if self.often() else [],
            keywords=draw.choice([[], ["oven"], ["oven", "brakes"]]),
        )
        if not self.often():
            await fall_silent(self.database, one)
        return one

    async def _circumstances(
        self, one: Viewer, customer: Viewer, service: Service, booking: Booking
    ) -> None:
        rows: list[tuple[Any, dict[str, Any]]] = []
        mine = {"provider_id": one.user_id}
        if self.often():
            paper = {"id": new_id(), "code": "gas-safe", "name": "Gas", "issuer": "G"}
            paper |= {"number": str(one.user_id), "added_at": NOW}
            if self.often():
                paper |= {"verified_at": NOW, "verified_by": customer.user_id}
            rows.append((certifications, mine | paper))
        if not self.often():
            block = {"id": new_id(), "customer_id": customer.user_id, "blocked_at": NOW}
            rows.append((provider_blocks, mine | block | {"blocked_by": customer.user_id}))
        if not self.often():
            rows.append((withdrawals, mine | {"booking_id": booking.id, "at": NOW}))
        if not self.often():
            off = {"starts_at": booking.starts_at - HOUR, "ends_at": booking.ends_at}
            asked = {"id": new_id(), "requested_at": NOW, "requested_by": one.user_id}
            rows.append((time_off, mine | off | asked))
        async with self.database.begin() as tx:
            for table, row in rows:
                await tx.execute(insert(table).values(row))
        if self.random.random() < 0.25:
            at = await now(self.database)
            busy: dict[str, Any] = {"provider_id": one.user_id, "assigned_at": at}
            busy |= {"match_due_at": None, "starts_at": booking.starts_at + draw_gap(self.random)}
            await add_booking(self.database, customer, service, **busy)

    async def some_answer(self, booking: Booking) -> None:
        """Some of those who were asked say no."""
        for uid, offer in sorted((await read_offers(self.database, booking.id)).items()):
            if offer.state is OfferState.OFFERED and self.random.random() < 0.4:
                no = partial(offers.reject, offer_id=offer.id, by=uid, reason="")
                await act(self.database, no)


def draw_gap(chance: random.Random) -> timedelta:
    """At the same time, or so long after its end that there is time, if not for the day's cap."""
    return chance.choice([timedelta(), 3 * HOUR])


@pytest.mark.parametrize("seed", range(6))
async def test_who_is_asked_is_who_is_said_to_be_asked_next(crowd: Database, seed: int) -> None:
    chance = Chance(crowd, seed)
    booking, everybody = await chance.opens()
    shadow = replace(chance.house, policy=chance.house.shadow or V1)
    for _ in range(4):
        said = {
            one.user_id: await explained(crowd, booking, one, chance.house) for one in everybody
        }
        shadowed = {
            one.user_id
            for one in everybody
            if (await explained(crowd, booking, one, shadow)).asked_next
        }
        before = (await read_booking(crowd, booking.id)).round

        await act(crowd, partial(matching.advance, booking_id=booking.id, house=chance.house))

        made = [
            offer
            for offer in (await read_offers(crowd, booking.id)).values()
            if offer.round > before
        ]
        assert {one.provider_id for one in made} == {
            uid for uid, one in said.items() if one.asked_next
        }
        for offer in made:
            told = said[offer.provider_id]
            assert told.is_eligible
            assert broken(told) == set()
            assert (offer.score, offer.policy) == (told.score.total, told.score.policy)
            assert offer.breakdown == tuple((str(k), v) for k, v in told.score.breakdown)
            assert offer.reasons == told.score.reasons
            assert told.next_round is not None
            assert (offer.wave, offer.round) == (told.next_round.wave, told.next_round.call.round)
        assert await chosen_in_shadow(crowd, booking, before) == shadowed
        await chance.some_answer(booking)
        await shift_time(crowd, booking, timedelta(minutes=5))
        await note_lapsed(crowd, booking)


async def note_lapsed(database: Database, booking: Booking) -> None:
    """What lapsed counts as unanswered in a provider's record, which matching notes first."""
    async with database.begin() as tx:
        known = await offers.lock_of(tx, booking.id)
        at = await clock.now(tx)
        tidied = waves.tidy(await bookings.get(tx, booking.id), known, at=at)
        if tidied is not None:
            await offers.keep(tx, booking, tidied, at=at)


async def chosen_in_shadow(database: Database, booking: Booking, before: int) -> set[UUID]:
    c = shadow_choices.c
    async with database.read() as connection:
        rows = await connection.execute(
            shadow_choices.select().where(c.booking_id == booking.id, c.round > before)
        )
        return {uid for row in rows for uid in row.chosen}


async def test_the_markets_are_not_all_alike(crowd: Database) -> None:
    """Were nobody ever asked, or everybody, the test above would say nothing."""
    seen: set[HardRule] = set()
    asking: set[Wave] = set()
    for seed in range(12):
        chance = Chance(crowd, seed)
        booking, everybody = await chance.opens()
        for one in everybody:
            found = await explained(crowd, booking, one, chance.house)
            seen |= broken(found)
            if found.next_round and found.asked_next:
                asking.add(found.next_round.wave)
    assert asking == {Wave.PREFERRED, Wave.TARGETED}
    unseen = {HardRule.SERVICE, HardRule.HOURS, HardRule.DAILY_CAP}
    assert seen >= set(HardRule) - unseen


async def test_a_place_is_among_all_who_are_eligible_asked_or_not(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    jobs_and_years = ((60, 12), (20, 12), (20, 5), (0, 5), (0, 0))
    order = [
        await add_provider(crowd, service, completed_jobs=jobs, years_experience=years)
        for jobs, years in jobs_and_years
    ]
    booking = await add_booking(crowd, customer, service)
    await act(crowd, partial(matching.advance, booking_id=booking.id))

    found = [await explained(crowd, booking, one) for one in order]

    assert [(one.rank, one.eligible) for one in found] == [(n, 5) for n in range(1, 6)]
    assert [len(one.offers) for one in found] == [1, 1, 1, 0, 0]
    assert found[0].answer == "This provider has an open offer."
    # The targeted are asked again with the others, once their offers have passed.
    assert [one.asked_next for one in found] == [True] * 5
    assert found[4].next_round is not None
    assert found[4].next_round.wave is Wave.BROADCAST


async def test_in_a_crowd_as_many_are_looked_at_as_matching_looks_at(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    promising = await add_providers(crowd, service, count=201, completed_jobs=60)
    other = await add_provider(crowd, service)
    wanted = {"preferred_provider_id": other.user_id}
    preferring = await add_booking(crowd, customer, service, **wanted)
    booking = await add_booking(crowd, customer, service)

    found = await explained(crowd, booking, other)

    assert (found.rank, found.eligible, found.asked_next) == (201, 201, False)
    assert found.answer.endswith("the next round looks at more promising ones only.")
    ahead = (await explained(crowd, preferring, promising[0])).next_round
    assert ahead is not None
    assert ahead.wave is Wave.PREFERRED
    assert (await explained(crowd, preferring, other)).asked_next
    for one, asked in ((booking, promising[:3]), (preferring, [other])):
        await act(crowd, partial(matching.advance, booking_id=one.id))
        assert set(await read_offers(crowd, one.id)) == {who.user_id for who in asked}


async def test_of_more_than_fifty_alike_who_was_asked_last_is_left_out(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    first, *others, last = await add_providers(crowd, service, count=51)
    elsewhere = await add_booking(crowd, customer, service, match_due_at=None)
    await add_offers(crowd, elsewhere, [first])
    booking = await add_booking(crowd, customer, service, wave=Wave.TARGETED, round=1)

    said = {who.user_id: await explained(crowd, booking, who) for who in (first, last)}
    await act(crowd, partial(matching.advance, booking_id=booking.id))

    assert said[first.user_id].rank == 51
    assert {uid: one.asked_next for uid, one in said.items()} == {
        first.user_id: False,
        last.user_id: True,
    }
    asked = {who.user_id for who in (*others, last)}
    assert set(await read_offers(crowd, booking.id)) == asked


async def test_an_offer_that_lapsed_unnoticed_does_not_cost_a_place(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service, wave=Wave.TARGETED, round=1)
    at = await now(crowd)
    past = {"offered_at": at - HOUR, "expires_at": at - timedelta(minutes=5)}
    await add_offers(crowd, booking, [provider], **past)
    other = await add_provider(crowd, service, completed_jobs=60)

    found = await explained(crowd, booking, other)

    assert (found.rank, found.eligible) == (1, 2)


async def test_a_booking_that_is_over_is_explained_as_of_now(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    await act(crowd, partial(matching.advance, booking_id=booking.id))
    await act(crowd, partial(cancellations.cancel, booking_id=booking.id, by=customer, reason=""))
    before = await now(crowd)

    found = await explained(crowd, booking, provider)

    assert found.answer == "Eligible, place 1 of 1; but it is CANCELLED."
    assert before <= found.at <= await now(crowd)
    assert [one.state for one in found.offers] == [OfferState.RESCINDED]
    assert found.offers[0].score == found.score.total


async def test_what_is_not_there_is_not_found(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    unknown = replace(booking, id=uuid4())
    with pytest.raises(NotFound, match="Booking"):
        await explained(crowd, unknown, provider)
    with pytest.raises(NotFound, match="Provider"):
        await explained(crowd, booking, uuid4())
    with pytest.raises(NotFound, match="Booking"):
        await nobody(crowd, unknown)


async def test_whoever_offers_the_service_is_counted_and_the_nearest_looked_at(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    other = await add_service(crowd)
    await add_provider(crowd, other)
    far = await add_providers(crowd, service, count=LOOKED_AT, latitude=51.9)
    near = await add_provider(crowd, service, suspended_at=NOW)
    nowhere = await add_provider(
        crowd, service, latitude=None, longitude=None, postal_code="?", country="FR"
    )
    booking = await add_booking(crowd, customer, service)

    found = await nobody(crowd, booking)

    assert (found.offering, found.looked_at) == (LOOKED_AT + 2, LOOKED_AT)
    assert (found.near, found.eligible) == (1, 0)
    assert found.nearest[0].provider_id == near.user_id
    assert {one.provider_id for one in found.nearest[1:]} <= {one.user_id for one in far}
    assert nowhere.user_id not in {one.provider_id for one in found.nearest}
    assert len(found.nearest) == SHOWN
    said = [(one.rule, one.providers, one.by_it_alone) for one in found.ruled_out]
    assert said == [
        (HardRule.RADIUS, LOOKED_AT - 1, LOOKED_AT - 1),
        (HardRule.APPROVED, 1, 1),
    ]
    words = "Of 200 who offer the service nobody is eligible: RADIUS (199), APPROVED (1)."
    assert found.answer == words


async def test_where_work_has_no_point_its_district_says_who_is_near(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    edinburgh: dict[str, Any] = {"latitude": 55.95, "longitude": -3.19, "postal_code": "EH1 1YZ"}
    await add_providers(crowd, service, count=LOOKED_AT, **edinburgh)
    near = await add_provider(crowd, service, suspended_at=NOW)
    booking = await add_booking(crowd, customer, service, address=an_address(point=None))

    found = await nobody(crowd, booking)

    assert found.nearest[0].provider_id == near.user_id
    assert (found.offering, found.looked_at) == (LOOKED_AT + 1, LOOKED_AT)


async def test_who_is_eligible_by_an_explanation_is_counted_by_why_nobody(crowd: Database) -> None:
    for seed in range(6):
        chance = Chance(crowd, seed)
        booking, everybody = await chance.opens()
        said = [await explained(crowd, booking, one) for one in everybody]
        found = await nobody(crowd, booking)
        assert found.offering == found.looked_at == len(everybody)
        assert found.eligible == sum(one.is_eligible for one in said)
        for one in found.ruled_out:
            assert one.providers == sum(one.rule in broken(each) for each in said)
            assert one.by_it_alone == sum(broken(each) == {one.rule} for each in said)


async def test_asking_why_changes_nothing_and_costs_few_statements(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider, *_ = await add_providers(crowd, service, count=60)
    booking = await add_booking(crowd, customer, service)
    await act(crowd, partial(matching.advance, booking_id=booking.id))
    before = await read_booking(crowd, booking.id), await count_rows(crowd, job_offers, providers)
    statements: list[str] = []

    def count(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(crowd.engine.sync_engine, "before_cursor_execute", count)
    await explained(crowd, booking, provider)
    explaining = len(statements)
    await nobody(crowd, booking)
    event.remove(crowd.engine.sync_engine, "before_cursor_execute", count)

    assert (explaining, len(statements) - explaining) == (9, 6)
    assert not any("FOR " in one for one in statements if one.startswith("SELECT"))
    after = await read_booking(crowd, booking.id), await count_rows(crowd, job_offers, providers)
    assert after == before
