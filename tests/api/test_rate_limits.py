"""Is an act refused when it is one too many, in every process and when Redis is away?"""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
import time_machine
from redis.asyncio import Redis

from api.errors import RateLimited
from api.rate_limits import Limit, RateLimits

THREE = Limit(act="sign-in", amount=3, window=timedelta(minutes=15))


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The address of a Redis that is not there, held so that nobody else comes to be."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{held.getsockname()[1]}"


async def spend(limits: RateLimits, caller: str, times: int, limit: Limit = THREE) -> None:
    for _ in range(times):
        await limits.spend(limit, caller)


async def test_the_act_after_the_last_allowed_is_refused_until_the_window_has_passed(
    redis_url: str, namespace: str
) -> None:
    limits = RateLimits(redis_url, namespace=namespace)
    await spend(limits, "ada", 3)
    with pytest.raises(RateLimited) as refused:
        await limits.spend(THREE, "ada")
    assert refused.value.extensions == {
        "code": "RATE_LIMITED",
        "retryAfter": refused.value.retry_after,
    }
    assert 0 < refused.value.retry_after <= 900
    assert str(refused.value.message) == (
        "Too many tries: sign-in is allowed 3 times in 15 minutes."
    )
    await limits.close()


async def test_callers_and_acts_are_counted_apart(redis_url: str, namespace: str) -> None:
    limits = RateLimits(redis_url, namespace=namespace)
    await spend(limits, "ada", 3)
    await spend(limits, "eve", 3)
    await spend(limits, "ada", 3, Limit(act="accept", amount=3, window=timedelta(hours=1)))
    await limits.close()


async def test_processes_share_one_count_and_installations_do_not(
    redis_url: str, namespace: str
) -> None:
    first = RateLimits(redis_url, namespace=namespace)
    second = RateLimits(redis_url, namespace=namespace)
    elsewhere = RateLimits(redis_url, namespace=f"{namespace}-other")
    await spend(first, "ada", 2)
    await spend(second, "ada", 1)
    with pytest.raises(RateLimited):
        await first.spend(THREE, "ada")
    await spend(elsewhere, "ada", 3)
    for limits in (first, second, elsewhere):
        await limits.close()


async def test_of_twenty_acts_at_once_only_the_allowed_number_goes_through(
    redis_url: str, namespace: str
) -> None:
    limits = RateLimits(redis_url, namespace=namespace)
    outcomes = await asyncio.gather(
        *(limits.spend(THREE, "ada") for _ in range(20)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 3
    assert sum(isinstance(outcome, RateLimited) for outcome in outcomes) == 17
    await limits.close()


async def test_a_refused_act_does_not_prolong_the_wait(redis_url: str, namespace: str) -> None:
    limits = RateLimits(redis_url, namespace=namespace)
    with time_machine.travel("2026-03-14T12:00:00Z", tick=False) as clock:
        await spend(limits, "ada", 3)
        clock.shift(600)
        with pytest.raises(RateLimited) as refused:
            await limits.spend(THREE, "ada")
        assert refused.value.retry_after == 300
        clock.shift(301)
        await limits.spend(THREE, "ada")
    await limits.close()


async def test_no_name_of_a_caller_is_written_to_redis(redis_url: str, namespace: str) -> None:
    limits = RateLimits(redis_url, namespace=namespace)
    await limits.spend(THREE, "account:ada@example.com")
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter(match=f"{namespace}*")]
    assert len(keys) == 1
    assert b"ada" not in keys[0]
    await limits.close()


async def test_while_redis_is_away_the_process_counts_for_itself(
    nowhere: str, namespace: str
) -> None:
    limits = RateLimits(nowhere, namespace=namespace)
    await spend(limits, "ada", 3)
    with pytest.raises(RateLimited) as refused:
        await limits.spend(THREE, "ada")
    assert 0 < refused.value.retry_after <= 900
    await spend(limits, "eve", 3)
    await limits.close()


async def test_a_redis_that_does_not_answer_is_given_up_and_left_alone(namespace: str) -> None:
    visits: list[asyncio.StreamWriter] = []

    async def silence(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(writer)

    silent = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    limits = RateLimits(f"redis://127.0.0.1:{port}", namespace=namespace, rest=3600)
    await spend(limits, "ada", 3)
    with pytest.raises(RateLimited):
        await limits.spend(THREE, "ada")
    assert len(visits) == 1
    await limits.close()
    visits[0].close()
    silent.close()


async def test_when_redis_is_back_it_counts_again(redis_url: str, namespace: str) -> None:
    server = urlsplit(redis_url)
    secret = "".join(server.netloc.rpartition("@")[:2])

    async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await asyncio.open_connection(server.hostname, server.port)
        await asyncio.gather(pipe(reader, upstream[1]), pipe(upstream[0], writer))

    way_in = await asyncio.start_server(relay, "127.0.0.1", 0)
    host, port = way_in.sockets[0].getsockname()
    way_in.close()
    await way_in.wait_closed()
    away = urlunsplit(server._replace(netloc=f"{secret}{host}:{port}"))
    limits = RateLimits(away, namespace=namespace, rest=0)
    await limits.spend(THREE, "ada")
    way_in = await asyncio.start_server(relay, host, port)
    async with asyncio.timeout(30), Redis.from_url(redis_url) as redis:
        while not await redis.keys(f"{namespace}*"):
            await limits.spend(Limit(act="other", amount=10_000, window=THREE.window), "ada")
            await asyncio.sleep(0.05)
    await limits.close()
    way_in.close()
    await way_in.wait_closed()
