"""Jobs that failed every time: what they were, and having them tried again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.inputs import Given
from api.nodes import Node
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.views import view_of
from db import dead_letters
from domain import dead_letters as domain
from domain.people import Role
from domain.refusals import NotFound as Missing

STAFF = allow(Role.DISPATCHER, Role.ADMIN)


@strawberry.type(directives=[SIGNED_IN], description="A job that failed every time it was tried.")
@view_of(domain.DeadLetter)
class DeadLetter(Node):
    """A job that failed every time it was tried."""

    job: str = strawberry.field(description="What was to be done.")
    arguments: list[str] = strawberry.field(description="About what.")
    error: str = strawberry.field(description="What went wrong the last time.")
    tries: int = strawberry.field(description="How often it was tried.")
    failed_at: datetime = strawberry.field(description="When it was tried last.")
    replayed_at: datetime | None = strawberry.field(
        description="When somebody had it tried again; if that failed too, there is another letter."
    )


@strawberry.type(directives=[PUBLIC], description="The job was tried again already.")
class AlreadyReplayed(Problem):
    """The job was tried again already."""


@strawberry.type(directives=[SIGNED_IN], description="The job will be tried again.")
class ReplayDeadLetterSuccess:
    """The job will be tried again."""

    dead_letter: domain.DeadLetter = strawberry.field(
        graphql_type=DeadLetter, description="The letter, marked as replayed."
    )


ReplayDeadLetterResult: TypeAlias = Annotated[
    ReplayDeadLetterSuccess | AlreadyReplayed | NotFound | InvalidInput,
    strawberry.union("ReplayDeadLetterResult", description="What came of replayDeadLetter."),
]


@strawberry.input(description="Which job to try again.")
class ReplayDeadLetterInput:
    """Which job to try again."""

    dead_letter_id: strawberry.ID = strawberry.field(description="The dead letter.")


@strawberry.type
class DeadLetterQueries:
    """Looking for jobs that failed."""

    @strawberry.field(
        directives=[STAFF],
        description="Jobs that failed every time and were not replayed yet, newest first.",
        graphql_type=Connection[DeadLetter],
    )
    async def dead_letters(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of dead letters."""
        request = page_request(first, after, last, before)
        return await listing(info.context, request, dead_letters.page, dead_letters.count)


@strawberry.type
class DeadLetterMutations:
    """Having jobs tried again."""

    @strawberry.mutation(
        directives=[STAFF],
        description="Have a job tried again, once for each letter.",
        graphql_type=ReplayDeadLetterResult,
    )
    async def replay_dead_letter(self, info: Info, input: Given[ReplayDeadLetterInput]) -> Any:
        """Replay."""
        letter_id = ids.parse("DeadLetter", input.dead_letter_id, "deadLetterId")
        async with info.context.begin() as tx:
            letter = await dead_letters.replay(tx, letter_id)
        return ReplayDeadLetterSuccess(dead_letter=letter)


async def _fetch(context: Context, uid: UUID) -> domain.DeadLetter | None:
    if not context.user.is_staff:
        return None
    async with context.read() as connection:
        try:
            return await dead_letters.get(connection, uid)
        except Missing:
            return None


@problem_of.register
def _(refusal: domain.AlreadyReplayed) -> Problem:
    return AlreadyReplayed(message=str(refusal), code=ProblemCode.ALREADY_REPLAYED)


nodes.register("DeadLetter", domain.DeadLetter, _fetch)
