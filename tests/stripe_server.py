"""A Stripe on loopback: payment intents, refunds and transfers over HTTP.

It keeps what it is asked to make, honours idempotency keys, records every call, and fails as it is
told to. It has a thread of its own, so it answers whoever calls: this process, or a child of it.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.stripe_webhooks import WEBHOOK_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What Callout has to show.
SECRET_KEY: Final = "sk_test_for_tests_only"

#: What may go wrong: no for good (402), no for these words (400), slow down (429), a fault (500);
#: no answer, with the thing done or not; the connection cut, with the thing done or not.
Fault = Literal["decline", "refuse", "busy", "error", "hang", "hang_after", "drop", "drop_after"]
_ANSWERS: Final[dict[Fault, tuple[HTTPStatus, str, str]]] = {
    "decline": (HTTPStatus.PAYMENT_REQUIRED, "card_error", "card_declined"),
    "refuse": (HTTPStatus.BAD_REQUEST, "invalid_request_error", "parameter_invalid"),
    "busy": (HTTPStatus.TOO_MANY_REQUESTS, "invalid_request_error", "rate_limit"),
    "error": (HTTPStatus.INTERNAL_SERVER_ERROR, "api_error", "internal"),
}
_COLLECTIONS: Final = {"payment_intents": "pi", "refunds": "re", "transfers": "tr"}

Thing = dict[str, Any]
_Reply = tuple[HTTPStatus, Thing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that came in."""

    method: str
    #: Without its query, such as /v1/refunds.
    path: str
    #: The form of a POST, the query of a GET, nested names as dictionaries.
    form: Thing
    idempotency_key: str | None


@dataclass(slots=True, kw_only=True)
class _Trouble:
    """A fault, for the next so many calls to a path."""

    fault: Fault
    method: str
    path: str
    times: int


@dataclass(slots=True)
class StripeServer:
    """Everything that Stripe knows, and how it behaves."""

    #: Every call so far, oldest first, failed ones among them.
    calls: list[Call] = field(default_factory=list)
    port: int = 0
    _things: dict[str, dict[str, Thing]] = field(
        default_factory=lambda: {name: {} for name in _COLLECTIONS}
    )
    _answered: dict[str, tuple[tuple[str, str], Thing, _Reply]] = field(default_factory=dict)
    #: How the next refunds end as they are made.
    _failing: list[str] = field(default_factory=list)
    _troubles: list[_Trouble] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _released: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process has to be told to call this one."""
        return {
            "CALLOUT_STRIPE_API_BASE": self.address,
            "CALLOUT_STRIPE_SECRET_KEY": SECRET_KEY,
            "CALLOUT_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }

    @property
    def settings(self) -> dict[str, str]:
        """The same, for a process of ours."""
        prefix = "CALLOUT_"
        return {n.removeprefix(prefix).lower(): v for n, v in self.environment.items()}

    def fail(self, fault: Fault, path: str, *, times: int = 1, method: str = "POST") -> None:
        """Have the next calls go wrong. `path` begins the paths that are meant."""
        with self._lock:
            self._troubles.append(_Trouble(fault=fault, method=method, path=path, times=times))

    def release(self) -> None:
        """Hang up on everybody who was left waiting."""
        self._released.set()
        self._released = threading.Event()

    def forget_keys(self) -> None:
        """Let a day pass: a key that was used then is a new one now."""
        with self._lock:
            self._answered.clear()

    def made(self, collection: str) -> list[Thing]:
        """The payment_intents, refunds or transfers that there are, oldest first."""
        with self._lock:
            return [dict(thing) for thing in self._things[collection].values()]

    def called(self, method: str, path: str) -> list[Call]:
        """The calls to paths that match the whole pattern `path`."""
        with self._lock:
            return [c for c in self.calls if c.method == method and re.fullmatch(path, c.path)]

    def pay(self, intent_id: str, **changes: Any) -> Thing:
        """The customer pays in their browser. The intent as it stands then; `changes` has what
        differs, such as a wrong `amount_received` or `currency`."""
        with self._lock:
            intent = self._things["payment_intents"][intent_id]
            paid = {"status": "succeeded", "amount_received": intent["amount"]}
            intent |= {**paid, "latest_charge": _new("ch"), **changes}
            return dict(intent)

    def decline(self, intent_id: str, message: str = "Your card was declined.") -> Thing:
        """The customer's card is refused, and they may try another."""
        error = {"type": "card_error", "code": "card_declined", "message": message}
        changes = {"status": "requires_payment_method", "last_payment_error": error}
        return self._change("payment_intents", intent_id, changes)

    def process(self, intent_id: str) -> Thing:
        """The customer's bank takes its time."""
        return self._change("payment_intents", intent_id, {"status": "processing"})

    def cancel(self, intent_id: str) -> Thing:
        """The intent is called off at Stripe's end."""
        return self._change("payment_intents", intent_id, {"status": "canceled"})

    def give_back(self, intent_id: str, amount: int, **changes: Any) -> Thing:
        """Staff give a part of a payment back at Stripe's own page."""
        form = {"payment_intent": intent_id, "amount": amount}
        with self._lock:
            status, made = self._make_refunds(form)
            assert status is HTTPStatus.OK, made
            return self._change("refunds", made["id"], changes)

    def fail_next_refund(self, status: str = "failed") -> None:
        """Have the next refund that is asked for made, and end at once."""
        with self._lock:
            self._failing.append(status)

    def fail_refund(self, refund_id: str) -> Thing:
        """The customer's bank sends a refund back."""
        changes = {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        return self._change("refunds", refund_id, changes)

    def charge(self, intent_id: str) -> Thing:
        """The charge of a paid intent, with what was refunded of it."""
        with self._lock:
            intent = self._things["payment_intents"][intent_id]
            refunded = self._refunded(intent_id)
            return {
                "id": intent["latest_charge"],
                "object": "charge",
                "payment_intent": intent_id,
                "amount": intent["amount_received"],
                "amount_captured": intent["amount_received"],
                "amount_refunded": refunded,
                "refunded": refunded >= intent["amount_received"],
                "currency": intent["currency"],
                "metadata": intent["metadata"],
            }

    def _change(self, collection: str, thing_id: str, changes: Thing) -> Thing:
        with self._lock:
            self._things[collection][thing_id] |= changes
            return dict(self._things[collection][thing_id])

    # What HTTP asks for.

    def trouble(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this call."""
        with self._lock:
            for one in self._troubles:
                if one.times and one.method == method and path.startswith(one.path):
                    one.times -= 1
                    return one.fault
        return None

    def wait_for_release(self) -> None:
        """Leave a caller without an answer."""
        self._released.wait(timeout=120)

    def answer(self, call: Call) -> _Reply:
        """Do what is asked; by one key only once."""
        if call.method == "GET":
            return self._read(call)
        with self._lock:
            key, asked = call.idempotency_key, (call.method, call.path)
            if key is None:
                return self._write(call)
            if key not in self._answered:
                self._answered[key] = (asked, call.form, self._write(call))
            first, form, reply = self._answered[key]
            if (first, form) != (asked, call.form):
                message = "Keys for idempotent requests can only be used with the same parameters."
                return _problem(HTTPStatus.BAD_REQUEST, "idempotency_error", message)
            return reply

    def _read(self, call: Call) -> _Reply:
        _, _, collection, *rest = call.path.split("/")
        with self._lock:
            things = self._things.get(collection, {})
            if not rest:
                asked = {k: v for k, v in call.form.items() if k not in {"limit", "expand"}}
                found = [t for t in things.values() if all(t.get(k) == asked[k] for k in asked)]
                newest_first = [dict(thing) for thing in reversed(found)]
                listed = {"object": "list", "has_more": False, "url": call.path}
                return HTTPStatus.OK, {**listed, "data": newest_first}
            if rest[0] in things:
                return HTTPStatus.OK, dict(things[rest[0]])
        return _missing(rest[0] if rest else collection)

    def _write(self, call: Call) -> _Reply:
        _, _, collection, *rest = call.path.split("/")
        if collection not in _COLLECTIONS:
            return _missing(collection)
        if not rest:
            return getattr(self, f"_make_{collection}")(call.form)  # type: ignore[no-any-return]
        if collection == "payment_intents" and rest[1:] == ["cancel"]:
            return self._cancel_intent(rest[0])
        return _missing(call.path)

    def _make_payment_intents(self, form: Thing) -> _Reply:
        uid = _new("pi")
        status = {"status": "requires_payment_method", "amount_received": 0}
        secret = {"client_secret": f"{uid}_secret_{secrets.token_hex(8)}"}
        money = {"amount": int(form["amount"]), "currency": form["currency"]}
        rest = {"latest_charge": None, "last_payment_error": None}
        return self._keep("payment_intents", uid, {**status, **secret, **money, **rest}, form)

    def _cancel_intent(self, uid: str) -> _Reply:
        intent = self._things["payment_intents"].get(uid)
        if intent is None:
            return _missing(uid)
        if intent["status"] in {"succeeded", "canceled"}:
            message = f"This PaymentIntent's status is {intent['status']}."
            code = "payment_intent_unexpected_state"
            return _problem(HTTPStatus.BAD_REQUEST, "invalid_request_error", message, code)
        return HTTPStatus.OK, self._change("payment_intents", uid, {"status": "canceled"})

    def _make_refunds(self, form: Thing) -> _Reply:
        intent = self._things["payment_intents"].get(form["payment_intent"])
        if intent is None:
            return _missing(form["payment_intent"])
        left = intent["amount_received"] - self._refunded(intent["id"])
        amount = int(form.get("amount", left))
        if not 0 < amount <= left:
            code = "amount_too_large" if left else "charge_already_refunded"
            message = f"Refund amount ({amount}) is greater than unrefunded amount ({left})."
            return _problem(HTTPStatus.BAD_REQUEST, "invalid_request_error", message, code)
        facts = {"amount": amount, "currency": intent["currency"], "status": "succeeded"}
        if self._failing:
            facts["status"] = self._failing.pop(0)
            why = {"failure_reason": "lost_or_stolen_card"}
            facts |= why if facts["status"] == "failed" else {}
        own = {"payment_intent": intent["id"], "charge": intent["latest_charge"]}
        return self._keep("refunds", _new("re"), {**facts, **own}, form)

    def _make_transfers(self, form: Thing) -> _Reply:
        facts = {"amount": int(form["amount"]), "currency": form["currency"]}
        own = {name: form.get(name) for name in ("destination", "transfer_group")}
        return self._keep("transfers", _new("tr"), {**facts, **own, "reversed": False}, form)

    def _keep(self, collection: str, uid: str, facts: Thing, form: Thing) -> _Reply:
        made = {"id": uid, "object": collection.removesuffix("s"), "created": int(time.time())}
        made |= {**facts, "metadata": form.get("metadata", {}), "livemode": False}
        self._things[collection][uid] = made
        return HTTPStatus.OK, dict(made)

    def _refunded(self, intent_id: str) -> int:
        refunds = self._things["refunds"].values()
        own = [r for r in refunds if r["payment_intent"] == intent_id]
        return sum(r["amount"] for r in own if r["status"] not in {"failed", "canceled"})


class _Handler(BaseHTTPRequestHandler):
    """One request; what it says goes to the StripeServer."""

    protocol_version = "HTTP/1.1"
    stripe: StripeServer

    def do_GET(self) -> None:
        """Read."""
        self._serve("GET", urlsplit(self.path).query)

    def do_POST(self) -> None:
        """Write."""
        length = int(self.headers.get("Content-Length") or 0)
        self._serve("POST", self.rfile.read(length).decode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _serve(self, method: str, form: str) -> None:
        path = urlsplit(self.path).path
        key = self.headers.get("Idempotency-Key")
        call = Call(method=method, path=path, form=_nested(form), idempotency_key=key)
        self.stripe.calls.append(call)
        if self.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            message = "Invalid API Key provided."
            return self._reply(*_problem(HTTPStatus.UNAUTHORIZED, "invalid_request_error", message))
        fault = self.stripe.trouble(method, path)
        if fault in _ANSWERS:
            status, kind, code = _ANSWERS[fault]
            return self._reply(*_problem(status, kind, f"As told: {fault}.", code))
        reply = None if fault in {"hang", "drop"} else self.stripe.answer(call)
        if fault in {"hang", "hang_after"}:
            self.stripe.wait_for_release()
        if fault is not None or reply is None:
            self.close_connection = True
            return None
        return self._reply(*reply)

    def _reply(self, status: HTTPStatus, body: Thing) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Request-Id", _new("req"))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def running() -> Iterator[StripeServer]:
    """A Stripe of the test's own."""
    stripe = StripeServer()
    handler = type("Handler", (_Handler,), {"stripe": stripe})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    stripe.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stripe
    finally:
        stripe.release()
        server.shutdown()
        server.server_close()
        thread.join()


def _nested(form: str) -> Thing:
    """A form whose names are like metadata[payment_id], as dictionaries."""
    nested: Thing = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+", name)
        place = nested
        for part in rest:
            place, first = place.setdefault(first, {}), part
        place[first] = value
    return nested


def _new(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(8)}"


def _missing(what: str) -> _Reply:
    message = f"No such thing: '{what}'"
    return _problem(HTTPStatus.NOT_FOUND, "invalid_request_error", message, code="resource_missing")


def _problem(status: HTTPStatus, kind: str, message: str, code: str | None = None) -> _Reply:
    return status, {"error": {"type": kind, "code": code, "message": message}}
