"""Which errors does a client see, and how?

An error made for clients is shown; what a rule or the database refused is translated. Everything
else is masked: the client gets an id, and the log has that id beside the traceback.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import structlog
from graphql import GraphQLError, ValueNode, is_input_type, type_from_ast
from graphql.utilities import validate_input_value

from api import metrics
from api.edge import shown
from api.errors import ApiError, BadUserInput, Internal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import ExecutionResult, GraphQLSchema, OperationDefinitionNode

#: More errors than this in one answer help nobody.
_MAX_ERRORS: Final = 20

log = structlog.get_logger(__name__)


def payload(result: ExecutionResult) -> dict[str, Any]:
    """A result as it goes over the wire."""
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = formatted(result.errors)
    return answer


def formatted(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    """Errors as they go over the wire: known ones as they are, the rest masked and logged."""
    return [_formatted(error) for error in errors[:_MAX_ERRORS]]


def _formatted(error: GraphQLError) -> dict[str, Any]:
    known = visible(error)
    metrics.errors.labels(known.code).inc()
    answer: dict[str, Any] = {"message": known.message, "extensions": known.extensions}
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path:
        answer["path"] = error.path
    return answer


def visible(error: GraphQLError) -> ApiError:
    """What a client may see of this error. A fault is logged, and only its id is seen."""
    cause: BaseException | None = error
    # Whoever located the error wrapped it, and may itself have been wrapped.
    while isinstance(cause, GraphQLError) and not isinstance(cause, ApiError):
        if cause.original_error is None:
            return _unwrapped(error, cause)
        cause = cause.original_error
    return shown(cause) or _masked(error, cause)


def _unwrapped(error: GraphQLError, cause: GraphQLError) -> ApiError:
    # GraphQL's own words about an argument speak of the client's document; anything else that it
    # says while running speaks of our values.
    if cause.nodes and isinstance(cause.nodes[0], ValueNode):
        return BadUserInput(cause.message)
    return _masked(error, cause)


def _masked(error: GraphQLError, cause: BaseException | None) -> Internal:
    error_id = secrets.token_hex(8)
    log.error("request.failed", error_id=error_id, path=error.path, exc_info=cause or error)
    return Internal(error_id)


def wrong_variables(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    errors: Sequence[GraphQLError],
) -> list[GraphQLError]:
    """Why variables were not accepted, each error with the path of the wrong field in them."""
    paths: list[list[str | int]] = []
    for definition in operation.variable_definitions or ():
        name, type_ = definition.variable.name.value, type_from_ast(schema, definition.type)
        if is_input_type(type_) and (name in variables or definition.default_value is None):
            validate_input_value(
                variables.get(name),
                type_,
                lambda _, path, name=name: paths.append([name, *path]),  # type: ignore[misc]  # bound
            )
    fields: list[list[str | int] | None] = [*paths, *[None] * len(errors)]
    return [
        BadUserInput(error.message, nodes=error.nodes, field=path)
        for error, path in zip(errors, fields, strict=False)
    ]
