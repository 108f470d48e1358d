"""What does Stripe tell us by a webhook, and is it Stripe that tells it?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
import stripe

from domain.money import Money
from domain.payment_events import Report, Said
from gateways.stripe_api import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

_INTENTS: Final = {
    "payment_intent.succeeded": Said.PAID,
    "payment_intent.payment_failed": Said.FAILED,
    "payment_intent.processing": Said.PROCESSING,
    "payment_intent.canceled": Said.CANCELLED,
}
_REFUNDS: Final = frozenset({"refund.created", "refund.updated", "refund.failed"})
_CHARGE: Final = "charge.refunded"
#: What there is something to learn from.
UNDERSTOOD: Final = frozenset({*_INTENTS, *_REFUNDS, _CHARGE})
#: A refund that goes nowhere: it could not, the customer's bank sent it back, or it was called off.
_RETURNED: Final = frozenset({"failed", "canceled"})
#: What reading something else than an event meets; what is no JSON is a ValueError.
_MALFORMED: Final = (AttributeError, LookupError, OSError, OverflowError, TypeError, ValueError)


class NotStripe(Exception):
    """The signature is missing, wrong or too old."""


class Unreadable(Exception):
    """It is signed, and yet no event."""


class StripeWebhooks:
    """Reads what Stripe posts."""

    def __init__(self, *, secret: str, tolerance: int) -> None:
        """`secret` signs the webhooks; `tolerance` is how old a signature may be, in seconds."""
        self._secret = secret
        self._tolerance = tolerance

    def read(self, body: bytes, signature: str | None) -> tuple[Report, Any]:
        """What the event says, in our words and as it came. Raises NotStripe or Unreadable."""
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._secret, self._tolerance)
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise NotStripe from error
        try:
            event = _storable(orjson.loads(body))
            return _report(event), event
        except _MALFORMED as error:
            raise Unreadable(type(error).__name__) from error


def intent_report(intent: stripe.PaymentIntent, at: datetime) -> Report | None:
    """What an intent, looked at, says that a webhook should have said, or will."""
    said = {"succeeded": Said.PAID, "canceled": Said.CANCELLED}.get(intent.status)
    if said is None:
        return None
    return Report(
        gateway=NAME,
        id=f"{intent.id}:{intent.status}",
        type="payment_intent.retrieved",
        said=said,
        gateway_id=intent.id,
        occurred_at=at,
        money=_money(intent.amount_received, intent.currency) if said is Said.PAID else None,
    )


def refund_report(refund: stripe.Refund, at: datetime) -> Report:
    """What a refund, looked at, says that a webhook should have said, or will."""
    thing = {
        "id": refund.id,
        "amount": refund.amount,
        "currency": refund.currency,
        "status": refund.status,
        "failure_reason": getattr(refund, "failure_reason", None),
        "metadata": refund.metadata.to_dict() if refund.metadata else {},
    }
    return Report(
        gateway=NAME,
        id=f"{refund.id}:{refund.status}",
        type="refund.retrieved",
        occurred_at=at,
        **_refund(thing),
    )


def why_returned(status: str | None, reason: str | None) -> str | None:
    """Why a refund went nowhere, in Stripe's words; None for one that is on its way."""
    return (reason or status) if status in _RETURNED else None


def _report(event: Mapping[str, Any]) -> Report:
    kind, thing = str(event["type"]), event["data"]["object"]
    facts = _facts(kind, thing)
    return Report(
        gateway=NAME,
        id=str(event["id"]),
        type=kind,
        payment_id=_uuid((thing.get("metadata") or {}).get("payment_id")),
        occurred_at=datetime.fromtimestamp(event["created"], UTC),
        **facts,
    )


def _facts(kind: str, thing: Mapping[str, Any]) -> dict[str, Any]:
    """What of an event is worth knowing."""
    if kind in _INTENTS:
        facts: dict[str, Any] = {"said": _INTENTS[kind], "gateway_id": str(thing["id"])}
        if kind == "payment_intent.succeeded":
            facts["money"] = _money(thing["amount_received"], thing["currency"])
        if error := thing.get("last_payment_error"):
            facts["failure"] = error.get("message") or error.get("code")
        return facts
    intent = thing.get("payment_intent")
    if kind == _CHARGE:
        money = _money(thing["amount_refunded"], thing["currency"])
        return {"said": Said.REFUNDED, "gateway_id": intent, "money": money}
    known_as = {"gateway_id": intent if isinstance(intent, str) else None}
    return known_as | (_refund(thing) if kind in _REFUNDS else {})


def _refund(thing: Mapping[str, Any]) -> dict[str, Any]:
    """What there is to know of a refund. One that we did not ask for lacks our id of it: somebody
    has given it by hand, there."""
    failure = why_returned(thing["status"], thing.get("failure_reason"))
    return {
        "said": Said.REFUND_MADE if failure is None else Said.REFUND_FAILED,
        "refund": str(thing["id"]),
        "refund_id": _uuid((thing.get("metadata") or {}).get("refund_id")),
        "money": _money(thing["amount"], thing["currency"]),
        "failure": failure,
    }


def _money(minor: int, currency: str) -> Money:
    return Money(amount_minor=int(minor), currency=currency.upper())


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except (AttributeError, TypeError, ValueError):
        return None


def _storable(value: Any) -> Any:
    """It without null characters, which PostgreSQL does not keep."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value
