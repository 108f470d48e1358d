"""Does a door say why it stays shut, and when to come again?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import pytest
from asyncpg.exceptions import LockNotAvailableError
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from api.doors import door, refusal
from api.errors import RateLimited

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.doors import Refuse

AWAY: Final = "The shed is locked just now."


async def knock(error: Exception | None = None, refuse: Refuse = refusal) -> httpx.Response:
    """What a door answers whose own answer is a greeting, or this error."""

    async def greet(_: Request) -> Response:
        if error is not None:
            raise error
        return PlainTextResponse("Come in.")

    app = Starlette(routes=[Route("/", door("shed", greet, away=AWAY, refuse=refuse))])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://house") as http:
        return await http.get("/")


def lost_race() -> DBAPIError:
    cause = Exception()
    cause.sqlstate = LockNotAvailableError.sqlstate  # type: ignore[attr-defined]  # as the driver
    return DBAPIError("SELECT", {}, cause)


async def test_an_open_door_answers_for_itself() -> None:
    answer = await knock()
    assert (answer.status_code, answer.text) == (200, "Come in.")
    assert "retry-after" not in answer.headers


async def test_who_knocks_too_often_hears_why_and_when_to_come_again() -> None:
    answer = await knock(RateLimited("Too many tries.", retry_after=4.2))
    assert (answer.status_code, answer.text) == (429, "Too many tries.\n")
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("error", [ConnectionRefusedError(), lost_race()])
async def test_without_the_database_it_says_when_to_come_again_and_the_log_says_which_door(
    error: Exception,
) -> None:
    with capture_logs() as said:
        answer = await knock(error)
    assert (answer.status_code, answer.text) == (503, f"{AWAY}\n")
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["cache-control"] == "no-store"
    (line,) = said
    assert (line["event"], line["error"]) == ("shed.database_away", type(error).__name__)


async def test_what_is_a_fault_of_ours_is_not_put_on_the_database() -> None:
    with pytest.raises(ZeroDivisionError):
        await knock(ZeroDivisionError())


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [(RateLimited("Too many tries.", retry_after=9), 429, "9"), (OSError(), 503, "60")],
)
async def test_a_door_may_refuse_in_its_own_way(error: Exception, status: int, again: str) -> None:
    def refuse(words: str, status: int) -> Response:
        return HTMLResponse(f"<p>{words}", status, {"X-Robots-Tag": "noindex"})

    answer = await knock(error, refuse)
    words = AWAY if status == 503 else "Too many tries."
    assert (answer.status_code, answer.text) == (status, f"<p>{words}")
    assert (answer.headers["retry-after"], answer.headers["x-robots-tag"]) == (again, "noindex")
