"""What does somebody hear who comes by a link, and not by GraphQL, when they cannot be let in?

Calendar feeds, receipts, statements and the pages that mails lead to ask nobody to sign in: the
address is all that one shows. Each such door says in its own way that it was knocked at too often,
or that the database is away, and when to come again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog
from starlette.responses import PlainTextResponse, Response

from api.errors import RateLimited
from api.principals import network_of
from db.engine import is_retryable, is_unavailable

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.context import Services
    from api.http import Handler
    from api.rate_limits import Limit

#: Says why not, in these words, under this HTTP status.
Refuse: TypeAlias = Callable[[str, int], Response]

log = structlog.get_logger(__name__)

#: Seconds after which the database may well be back.
_AGAIN: Final = 60


def refusal(words: str, status: int) -> Response:
    """Why not, in plain text."""
    return PlainTextResponse(f"{words}\n", status, {"Cache-Control": "no-store"})


def door(name: str, answer: Handler, *, away: str, refuse: Refuse = refusal) -> Handler:
    """The handler that answers as `answer` does, and otherwise says when to come again: with 429
    when that raises RateLimited, and with 503 and the words `away` while the database is away.

    The log knows the door by its `name`.
    """

    async def opened(request: Request) -> Response:
        try:
            return await answer(request)
        except RateLimited as limited:
            return _later(refuse(str(limited.message), 429), limited.retry_after)
        except Exception as error:
            if not (is_unavailable(error) or is_retryable(error)):
                raise
            log.warning(f"{name}.database_away", error=type(error).__name__)
            return _later(refuse(away, 503), _AGAIN)

    return opened


async def count_miss(services: Services, request: Request, limit: Limit) -> None:
    """Count an address that leads nowhere, for whoever asks for it. Raises RateLimited."""
    address = request.client.host if request.client else ""
    await services.rate_limits.spend(limit, f"address:{network_of(address)}")


def _later(response: Response, seconds: int) -> Response:
    response.headers["Retry-After"] = str(seconds)
    return response
