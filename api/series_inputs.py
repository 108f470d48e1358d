"""What does a client say to make, change, thin out or end a series?"""

from __future__ import annotations

from uuid import UUID

import strawberry

from api import ids
from api.booking_inputs import WorkInput
from api.enums import describe
from api.scalars import LocalDateTime, TimeZone
from domain import recurrence, series_changes
from domain.bookings import BookingKind
from domain.lifecycle import Details
from domain.people import Viewer
from domain.series import Order

describe(
    series_changes.SeriesScope,
    "Which occurrences a change is about.",
    THIS="One. It stays the occurrence it is: none comes in its place, and no other moves.",
    THIS_AND_FOLLOWING="One and those after it; the series is cut in two.",
    ALL="All that are to come, except those that were moved by themselves.",
)

_RRULE = (
    'A rule of RFC 5545 such as "FREQ=WEEKLY;BYDAY=MO;COUNT=24": DAILY, WEEKLY, MONTHLY or YEARLY '
    "with INTERVAL, COUNT (up to 366) or UNTIL (local time), BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, "
    "WKST. It has to fall on the first start."
)
_PARTIAL = (
    "Do what can be done and report the rest. Without it nothing is done unless all can be; the "
    "report says what stands in the way."
)


@strawberry.input(description="What a customer orders again and again, or staff for them.")
class CreateBookingSeriesInput(WorkInput):
    """What is ordered, and when it comes again."""

    time_zone: TimeZone = strawberry.field(description="Whose wall clock the times are on.")
    first_local_start: LocalDateTime = strawberry.field(
        description="When the first one starts. A time that comes twice means its first coming."
    )
    rrule: str = strawberry.field(description=_RRULE)
    allow_partial: bool | None = strawberry.field(default=None, description=_PARTIAL)

    def order(self, viewer: Viewer) -> Order:
        """What is ordered. Raises InvalidInput."""
        return Order(
            asked=self.wanted(viewer, BookingKind.SCHEDULED),
            time_zone=self.time_zone,
            first_local_start=self.first_local_start,
            rule=recurrence.parse(self.rrule),
            allow_partial=bool(self.allow_partial),
        )


@strawberry.input(description="Which series.")
class SeriesInput:
    """Which series."""

    series_id: strawberry.ID = strawberry.field(description="The series.")

    @property
    def uid(self) -> UUID:
        """The series' own id. Raises InvalidInput for an id of something else."""
        return ids.parse("BookingSeries", self.series_id, "seriesId")


@strawberry.input(description="What is to be different; what is left out stays as it is.")
class UpdateSeriesInput(SeriesInput):
    """What is to be different."""

    scope: series_changes.SeriesScope = strawberry.field(
        description="Which occurrences it is about."
    )
    original_start: LocalDateTime | None = strawberry.field(
        default=None,
        description="The occurrence it is about, by its original start. With ALL it is needed only "
        "beside `newLocalStart`.",
    )
    new_local_start: LocalDateTime | None = strawberry.field(
        default=None,
        description="Where that occurrence goes. The others move by as much, on the wall clock.",
    )
    rrule: str | None = strawberry.field(
        default=None, description=f"When it comes again from now on. {_RRULE}"
    )
    provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who is to do the work."
    )
    access_instructions: str | None = strawberry.field(
        default=None, description="How to get in; up to 2000 characters."
    )
    special_requirements: str | None = strawberry.field(
        default=None, description="What to mind; up to 2000 characters."
    )
    concern: str | None = strawberry.field(
        default=None, description="What is the matter; up to 2000 characters."
    )
    allow_partial: bool | None = strawberry.field(default=None, description=_PARTIAL)
    expected_version: int | None = strawberry.field(
        default=None,
        description="The version you have seen; refused as VersionConflict when the series has "
        "changed.",
    )

    def change(self) -> series_changes.Change:
        """What is asked for. Raises InvalidInput."""
        provider_id = self.provider_id
        return series_changes.Change(
            scope=self.scope,
            original_start=self.original_start,
            new_start=self.new_local_start,
            rule=recurrence.parse(self.rrule) if self.rrule is not None else None,
            provider_id=ids.parse("Provider", provider_id, "providerId") if provider_id else None,
            details=Details(
                access_instructions=self.access_instructions,
                special_requirements=self.special_requirements,
                concern=self.concern,
            ),
            allow_partial=bool(self.allow_partial),
            expected_version=self.expected_version,
        )


@strawberry.input(description="Which occurrence to leave out.")
class SkipOccurrenceInput(SeriesInput):
    """Which occurrence to leave out."""

    original_start: LocalDateTime = strawberry.field(description="Which one.")
    expected_fee_minor: int | None = strawberry.field(
        default=None,
        description="If it is booked already: the fee for calling it off that you agree to, in "
        "minor units, as `cancellationQuote` gave it; 0 when left out.",
    )


@strawberry.input(description="Which occurrence to take up again.")
class UnskipOccurrenceInput(SeriesInput):
    """Which occurrence to take up again."""

    original_start: LocalDateTime = strawberry.field(description="Which one.")


@strawberry.input(description="Which series to end.")
class EndSeriesInput(SeriesInput):
    """Which series to end."""

    cancel_upcoming: bool | None = strawberry.field(
        default=None,
        description="Also call off the bookings that lie ahead, as far as that costs nothing; the "
        "report says which would cost a fee. Without it they stand.",
    )
