"""Are offers kept as they were made, and answered by those alone to whom they were put?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from db import offers
from domain.events import EventType
from domain.offers import Gone, OfferGone, OfferState
from domain.refusals import InvalidInput, NotFound
from tests import invariants
from tests.db.racing import act, race
from tests.factories import (
    add_booking,
    add_customer,
    add_offers,
    add_providers,
    add_service,
    now,
    read_booking,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.offers import JobOffer
    from domain.people import Viewer
    from domain.services import Service


@pytest.fixture
async def service(crowd: Database) -> Service:
    """What is booked, and done by both."""
    return await add_service(crowd)


@pytest.fixture
async def two(crowd: Database, service: Service) -> list[Viewer]:
    """Two providers."""
    return await add_providers(crowd, service, count=2)


@pytest.fixture
async def booking(crowd: Database, service: Service) -> Booking:
    """A booking that nobody has yet."""
    return await add_booking(crowd, await add_customer(crowd), service)


@pytest.fixture
async def made(crowd: Database, booking: Booking, two: list[Viewer]) -> list[JobOffer]:
    """The booking offered to both."""
    return await add_offers(crowd, booking, two)


async def test_every_fact_comes_back_as_it_was_kept(crowd: Database, made: list[JobOffer]) -> None:
    async with crowd.read() as connection:
        assert await offers.get(connection, made[0].id) == made[0]
        found = await offers.of_bookings(connection, [made[0].booking_id, made[0].id])
        with pytest.raises(NotFound):
            await offers.get(connection, uuid4())
    assert found == {made[0].booking_id: made, made[0].id: []}


async def test_the_offers_of_a_booking_are_listed_by_round_and_then_the_best_first(
    crowd: Database, booking: Booking, two: list[Viewer]
) -> None:
    late = await add_offers(crowd, booking, two[:1], round=2, score=999)
    lapsed = {"state": OfferState.EXPIRED, "resolved_at": await now(crowd)}
    low = await add_offers(crowd, booking, two[:1], score=10, **lapsed)
    high = await add_offers(crowd, booking, two[1:], score=20)

    async with crowd.read() as connection:
        found = await offers.of_bookings(connection, [booking.id])
    assert found[booking.id] == [*high, *low, *late]


@pytest.mark.parametrize("whose", ["another's", "nobody's"])
async def test_what_was_put_to_another_or_to_nobody_is_not_found(
    crowd: Database, made: list[JobOffer], two: list[Viewer], whose: str
) -> None:
    offer_id = made[0].id if whose == "another's" else uuid4()
    not_theirs = two[1].user_id
    for answer in (
        partial(offers.accept, offer_id=offer_id, by=not_theirs),
        partial(offers.reject, offer_id=offer_id, by=not_theirs, reason=""),
    ):
        with pytest.raises(NotFound):
            await act(crowd, answer)


async def test_a_rejection_is_kept_with_its_reason_and_leaves_the_others_waiting(
    crowd: Database, booking: Booking, made: list[JobOffer]
) -> None:
    before = len(await read_events(crowd))
    reject = partial(offers.reject, offer_id=made[0].id, by=made[0].provider_id, reason="Too far.")

    rejected = await race(crowd, [reject] * 3)

    (once,) = {one.id: one for one in rejected}.values()
    assert rejected == [once] * 3
    assert (once.state, once.reject_reason) == (OfferState.REJECTED, "Too far.")
    assert await read_booking(crowd, booking.id) == booking
    assert (await read_offers(crowd, booking.id))[made[1].provider_id] == made[1]
    assert await read_events(crowd, after=before) == [EventType.OFFER_REJECTED]
    await invariants.check(crowd)


async def test_who_has_rejected_cannot_accept(crowd: Database, made: list[JobOffer]) -> None:
    mine: Any = {"offer_id": made[0].id, "by": made[0].provider_id}
    await act(crowd, partial(offers.reject, **mine, reason=""))
    with pytest.raises(OfferGone) as refused:
        await act(crowd, partial(offers.accept, **mine))
    assert refused.value.why is Gone.REJECTED


async def test_a_refused_reason_leaves_the_offer_open(
    crowd: Database, booking: Booking, made: list[JobOffer]
) -> None:
    for reason in ("x" * 501, "nu\x00ll"):
        with pytest.raises(InvalidInput):
            await act(
                crowd,
                partial(offers.reject, offer_id=made[0].id, by=made[0].provider_id, reason=reason),
            )
    assert (await read_offers(crowd, booking.id))[made[0].provider_id] == made[0]


async def test_accepting_again_after_a_lost_reply_answers_with_the_booking_as_it_is(
    crowd: Database, booking: Booking, made: list[JobOffer]
) -> None:
    accept = partial(offers.accept, offer_id=made[0].id, by=made[0].provider_id)
    first = await act(crowd, accept)
    before = len(await read_events(crowd))

    assert await act(crowd, accept) == first == await read_booking(crowd, booking.id)
    assert len(await read_events(crowd)) == before
