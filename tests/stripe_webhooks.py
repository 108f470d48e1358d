"""Webhooks as Stripe signs and posts them."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

#: What they are signed with.
WEBHOOK_SECRET: Final = "whsec_for_tests_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An event as Stripe posts it."""

    id: str
    body: bytes
    headers: dict[str, str]


def webhook(
    kind: str,
    thing: dict[str, Any],
    *,
    event_id: str | None = None,
    created: int | None = None,
    signed_at: int | None = None,
    secret: str = WEBHOOK_SECRET,
) -> Webhook:
    """The event `kind`, such as payment_intent.succeeded, about a thing as it stands; signed."""
    now = int(time.time())
    uid = event_id or f"evt_{secrets.token_hex(8)}"
    event = {"id": uid, "object": "event", "type": kind, "livemode": False}
    event |= {"created": now if created is None else created, "data": {"object": thing}}
    return sign(json.dumps(event).encode(), event_id=uid, at=signed_at, secret=secret)


def sign(
    body: bytes, *, event_id: str = "", at: int | None = None, secret: str = WEBHOOK_SECRET
) -> Webhook:
    """Any body, signed as Stripe signs."""
    at = int(time.time()) if at is None else at
    signature = hmac.new(secret.encode(), b"%d.%b" % (at, body), sha256).hexdigest()
    headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={signature}"}
    return Webhook(id=event_id, body=body, headers=headers)
