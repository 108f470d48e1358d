"""What do browsers get at the pages' addresses, and under which policy?"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from api.assets import HERE, page, shelf
from api.pages import links, routes
from db.seed import ACCOUNTS, PASSWORD
from gateways.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def configured(**changes: Any) -> Settings:
    facts = {
        "mode": "development",
        "database_url": "postgresql://nowhere/none",
        "redis_url": "redis://nowhere/0",
        "secret": "a secret of the tests, long enough",
    }
    return Settings.model_validate(facts | changes)


def client_of(settings: Settings) -> AsyncClient:
    app = Starlette(routes=routes(settings, ACCOUNTS))
    return AsyncClient(transport=ASGITransport(app=app), base_url="http://callout.example")


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with client_of(configured()) as opened:
        yield opened


@pytest.fixture
async def production() -> AsyncIterator[AsyncClient]:
    async with client_of(configured(mode="production")) as opened:
        yield opened


def config_in(html: str) -> Any:
    match = re.search(r'<script type="application/json" id="callout-config">(.*?)</script>', html)
    assert match
    return json.loads(match[1])


def directives(policy: str) -> dict[str, str]:
    pairs = (directive.strip().partition(" ") for directive in policy.split(";"))
    return {name: sources for name, _, sources in pairs}


async def test_the_landing_page_leads_to_graphiql_and_the_health_of_the_server(
    client: AsyncClient,
) -> None:
    html = (await client.get("/")).text
    assert {'href="/graphiql"', 'href="/healthz"', 'href="/readyz"'} <= set(
        re.findall(r'href="[^"]*"', html)
    )


async def test_every_file_that_the_pages_name_is_served_for_a_year(client: AsyncClient) -> None:
    templates = [page(one.name) for one in (HERE / "pages").iterdir()]
    html = "".join(one.safe_substitute(links()) for one in templates)
    addresses = set(re.findall(r'(?:src|href)="(/assets/[^"]*)"', html))
    assert {address.partition("?")[0] for address in addresses} == {
        f"/assets/{name}" for name in shelf()
    }
    for address in addresses:
        response = await client.get(address)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_nothing_but_own_files_may_be_loaded_by_graphiql(client: AsyncClient) -> None:
    response = await client.get("/graphiql")
    nonce = re.search(r'nonce="([^"]+)"', response.text)
    assert nonce
    assert directives(response.headers["content-security-policy"]) == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "connect-src": "'self' ws://callout.example wss://callout.example",
        "img-src": "'self' data:",
        "script-src": "'self'",
        "style-src": f"'self' 'nonce-{nonce[1]}'",
    }


async def test_a_nonce_is_used_once(client: AsyncClient) -> None:
    first, second = [(await client.get("/graphiql")).text for _ in range(2)]
    assert first != second


async def test_a_forged_host_adds_nothing_to_the_policy(client: AsyncClient) -> None:
    response = await client.get("/graphiql", headers={"host": "x; script-src *"})
    policy = directives(response.headers["content-security-policy"])
    assert (policy["connect-src"], policy["script-src"]) == ("'self'", "'self'")


async def test_the_landing_page_runs_no_script(client: AsyncClient) -> None:
    response = await client.get("/")
    policy = directives(response.headers["content-security-policy"])
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert "<script" not in response.text


async def test_development_offers_one_demo_account_of_each_role(client: AsyncClient) -> None:
    accounts = config_in((await client.get("/graphiql")).text)["accounts"]
    assert [account["role"] for account in accounts] == list(
        dict.fromkeys(account.role for account in ACCOUNTS)
    )
    assert {account["email"] for account in accounts} <= {account.email for account in ACCOUNTS}


async def test_production_shows_no_demo_account(production: AsyncClient) -> None:
    html = (await production.get("/graphiql")).text
    assert config_in(html)["accounts"] == []
    assert PASSWORD not in html
    assert "demo.callout" not in html


async def test_graphiql_can_be_switched_off() -> None:
    async with client_of(configured(graphiql=False)) as client:
        assert (await client.get("/graphiql")).status_code == 404
        assert "/graphiql" not in (await client.get("/")).text


async def test_an_address_without_its_fingerprint_is_asked_again_each_time(
    client: AsyncClient,
) -> None:
    first = await client.get("/assets/landing.css?v=another")
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get(
        "/assets/landing.css", headers={"if-none-match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_a_browser_that_reads_gzip_gets_it(client: AsyncClient) -> None:
    body = shelf()["graphiql.js"].body
    packed = await client.get("/assets/graphiql.js", headers={"accept-encoding": "gzip"})
    plain = await client.get("/assets/graphiql.js", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(body) / 2
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == body
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "address",
    [
        "/assets/nothing.js",
        "/assets/manifest.json",
        "/assets/..%2Fmanifest.json",
        "/assets/%2e%2e/package.json",
        "/assets/",
    ],
)
async def test_nothing_beside_the_assets_is_served(client: AsyncClient, address: str) -> None:
    assert (await client.get(address)).status_code == 404
