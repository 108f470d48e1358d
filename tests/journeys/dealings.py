"""How does a town deal with the services outside, when its processes die or those services do?

Stripe, the mail server and Twilio are the module's own, and do as a test says. Who dies does so at
a failpoint; time passes by moving what is due, and sweeps look when a test says that they do.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from arq.constants import in_progress_key_prefix
from sqlalchemy import Select, Table, func, select, update

from api import ids
from db.engine import Database
from db.tables import dead_letters, deliveries, gateway_events, notifications, untold_events
from domain.messages import Channel, Message
from gateways import failpoints
from tests.http_server import Answer, HttpServer
from tests.installation import Process
from tests.journeys.documents import PAY
from tests.journeys.town import Person, Town
from tests.outside import an_outside
from tests.smtp_server import SmtpServer
from tests.stripe_server import StripeServer
from tests.stripe_webhooks import Webhook, webhook
from tests.waiting import comes_to, until
from workers.jobs import Context
from workers.queue import Call, Queue
from workers.sweeps import deliveries_due
from workers.sweeps import untold_events as overlooked_events

#: What a service of the journeys costs, in pence.
PRICE: Final = 4050
#: What is due in less than this is let alone: somebody may be about to take it up.
_SOON: Final = timedelta(seconds=0.5)
_ACCOUNT: Final = "AC1"
#: Where Twilio takes text messages.
TEXTS: Final = f"/2010-04-01/Accounts/{_ACCOUNT}/Messages.json"


def keys(stripe: StripeServer, mail: SmtpServer, texts: HttpServer) -> dict[str, str]:
    """What processes have to be told to call these."""
    texts.say(TEXTS, Answer(status=201, body={"sid": "SM1"}))
    return {
        **stripe.environment,
        "CALLOUT_SMTP_HOST": "127.0.0.1",
        "CALLOUT_SMTP_PORT": str(mail.port),
        "CALLOUT_SMTP_SECURITY": "none",
        # Who hangs does so until a test says otherwise, or the worker gives up by itself.
        "CALLOUT_SMTP_TIMEOUT_SECONDS": "60",
        "CALLOUT_TWILIO_ACCOUNT_SID": _ACCOUNT,
        "CALLOUT_TWILIO_AUTH_TOKEN": "a-token",
        "CALLOUT_TWILIO_FROM": "+15005550006",
        "CALLOUT_TWILIO_API_BASE": texts.address,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealings:
    """A town with a slow worker, and those whom it calls."""

    town: Town
    slow: Process
    stripe: StripeServer
    mail: SmtpServer
    texts: HttpServer

    @property
    def database(self) -> Database:
        """The town's."""
        return self.town.database

    # Money.

    async def asked(self, who: Person, booking: UUID, **wish: Any) -> Any:
        """The payment that is to be made in the browser."""
        wanted = {"bookingId": ids.encode("Booking", booking), **wish}
        answer = await who.ask(PAY, input=wanted)
        assert answer["__typename"] == "PayBookingSuccess", answer
        return answer["payment"]

    async def hear(self, *said: Webhook) -> None:
        """Stripe says all of this at once, and is heard."""
        url = f"{self.town.callout.base}/webhooks/stripe"
        posts = [
            self.town.callout.http.post(url, content=one.body, headers=one.headers) for one in said
        ]
        assert [answer.status_code for answer in await asyncio.gather(*posts)] == [200] * len(said)

    async def pay(self, who: Person, booking: UUID) -> UUID:
        """Pay for a booking in the browser, and let Stripe say so; the payment's id."""
        payment = await self.asked(who, booking)
        await self.hear(webhook("payment_intent.succeeded", self.stripe.pay(intent_of(payment))))
        return payment_of(payment)

    async def heeded(self) -> None:
        """Return once all that Stripe said has been brought about."""
        g = gateway_events.c
        left = select(func.count()).where(g.handled_at.is_(None), g.payment_id.is_not(None))
        await comes_to(lambda: self.count(left), 0)

    # Messages.

    async def standing(self, who: UUID, *messages: Message) -> Counter[tuple[str, str]]:
        """The channels and statuses of the deliveries of such messages to somebody."""
        n, d = notifications.c, deliveries.c
        theirs = (n.recipient_id == who) & n.message.in_(messages)
        query = select(d.channel, d.status).join(notifications, n.id == d.notification_id)
        async with self.database.read() as connection:
            return Counter(
                (row[0], row[1]) for row in await connection.execute(query.where(theirs))
            )

    async def mails(self, who: UUID, *messages: Message) -> Counter[UUID]:
        """How often the mail server has got each of such mails to somebody."""
        n, d = notifications.c, deliveries.c
        theirs = (n.recipient_id == who) & n.message.in_(messages) & (d.channel == Channel.EMAIL)
        query = select(d.id).join(notifications, n.id == d.notification_id).where(theirs)
        got = Counter(mail.message["Message-ID"] for mail in self.mail.received)
        async with self.database.read() as connection:
            own = list(await connection.scalars(query))
        return Counter({uid: got[f"<{uid}@callout.example>"] for uid in own})

    async def all_is_told(self) -> None:
        """Return once everybody has been told of everything, and all of it is sent or at rest."""
        waiting = select(func.count()).where(deliveries.c.status == "WAITING")
        await comes_to(lambda: self.count(select(func.count()).select_from(untold_events)), 0)
        await comes_to(lambda: self.count(waiting), 0)

    async def resting(self) -> int:
        """How many dead letters nobody has replayed."""
        unreplayed = dead_letters.c.replayed_at.is_(None)
        return await self.count(select(func.count()).where(unreplayed))

    # Time, and what looks at it.

    async def let_pass(self, table: Table) -> None:
        """Let leases and pauses pass: what waits is due now."""
        waits = update(table).where(table.c.status == "WAITING")
        due_at = func.clock_timestamp() - timedelta(seconds=1)
        async with self.database.begin() as tx:
            await tx.execute(waits.values(due_at=due_at))

    async def stretch(self, table: Table) -> None:
        """Let what waits wait for as long as a test takes, on however slow a machine."""
        waits = update(table).where(table.c.status == "WAITING")
        async with self.database.begin() as tx:
            await tx.execute(waits.values(due_at=table.c.due_at + timedelta(hours=1)))

    async def _lose_calls(self, queue: Queue) -> None:
        """Let Redis lose the calls of a queue, and the time pass after which that is noticed."""
        await self.forget_calls(queue)
        await self.town.jobs.redis.delete(self.town.jobs.name(queue))
        long_ago = untold_events.c.since - timedelta(minutes=1)
        async with self.database.begin() as tx:
            await tx.execute(update(untold_events).values(since=long_ago))

    async def let_mails_arrive(self) -> None:
        """Let the pauses of mails that wait pass, and the leases of workers that have ended, until
        all is sent or at rest."""
        d = deliveries.c
        paused = (d.status == "WAITING") & (d.due_at > func.clock_timestamp() + _SOON)
        due_at = func.clock_timestamp() - timedelta(seconds=1)
        async with asyncio.timeout(60):
            while await self.count(select(func.count()).where(d.status == "WAITING")):
                # What a worker has taken up is left to it: it would be sent again.
                if not await self.town.jobs.redis.keys(self._drainers):
                    async with self.database.begin() as tx:
                        await tx.execute(update(deliveries).where(paused).values(due_at=due_at))
                    await self.sweep(deliveries_due)
                await asyncio.sleep(0.02)

    async def forget_calls(self, queue: Queue = "slow") -> None:
        """Let the time pass for which Redis keeps the calls that a worker had when it died from
        everybody else: the longest that any job of its queue may take, and some."""
        redis, name = self.town.jobs.redis, self.town.jobs.name(queue)
        if calls := await redis.zrange(name, 0, -1):
            await redis.delete(*(f"{in_progress_key_prefix}{one.decode()}" for one in calls))

    @property
    def _drainers(self) -> str:
        """What Redis knows those by who are draining the channel, whoever called them."""
        call = Call(job="deliver", arguments=(), queue="slow", key=f"deliver:{Channel.EMAIL}")
        return f"{in_progress_key_prefix}{self.town.jobs.id(call)}*"

    async def sweep(self, *looks: Callable[[Context], Awaitable[int]]) -> None:
        """Have sweeps look now."""
        context = Context(
            database=self.database, jobs=self.town.jobs, queue="critical", outside=an_outside()
        )
        for look in looks:
            await look(context)

    # Processes.

    @asynccontextmanager
    async def doomed(
        self, *points: str, instead_of: Process, queue: Queue = "slow"
    ) -> AsyncIterator[Doomed]:
        """In the place of a worker one for each failpoint, each of which dies at its own. At the
        end of the block all of them have, what they were called for is lost, and the worker is
        started again: whatever is still to be done, rows say.

        They are started together, because a start takes its time; which of them gets which job is
        all the same.
        """
        instead_of.terminate()
        made = [
            self.town.callout.process(f"doomed-at-{point}", "worker", queue) for point in points
        ]
        for one, point in zip(made, points, strict=True):
            one.start(CALLOUT_FAILPOINTS=point)
        await instead_of.ended()
        await until(lambda: all(is_at_work(one) for one in made), seconds=60)
        yield Doomed(processes=made)
        assert [one.status for one in made] == [failpoints.STATUS] * len(points)
        await self._lose_calls(queue)
        instead_of.start()
        await self.sweep(overlooked_events)

    async def count(self, query: Select[Any]) -> int:
        """The number that a query finds."""
        async with self.database.read() as connection:
            return int(await connection.scalar(query) or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """Workers each of which will die."""

    processes: list[Process]

    async def falls(self, number: int) -> None:
        """Return once so many of them have died."""
        await until(lambda: sum(one.status is not None for one in self.processes) >= number)


def is_at_work(worker: Process) -> bool:
    """Has it begun to take jobs?"""
    return worker.log.exists() and "worker.started" in worker.log.read_text()


def payment_of(payment: Any) -> UUID:
    """A payment's own id."""
    return ids.parse("Payment", payment["id"], "id")


def intent_of(payment: Any) -> str:
    """What Stripe calls a payment that is to be made in the browser."""
    intent, _, _ = payment["clientSecret"].partition("_secret_")
    return str(intent)
