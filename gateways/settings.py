"""What does the environment say? Every setting, read once, checked, with its default.

Production is configured by environment only. `callout dev` fills in the addresses of the servers
it starts itself and passes them on by the same variables.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from gateways.credentials import GatewaySettings
from gateways.house import HouseSettings

#: The signing key of development servers. Production refuses to start with it.
DEVELOPMENT_SECRET = "development-only-secret-do-not-use-in-production"

#: Scheme and host, and a path where the server does not have the host for itself.
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


class Settings(HouseSettings, GatewaySettings):
    """Callout's settings. The environment variable of `port` is `CALLOUT_PORT`, and so on;
    DATABASE_URL and REDIS_URL go by their usual names."""

    model_config = SettingsConfigDict(
        env_prefix="CALLOUT_",
        # A compose file passes on what nobody has set as an empty text.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    mode: Literal["production", "development"] = "production"
    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    redis_url: SecretStr = Field(validation_alias="REDIS_URL")
    #: Prefix of every Redis key, queue and channel, so that several installations share a server.
    redis_namespace: str = "callout"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    #: The address by which the world reaches this server, for links that leave it.
    public_url: str | None = None
    secret: SecretStr = Field(description="Signs access tokens; at least 32 characters.")
    issuer: str = "callout"
    audience: str = "callout"
    #: A sign-in lasts this long, however often it is refreshed.
    session_days: int = Field(default=30, ge=1, le=365)
    #: Sign-ins in 15 minutes, for each account and for each address.
    sign_in_limit: int = Field(default=10, ge=1)
    #: What one provider may do: list their offers and accept in an hour, reject in a day.
    offer_listing_limit: int = Field(default=100, ge=1)
    accept_limit: int = Field(default=20, ge=1)
    reject_limit: int = Field(default=50, ge=1)
    #: Origins of the front ends that may call from a browser, comma-separated.
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    #: Proxies whose X-Forwarded-For is believed, comma-separated addresses.
    trusted_proxies: str = "127.0.0.1"
    introspection: Literal["everyone", "signed_in", "nobody"] = "signed_in"
    graphiql: bool = True
    #: WebSockets and event streams open at once in one process, for a user and for an address.
    sockets_per_principal: int = Field(default=20, ge=1)
    sockets_per_address: int = Field(default=200, ge=1)
    #: What a user (or an address, for strangers) may spend on operations: at once, and per second.
    cost_bucket: int = Field(default=2000, ge=1)
    cost_restored_per_second: int = Field(default=100, ge=1)
    database_pool: int = Field(default=10, ge=1, le=200)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    #: OTLP/HTTP endpoint for traces; none means no tracing.
    otlp_endpoint: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _split_origins(cls, values: dict[str, object]) -> dict[str, object]:
        origins = values.get("allowed_origins")
        if isinstance(origins, str):
            values["allowed_origins"] = tuple(o.strip() for o in origins.split(",") if o.strip())
        return values

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        secret = self.secret.get_secret_value()
        if len(secret) < 32:
            message = "CALLOUT_SECRET needs at least 32 characters; make one: openssl rand -hex 32"
            raise ValueError(message)
        if self.is_production and secret == DEVELOPMENT_SECRET:
            message = "CALLOUT_SECRET is the development default; set one: openssl rand -hex 32"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _refuse_odd_addresses(self) -> Self:
        if self.public_url is not None and not _ADDRESS.fullmatch(self.public_url):
            message = "CALLOUT_PUBLIC_URL is an address such as https://callout.example.com"
            raise ValueError(message)
        return self

    @property
    def outside_url(self) -> str:
        """The address that links begin with, without a slash at its end."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        # Listening everywhere is no address to call; this machine's own is one of them.
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def is_production(self) -> bool:
        """Is this a real installation, with nothing shown or accepted that only developers need?"""
        return self.mode == "production"

    @cached_property
    def sqlalchemy_url(self) -> str:
        """The database address with the driver that Callout uses."""
        _, _, rest = self.database_url.get_secret_value().partition("://")
        return f"postgresql+asyncpg://{rest}"
