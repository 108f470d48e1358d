"""Is Stripe believed when it is Stripe, and what it says understood?"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from domain.money import Money
from domain.payment_events import Report, Said
from gateways.stripe_events import NotStripe, StripeWebhooks, Unreadable
from tests.paying import PAYMENT
from tests.stripe_webhooks import WEBHOOK_SECRET, Webhook, sign, webhook

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
OURS = {"payment_id": str(PAYMENT), "booking_id": "whatever"}
OUR_REFUND = UUID(int=52)
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "amount": 4050,
    "amount_received": 4050,
    "currency": "gbp",
    "metadata": OURS,
    "last_payment_error": None,
}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "payment_intent": "pi_1",
    "amount": 700,
    "currency": "gbp",
    "status": "failed",
    "failure_reason": "lost_or_stolen_card",
    "metadata": OURS | {"refund_id": str(OUR_REFUND)},
}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "payment_intent": "pi_1",
    "amount_refunded": 50,
    "currency": "gbp",
    "metadata": OURS,
}


ON_ITS_WAY = REFUND | {"status": "pending", "failure_reason": None}
#: What is known of a refund of ours.
TOLD: dict[str, Any] = {
    "refund": "re_1",
    "refund_id": OUR_REFUND,
    "money": Money(amount_minor=700, currency="GBP"),
}


def read(posted: Webhook, **headers: str | None) -> tuple[Report, Any]:
    webhooks = StripeWebhooks(secret=WEBHOOK_SECRET, tolerance=300)
    signature = posted.headers["Stripe-Signature"]
    return webhooks.read(posted.body, headers.get("signature", signature))


def told(kind: str, thing: dict[str, Any]) -> Report:
    created = int(AT.timestamp())
    report, _ = read(webhook(kind, thing, event_id="evt_1", created=created))
    return report


@pytest.mark.parametrize(
    ("kind", "thing", "facts"),
    [
        (
            "payment_intent.succeeded",
            INTENT,
            {"said": Said.PAID, "money": Money(amount_minor=4050, currency="GBP")},
        ),
        ("payment_intent.processing", INTENT, {"said": Said.PROCESSING}),
        ("payment_intent.canceled", INTENT, {"said": Said.CANCELLED}),
        (
            "payment_intent.payment_failed",
            INTENT | {"last_payment_error": {"message": "Declined.", "code": "card_declined"}},
            {"said": Said.FAILED, "failure": "Declined."},
        ),
        (
            "payment_intent.payment_failed",
            INTENT | {"last_payment_error": {"code": "card_declined"}},
            {"said": Said.FAILED, "failure": "card_declined"},
        ),
        (
            "charge.refunded",
            CHARGE,
            {"said": Said.REFUNDED, "money": Money(amount_minor=50, currency="GBP")},
        ),
        (
            "refund.failed",
            REFUND,
            {**TOLD, "said": Said.REFUND_FAILED, "failure": "lost_or_stolen_card"},
        ),
        (
            "refund.updated",
            REFUND,
            {**TOLD, "said": Said.REFUND_FAILED, "failure": "lost_or_stolen_card"},
        ),
        (
            "refund.updated",
            REFUND | {"status": "canceled", "failure_reason": None},
            {**TOLD, "said": Said.REFUND_FAILED, "failure": "canceled"},
        ),
        ("refund.created", ON_ITS_WAY, {**TOLD, "said": Said.REFUND_MADE}),
        (
            "refund.updated",
            ON_ITS_WAY | {"status": "succeeded"},
            {**TOLD, "said": Said.REFUND_MADE},
        ),
        (
            "refund.created",
            ON_ITS_WAY | {"metadata": OURS | {"refund_id": "another's"}},
            {**TOLD, "said": Said.REFUND_MADE, "refund_id": None},
        ),
        ("charge.succeeded", CHARGE, {}),
    ],
)
def test_what_matters_of_an_event_is_read(
    kind: str, thing: dict[str, Any], facts: dict[str, Any]
) -> None:
    known: dict[str, Any] = {"payment_id": PAYMENT, "gateway_id": "pi_1", "occurred_at": AT}
    named: dict[str, Any] = {"gateway": "stripe", "id": "evt_1", "type": kind}
    assert told(kind, thing) == Report(**named | known | facts)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"payment_id": "x"}, {"payment_id": None}, {"payment_id": 5}]
)
def test_a_payment_that_is_not_named_is_known_by_stripes_name(metadata: Any) -> None:
    report = told("payment_intent.succeeded", INTENT | {"metadata": metadata})
    assert (report.payment_id, report.gateway_id) == (None, "pi_1")


@pytest.mark.parametrize("thing", [{"id": "cus_1"}, {"payment_intent": {"id": "pi_1"}}, {}])
def test_what_speaks_of_something_else_says_nothing(thing: dict[str, Any]) -> None:
    report = told("customer.created", thing)
    assert (report.said, report.payment_id, report.gateway_id) == (None, None, None)


def test_the_event_comes_along_as_it_is_but_for_null_characters() -> None:
    posted = webhook("customer.created", {"id": "cus_1", "name": ["A\x00da"], "n\x00": 1})
    _, event = read(posted)
    assert event["data"]["object"] == {"id": "cus_1", "name": ["Ada"], "n": 1}


class TestWhoeverIsNotStripe:
    def test_signs_with_another_secret(self) -> None:
        with pytest.raises(NotStripe):
            read(webhook("payment_intent.succeeded", INTENT, secret="whsec_other"))

    def test_changes_a_byte(self) -> None:
        posted = webhook("payment_intent.succeeded", INTENT)
        changed = posted.body.replace(b"4050", b"4051")
        with pytest.raises(NotStripe):
            read(Webhook(id="", body=changed, headers=posted.headers))

    @pytest.mark.parametrize("signature", [None, "", "t=1", "v1=00", "t=x,v1=00", "nonsense"])
    def test_signs_with_nothing(self, signature: str | None) -> None:
        with pytest.raises(NotStripe):
            read(webhook("payment_intent.succeeded", INTENT), signature=signature)

    @pytest.mark.parametrize(("age", "is_good"), [(290, True), (310, False)])
    def test_shows_a_signature_that_is_too_old(self, age: int, is_good: bool) -> None:
        posted = webhook("payment_intent.succeeded", INTENT, signed_at=int(time.time()) - age)
        if is_good:
            assert read(posted)[0].said is Said.PAID
        else:
            with pytest.raises(NotStripe):
                read(posted)

    def test_posts_what_is_no_text(self) -> None:
        with pytest.raises(NotStripe):
            read(sign(b"\xff\xfe"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"3",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b"[" * 5000,
        b'{"type": "x"}',
        orjson.dumps({"id": "e", "type": "x", "created": "now", "data": {"object": {}}}),
        orjson.dumps({"id": "e", "type": "x", "created": 10**18, "data": {"object": {}}}),
        orjson.dumps({"id": "e", "type": "x", "created": 1, "data": {"object": []}}),
        orjson.dumps(
            {
                "id": "e",
                "type": "refund.created",
                "created": 1,
                "data": {"object": ON_ITS_WAY | {"amount": None}},
            }
        ),
        orjson.dumps(
            {
                "id": "e",
                "type": "payment_intent.succeeded",
                "created": 1,
                "data": {"object": INTENT | {"amount_received": None}},
            }
        ),
    ],
)
def test_what_is_signed_and_no_event_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(sign(body))
