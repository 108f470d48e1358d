"""What does a resolver have at hand? The viewer, and ways to reach the database; never more.

One context serves one operation. It carries a way to open a transaction and never an open one:
Strawberry resolves fields concurrently, and a subscription may live for hours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry

from api.errors import Unauthenticated
from domain.people import Viewer

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from api.live import Hub
    from api.loaders import Loaders
    from api.rate_limits import RateLimits
    from db.engine import Connection, Database
    from domain.house import HouseRules
    from gateways.outside import Outside
    from gateways.passwords import Passwords
    from gateways.settings import Settings
    from gateways.tokens import AccessTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A viewer whom a token has proved, and until when it does."""

    viewer: Viewer
    expires_at: datetime
    #: The token itself, to prove it again.
    token: str = field(default="", repr=False)


#: Turns a bearer token into its viewer. Raises `Unauthenticated` when the token is not good.
Authenticate: TypeAlias = Callable[[str], Awaitable[SignedIn]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one process has one of. Shared by every context in it."""

    settings: Settings
    database: Database
    redis: Redis
    hub: Hub
    authenticate: Authenticate
    passwords: Passwords
    tokens: AccessTokens
    rate_limits: RateLimits
    outside: Outside


@dataclass(kw_only=True)
class Context:
    """One operation's surroundings."""

    services: Services
    viewer: Viewer | None
    #: The client's address, already seen through trusted proxies.
    address: str
    request_id: str = ""
    #: What an operation's parts want to keep between them; nothing outlives the operation.
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def user(self) -> Viewer:
        """The signed-in viewer. Raises Unauthenticated when there is none."""
        if self.viewer is None:
            raise Unauthenticated
        return self.viewer

    @property
    def settings(self) -> Settings:
        """The process's settings."""
        return self.services.settings

    @property
    def house(self) -> HouseRules:
        """The house's own numbers, and the rules of a service that does not say otherwise."""
        return self.services.settings.house

    @property
    def database(self) -> Database:
        """The pool that `begin` and `read` draw from."""
        return self.services.database

    @property
    def outside(self) -> Outside:
        """The services outside that the process calls."""
        return self.services.outside

    @property
    def redis(self) -> Redis:
        """The process's Redis client."""
        return self.services.redis

    @property
    def hub(self) -> Hub:
        """The process's live hub."""
        return self.services.hub

    def begin(self) -> AbstractAsyncContextManager[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        return self.services.database.begin()

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """One short read outside any transaction."""
        return self.services.database.read()

    @cached_property
    def loaders(self) -> Loaders:
        """Batches and remembers reads by id, until `forget`."""
        from api.loaders import Loaders

        return Loaders(self.services.database, self.house)

    def forget(self) -> None:
        """Read afresh from here on: something was written, or another event has come."""
        self.__dict__.pop("loaders", None)


#: What a resolver's `info` argument is.
Info: TypeAlias = strawberry.Info[Context, None]
