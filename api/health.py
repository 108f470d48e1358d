"""Is this process alive, is it able to serve, and what has it counted?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import metrics
from db import schema

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.context import Services

#: A part that takes longer than this to answer is away.
_PATIENCE: Final = 3.0

OK: Final = "ok"


def routes(services: Services) -> list[Route]:
    """/healthz, /readyz and /metrics."""

    async def alive(_: Request) -> Response:
        return _json({"status": "alive"})

    async def ready(_: Request) -> Response:
        database, redis = await asyncio.gather(_database(services), _redis(services))
        parts = {"database": database, "redis": redis}
        if database != OK:
            return _json({"status": "unavailable", **parts}, 503)
        # Acts commit without Redis; only streams are late until it is back.
        return _json({"status": "ready" if redis == OK else "degraded", **parts})

    async def counted(_: Request) -> Response:
        metrics.pool.set(services.database.in_use)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", alive),
        Route("/readyz", ready),
        Route("/metrics", counted, include_in_schema=False),
    ]


def _json(content: dict[str, str], status: int = 200) -> Response:
    return JSONResponse(content, status, {"Cache-Control": "no-store"})


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            if await schema.is_current(services.database):
                return OK
    except Exception:  # noqa: BLE001  # whatever is wrong with it, it is not ready
        return "PostgreSQL does not answer: check DATABASE_URL and that the server runs"
    return "the schema is not this version's: run `callout migrate`"


async def _redis(services: Services) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            await services.redis.ping()
    except (RedisError, OSError, TimeoutError):
        return "Redis does not answer: check REDIS_URL; live streams are late until it is back"
    return OK
