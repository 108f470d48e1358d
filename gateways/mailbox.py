"""Where does a message go when there is nobody to carry it? Into a box that developers read.

Nothing leaves: e-mails, text and push messages are kept in Redis, the last of them, and shown at
/dev/outbox. It stands in for all three carriers in development, and only there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
import structlog
from redis.exceptions import RedisError
from uuid_utils.compat import uuid7

from domain.messages import Channel
from gateways.errors import GatewayUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from redis.asyncio import Redis

    from gateways.mail import Mail
    from gateways.push import Push

log = structlog.get_logger(__name__)

#: How many messages are kept.
KEPT: Final = 500
#: Of what is kept. Another version's are not shown.
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A message that was kept instead of being sent."""

    id: str
    channel: Channel
    at: datetime
    #: The delivery's id.
    key: str
    #: An e-mail address, a telephone number or a device's token.
    to: str
    to_name: str = ""
    #: An e-mail's subject, or a push message's title.
    subject: str = ""
    text: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)


class Mailbox:
    """The last messages of one installation, newest first."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        """Keep them in `redis`, under a name that begins with `namespace`."""
        self._redis = redis
        self._name = f"{namespace}:outbox:{_VERSION}"

    async def keep(self, channel: Channel, *, key: str, to: str, text: str, **more: Any) -> str:
        """Keep one; its id here. Raises GatewayUnavailable."""
        kept = Kept(
            id=uuid7().hex,
            channel=channel,
            at=datetime.now(UTC),
            key=key,
            to=to,
            text=text,
            **more,
        )
        try:
            async with self._redis.pipeline() as pipe:
                pipe.lpush(self._name, orjson.dumps(asdict(kept)))
                pipe.ltrim(self._name, 0, KEPT - 1)
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise GatewayUnavailable(f"The outbox cannot be reached: {error}") from error
        log.info("message.kept_unsent", channel=channel.value, key=key)
        return f"unsent_{kept.id}"

    async def all(self) -> list[Kept]:
        """All that are kept, newest first."""
        kept = cast("Awaitable[list[bytes]]", self._redis.lrange(self._name, 0, KEPT - 1))
        return [_read(one) for one in await kept]


@dataclass(frozen=True, slots=True)
class UnsentMail:
    """Keeps e-mails, and sends none."""

    mailbox: Mailbox

    async def send(self, mail: Mail) -> str | None:
        """Keep it."""
        headers = dict(mail.headers)
        if mail.unsubscribe_url:
            headers["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        return await self.mailbox.keep(
            Channel.EMAIL,
            key=str(mail.id),
            to=mail.to,
            to_name=mail.to_name,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            headers=headers,
        )

    async def close(self) -> None:
        """Nothing was opened."""


@dataclass(frozen=True, slots=True)
class UnsentSms:
    """Keeps text messages, and sends none."""

    mailbox: Mailbox

    async def send(self, *, to: str, text: str, key: str) -> str:
        """Keep it."""
        return await self.mailbox.keep(Channel.SMS, key=key, to=to, text=text)

    async def close(self) -> None:
        """Nothing was opened."""


@dataclass(frozen=True, slots=True)
class UnsentPush:
    """Keeps push messages, and sends none."""

    mailbox: Mailbox

    async def send(self, *, token: str, push: Push, key: str) -> str:
        """Keep it."""
        return await self.mailbox.keep(
            Channel.PUSH,
            key=key,
            to=token,
            subject=push.title,
            text=push.body,
            data=dict(push.data),
        )

    async def close(self) -> None:
        """Nothing was opened."""


def _read(raw: bytes) -> Kept:
    said = orjson.loads(raw)
    return Kept(
        **said | {"channel": Channel(said["channel"]), "at": datetime.fromisoformat(said["at"])}
    )
