"""How is it told that somebody did not turn up?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_inputs import ReportNoShowInput
from api.booking_problems import WrongStatus
from api.context import Info
from api.inputs import Given
from api.lifecycle import BookingActSuccess
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from db import no_shows
from domain import no_shows as domain
from domain import refusals
from domain.people import Role


@strawberry.type(directives=[PUBLIC], description="It is too early for this.")
class TooEarly(Problem):
    """It is too early for this."""

    possible_from: datetime = strawberry.field(description="From when on it is possible.")


@strawberry.type(directives=[SIGNED_IN], description="The no-show is noted.")
class ReportNoShowSuccess(BookingActSuccess):
    """The no-show is noted."""


ReportNoShowResult: TypeAlias = Annotated[
    ReportNoShowSuccess | TooEarly | WrongStatus | NotFound | InvalidInput,
    strawberry.union("ReportNoShowResult", description="What came of reportNoShow."),
]


@strawberry.type
class NoShowMutations:
    """Telling of a no-show."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER, Role.PROVIDER, Role.DISPATCHER, Role.ADMIN)],
        description="Say that the other one did not turn up. A customer is waited for 15 minutes, "
        "a provider 30.",
        graphql_type=ReportNoShowResult,
    )
    async def report_no_show(self, info: Info, input: Given[ReportNoShowInput]) -> Any:
        """Report."""
        evidence = domain.Evidence(note=input.note, photo_urls=tuple(input.photo_urls or ()))
        async with info.context.begin() as tx:
            booking = await no_shows.report(
                tx,
                booking_id=input.uid,
                by=info.context.user,
                absent=input.absent,
                evidence=evidence,
            )
        return ReportNoShowSuccess(booking=booking)


@problem_of.register
def _(refusal: refusals.TooEarly) -> Problem:
    return TooEarly(
        message=str(refusal), code=ProblemCode.TOO_EARLY, possible_from=refusal.possible_from
    )
