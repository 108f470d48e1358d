"""How is a payout's statement fetched as a file? By a signed address, which is all one shows."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response
from starlette.routing import Route

from api import ids
from api.csv_files import major, written
from api.doors import count_miss, door, refusal
from api.rate_limits import Limit
from db import statements
from domain.money import Money
from gateways.links import BadLink, Links, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from starlette.requests import Request

    from api.context import Services
    from api.csv_files import Cell
    from domain.statements import Statement, StatementLine

_WINDOW: Final = timedelta(minutes=15)
#: Whoever downloads a file may click twice; nobody needs it often.
_READS: Final = Limit(act="fetching a statement", amount=30, window=_WINDOW)
_MISSES: Final = Limit(act="asking for statements", amount=30, window=_WINDOW)
_HEADERS: Final = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}

_COLUMNS: Final = ("at", "kind", "service", "booking", "amount", "currency")


def routes(services: Services) -> list[Route]:
    """/payouts/{id}/statement.csv."""
    links = Links(services.settings.secret.get_secret_value())
    answer = partial(_answer, services, links)
    file = door("statement", answer, away="The statement cannot be read just now.")
    return [Route("/payouts/{payout_id:uuid}/statement.csv", file, methods=["GET"])]


async def _answer(services: Services, links: Links, request: Request) -> Response:
    payout_id: UUID = request.path_params["payout_id"]
    if not _opens(links, request.query_params.get("token", ""), payout_id):
        await count_miss(services, request, _MISSES)
        return refusal("There is no such statement, or its address has expired.", 404)
    await services.rate_limits.spend(_READS, f"statement:{payout_id}")
    async with services.database.read() as connection:
        statement = await statements.whole(connection, payout_id)
    if statement is None:
        return refusal("There is no such statement, or its address has expired.", 404)
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
