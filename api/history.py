"""What has become of a booking, change by change?"""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.access import SIGNED_IN
from api.booking_kinds import BookingStatus, Source
from api.views import view_of
from domain import history


@strawberry.type(directives=[SIGNED_IN], description="One change of a booking.")
@view_of(history.HistoryEntry)
class HistoryEntry:
    """One change of a booking."""

    version: int = strawberry.field(description="The booking's version after the change.")
    at: datetime = strawberry.field(description="When it happened.")
    act: str = strawberry.field(description="What was done, such as REQUEST, ASSIGN or CANCEL.")
    source: Source = strawberry.field(description="Through whom.")
    before: BookingStatus | None = strawberry.field(description="The status before; null first.")
    after: BookingStatus = strawberry.field(description="The status after.")
    reason: str | None = strawberry.field(
        description="Why, where somebody said so. A provider reads their own and those since the "
        "booking is theirs; analysts read none."
    )
