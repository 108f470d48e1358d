"""Which bookings may a viewer read? One by its id, or page by page those that are theirs to see."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from api import ids
from api.access import SIGNED_IN
from api.booking_kinds import BookingKind, BookingStatus
from api.bookings import Booking, BookingId, visible
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Info
from db import bookings
from domain import bookings as domain
from domain.services import Trade


@strawberry.input(description="Which bookings a list is about; what is left out stands for any.")
class BookingFilter:
    """Which bookings a list is about."""

    statuses: list[BookingStatus] | None = strawberry.field(
        default=None, description="Only bookings that stand so."
    )
    kind: BookingKind | None = strawberry.field(
        default=None, description="Only immediate or only scheduled ones."
    )
    trade: Trade | None = strawberry.field(default=None, description="Only this trade.")
    starts_from: datetime | None = strawberry.field(
        default=None, description="Only those that start at this instant or later."
    )
    starts_before: datetime | None = strawberry.field(
        default=None, description="Only those that start before this instant."
    )

    def value(self) -> domain.BookingFilter:
        """What the filter asks for."""
        return domain.BookingFilter(
            statuses=tuple(self.statuses) if self.statuses is not None else None,
            kind=self.kind,
            trade=self.trade,
            starts_from=self.starts_from,
            starts_before=self.starts_before,
        )


@strawberry.type
class BookingQueries:
    """Reading bookings."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="One booking; null when it is not there or not yours to see.",
        graphql_type=Booking | None,
    )
    async def booking(self, info: Info, id: BookingId) -> Any:
        """One booking."""
        return await visible(info.context, ids.parse("Booking", id, "id"))

    @strawberry.field(
        directives=[SIGNED_IN],
        description="The bookings you may see, newest first: your own, or everyone's for staff.",
        graphql_type=Connection[Booking],
    )
    async def bookings(
        self,
        info: Info,
        where: Annotated[
            BookingFilter | None, strawberry.argument(description="Which; all when left out.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of bookings."""
        request = page_request(first, after, last, before)
        viewer, only = info.context.user, (where or BookingFilter()).value()
        return await listing(
            info.context, request, bookings.page, bookings.count, viewer=viewer, only=only
        )
