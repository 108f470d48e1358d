"""How is an operation asked and answered over plain HTTP?

By GraphQL-over-HTTP: POST, and GET for queries; the status says whether the operation ran, except
to clients that accept only application/json, who expect 200 for whatever GraphQL itself answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

import orjson
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api import masking, sse
from api.context import Context, SignedIn
from api.errors import (
    ApiError,
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    OriginNotAllowed,
    PayloadTooLarge,
    Unauthenticated,
    UnsupportedMediaType,
)
from api.execution import READ_ONLY, Ask, Engine, Payload, Rejected, wrapped

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from api.context import Services
    from gateways.settings import Settings

MAX_BODY: Final = 256 * 1024
#: So much of too large a body is read and dropped: a client hears why it was refused only if it is
#: not cut off while it still writes.
_MAX_IGNORED: Final = 1024 * 1024
#: A request that takes longer than this to arrive is given up.
_PATIENCE: Final = 30

MODERN: Final = "application/graphql-response+json"
LEGACY: Final = "application/json"
STREAM: Final = "text/event-stream"

_ANSWERED_ONCE: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def endpoint(engine: Engine, services: Services, streams: sse.Streams) -> Handler:
    """The handler of /graphql."""

    async def handle(request: Request) -> Response:
        media = LEGACY
        try:
            media = _negotiated(request.headers.get("accept"))
            _check_origin(request, services.settings)
            ask = await _ask(request)
            signed_in = await authenticated(request.headers, services)
        except ApiError as error:
            return _refusal(Rejected([error]), media, status=error.status)
        context = context_of(request, services, signed_in)
        allowed = _allowed(request, stream=media == STREAM)
        try:
            if media == STREAM:
                return streams.open(ask, context, signed_in, allowed)
            run = await engine.prepare(ask, context, allowed)
        except Rejected as rejected:
            return _refusal(rejected, media)
        return _response(await engine.answer(run), media)

    return handle


def context_of(request: Request, services: Services, signed_in: SignedIn | None) -> Context:
    """The context of one request's operation."""
    return Context(
        services=services,
        viewer=signed_in.viewer if signed_in else None,
        address=request.client.host if request.client else "",
        request_id=request.scope.get("request_id", ""),
    )


async def authenticated(headers: Headers, services: Services) -> SignedIn | None:
    """Who the request's bearer token proves, or None without one. Raises Unauthenticated."""
    header = headers.get("authorization")
    if header is None:
        return None
    return await prove(header, services)


async def prove(header: str, services: Services) -> SignedIn:
    """Who "Bearer …" proves. Raises Unauthenticated, or Unavailable when it cannot be asked."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send the access token as `Authorization: Bearer <token>`.")
    try:
        signed_in = await services.authenticate(token.strip())
    except Exception as error:
        raise masking.visible(wrapped(error)) from error
    return replace(signed_in, token=token.strip())


def _allowed(request: Request, *, stream: bool) -> frozenset[OperationType]:
    if request.method == "GET":
        return READ_ONLY | {OperationType.SUBSCRIPTION} if stream else READ_ONLY
    return frozenset(OperationType) if stream else _ANSWERED_ONCE


def _check_origin(request: Request, settings: Settings) -> None:
    if not origin_allowed(request.headers, settings):
        raise OriginNotAllowed("Pages of this origin may not call this server.")


def origin_allowed(headers: Headers, settings: Settings) -> bool:
    """May a page of this origin call us? Programs other than browsers do not send an origin."""
    origin = headers.get("origin")
    if origin is None or origin in settings.allowed_origins or "*" in settings.allowed_origins:
        return True
    try:
        return urlsplit(origin).netloc == headers.get("host") != ""
    except ValueError:
        return False


async def _ask(request: Request) -> Ask:
    if request.method == "GET":
        return Ask.of(_from_query(request))
    if request.method != "POST":
        raise MethodNotAllowed("Use POST, or GET for queries.")
    _check_content_type(request.headers)
    body = await read_body(request)
    try:
        return Ask.of(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None


def _from_query(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if asked.get(name):
            try:
                asked[name] = orjson.loads(asked[name])
            except orjson.JSONDecodeError as error:
                raise BadRequest(f"`{name}` is not JSON: {error}.") from None
        else:
            asked.pop(name, None)
    return asked


def _check_content_type(headers: Headers) -> None:
    kind, *parameters = headers.get("content-type", "").lower().split(";")
    charset = next((p.partition("=")[2] for p in parameters if p.strip().startswith("charset")), "")
    # A type that a form or an image can send needs no preflight, so only JSON is read.
    if kind.strip() != LEGACY or charset.strip(' "') not in {"", "utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the request as application/json in UTF-8.")
    if headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send the body without a content encoding.")


async def read_body(request: Request) -> bytes:
    """The whole body, if it is neither too long nor too slow. Raises BadRequest or
    PayloadTooLarge."""
    declared = request.headers.get("content-length", "")
    size = int(declared[:12]) if declared.isdecimal() else 0
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            if size <= _MAX_IGNORED:
                size = 0
                async for chunk in request.stream():
                    size += len(chunk)
                    if size <= MAX_BODY:
                        body += chunk
                    elif size > _MAX_IGNORED:
                        break
    except TimeoutError:
        raise BadRequest("The body took too long to arrive.") from None
    except ClientDisconnect:
        raise BadRequest("The body is not complete.") from None
    if size > MAX_BODY:
        raise PayloadTooLarge(f"The body may have at most {MAX_BODY} bytes.")
    return bytes(body)


def _negotiated(accept: str | None) -> str:
    """The media type to answer in. Raises NotAcceptable."""
    if not accept:
        return LEGACY
    for offered in sorted(_accepted(accept), key=lambda range_: -range_[1]):
        if offered[0] in {MODERN, LEGACY, STREAM}:
            return offered[0]
        if offered[0] in {"*/*", "application/*"}:
            return LEGACY
    raise NotAcceptable(f"This server answers in {MODERN}, {LEGACY} or {STREAM}.")


def _accepted(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.lower().split(",")[:32]:
        media, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if quality > 0:
            yield media, quality


def _refusal(rejected: Rejected, media: str, status: int | None = None) -> Response:
    if status is None:
        # To a client of application/json, another status means that nobody understood GraphQL.
        transport = isinstance(rejected.errors[0], MethodNotAllowed)
        status = rejected.status if media in {MODERN, STREAM} or transport else 200
    response = _response(rejected.payload, LEGACY if media == STREAM else media, status)
    if rejected.retry_after is not None:
        response.headers["Retry-After"] = str(rejected.retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 405:
        response.headers["Allow"] = "GET, POST"
    if status == 413:
        response.headers["Connection"] = "close"
    return response


def _response(payload: Payload, media: str, status: int = 200) -> Response:
    return Response(
        orjson.dumps(payload),
        status,
        {"Content-Type": f"{media}; charset=utf-8", "Cache-Control": "no-store", "Vary": "Accept"},
    )
