"""The queue, as those see it who give work out and those who do it."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from api.access import allow
from api.bookings import Booking
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Info
from api.enums import describe
from api.errors import Forbidden
from api.services import TradeFilter
from db import queue
from domain import queue as domain
from domain.people import Role

QueueScope = describe(
    domain.QueueScope,
    "Which bookings a queue holds.",
    UNASSIGNED="Those that wait for a provider; for staff.",
    MINE="Your own that are not over yet; for providers.",
)


@strawberry.type
class QueueQueries:
    """Reading the queue."""

    @strawberry.field(
        directives=[allow(Role.PROVIDER, Role.DISPATCHER, Role.ADMIN)],
        description="The bookings that wait for a provider, or for a provider those that wait for "
        "them (`scope: MINE`): high priority first, then oldest.",
        graphql_type=Connection[Booking],
    )
    async def queue(
        self,
        info: Info,
        scope: Annotated[
            domain.QueueScope, strawberry.argument(description="Whose; nobody's when left out.")
        ] = domain.QueueScope.UNASSIGNED,
        trade: TradeFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of the queue."""
        viewer = info.context.user
        if not scope.is_open_to(viewer):
            raise Forbidden("UNASSIGNED is for staff, and MINE for providers.", field="scope")
        request = page_request(first, after, last, before)
        of_provider = viewer.user_id if scope is domain.QueueScope.MINE else None
        return await listing(
            info.context, request, queue.page, queue.count, of_provider=of_provider, trade=trade
        )
