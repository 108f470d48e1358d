"""How much may one caller ask of us, and how many connections may they keep open?

A caller is a user, or an address for those who are not signed in. What operations cost is drawn
from a bucket that refills with time. Buckets live in Redis, so that every process draws from the
same one; while Redis is away each process keeps its own, and no request fails because of it.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from redis.exceptions import RedisError

from api.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis.asyncio import Redis

    from domain.people import Viewer
    from gateways.settings import Settings

#: Draws ARGV[3] from the bucket if it holds that much, after giving back ARGV[4]; the answer is
#: whether it did, and what is left. Redis's clock is the one clock of all processes.
_DRAW: Final = """
local capacity, rate, cost, back = unpack(ARGV)
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(held[1] or capacity) + (now - tonumber(held[2] or now)) * rate + back
level = math.max(0, math.min(tonumber(capacity), level))
local drawn = 0
if level >= tonumber(cost) then
  level = level - cost
  drawn = 1
end
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], math.ceil(capacity / rate) + 1)
return {drawn, tostring(level)}
"""

#: After Redis failed, how long until it is asked again.
_REDIS_PAUSE: Final = 1.0
#: Buckets remembered in the process. One that is forgotten is full again, as time makes it anyway.
_REMEMBERED: Final = 10_000

log = structlog.get_logger(__name__)


class Balance(NamedTuple):
    """A bucket after an attempt to draw from it."""

    drawn: bool
    remaining: float


def principal_of(viewer: Viewer | None, address: str) -> str:
    """The name of the caller: the user, or else the address."""
    return f"user:{viewer.user_id}" if viewer else f"address:{network_of(address)}"


def network_of(address: str) -> str:
    """The address, or for IPv6 the network that one household has for itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


class Buckets:
    """One bucket for each principal."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.capacity = settings.cost_bucket
        self.rate = settings.cost_restored_per_second
        self._prefix = f"{settings.redis_namespace}:bucket:"
        self._draw = redis.register_script(_DRAW)
        self._redis_back_at = 0.0
        self._own: OrderedDict[str, tuple[float, float]] = OrderedDict()
        #: What operations were charged and did not use; given back with the next draw.
        self._owed: dict[str, float] = {}

    async def draw(self, principal: str, cost: float) -> float:
        """Take `cost` and say what is left. Raises RateLimited when there is not so much."""
        back = self._owed.pop(principal, 0.0)
        balance = await self._shared(principal, cost, back)
        if not balance.drawn:
            wait = (min(cost, self.capacity) - balance.remaining) / self.rate
            message = "You have asked for more than your budget; it refills with time."
            raise RateLimited(message, retry_after=wait, remaining=balance.remaining)
        return balance.remaining

    def give_back(self, principal: str, amount: float) -> None:
        """Return what was charged and not used, or (below zero) charge what was used beyond."""
        if len(self._owed) >= _REMEMBERED:
            self._owed.clear()
        self._owed[principal] = self._owed.get(principal, 0.0) + amount

    async def _shared(self, principal: str, cost: float, back: float) -> Balance:
        if time.monotonic() >= self._redis_back_at:
            arguments = [self.capacity, self.rate, cost, back]
            try:
                drawn, level = await self._draw([self._prefix + principal], arguments)
            except (RedisError, OSError) as error:
                self._redis_back_at = time.monotonic() + _REDIS_PAUSE
                log.warning("buckets.redis_away", error=repr(error))
            else:
                return Balance(bool(drawn), float(level))
        return self._alone(principal, cost, back, time.monotonic())

    def _alone(self, principal: str, cost: float, back: float, now: float) -> Balance:
        level, at = self._own.pop(principal, (float(self.capacity), now))
        level = max(0.0, min(self.capacity, level + (now - at) * self.rate + back))
        drawn = level >= cost
        level -= cost if drawn else 0
        self._own[principal] = level, now
        if len(self._own) > _REMEMBERED:
            self._own.popitem(last=False)
        return Balance(drawn, level)


class TooManyConnections(Exception):
    """This principal or address has as many connections open as it may."""


class Connections:
    """How many sockets and streams are open in this process, by whom."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = {
            "user": settings.sockets_per_principal,
            "address": settings.sockets_per_address,
        }
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_more(self, principal: str) -> Iterator[None]:
        """Count a connection while it is open. Raises TooManyConnections."""
        if self._open[principal] >= self._allowed[principal.partition(":")[0]]:
            raise TooManyConnections(principal)
        self._open[principal] += 1
        try:
            yield
        finally:
            self._open[principal] -= 1
            if not self._open[principal]:
                del self._open[principal]
