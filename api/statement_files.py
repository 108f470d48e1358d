"""How is a payout's statement fetched as a file? By a signed address, which is all one shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import structlog
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api import ids
from api.csv_files import major, written
from api.errors import RateLimited
from api.principals import network_of
from api.rate_limits import Limit
from db import statements
from db.engine import is_retryable, is_unavailable
from domain.money import Money
from gateways.links import BadLink, Links, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from starlette.requests import Request

    from api.context import Services
    from api.csv_files import Cell
    from domain.statements import Statement, StatementLine

log = structlog.get_logger(__name__)

_WINDOW: Final = timedelta(minutes=15)
#: Whoever downloads a file may click twice; nobody needs it often.
_READS: Final = Limit(act="fetching a statement", amount=30, window=_WINDOW)
_MISSES: Final = Limit(act="asking for statements", amount=30, window=_WINDOW)
_HEADERS: Final = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}

_COLUMNS: Final = ("at", "kind", "service", "booking", "amount", "currency")


def routes(services: Services) -> list[Route]:
    """/payouts/{id}/statement.csv."""
    links = Links(services.settings.secret.get_secret_value())

    async def read(request: Request) -> Response:
        try:
            return await _answer(services, links, request)
        except RateLimited as refused:
            return _refusal(str(refused.message), 429, retry_after=refused.retry_after)
        except Exception as error:
            if is_unavailable(error) or is_retryable(error):
                log.warning("statement.database_away", error=type(error).__name__)
                return _refusal("The statement cannot be read just now.", 503, retry_after=60)
            raise

    return [Route("/payouts/{payout_id:uuid}/statement.csv", read, methods=["GET"])]


async def _answer(services: Services, links: Links, request: Request) -> Response:
    payout_id: UUID = request.path_params["payout_id"]
    if not _opens(links, request.query_params.get("token", ""), payout_id):
        address = request.client.host if request.client else ""
        await services.rate_limits.spend(_MISSES, f"address:{network_of(address)}")
        return _refusal("There is no such statement, or its address has expired.", 404)
    await services.rate_limits.spend(_READS, f"statement:{payout_id}")
    async with services.database.read() as connection:
        statement = await statements.whole(connection, payout_id)
    if statement is None:
        return _refusal("There is no such statement, or its address has expired.", 404)
    name = f"callout-payout-{statement.payout.period}-{statement.payout.amount.currency}.csv"
    headers = _HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(written(table(statement)), headers=headers, media_type="text/csv")


def _opens(links: Links, token: str, payout_id: UUID) -> bool:
    try:
        return links.read(Purpose.STATEMENT, token) == (str(payout_id),)
    except BadLink:
        return False


def table(statement: Statement) -> Iterator[Sequence[Cell]]:
    """The rows of a statement: its lines by the provider's own clocks, and what they come to."""
    zone = ZoneInfo(statement.time_zone)
    yield _COLUMNS
    for line in statement.lines:
        yield _row(line, zone)
    for total in statement.totals:
        yield _total(f"TOTAL {total.kind}", total.amount)
    yield _total("TOTAL", statement.payout.amount)


def _row(line: StatementLine, zone: ZoneInfo) -> Sequence[Cell]:
    booking = ids.encode("Booking", line.booking_id) if line.booking_id else None
    at = line.at.astimezone(zone).replace(microsecond=0)
    amount = line.amount
    return at, line.kind.value, line.service, booking, major(amount), amount.currency


def _total(name: str, amount: Money) -> Sequence[Cell]:
    return None, name, None, None, major(amount), amount.currency


def _refusal(message: str, status: int, *, retry_after: int | None = None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return PlainTextResponse(f"{message}\n", status, headers)
