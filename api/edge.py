"""What stands between a mutation and its resolver?

Others' locks and the rules' refusals. A transaction that lost a race is run again, a few times,
with jitter; a refusal becomes the typed problem that the mutation's union offers. What is left over
is turned into the error that a client may see, for queries and subscriptions too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLField, GraphQLUnionType, get_named_type

from api.errors import ApiError, BadUserInput, Busy, NotFound, TooSlow, Unavailable
from api.live.subscription import Interrupted, SlowReader
from api.problems import problem_of
from db.engine import is_retryable, is_unavailable
from domain import refusals

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

#: Each attempt may itself wait for the lock timeout, so there are few.
ATTEMPTS: Final = 3
_FIRST_PAUSE: Final = 0.02


class Refused(ApiError):
    """A rule said no where the schema has no typed problem for it."""

    code = "REFUSED"


def guard(field: GraphQLField) -> None:
    """Put the edge around a mutation field's resolver."""
    resolver = field.resolve
    if resolver is None:
        message = "A mutation needs a resolver."
        raise TypeError(message)
    field.resolve = guarded(resolver, problems=_members(field))


def _members(field: GraphQLField) -> frozenset[str]:
    result = get_named_type(field.type)
    types = result.types if isinstance(result, GraphQLUnionType) else ()
    return frozenset(type_.name for type_ in types)


def guarded(resolver: Callable[..., Any], *, problems: frozenset[str]) -> Callable[..., Any]:
    """The resolver, retried when it lost a race, answering a refusal with one of `problems`."""

    async def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        async def attempt() -> Any:
            # What was read before this act, or by an attempt that was rolled back, is stale.
            info.context.forget()
            result = resolver(source, info, **arguments)
            return await result if isawaitable(result) else result

        try:
            return await retried(attempt)
        except refusals.Refusal as refusal:
            problem = problem_of(refusal)
            definition = getattr(problem, "__strawberry_definition__", None)
            if definition is None or definition.name not in problems:
                raise
            return problem

    return resolve


async def retried(attempt: Callable[[], Any]) -> Any:
    """The result of `attempt`, which is run again when the database says it lost a race."""
    for tries in range(1, ATTEMPTS + 1):
        try:
            return await attempt()
        except Exception as error:
            if tries == ATTEMPTS or not is_retryable(error):
                raise
            # Jitter, or those who collided once would collide again in step.
            await asyncio.sleep(random.uniform(0, _FIRST_PAUSE * 4**tries))
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def shown(error: BaseException | None) -> ApiError | None:
    """The error a client may see instead of this one; None when it must be masked."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, refusals.Refusal):
        return _refused(error)
    if isinstance(error, Interrupted):
        return _interrupted(error)
    if error is not None and is_retryable(error):
        return Busy("Others are at work on the same thing; try again.", retry_after=1)
    if error is not None and is_unavailable(error):
        return Unavailable("The database is away; try again.", retry_after=2)
    return None


def _interrupted(error: Interrupted) -> ApiError:
    if isinstance(error, SlowReader):
        return TooSlow(str(error), retry_after=1)
    return Unavailable(str(error), retry_after=1)


def _refused(refusal: refusals.Refusal) -> ApiError:
    if isinstance(refusal, refusals.NotFound):
        return NotFound(str(refusal))
    if isinstance(refusal, refusals.InvalidInput):
        fields = [{"path": list(e.path), "message": e.message} for e in refusal.errors]
        return BadUserInput(str(refusal), errors=fields)
    problem = problem_of(refusal)
    return Refused(str(refusal), problem=problem.code.value if problem else None)
