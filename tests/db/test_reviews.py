"""Is every review kept once and counted once, whatever comes at the same time?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from db import bookings, lifecycle, reviews
from db import providers as db_providers
from db.engine import constraint
from db.ids import new_id
from db.tables import events, providers
from db.tables import reviews as reviews_table
from domain.events import EventType
from domain.pages import PageRequest
from domain.refusals import InvalidInput, NotFound
from domain.reviews import AlreadyReviewed, NotCompleted, Review
from domain.work import Handover
from tests.db.racing import act, race, waiting
from tests.factories import (
    NOW,
    add_booking,
    add_completed,
    add_customer,
    add_customers,
    add_dispatcher,
    add_provider,
    add_service,
    count_rows,
    read_events,
)

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer


async def give(tx: AsyncConnection, booking: Booking, by: Viewer, **changes: Any) -> Review:
    said: dict[str, Any] = {"stars": 5, "comment": "Spotless."}
    return await reviews.give(tx, booking_id=booking.id, by=by, **said | changes)


async def tally(database: Database, provider: Viewer) -> tuple[int, int, float | None]:
    p = providers.c
    query = select(p.review_count, p.stars_sum, p.rating).where(p.id == provider.user_id)
    async with database.read() as connection:
        count, stars, rating = (await connection.execute(query)).one()
    return count, stars, rating


async def listed(database: Database, provider_id: UUID) -> list[Review]:
    async with database.read() as connection:
        request = PageRequest(limit=100)
        page = await reviews.page(connection, request, provider_id=provider_id)
        assert len(page.items) == await reviews.count(connection, provider_id=provider_id)
    return list(page.items)


async def test_a_review_is_kept_counted_and_told_in_one_act(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    booking = await add_completed(database, customer, service, provider)
    assert await tally(database, provider) == (0, 0, None)

    review = await act(database, partial(give, booking=booking, by=customer))

    assert (review.stars, review.comment) == (5, "Spotless.")
    assert await tally(database, provider) == (1, 5, 4.17)
    assert await read_events(database) == [EventType.BOOKING_REVIEWED]
    async with database.read() as connection:
        assert await reviews.by_id(connection, review.id) == review
        assert await reviews.by_id(connection, booking.id) is None
        assert await reviews.of_bookings(connection, [booking.id]) == {booking.id: review}
        (shown,) = await db_providers.by_ids(connection, [provider.user_id])
    assert (shown.rating, shown.review_count) == (4.17, 1)


async def test_the_same_review_again_answers_the_first_and_counts_once(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    booking = await add_completed(database, customer, service, provider)
    first = await act(database, partial(give, booking=booking, by=customer))

    assert await act(database, partial(give, booking=booking, by=customer)) == first
    with pytest.raises(AlreadyReviewed) as refused:
        await act(database, partial(give, booking=booking, by=customer, stars=1))

    assert refused.value.review == first
    assert await tally(database, provider) == (1, 5, 4.17)
    assert await count_rows(database, reviews_table, events) == (1, 1)


async def test_a_refused_review_leaves_no_trace(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider, stranger = await add_provider(database, service), await add_customer(database)
    waits = await add_booking(database, customer, service)
    done = await add_completed(database, customer, service, provider)
    refusals: list[tuple[type[Exception], dict[str, Any]]] = [
        (NotCompleted, {"booking": waits, "by": customer}),
        (NotFound, {"booking": done, "by": stranger}),
        (NotFound, {"booking": done, "by": provider}),
        (NotFound, {"booking": done, "by": await add_dispatcher(database)}),
        (InvalidInput, {"booking": done, "by": customer, "stars": 6}),
    ]
    for refusal, asked in refusals:
        with pytest.raises(refusal):
            await act(database, partial(give, **asked))
    assert await tally(database, provider) == (0, 0, None)
    assert await count_rows(database, reviews_table, events) == (0, 0)


async def test_reviews_of_one_provider_at_once_all_count(crowd: Database) -> None:
    service = await add_service(crowd)
    provider, other = await add_provider(crowd, service), await add_provider(crowd, service)
    customers = await add_customers(crowd, count=20)
    done = [await add_completed(crowd, one, service, provider) for one in customers]
    elsewhere = await add_completed(crowd, customers[0], service, other)

    changes = [
        partial(give, booking=booking, by=by, stars=4 + n % 2)
        for n, (booking, by) in enumerate(zip(done, customers, strict=True))
    ]
    await race(crowd, [*changes, partial(give, booking=elsewhere, by=customers[0], stars=1)])

    assert await tally(crowd, provider) == (20, 90, 4.4)
    assert await tally(crowd, other) == (1, 1, 3.5)
    assert {one.booking_id for one in await listed(crowd, provider.user_id)} == {
        one.id for one in done
    }


async def test_of_two_reviews_of_two_bookings_the_later_adds_to_the_earlier(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    one, two = [await add_completed(crowd, customer, service, provider) for _ in range(2)]
    async with crowd.begin() as tx:
        await give(tx, one, customer, stars=5)
        late = await waiting(crowd, partial(give, booking=two, by=customer, stars=1))
    await late
    assert await tally(crowd, provider) == (2, 6, 3.71)


async def test_the_same_booking_reviewed_many_times_at_once_is_reviewed_once(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_completed(crowd, customer, service, provider)
    same = [partial(give, booking=booking, by=customer)] * 5
    other = [partial(give, booking=booking, by=customer, stars=1)] * 5
    results = await race(crowd, [*same, *other])
    given = [one for one in results if isinstance(one, Review)]
    assert len(given) == 5
    assert len(set(given)) == 1
    assert sum(isinstance(one, AlreadyReviewed) for one in results) == 5
    assert (await tally(crowd, provider))[:2] == (1, given[0].stars)
    assert await count_rows(crowd, reviews_table, events) == (1, 1)


async def test_reviewing_and_completing_at_once_end_legal(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    working = await add_completed(crowd, customer, service, provider, completed_at=None)
    async with crowd.begin() as tx:
        await lifecycle.complete(tx, booking_id=working.id, by=provider, handover=Handover())
        late = await waiting(crowd, partial(give, booking=working, by=customer))
    assert (await late).booking_id == working.id
    assert await tally(crowd, provider) == (1, 5, 4.17)


async def test_a_booking_is_locked_before_its_provider(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_completed(crowd, customer, service, provider)
    async with crowd.begin() as tx:
        await bookings.lock(tx, booking.id)
        late = await waiting(crowd, partial(give, booking=booking, by=customer))
        # Whoever holds the booking can go on to the provider: the review waits without them.
        await db_providers.lock(tx, [provider.user_id])
    assert (await late).stars == 5


async def test_reviews_are_listed_newest_first(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    done = [await add_completed(database, customer, service, provider) for _ in range(3)]
    given = [await act(database, partial(give, booking=one, by=customer)) for one in done]
    assert await listed(database, provider.user_id) == given[::-1]
    assert await listed(database, customer.user_id) == []


@pytest.mark.parametrize(
    ("columns", "broken"),
    [({}, "pk_reviews"), ({"stars": 0}, "ck_reviews_stars"), ({"stars": 6}, "ck_reviews_stars")],
)
async def test_the_database_takes_one_review_of_a_booking_and_one_to_five_stars(
    database: Database, columns: dict[str, Any], broken: str
) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    booking = await add_completed(database, customer, service, provider)
    await act(database, partial(give, booking=booking, by=customer))
    row = {
        "id": new_id(),
        "booking_id": booking.id,
        "provider_id": provider.user_id,
        "customer_id": customer.user_id,
        "stars": 3,
        "given_at": NOW,
    }
    with pytest.raises(IntegrityError) as refused:
        await act(database, lambda tx: tx.execute(insert(reviews_table).values(row | columns)))
    assert constraint(refused.value) == broken
