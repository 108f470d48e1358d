"""Days on which the house is closed: read by all, kept by admins."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, allow
from api.context import Context, Info
from api.inputs import Given
from api.nodes import Node
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.views import view_of
from db import holidays
from domain import holidays as domain
from domain.people import Role

_ADMIN = allow(Role.ADMIN)


@strawberry.type(
    directives=[PUBLIC],
    description="A local day on which the house is closed, in one country or everywhere.",
)
@view_of(domain.Holiday)
class Holiday(Node):
    """A local day on which the house is closed."""

    day: date = strawberry.field(description="The day, by the wall clock of each provider.")
    country: str | None = strawberry.field(
        description="The country whose providers are off, ISO 3166 alpha-2; null for every country."
    )
    name: str = strawberry.field(description='What it is called, such as "Boxing Day".')


@strawberry.type(directives=[PUBLIC], description="The day is a holiday there already.")
class HolidayExists(Problem):
    """The day is a holiday there already."""

    holiday: domain.Holiday = strawberry.field(
        graphql_type=Holiday, description="The one there is."
    )


@strawberry.type(directives=[_ADMIN], description="The house is closed on that day.")
class AddHolidaySuccess:
    """The house is closed on that day."""

    holiday: domain.Holiday = strawberry.field(graphql_type=Holiday, description="The new holiday.")
    conflict_count: int = strawberry.field(
        description="How many bookings ahead lie on it. They stay until somebody settles them."
    )


@strawberry.type(directives=[_ADMIN], description="The house is open on that day.")
class RemoveHolidaySuccess:
    """The house is open on that day."""

    holiday: domain.Holiday = strawberry.field(
        graphql_type=Holiday, description="The holiday that was."
    )


AddHolidayResult: TypeAlias = Annotated[
    AddHolidaySuccess | HolidayExists | InvalidInput,
    strawberry.union("AddHolidayResult", description="What came of addHoliday."),
]
RemoveHolidayResult: TypeAlias = Annotated[
    RemoveHolidaySuccess | NotFound | InvalidInput,
    strawberry.union("RemoveHolidayResult", description="What came of removeHoliday."),
]


@strawberry.input(description="A day on which the house is to be closed.")
class AddHolidayInput:
    """A day on which the house is to be closed."""

    day: date = strawberry.field(description="The day, by the wall clock of each provider.")
    country: str | None = strawberry.field(
        default=None,
        description='Whose providers are off, ISO 3166 alpha-2 such as "GB"; all if left out.',
    )
    name: str = strawberry.field(description="What it is called; 1 to 100 characters.")


@strawberry.input(description="A holiday on which the house is to be open after all.")
class RemoveHolidayInput:
    """A holiday on which the house is to be open after all."""

    holiday_id: strawberry.ID = strawberry.field(description="The holiday.")


FirstDay = Annotated[date, strawberry.argument(name="from", description="The first day to list.")]
LastDay = Annotated[
    date, strawberry.argument(name="to", description="The last day to list; at most 731 in all.")
]
Country = Annotated[
    str | None,
    strawberry.argument(
        description="Only those that count in this country, ISO 3166 alpha-2; null lists all."
    ),
]


@strawberry.type
class HolidayQueries:
    """Reading holidays."""

    @strawberry.field(
        directives=[PUBLIC],
        description="The days on which the house is closed, earliest first.",
        graphql_type=list[Holiday],
    )
    async def holidays(
        self, info: Info, first: FirstDay, last: LastDay, country: Country = None
    ) -> Any:
        """The holidays between two days."""
        async with info.context.read() as connection:
            return await holidays.between(connection, first, last, country=country)


@strawberry.type
class HolidayMutations:
    """Keeping holidays."""

    @strawberry.mutation(
        directives=[_ADMIN],
        description="Close the house on a day. No booking is dropped: those that lie on it are "
        "counted.",
        graphql_type=AddHolidayResult,
    )
    async def add_holiday(self, info: Info, input: Given[AddHolidayInput]) -> Any:
        """Close the house on a day."""
        async with info.context.begin() as tx:
            added, lying_on_it = await holidays.add(
                tx, day=input.day, country=input.country, name=input.name.strip()
            )
        return AddHolidaySuccess(holiday=added, conflict_count=len(lying_on_it))

    @strawberry.mutation(
        directives=[_ADMIN],
        description="Open the house on a day after all.",
        graphql_type=RemoveHolidayResult,
    )
    async def remove_holiday(self, info: Info, input: Given[RemoveHolidayInput]) -> Any:
        """Open the house on a day after all."""
        uid = ids.parse("Holiday", input.holiday_id, "holidayId")
        async with info.context.begin() as tx:
            removed = await holidays.remove(tx, holiday_id=uid)
        return RemoveHolidaySuccess(holiday=removed)


async def _fetch(context: Context, uid: UUID) -> domain.Holiday | None:
    async with context.read() as connection:
        return await holidays.by_id(connection, uid)


@problem_of.register
def _(refusal: domain.HolidayExists) -> Problem:
    return HolidayExists(
        message=str(refusal),
        code=ProblemCode.HOLIDAY_EXISTS,
        path=["day"],
        holiday=refusal.holiday,
    )


nodes.register("Holiday", domain.Holiday, _fetch)
