"""What do tests send? Messages about bookings, to carriers that remember what they were given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from db import deliveries
from db.ids import new_id
from db.tables import deliveries as deliveries_table
from db.tables import notifications
from domain.messages import Channel, Message
from gateways.smtp import MailServer, SmtpMailer
from tests.factories import add_booking, add_customer, add_service, now

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from db.engine import Database
    from domain.deliveries import Delivery
    from gateways.push import Push
    from tests.smtp_server import SmtpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message to somebody, and its delivery on each channel."""

    recipient_id: UUID
    notification_id: UUID
    booking_id: UUID
    deliveries: dict[Channel, UUID]


async def tell(
    database: Database,
    *channels: Channel,
    message: Message = Message.BOOKING_REQUESTED,
    delivery: dict[str, Any] | None = None,
    **person: Any,
) -> Told:
    """Somebody is told of a booking of theirs on these channels; it is due at once."""
    customer = await add_customer(database, **{"phone": "+442079460000"} | person)
    booking = await add_booking(database, customer, await add_service(database))
    at = await now(database)
    told = Told(
        recipient_id=customer.user_id,
        notification_id=new_id(),
        booking_id=booking.id,
        deliveries={channel: new_id() for channel in channels or (Channel.EMAIL,)},
    )
    row = {
        "id": told.notification_id,
        "recipient_id": told.recipient_id,
        "message": message,
        "cause": f"test:{told.notification_id}",
        "subject": {"booking": str(booking.id), "customer": str(customer.user_id)},
        "listed": True,
        "created_at": at,
    }
    rows = [
        {
            "id": id_,
            "notification_id": told.notification_id,
            "channel": channel,
            "due_at": at - timedelta(seconds=1),
        }
        | (delivery or {})
        for channel, id_ in told.deliveries.items()
    ]
    async with database.begin() as tx:
        await tx.execute(insert(notifications).values(row))
        await tx.execute(insert(deliveries_table), rows)
    return told


async def standing(database: Database, *told: Told) -> dict[Channel, list[Delivery]]:
    """Where these messages stand, channel by channel, in the order given."""
    ids = [one.notification_id for one in told]
    query = select(deliveries_table).where(deliveries_table.c.notification_id.in_(ids))
    async with database.read() as connection:
        found = [deliveries.delivery_of(row) for row in await connection.execute(query)]
    found.sort(key=lambda one: ids.index(one.notification_id))
    return {
        channel: [one for one in found if one.channel is channel]
        for channel in {one.channel for one in found}
    }


async def let_pauses_pass(database: Database) -> None:
    """What waits is due now."""
    d = deliveries_table.c
    at = await now(database) - timedelta(seconds=1)
    async with database.begin() as tx:
        late = update(deliveries_table).where(d.status == "WAITING", d.due_at > at)
        await tx.execute(late.values(due_at=at))


def mailer(server: SmtpServer, *, timeout: float = 10) -> SmtpMailer:
    """Hands mail to a server of the test's."""
    to = MailServer(host="127.0.0.1", port=server.port, security="none", timeout=timeout)
    return SmtpMailer(to, sender="Callout <no-reply@callout.example>")


@dataclass(slots=True)
class Texts:
    """Takes text messages, and remembers them."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    trouble: Exception | None = None

    async def send(self, *, to: str, text: str, key: str) -> str:
        """Remember it."""
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        self.sent.append((to, text, key))
        return f"text {len(self.sent)}"

    async def close(self) -> None:
        """Nothing was opened."""


@dataclass(slots=True)
class Pushes:
    """Takes push messages, but from the devices that are in trouble."""

    sent: list[tuple[str, Push, str]] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)

    async def send(self, *, token: str, push: Push, key: str) -> str:
        """Remember it."""
        await asyncio.sleep(0)
        if token in self.trouble:
            raise self.trouble[token]
        self.sent.append((token, push, key))
        return f"push {len(self.sent)}"

    async def close(self) -> None:
        """Nothing was opened."""


def statuses(found: Iterable[Delivery]) -> list[tuple[str, int]]:
    """The status of each, and how often it was tried."""
    return [(one.status.value, one.tries) for one in found]
