"""How does the API run as a process: which server, with which limits, and how does it end?"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api import app
from api.sse import ABORT
from api.websocket import MAX_MESSAGE
from callout import logs, telemetry
from callout.collector import collect_seldom

if TYPE_CHECKING:
    from gateways.settings import Settings

#: A socket whose client has stopped reading cannot carry the answer to a ping either; it is closed
#: within the sum of these.
_PING_EVERY: Final = 8.0
_PONG_WITHIN: Final = 6.0

#: Seconds that a connection is kept without a request: longer than the minute of most proxies, or
#: they would now and then send a request into a connection that is being closed.
_IDLE: Final = 75

_GOING_AWAY: Final = 1001


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which says 1001 when the server goes; uvicorn's own says 1012."""

    def shutdown(self) -> None:
        """Say goodbye in both directions and hang up."""
        if self.handshake_complete and not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": _GOING_AWAY})
            self.conn.send_close(_GOING_AWAY)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        super().shutdown()

    def keepalive_timeout(self) -> None:
        """Drop a client that has not answered a ping.

        uvicorn's own closes politely, and so waits for the client to read what is still to send.
        """
        super().keepalive_timeout()
        self.transport.abort()


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with a way to drop a client that has stopped reading its stream."""

    def on_message_begin(self) -> None:
        """Offer it to the handler of the request."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: self.transport.abort}  # type: ignore[dict-item]  # ours


def configuration(application: Any, settings: Settings, *, drain: int) -> uvicorn.Config:
    """uvicorn's configuration for an application of ours."""
    return uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE,
        ws_ping_interval=_PING_EVERY,
        ws_ping_timeout=_PONG_WITHIN,
        # Compression would cost each idle socket tens of kilobytes for messages of a few hundred.
        ws_per_message_deflate=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=drain,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        access_log=settings.log_level == "debug",
        log_config=None,
        lifespan="on",
    )


def run(settings: Settings, *, drain: int) -> None:
    """Serve until SIGTERM or SIGINT; then let requests finish for `drain` seconds at most."""
    logs.configure(settings)
    flush = telemetry.configure(settings, service="callout-api")
    application = telemetry.traced(app.create(settings), settings)
    server = uvicorn.Server(configuration(application, settings, drain=drain))
    collect_seldom()
    # uvicorn shuts down at these signals and raises them again at its end, to no purpose here.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: None)
    try:
        server.run()
    finally:
        flush()
