"""Reviews: lock, ask the domain, write, count them for the provider, tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, update

from db import bookings, clock, events, pages
from db import providers as db_providers
from db.ids import new_id
from db.tables import providers, reviews
from domain import reviews as rules
from domain.reviews import Review, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest
    from domain.people import Viewer

_NEWEST_FIRST = pages.Order(columns=(reviews.c.id,), parse=(UUID,), descending=True)


async def give(
    tx: AsyncConnection, *, booking_id: UUID, by: Viewer, stars: int, comment: str
) -> Review:
    """Keep what the customer says of a booking, and count it in its provider's rating.

    The same review again answers with the first. Raises NotFound, InvalidInput, NotCompleted or
    AlreadyReviewed.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    tally = Tally()
    if booking.provider_id is not None:
        # The lock comes before the look: of two reviews at once, the later adds to the earlier.
        await db_providers.lock(tx, [booking.provider_id])
        tally = await _tally(tx, booking.provider_id)
    earlier = (await of_bookings(tx, [booking_id])).get(booking_id)
    outcome = rules.review(
        booking,
        earlier,
        tally,
        review_id=new_id(),
        by=by.user_id,
        stars=stars,
        comment=comment,
        at=await clock.now(tx),
    )
    if outcome.review != earlier:
        await tx.execute(insert(reviews).values(_columns(outcome.review)))
        await _count(tx, outcome.review.provider_id, outcome.tally)
        await events.append(tx, outcome.events)
    return outcome.review


async def by_id(connection: AsyncConnection, review_id: UUID) -> Review | None:
    """One review, if there is one."""
    row = (await connection.execute(select(reviews).where(reviews.c.id == review_id))).one_or_none()
    return review(row) if row else None


async def of_bookings(
    connection: AsyncConnection, booking_ids: Sequence[UUID]
) -> dict[UUID, Review]:
    """The review of each booking that has one."""
    query = select(reviews).where(reviews.c.booking_id.in_(booking_ids))
    return {row.booking_id: review(row) for row in await connection.execute(query)}


async def page(
    connection: AsyncConnection, request: PageRequest, *, provider_id: UUID
) -> Page[Review]:
    """A page of the reviews of a provider, newest first."""
    return await pages.fetch(connection, _of(provider_id), _NEWEST_FIRST, request, review)


async def count(connection: AsyncConnection, *, provider_id: UUID) -> int:
    """How many reviews a provider has."""
    return await pages.count(connection, _of(provider_id))


def _of(provider_id: UUID) -> Select[Any]:
    return select(reviews).where(reviews.c.provider_id == provider_id)


async def _tally(tx: AsyncConnection, provider_id: UUID) -> Tally:
    p = providers.c
    counted = select(p.review_count, p.stars_sum).where(p.id == provider_id)
    row = (await tx.execute(counted)).one()
    return Tally(count=row.review_count, stars=row.stars_sum)


async def _count(tx: AsyncConnection, provider_id: UUID, tally: Tally) -> None:
    counted = {"review_count": tally.count, "stars_sum": tally.stars, "rating": tally.rating}
    await tx.execute(update(providers).where(providers.c.id == provider_id).values(counted))


_PLAIN = ("id", "booking_id", "provider_id", "customer_id", "stars", "comment", "given_at")


def _columns(value: Review) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _PLAIN}


def review(row: Row[Any]) -> Review:
    """The review in a row."""
    return Review(**{name: getattr(row, name) for name in _PLAIN})
