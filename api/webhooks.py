"""What do services outside tell us? POST /webhooks/stripe: kept at once, brought about by a job.

The answer says only that it is kept: Stripe repeats for days what was not. It is read as it came,
byte for byte, because the signature is over that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import metrics
from api.errors import ApiError
from api.http import read_body
from db import gateway_events
from db.engine import is_retryable, is_unavailable
from gateways.stripe_events import NotStripe, StripeWebhooks, Unreadable

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.context import Services

log = structlog.get_logger(__name__)

#: Seconds after which it is worth repeating what we could not keep.
_AGAIN: Final = 30


def routes(services: Services) -> list[Route]:
    """/webhooks/stripe, where there is a secret that its webhooks are signed with."""
    secret = services.settings.stripe_webhook_secret
    if secret is None:
        return []
    tolerance = services.settings.stripe_tolerance_seconds
    webhooks = StripeWebhooks(secret=secret.get_secret_value(), tolerance=tolerance)

    async def stripe(request: Request) -> Response:
        outcome, refusal = await _answered(services, webhooks, request)
        metrics.webhooks.labels(outcome).inc()
        return JSONResponse({"received": True}) if refusal is None else refusal

    return [Route("/webhooks/stripe", stripe, methods=["POST"])]


async def _answered(
    services: Services, webhooks: StripeWebhooks, request: Request
) -> tuple[str, Response | None]:
    """What came of it, in a word, and why it is refused, if it is."""
    try:
        return await _keep(services, webhooks, request), None
    except ApiError as error:
        return "refused", _refusal(str(error.message), error.status)
    except NotStripe:
        return "not_stripe", _refusal("The signature is missing, wrong or old.")
    except Unreadable as error:
        log.warning("webhook.unreadable", error=str(error))
        return "unreadable", _refusal("This is no event.")
    except Exception as error:
        if not (is_unavailable(error) or is_retryable(error)):
            raise
        log.warning("webhook.database_away", error=type(error).__name__)
        return "away", _refusal("Say it again a little later.", 503)


async def _keep(services: Services, webhooks: StripeWebhooks, request: Request) -> str:
    body = await read_body(request)
    report, event = webhooks.read(body, request.headers.get("stripe-signature"))
    async with services.database.begin() as tx:
        new = await gateway_events.keep(tx, report, body=event)
    log.info("webhook.kept" if new else "webhook.known", event_id=report.id, type=report.type)
    return "kept" if new else "known"


def _refusal(message: str, status: int = 400) -> Response:
    response = JSONResponse({"error": message}, status)
    if status == 413:
        response.headers["Connection"] = "close"
    if status == 503:
        response.headers["Retry-After"] = str(_AGAIN)
    return response
