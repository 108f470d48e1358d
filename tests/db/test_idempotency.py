"""Does one key answer one request, however often, and however much at once, it is sent?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from db import cancellations, requests
from db.tables import bookings, events, history, idempotency_keys
from domain.booking_rules import RulesBroken
from domain.booking_steps import BookingStatus
from domain.bookings import Booking
from domain.idempotency import IdempotencyKeyReused, key
from tests.db.racing import act, race, waiting
from tests.factories import (
    a_request,
    a_viewer,
    add_customer,
    add_customers,
    add_provider,
    add_service,
    count_rows,
    now,
    tomorrow,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.requests import BookingRequest

TABLES = (bookings, history, events, idempotency_keys)


@pytest.fixture
async def asked(crowd: Database) -> BookingRequest:
    """A request that is fine, for one provider's time."""
    service = await add_service(crowd)
    provider = await add_provider(crowd, service)
    return a_request(
        customer_id=(await add_customer(crowd)).user_id,
        service_id=service.id,
        provider_id=provider.user_id,
        starts_at=await tomorrow(crowd),
    )


def asking(request: BookingRequest, text: str = "k-1") -> Any:
    by = a_viewer(user_id=request.customer_id)
    return partial(requests.request, asked=request, by=by, key=key("createBooking", text, request))


def changed(request: BookingRequest, **changes: Any) -> BookingRequest:
    return replace(request, **changes)


async def test_the_same_request_again_is_answered_with_the_same_booking(
    crowd: Database, asked: BookingRequest
) -> None:
    first = await act(crowd, asking(asked))
    again = await act(crowd, asking(asked))

    assert again == first
    assert await count_rows(crowd, *TABLES) == (1, 1, 2, 1)


async def test_the_same_request_many_times_at_once_makes_one_booking(
    crowd: Database, asked: BookingRequest
) -> None:
    outcomes = await race(crowd, [asking(asked)] * 20)

    assert {one.id for one in outcomes if isinstance(one, Booking)} == {outcomes[0].id}
    assert all(isinstance(one, Booking) for one in outcomes)
    assert await count_rows(crowd, *TABLES) == (1, 1, 2, 1)


async def test_the_same_key_with_another_body_is_refused_without_trace(
    crowd: Database, asked: BookingRequest
) -> None:
    await act(crowd, asking(asked))
    later = changed(asked, starts_at=(asked.starts_at or await now(crowd)) + timedelta(hours=9))

    (refused,) = await race(crowd, [asking(later)])

    assert isinstance(refused, IdempotencyKeyReused)
    assert await count_rows(crowd, *TABLES) == (1, 1, 2, 1)


async def test_of_two_bodies_with_one_key_at_once_one_is_booked(
    crowd: Database, asked: BookingRequest
) -> None:
    other = changed(asked, concern="Bring a ladder.")

    outcomes = await race(crowd, [asking(asked), asking(other)])

    assert sorted(type(one).__name__ for one in outcomes) == ["Booking", "IdempotencyKeyReused"]
    assert await count_rows(crowd, *TABLES) == (1, 1, 2, 1)


async def test_a_refused_request_frees_its_key(crowd: Database, asked: BookingRequest) -> None:
    past = changed(asked, starts_at=await now(crowd) - timedelta(days=1))
    (refused,) = await race(crowd, [asking(past)])
    assert isinstance(refused, RulesBroken)
    assert await count_rows(crowd, *TABLES) == (0, 0, 0, 0)

    made = await act(crowd, asking(asked))

    assert made.status is BookingStatus.CONFIRMED


async def test_who_waits_for_a_request_that_is_undone_makes_the_booking(
    crowd: Database, asked: BookingRequest
) -> None:
    async with crowd.engine.connect() as tx:
        undone = await asking(asked)(tx)
        task = await waiting(crowd, asking(asked))
        await tx.rollback()
    made = await task

    assert made.id != undone.id
    assert await count_rows(crowd, *TABLES) == (1, 1, 2, 1)


async def test_a_key_is_its_users_own(crowd: Database, asked: BookingRequest) -> None:
    one, other = await add_customers(crowd, count=2)
    later = asked.starts_at and asked.starts_at + timedelta(hours=4)
    theirs = [
        changed(asked, customer_id=one.user_id),
        changed(asked, customer_id=other.user_id, starts_at=later),
    ]

    made = await race(crowd, map(asking, theirs))

    assert [booking.customer_id for booking in made] == [one.user_id, other.user_id]


async def test_booking_again_after_cancelling_works_with_a_new_key(
    crowd: Database, asked: BookingRequest
) -> None:
    customer = await add_customer(crowd)
    mine = changed(asked, customer_id=customer.user_id)
    first = await act(crowd, asking(mine))
    cancel = partial(cancellations.cancel, booking_id=first.id, by=customer, reason="")
    cancelled = await act(crowd, cancel)

    assert await act(crowd, asking(mine)) == cancelled
    again = await act(crowd, asking(mine, "k-2"))

    assert again.id != first.id
    assert again.status is BookingStatus.CONFIRMED
