"""How do the parts become one application?

`create` makes everything a process has one of and connects nothing: a server whose database is
away starts all the same, says so at /readyz, and serves as soon as the database is there.
"""

from __future__ import annotations

import secrets
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute

from api import (
    development_webhooks,
    health,
    http,
    icalendar,
    outbox_page,
    pages,
    receipts,
    sse,
    statement_files,
    unsubscribe,
    webhooks,
    websocket,
)
from api.access import EVERY_ROLE, EVERYONE, Caller
from api.context import Authenticate, Services
from api.execution import Engine
from api.live.hub import Hub
from api.principals import Buckets, Connections
from api.rate_limits import RateLimits
from api.schema import core, whole
from api.sessions import authenticator
from db.engine import Database
from db.seed import ACCOUNTS
from gateways.live import RedisLive
from gateways.outside import outside
from gateways.passwords import Passwords
from gateways.tokens import AccessTokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import strawberry
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateways.settings import Settings

ENDPOINT: Final = "/graphql"

#: A Redis that takes longer than this is treated as away.
_REDIS_PATIENCE: Final = 0.5

_INTROSPECTION: Final[dict[str, frozenset[Caller]]] = {
    "everyone": EVERYONE,
    "signed_in": frozenset(EVERY_ROLE),
    "nobody": frozenset(),
}

_SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def create(
    settings: Settings,
    *,
    schema: strawberry.Schema | None = None,
    authenticate: Authenticate | None = None,
) -> Starlette:
    """The application. `schema` and `authenticate` are for tests of the door alone."""
    services = _services(settings, authenticate)
    application = Starlette(
        routes=_routes(services, schema or whole()),
        middleware=[
            Middleware(Envelope),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type"],
                expose_headers=["Retry-After", "X-Request-Id"],
            ),
        ],
        lifespan=_lifespan(services),
    )
    application.state.services = services
    return application


def _services(settings: Settings, authenticate: Authenticate | None) -> Services:
    redis_url, namespace = settings.redis_url.get_secret_value(), settings.redis_namespace
    database = Database(settings.sqlalchemy_url, pool=settings.database_pool, name="callout-api")
    tokens = AccessTokens(
        secret=settings.secret.get_secret_value(),
        issuer=settings.issuer,
        audience=settings.audience,
    )
    redis = Redis.from_url(
        redis_url,
        socket_timeout=_REDIS_PATIENCE,
        socket_connect_timeout=_REDIS_PATIENCE,
        retry=Retry(NoBackoff(), 1),
    )
    return Services(
        settings=settings,
        database=database,
        redis=redis,
        hub=Hub(RedisLive(redis_url, namespace=namespace), database),
        authenticate=authenticate or authenticator(database, tokens),
        passwords=Passwords(),
        tokens=tokens,
        rate_limits=RateLimits(redis_url, namespace=namespace),
        outside=outside(settings, redis),
    )


def _routes(services: Services, schema: strawberry.Schema) -> list[BaseRoute]:
    settings = services.settings
    introspection = "everyone" if not settings.is_production else settings.introspection
    engine = Engine(
        schema,
        core=core(schema),
        buckets=Buckets(services.redis, settings),
        introspection=_INTROSPECTION[introspection],
        suggestions=not settings.is_production,
    )
    connections = Connections(settings)
    over_http = http.endpoint(engine, services, sse.Streams(engine, connections))
    return [
        Route(ENDPOINT, over_http, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        WebSocketRoute(ENDPOINT, websocket.endpoint(engine, services, connections)),
        *health.routes(services),
        *icalendar.routes(services),
        *unsubscribe.routes(services),
        *webhooks.routes(services),
        *development_webhooks.routes(services),
        *statement_files.routes(services),
        *receipts.routes(services),
        *outbox_page.routes(services),
        *pages.routes(settings, ACCOUNTS),
    ]


def _lifespan(services: Services) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(services.database.close)
            stack.push_async_callback(services.redis.aclose)
            stack.push_async_callback(services.rate_limits.close)
            stack.push_async_callback(services.outside.close)
            stack.callback(services.passwords.close)
            await stack.enter_async_context(services.hub)
            yield

    return lifespan


class Envelope:
    """Gives each request an id, which the log and the answer carry, and each answer its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = scope["request_id"] = _request_id(Headers(scope=scope))

        async def send_enveloped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_enveloped)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    usable = given.isascii() and given.replace("-", "").isalnum() and len(given) <= 64
    return given if usable else secrets.token_hex(8)
