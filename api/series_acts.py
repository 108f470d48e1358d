"""What can be done about a series, one mutation for each act."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_problems import IdempotencyKeyReused, RulesBroken, ServiceInactive, WrongStatus
from api.cancellations import FeeChanged
from api.context import Info
from api.inputs import Given
from api.problems import (
    InvalidInput,
    NotFound,
    Problem,
    ProblemCode,
    VersionConflict,
    problem_of,
)
from api.series import BookingSeries, OccurrenceReport
from api.series_inputs import (
    CreateBookingSeriesInput,
    EndSeriesInput,
    SkipOccurrenceInput,
    UnskipOccurrenceInput,
    UpdateSeriesInput,
)
from db import series_bookings, series_changes, series_endings
from domain import idempotency, occurrences
from domain import series as domain
from domain.people import Role
from gateways.recurrence import expand

_MAY_ACT = allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)


@strawberry.type(
    directives=[PUBLIC], description="Some occurrences cannot be as asked, so nothing was done."
)
class SeriesConflicts(Problem):
    """Some occurrences cannot be as asked."""

    report: list[occurrences.ReportLine] = strawberry.field(
        graphql_type=list[OccurrenceReport],
        description="A line for each occurrence: what would have been done, or what is in its way.",
    )


@strawberry.type(directives=[PUBLIC], description="The series has ended.")
class SeriesEnded(Problem):
    """The series has ended."""


@strawberry.type(directives=[PUBLIC], description="The occurrence is skipped already.")
class AlreadySkipped(Problem):
    """The occurrence is skipped already."""


@strawberry.type(directives=[PUBLIC], description="The occurrence is not skipped.")
class NotSkipped(Problem):
    """The occurrence is not skipped."""


@strawberry.type(directives=[SIGNED_IN], description="The act was done.")
class SeriesActSuccess:
    """The act was done."""

    series: domain.Series = strawberry.field(
        graphql_type=BookingSeries, description="The series as it stands now."
    )


@strawberry.type(directives=[SIGNED_IN], description="The act was done.")
class SeriesReportSuccess(SeriesActSuccess):
    """The act was done, with a line for each occurrence."""

    report: list[occurrences.ReportLine] = strawberry.field(
        graphql_type=list[OccurrenceReport],
        description="What was done to each occurrence, in their order.",
    )


@strawberry.type(directives=[SIGNED_IN], description="The series was made.")
class CreateBookingSeriesSuccess(SeriesReportSuccess):
    """The series was made, with the bookings of its next sixty days."""


@strawberry.type(directives=[SIGNED_IN], description="The series was changed.")
class UpdateSeriesSuccess(SeriesReportSuccess):
    """The series was changed; it is a new one where the old was cut in two."""


@strawberry.type(directives=[SIGNED_IN], description="The occurrence is left out.")
class SkipOccurrenceSuccess(SeriesActSuccess):
    """The occurrence is left out."""


@strawberry.type(directives=[SIGNED_IN], description="The occurrence is part of the series again.")
class UnskipOccurrenceSuccess(SeriesReportSuccess):
    """It is part of the series again; the report is empty when its booking is still to come."""


@strawberry.type(directives=[SIGNED_IN], description="The series has ended.")
class EndSeriesSuccess(SeriesReportSuccess):
    """The series has ended."""


CreateBookingSeriesResult: TypeAlias = Annotated[
    CreateBookingSeriesSuccess
    | SeriesConflicts
    | RulesBroken
    | ServiceInactive
    | IdempotencyKeyReused
    | NotFound
    | InvalidInput,
    strawberry.union("CreateBookingSeriesResult", description="What came of createBookingSeries."),
]
UpdateSeriesResult: TypeAlias = Annotated[
    UpdateSeriesSuccess
    | SeriesConflicts
    | SeriesEnded
    | AlreadySkipped
    | VersionConflict
    | NotFound
    | InvalidInput,
    strawberry.union("UpdateSeriesResult", description="What came of updateSeries."),
]
SkipOccurrenceResult: TypeAlias = Annotated[
    SkipOccurrenceSuccess
    | AlreadySkipped
    | FeeChanged
    | RulesBroken
    | WrongStatus
    | SeriesEnded
    | NotFound
    | InvalidInput,
    strawberry.union("SkipOccurrenceResult", description="What came of skipOccurrence."),
]
UnskipOccurrenceResult: TypeAlias = Annotated[
    UnskipOccurrenceSuccess | SeriesConflicts | NotSkipped | SeriesEnded | NotFound | InvalidInput,
    strawberry.union("UnskipOccurrenceResult", description="What came of unskipOccurrence."),
]
EndSeriesResult: TypeAlias = Annotated[
    EndSeriesSuccess | SeriesEnded | NotFound | InvalidInput,
    strawberry.union("EndSeriesResult", description="What came of endSeries."),
]


@strawberry.type
class SeriesMutations:
    """Acting on series."""

    @strawberry.mutation(
        directives=[_MAY_ACT],
        description="Book again and again. What cannot be booked refuses all of it, with a line "
        "for each occurrence, unless `allowPartial`.",
        graphql_type=CreateBookingSeriesResult,
    )
    async def create_booking_series(
        self, info: Info, input: Given[CreateBookingSeriesInput]
    ) -> Any:
        """Make a series."""
        viewer = info.context.user
        order = input.order(viewer)
        key = idempotency.key("createBookingSeries", input.idempotency_key, order)
        async with info.context.begin() as tx:
            made, report = await series_bookings.create(
                tx, order, by=viewer, expand=expand, house=info.context.house, key=key
            )
        return CreateBookingSeriesSuccess(series=made, report=list(report))

    @strawberry.mutation(
        directives=[_MAY_ACT],
        description="Change one occurrence, one and those that follow, or all that are to come.",
        graphql_type=UpdateSeriesResult,
    )
    async def update_series(self, info: Info, input: Given[UpdateSeriesInput]) -> Any:
        """Change a series."""
        async with info.context.begin() as tx:
            changed, report = await series_changes.change(
                tx,
                input.uid,
                input.change(),
                by=info.context.user,
                expand=expand,
                house=info.context.house,
            )
        return UpdateSeriesSuccess(series=changed, report=list(report))

    @strawberry.mutation(
        directives=[_MAY_ACT],
        description="Leave one occurrence out, and call it off if it is booked already.",
        graphql_type=SkipOccurrenceResult,
    )
    async def skip_occurrence(self, info: Info, input: Given[SkipOccurrenceInput]) -> Any:
        """Skip."""
        async with info.context.begin() as tx:
            changed = await series_endings.skip(
                tx,
                input.uid,
                input.original_start,
                by=info.context.user,
                expand=expand,
                expected_fee_minor=input.expected_fee_minor or 0,
            )
        return SkipOccurrenceSuccess(series=changed)

    @strawberry.mutation(
        directives=[_MAY_ACT],
        description="Take an occurrence up again that was skipped or called off.",
        graphql_type=UnskipOccurrenceResult,
    )
    async def unskip_occurrence(self, info: Info, input: Given[UnskipOccurrenceInput]) -> Any:
        """Take up again."""
        async with info.context.begin() as tx:
            changed, line = await series_endings.unskip(
                tx,
                input.uid,
                input.original_start,
                by=info.context.user,
                expand=expand,
                house=info.context.house,
            )
        return UnskipOccurrenceSuccess(series=changed, report=[line] if line else [])

    @strawberry.mutation(
        directives=[_MAY_ACT],
        description="Make no more bookings of a series. Those that were made stand, unless "
        "`cancelUpcoming`.",
        graphql_type=EndSeriesResult,
    )
    async def end_series(self, info: Info, input: Given[EndSeriesInput]) -> Any:
        """End."""
        async with info.context.begin() as tx:
            ended, report = await series_endings.end(
                tx, input.uid, by=info.context.user, cancel_upcoming=bool(input.cancel_upcoming)
            )
        return EndSeriesSuccess(series=ended, report=list(report))


@problem_of.register
def _(refusal: occurrences.SeriesConflicts) -> Problem:
    return SeriesConflicts(
        message=str(refusal), code=ProblemCode.SERIES_CONFLICTS, report=list(refusal.report)
    )


@problem_of.register
def _(refusal: domain.SeriesEnded) -> Problem:
    return SeriesEnded(message=str(refusal), code=ProblemCode.SERIES_ENDED)


@problem_of.register
def _(refusal: domain.AlreadySkipped) -> Problem:
    return AlreadySkipped(
        message=str(refusal), code=ProblemCode.ALREADY_SKIPPED, path=["originalStart"]
    )


@problem_of.register
def _(refusal: domain.NotSkipped) -> Problem:
    return NotSkipped(message=str(refusal), code=ProblemCode.NOT_SKIPPED, path=["originalStart"])
