"""Is what another policy would have chosen noted, and does nothing else come of it?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from db import matching, offers, shifts
from db.tables import shadow_choices
from domain.bookings import BookingKind
from domain.house import HouseRules
from domain.matching import V1, V2
from tests.db.racing import act, waiting
from tests.factories import (
    add_booking,
    add_customer,
    add_provider,
    add_providers,
    add_service,
    now,
    read_booking,
    read_offers,
    shift_time,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer

TARGETED: Final = timedelta(minutes=5)
AGAIN: Final = timedelta(minutes=4)


def advancing(booking: Booking, **changes: Any) -> Any:
    return partial(matching.advance, booking_id=booking.id, house=HouseRules(**changes))


async def choices(database: Database, booking: Booking) -> list[Any]:
    s = shadow_choices.c
    query = select(shadow_choices).where(s.booking_id == booking.id).order_by(s.round)
    async with database.read() as connection:
        return list(await connection.execute(query))


async def market(database: Database) -> tuple[Booking, list[Viewer], Viewer]:
    """Three whom v1 prefers, and a newcomer whom v2 does."""
    service, customer = await add_service(database), await add_customer(database)
    at = await now(database)
    known = await add_providers(
        database, service, count=3, rating=4.0, completed_jobs=20, approved_at=at
    )
    newcomer = await add_provider(database, service, approved_at=at - timedelta(days=9))
    return await add_booking(database, customer, service), known, newcomer


async def test_a_shadow_is_noted_beside_the_real_choice_which_it_does_not_change(
    database: Database,
) -> None:
    booking, known, newcomer = await market(database)

    await act(database, advancing(booking, shadow=V2))

    real = [one.user_id for one in known]
    found = await read_offers(database, booking.id)
    assert set(found) == set(real)
    assert {(offer.policy, offer.score) for offer in found.values()} == {("v1", 108)}
    (noted,) = await choices(database, booking)
    assert (noted.round, noted.wave, noted.candidates) == (1, "TARGETED", 4)
    assert (noted.policy, noted.live_policy) == ("v2", "v1")
    assert noted.at == found[real[0]].offered_at
    assert noted.live_chosen == real
    # On shift, local, unrated, idle, new and as willing as anybody: and the others as v1 has
    # them, and as willing.
    assert noted.chosen == [newcomer.user_id, *real[:2]]
    assert noted.scores == [50 + 40 + 10 + 15 + 25 + 5, 108 + 5, 108 + 5]


async def test_a_shadow_is_not_noted_unless_a_policy_is_asked(database: Database) -> None:
    booking, known, _ = await market(database)

    await act(database, advancing(booking))

    assert await choices(database, booking) == []
    assert set(await read_offers(database, booking.id)) == {one.user_id for one in known}


async def test_a_shadow_may_be_the_other_way_round(database: Database) -> None:
    booking, known, newcomer = await market(database)

    await act(database, advancing(booking, policy=V2, shadow=V1))

    (noted,) = await choices(database, booking)
    assert (noted.policy, noted.live_policy) == ("v1", "v2")
    assert noted.chosen == [one.user_id for one in known]
    assert noted.live_chosen == [newcomer.user_id, *noted.chosen[:2]]
    found = await read_offers(database, booking.id)
    assert set(found) == set(noted.live_chosen)
    assert found[newcomer.user_id].policy == "v2"


async def test_a_shadow_is_noted_of_each_round_that_asks_anybody(database: Database) -> None:
    booking, *_ = await market(database)
    await act(database, advancing(booking, shadow=V2))
    await shift_time(database, booking, TARGETED)
    await act(database, advancing(booking, shadow=V2))
    await shift_time(database, booking, AGAIN)
    # Everybody thinks about it: there is nobody left to ask.
    await act(database, advancing(booking, shadow=V2))

    noted = await choices(database, booking)
    assert [(one.round, one.wave) for one in noted] == [(1, "TARGETED"), (2, "BROADCAST")]
    assert (await read_booking(database, booking.id)).round == 3


async def test_a_shadow_is_not_noted_twice_of_a_place_that_is_looked_for_again(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    targeted = await add_providers(crowd, service, count=3, rating=4.9)
    booking = await add_booking(
        crowd,
        customer,
        service,
        kind=BookingKind.IMMEDIATE,
        starts_at=await now(crowd) + timedelta(minutes=30),
    )
    await act(crowd, advancing(booking, shadow=V2))
    offer = (await read_offers(crowd, booking.id))[targeted[0].user_id]
    refuse = partial(offers.reject, offer_id=offer.id, by=offer.provider_id, reason="")
    await act(crowd, refuse)
    leaving = await add_provider(crowd, service)
    async with crowd.begin() as tx:
        await shifts.clock_out(tx, provider_id=leaving.user_id, note=None)
        # Matching has chosen them, and waits to hold them still.
        task = await waiting(crowd, advancing(booking, shadow=V2))
    await task
    assert [one.round for one in await choices(crowd, booking)] == [1]

    next_best = await add_provider(crowd, service)
    await act(crowd, advancing(booking, shadow=V2))

    assert [one.round for one in await choices(crowd, booking)] == [1, 2]
    found = await read_offers(crowd, booking.id)
    assert set(found) == {one.user_id for one in (*targeted, next_best)}
    assert found[next_best.user_id].round == 2
