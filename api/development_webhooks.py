"""What would a payment gateway tell a development server? POST /webhooks/development, unsigned.

The development gateway takes no money and says nothing by itself. Here anybody may say in its name
that a payment was made, as often as they like and whatever the sum, to see what comes of that. In
production there is no such door.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import ids
from api.errors import ApiError
from api.http import read_body
from db import gateway_events
from domain.money import CURRENCIES, MAX_MINOR, Money
from domain.payment_events import Report, Said
from domain.refusals import InvalidInput, wrong_text
from gateways.payments import DevelopmentGateway

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.context import Services

_FIELDS: Final = ("id", "payment", "currency", "amountMinor")
_SHAPE: Final = 'Post {"id": "…", "payment": "<id>", "amountMinor": 100, "currency": "GBP"}.'


def routes(services: Services) -> list[Route]:
    """/webhooks/development, on a server that takes no money."""
    if services.settings.is_production:
        return []

    async def development(request: Request) -> Response:
        try:
            report = _report(await read_body(request))
        except ApiError as error:
            return JSONResponse({"error": str(error.message)}, error.status)
        except (InvalidInput, ValueError):
            return JSONResponse({"error": _SHAPE}, 400)
        async with services.database.begin() as tx:
            new = await gateway_events.keep(tx, report)
        return JSONResponse({"received": True, "new": new})

    return [Route("/webhooks/development", development, methods=["POST"])]


def _report(body: bytes) -> Report:
    """What was said: that this payment was made. Raises ValueError or InvalidInput."""
    said = orjson.loads(body)
    given: dict[str, Any] = said if isinstance(said, dict) else {}
    event_id, payment, currency, amount = (given.get(one) for one in _FIELDS)
    if not isinstance(event_id, str) or wrong_text((), event_id, 1, 200):
        raise ValueError(_SHAPE)
    if not isinstance(amount, int) or not 0 < amount <= MAX_MINOR:
        raise ValueError(_SHAPE)
    if not isinstance(currency, str) or currency not in CURRENCIES:
        raise ValueError(_SHAPE)
    return Report(
        gateway=DevelopmentGateway.name,
        id=event_id,
        type="said",
        said=Said.PAID,
        payment_id=ids.parse("Payment", str(payment), "payment"),
        occurred_at=datetime.now(UTC),
        money=Money(amount_minor=amount, currency=currency),
    )
