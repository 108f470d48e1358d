"""What does a browser get that is not GraphQL? The landing page, GraphiQL, and their files.

Everything is served from this package: the pages work with no way out to the internet, and their
Content-Security-Policy forbids looking for one.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.assets import Asset, examples, page, session_documents, shelf
from db.seed import PASSWORD, Account

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from domain.people import Role
    from gateways.settings import Settings

ENDPOINT: Final = "/graphql"

_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def routes(settings: Settings, accounts: Sequence[Account]) -> list[Route]:
    """The pages that `settings` ask for. In development, GraphiQL offers to sign in as `accounts`,
    which the seed has made.
    """
    pages = [Route("/", _landing(settings)), Route("/assets/{name}", _asset)]
    if settings.graphiql:
        offered = () if settings.is_production else accounts
        pages.append(Route("/graphiql", _graphiql(settings, offered)))
    return pages


def _landing(settings: Settings) -> Callable[[Request], Awaitable[Response]]:
    body = page("landing.html").substitute(
        links(),
        ways=_ways(graphiql=settings.graphiql),
        mode="" if settings.is_production else '<p class="mode">development</p>',
    )

    async def landing(_: Request) -> Response:
        return answer(body, f"{POLICY}; img-src 'self'; style-src 'self'")

    return landing


def _graphiql(
    settings: Settings, accounts: Sequence[Account]
) -> Callable[[Request], Awaitable[Response]]:
    template, parts = page("graphiql.html"), links() | {"config": _config(settings, accounts)}

    async def graphiql(request: Request) -> Response:
        nonce = secrets.token_urlsafe(18)
        body = template.substitute(parts, nonce=nonce)
        return answer(body, _graphiql_policy(request.headers.get("host", ""), nonce))

    return graphiql


async def _asset(request: Request) -> Response:
    asset = shelf().get(request.path_params["name"])
    if asset is None:
        return Response(status_code=404, headers=_HEADERS)
    headers = _HEADERS | _caching(asset, version=request.query_params.get("v"))
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.body, media_type=asset.media_type, headers=headers)
    packed = await run_in_threadpool(asset.packed)
    headers["Content-Encoding"] = "gzip"
    return Response(packed, media_type=asset.media_type, headers=headers)


def answer(
    body: str, policy: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """A page, under its Content-Security-Policy."""
    usual = _HEADERS | {"Cache-Control": "no-cache", "Content-Security-Policy": policy}
    return HTMLResponse(body, status, headers=usual | dict(headers or {}))


def links() -> dict[str, str]:
    """The address of every asset, by the name that templates have for it."""
    return {name.replace(".", "_").lower(): asset.path for name, asset in shelf().items()}


def _ways(*, graphiql: bool) -> str:
    explorer = [
        '<li><a class="first" href="/graphiql">Open the API explorer</a></li>',
        '<li><a href="/graphiql#schema">Read the schema</a></li>',
    ]
    health = ['<li><a href="/readyz">Check its health</a></li>']
    return "".join([*(explorer if graphiql else []), *health])


def _caching(asset: Asset, *, version: str | None) -> dict[str, str]:
    """An address that names the fingerprint never changes its bytes; any other is asked again."""
    lasting = version == asset.version
    return {
        "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
        "ETag": f'W/"{asset.version}"',
        "Vary": "Accept-Encoding",
    }


def _config(settings: Settings, accounts: Sequence[Account]) -> str:
    config = {
        "endpoint": ENDPOINT,
        "introspection": settings.introspection if settings.is_production else "everyone",
        "accounts": _first_of_each_role(accounts),
        "examples": examples(),
        "documents": session_documents(),
    }
    # Inside <script>, only "<" could end the element: no value may hold one.
    return orjson.dumps(config).decode().replace("<", r"\u003c")


def _first_of_each_role(accounts: Sequence[Account]) -> list[dict[str, str]]:
    first: dict[Role, Account] = {}
    for account in accounts:
        first.setdefault(account.role, account)
    return [
        {"role": account.role, "email": account.email, "password": PASSWORD}
        for account in first.values()
    ]


def _graphiql_policy(host: str, nonce: str) -> str:
    # 'self' covers WebSockets in today's browsers; older Safari needs the socket's own address.
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        f"{POLICY}; connect-src 'self'{sockets}; img-src 'self' data:; script-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'"
    )
