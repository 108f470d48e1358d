"""Do traces reach a collector when one is named, and cost nothing when none is?"""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from callout import telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateways.settings import Settings

_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

#: One request through a traced application; a process has one tracer provider for good.
_ONE_REQUEST = """
import asyncio, sys
from callout import telemetry
from gateways.settings import DEVELOPMENT_SECRET, Settings

settings = Settings.model_validate({
    "mode": "development", "database_url": "x", "redis_url": "x",
    "secret": DEVELOPMENT_SECRET, "otlp_endpoint": sys.argv[1],
})
flush = telemetry.configure(settings, service="callout-test")

async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})

async def send(message): ...

traced = telemetry.traced(application, settings)
scope = {"type": "http", "method": "POST", "path": sys.argv[3],
         "headers": [(b"traceparent", sys.argv[2].encode())]}
asyncio.run(traced(scope, None, send))
flush()
"""


class Collector(BaseHTTPRequestHandler):
    """Takes what exporters send."""

    received: Queue[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.put((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    """A collector on a free port."""
    Collector.received = Queue()
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_request_is_traced_under_its_callers_trace(collector: HTTPServer) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_port}"

    request = [sys.executable, "-c", _ONE_REQUEST, endpoint, _PARENT, "/graphql"]
    subprocess.run(request, check=True)

    path, body = Collector.received.get(timeout=10)
    assert path == "/v1/traces"
    assert b"callout-test" in body
    assert b"POST /graphql" in body
    assert bytes.fromhex("0af7651916cd43dd8448eb211c80319c") in body


def test_a_trace_does_not_carry_the_address_of_a_calendar(collector: HTTPServer) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_port}"

    request = [sys.executable, "-c", _ONE_REQUEST, endpoint, _PARENT, "/calendar/hunter2.ics"]
    subprocess.run(request, check=True)

    _, body = Collector.received.get(timeout=10)
    assert b"POST /calendar/[hidden]" in body
    assert b"hunter2" not in body


def test_without_a_collector_the_application_is_left_as_it_is(settings: Settings) -> None:
    async def application(*_: Any) -> None: ...

    telemetry.configure(settings, service="callout-test")()

    assert telemetry.traced(application, settings) is application
