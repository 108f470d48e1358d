"""How does a request become an answer, whichever way it came?

Read the document, measure it, validate it, charge for it, run it. HTTP, event streams and
WebSockets differ only in how they carry what this module takes and gives.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution import Executor, execute_subscription_event, map_source_to_response_event
from graphql.execution.execute import create_source_event_stream
from strawberry.execution import optimized_is_awaitable

from api import masking, metrics
from api.documents import Documents
from api.errors import ApiError, BadRequest, MethodNotAllowed, RateLimited, Retryable
from api.limits import MUTATION, Limits
from api.principals import Buckets, principal_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import strawberry

    from api.access import Caller
    from api.context import Context
    from api.limits import Finding

Payload = dict[str, Any]

#: Strawberry's is faster than GraphQL's own, and typed less narrowly.
_IS_AWAITABLE: Final = cast("Any", optimized_is_awaitable)

ALL: Final = frozenset(OperationType)
READ_ONLY: Final = frozenset({OperationType.QUERY})

#: Reading a new document costs its caller 1 for so many characters, up to a most.
_CHARACTERS: Final = 80
_READING: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a client asks for."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, body: object) -> Ask:
        """The request in a decoded JSON body. Raises BadRequest naming what is wrong with it."""
        if isinstance(body, list):
            raise BadRequest("Batches are not served: send one operation in a request.")
        if not isinstance(body, dict):
            raise BadRequest("The request must be a JSON object with a `query`.")
        query = body.get("query")
        if not isinstance(query, str) or not query.strip():
            raise BadRequest("`query` must be a string that holds a GraphQL document.")
        name = body.get("operationName")
        if not isinstance(name, str | None):
            raise BadRequest("`operationName` must be a string or null.")
        for key in ("variables", "extensions"):
            if not isinstance(body.get(key), dict | None):
                raise BadRequest(f"`{key}` must be an object or null.")
        return cls(query=query, operation_name=name, variables=body.get("variables") or {})


class Rejected(Exception):
    """The operation was not run; the errors say why."""

    def __init__(self, errors: Sequence[GraphQLError], *, requested: int = 0) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors
        self.requested = requested
        self.payload: Payload = {"errors": masking.formatted(errors)}

    @property
    def status(self) -> int:
        """The HTTP status that says it best."""
        first = self.errors[0]
        return first.status if isinstance(first, ApiError) else 500

    @property
    def retry_after(self) -> int | None:
        """When the same request may succeed, in seconds, if it may."""
        return next((e.retry_after for e in self.errors if isinstance(e, Retryable)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An operation that may be run, and has been paid for."""

    executor: Executor[Any]
    finding: Finding
    principal: str
    remaining: float

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.executor.operation.operation


class Engine:
    """Runs operations on one schema."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        core: GraphQLSchema,
        buckets: Buckets,
        introspection: frozenset[Caller],
        suggestions: bool,
    ) -> None:
        self.core = core
        self.buckets = buckets
        self.documents = Documents(core, suggestions=suggestions)
        self.limits = Limits(core, introspection=introspection)
        self._executor: type[Executor[Any]] = schema.execution_context_class

    async def prepare(
        self, ask: Ask, context: Context, allowed: frozenset[OperationType] = ALL
    ) -> Run:
        """The operation, ready to run. Raises Rejected."""
        principal = principal_of(context.viewer, context.address)
        if ask.query not in self.documents:
            # Reading is work too: whoever has nothing left does not get it done.
            await self._draw(principal, min(_READING, 1 + len(ask.query) // _CHARACTERS))
        try:
            finding, executor = self._read(ask, context, allowed)
        except Rejected as rejected:
            remaining = await self._draw(principal, 1)
            cost = self._cost(rejected.requested, 0, remaining)
            rejected.payload["extensions"] = {"cost": cost}
            raise
        except Exception as error:
            raise Rejected([wrapped(error)]) from error
        remaining = await self._draw(principal, finding.cost)
        return Run(executor=executor, finding=finding, principal=principal, remaining=remaining)

    def _read(
        self, ask: Ask, context: Context, allowed: frozenset[OperationType]
    ) -> tuple[Finding, Executor[Any]]:
        caller = context.viewer.role if context.viewer else None
        name, variables = ask.operation_name, ask.variables
        try:
            document = self.documents.get(ask.query)
            operation = document.operation(name)
            finding = self.limits.measure(document, name, variables, caller)
        except ApiError as error:
            raise Rejected([error]) from None
        wrong = [finding.excess] if finding.excess else self.documents.validate(document)
        if not wrong:
            wrong = finding.denials or _misplaced(operation, allowed)
        if wrong:
            raise Rejected(wrong, requested=finding.cost)
        executor = self._executor.build(
            self.core,
            document.ast,
            None,
            context,
            dict(variables),
            name,
            is_awaitable=_IS_AWAITABLE,
            hide_suggestions=not self.documents.suggestions,
            operation_extensions=None,
        )
        if isinstance(executor, list):
            errors = masking.wrong_variables(self.core, operation, variables, executor)
            raise Rejected(errors, requested=finding.cost)
        return finding, executor

    async def _draw(self, principal: str, amount: int) -> float:
        try:
            return await self.buckets.draw(principal, amount)
        except RateLimited as error:
            rejected = Rejected([error], requested=amount)
            rejected.payload["extensions"] = {"cost": self._cost(amount, 0, error.remaining)}
            raise rejected from None

    async def answer(self, run: Run) -> Payload:
        """The answer to a query or mutation."""
        started = perf_counter()
        try:
            outcome: Any = run.executor.execute_operation()
            result: ExecutionResult = await outcome if isawaitable(outcome) else outcome
        except Exception as error:  # noqa: BLE001  # the executor's own faults are masked like any
            result = ExecutionResult(None, [wrapped(error)])
        payload = self._payload(run, result)
        outcome_name = "error" if result.errors else "ok"
        metrics.operations.labels(run.kind.value, outcome_name).observe(perf_counter() - started)
        return payload

    async def events(self, run: Run) -> AsyncGenerator[Payload, None]:
        """The answers of a subscription, one for each event. Raises Rejected when it fails."""
        source = await _source(run.executor)
        results = map_source_to_response_event(run.executor, source, _afresh)
        extensions = {"cost": self._cost(run.finding.cost, run.finding.cost, run.remaining)}
        with metrics.subscriptions.track_inprogress():
            try:
                async for result in results:
                    yield masking.payload(result) | {"extensions": extensions}
            except Exception as error:  # whatever ended the source is told to the client
                raise Rejected([wrapped(error)]) from error
            finally:
                await results.aclose()

    def _payload(self, run: Run, result: ExecutionResult) -> Payload:
        payload = masking.payload(result)
        requested = run.finding.cost
        actual = requested if run.finding.introspects else _actual(run.kind, result.data)
        self.buckets.give_back(run.principal, requested - actual)
        remaining = min(self.buckets.capacity, run.remaining + requested - actual)
        payload["extensions"] = {"cost": self._cost(requested, actual, remaining)}
        return payload

    def _cost(self, requested: int, actual: int, remaining: float) -> Payload:
        return {
            "requested": requested,
            "actual": actual,
            "remaining": int(remaining),
            "restoreRate": self.buckets.rate,
        }


def _misplaced(
    operation: OperationDefinitionNode, allowed: frozenset[OperationType]
) -> list[ApiError]:
    if operation.operation in allowed:
        return []
    kind = operation.operation.value
    return [MethodNotAllowed(f"A {kind} cannot be sent in this way.", nodes=operation)]


async def _source(executor: Executor[Any]) -> AsyncIterable[Any]:
    try:
        stream: Any = create_source_event_stream(executor)
        source = await stream if isawaitable(stream) else stream
    except Exception as error:
        raise Rejected([wrapped(error)]) from error
    if isinstance(source, ExecutionResult):
        raise Rejected(source.errors or [])
    return cast("AsyncIterable[Any]", source)


def _afresh(executor: Executor[Any]) -> Any:
    # What was read for the last event may have changed since.
    executor.context_value.forget()
    return execute_subscription_event(executor)


def wrapped(error: Exception) -> GraphQLError:
    """The error as GraphQL tells one."""
    return GraphQLError(str(error), original_error=error)


def _actual(kind: OperationType, data: Any) -> int:
    """What the answer came to, by the same measure as the estimate: the objects it holds."""
    acts = MUTATION * len(data) if kind is OperationType.MUTATION and data else 0
    return max(1, acts + _objects(data) - 1)


def _objects(value: Any) -> int:
    if type(value) is dict:
        return 1 + sum(_objects(item) for item in value.values() if type(item) in _NESTED)
    return sum(_objects(item) for item in value if type(item) in _NESTED) if value else 0


_NESTED: Final = frozenset({dict, list})
