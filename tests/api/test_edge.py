"""Does a mutation survive a lost race, and does a client hear what it may hear and no more?"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLError
from graphql.error import located_error
from sqlalchemy.exc import DBAPIError, OperationalError
from structlog.testing import capture_logs

from api import edge, masking
from api.edge import ATTEMPTS, guarded
from api.live.subscription import ShuttingDown, SlowReader
from api.problems import NotFound
from db.engine import Database
from domain.refusals import FieldError, InvalidInput, Refusal
from domain.refusals import NotFound as NotFoundRefusal
from gateways.settings import Settings
from tests.api.door import done, opened


class Memory:
    """A context that notes how often it was told to forget."""

    def __init__(self) -> None:
        self.forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1


def database_error(sqlstate: str) -> DBAPIError:
    return OperationalError("…", None, SimpleNamespace(sqlstate=sqlstate))  # type: ignore[arg-type]  # only its state is read


async def outcome(*results: Any, problems: frozenset[str] = frozenset()) -> tuple[Any, int, Memory]:
    """What a guarded mutation comes to whose attempts have these results, and how many it made."""
    memory, attempts = Memory(), list(results)

    async def resolver(source: Any, info: Any) -> Any:
        del source, info
        result = attempts.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    answer = await guarded(resolver, problems=problems)(None, SimpleNamespace(context=memory))
    return answer, len(results) - len(attempts), memory


@pytest.mark.parametrize("sqlstate", ["40P01", "40001", "55P03"])
async def test_a_lost_race_is_run_again_with_nothing_remembered(sqlstate: str) -> None:
    answer, attempts, memory = await outcome(database_error(sqlstate), "done")
    assert (answer, attempts, memory.forgotten) == ("done", 2, 2)


async def test_races_are_not_run_for_ever() -> None:
    lost = database_error("40001")
    with pytest.raises(OperationalError):
        await outcome(*[lost] * ATTEMPTS, "never reached")
    assert masking.visible(located_error(lost)).extensions == {"code": "BUSY", "retryAfter": 1}


async def test_what_would_fail_again_is_not_tried_again() -> None:
    with pytest.raises(OperationalError):
        await outcome(database_error("23505"), "never reached")


async def test_a_real_deadlock_ends_with_both_done(database: Database) -> None:
    async with database.begin() as tx:
        await tx.exec_driver_sql("CREATE TABLE pair (id int PRIMARY KEY, n int)")
        await tx.exec_driver_sql("INSERT INTO pair VALUES (1, 0), (2, 0)")
    both_hold = asyncio.Barrier(2)
    first_tries = {1, 2}

    async def add(first: int) -> str:
        async with database.begin() as tx:
            await tx.exec_driver_sql(f"UPDATE pair SET n = n + 1 WHERE id = {first}")
            if first in first_tries:
                first_tries.discard(first)
                await both_hold.wait()
            await tx.exec_driver_sql(f"UPDATE pair SET n = n + 1 WHERE id = {3 - first}")
        return "done"

    results = await asyncio.gather(*(edge.retried(lambda f=f: add(f)) for f in (1, 2)))  # type: ignore[misc]  # binds f
    assert results == ["done", "done"]
    async with database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT n FROM pair")
        assert rows.scalars().all() == [2, 2]


async def test_a_refusal_becomes_the_problem_of_the_union() -> None:
    answer, _, _ = await outcome(NotFoundRefusal("offer"), problems=frozenset({"NotFound"}))
    assert isinstance(answer, NotFound)
    assert answer.message == "There is no such offer, or you may not see it."


async def test_a_refusal_outside_the_union_is_an_error() -> None:
    with pytest.raises(NotFoundRefusal):
        await outcome(NotFoundRefusal("offer"), problems=frozenset({"InvalidInput"}))


class Unheard(Refusal):
    """A refusal for which no noun has a problem."""


@pytest.mark.parametrize(
    ("error", "extensions"),
    [
        (NotFoundRefusal("offer"), {"code": "NOT_FOUND"}),
        (
            InvalidInput(FieldError(path=("input", "email"), message="Not an address.")),
            {
                "code": "BAD_USER_INPUT",
                "errors": [{"path": ["input", "email"], "message": "Not an address."}],
            },
        ),
        (Unheard("No."), {"code": "REFUSED"}),
        (database_error("57P01"), {"code": "UNAVAILABLE", "retryAfter": 2}),
        (ConnectionRefusedError(), {"code": "UNAVAILABLE", "retryAfter": 2}),
        (SlowReader(), {"code": "TOO_SLOW", "retryAfter": 1}),
        (ShuttingDown(), {"code": "UNAVAILABLE", "retryAfter": 1}),
    ],
)
def test_expected_errors_are_told_with_their_facts(
    error: Exception, extensions: dict[str, Any]
) -> None:
    assert masking.visible(located_error(error)).extensions == extensions


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("the password is hunter2"),
        GraphQLError("Int cannot represent non-integer value: hunter2"),
        database_error("23505"),
    ],
)
def test_everything_else_is_masked_and_its_id_is_in_the_log(error: Exception) -> None:
    with capture_logs() as logs:
        answer = masking.formatted([located_error(error, path=["me", "name"])])[0]
    assert "hunter2" not in str(answer)
    assert answer["extensions"]["code"] == "INTERNAL"
    assert answer["path"] == ["me", "name"]
    (entry,) = logs
    assert entry["error_id"] == answer["extensions"]["errorId"]
    assert entry["error_id"] in answer["message"]
    assert entry["exc_info"] is not None


async def test_without_its_database_a_query_says_when_to_come_back(settings: Settings) -> None:
    nowhere = settings.model_copy(
        update={"database_url": type(settings.database_url)("postgresql://x@127.0.0.1:1/x")}
    )
    async with opened(nowhere) as door:
        body = (await door.ask("{ hello stored }")).json()
    assert body["data"] == {"hello": "Hello, you!", "stored": None}
    assert body["errors"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 2}
    assert body["errors"][0]["path"] == ["stored"]


async def test_a_mutation_answers_refusals_through_the_api(settings: Settings) -> None:
    async with opened(settings) as door:
        ask = 'mutation { act(how: "%s") { __typename ... on NotFound { message code } } }'
        missing = (await door.ask(ask % "missing")).json()
        wrong = (await door.ask(ask % "wrong")).json()
    assert missing["data"]["act"] == {
        "__typename": "NotFound",
        "message": "There is no such thing, or you may not see it.",
        "code": "NOT_FOUND",
    }
    assert wrong["data"] is None
    assert wrong["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert done[-2:] == ["missing", "wrong"]
