"""The queue: which bookings wait for a provider, and what each provider has before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Text, bindparam, select

from db import pages
from db.bookings import booking
from db.tables import bookings, services
from domain.booking_steps import OPEN_TO_OFFERS, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.booking_steps import BookingStatus
    from domain.bookings import Booking
    from domain.pages import Page, PageRequest
    from domain.services import Trade

_B: Final = bookings.c
#: IMMEDIATE sorts before SCHEDULED, and ids by age: high priority first, then oldest.
_ORDER: Final = pages.Order(columns=(_B.kind, _B.id), parse=(str, UUID))


async def page(
    connection: AsyncConnection,
    request: PageRequest,
    *,
    of_provider: UUID | None,
    trade: Trade | None,
) -> Page[Booking]:
    """A page of a provider's unfinished bookings, or (None) of those that wait for somebody.

    High priority first, then oldest.
    """
    return await pages.fetch(connection, _queued(of_provider, trade), _ORDER, request, booking)


async def count(
    connection: AsyncConnection, *, of_provider: UUID | None, trade: Trade | None
) -> int:
    """How many bookings a queue holds."""
    return await pages.count(connection, _queued(of_provider, trade))


def _queued(of_provider: UUID | None, trade: Trade | None) -> Select[Any]:
    query = select(bookings).where(*(_waiting() if of_provider is None else _theirs(of_provider)))
    if trade is not None:
        of_trade = select(services.c.id).where(services.c.trade == trade)
        query = query.where(_B.service_id.in_(of_trade))
    return query


def _waiting() -> tuple[ColumnElement[bool], ...]:
    agreed = ~_B.needs_terms | _B.terms_accepted_at.is_not(None)
    return _B.provider_id.is_(None), _stands(OPEN_TO_OFFERS), agreed


def _theirs(provider_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return _B.provider_id == provider_id, _stands(UNFINISHED)


def _stands(statuses: Iterable[BookingStatus]) -> ColumnElement[bool]:
    # Written out: from a parameter the planner cannot tell that an index of these alone will do.
    listed = sorted(status.value for status in statuses)
    return _B.status.in_(
        bindparam("statuses", listed, type_=Text, expanding=True, literal_execute=True)
    )
