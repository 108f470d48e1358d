"""How long do a thousand e-mails take from being queued until a mail server has taken them all?

    python -m benchmarks.mail --mails 1000 --thinks 0 20

By the job that drains the channel: facts read, letters written, handed over, and noted as sent. The
server speaks SMTP on this machine in a process of its own, and thinks about each mail for so many
milliseconds before it takes it, as a server further away would. The baseline, in the same run, does
the same for one after another, over a new connection each. Prints a table and then JSON.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import insert, select
from sqlalchemy.sql import func

from benchmarks import report
from db import deliveries
from db.deliveries import Tried
from db.engine import Database
from db.ids import new_id
from db.tables import bookings, notifications
from db.tables import deliveries as deliveries_table
from domain.house import DEFAULT
from domain.messages import Channel, Message
from gateways.smtp import MailServer, SmtpMailer
from tests import servers
from tests.factories import add_booking, add_customers, add_service, now
from tests.outside import an_outside
from tests.smtp_server import smtp_server
from workers.carriers import Parcel, carry
from workers.deliveries import deliver
from workers.jobs import Context
from workers.parcels import pack
from workers.queue import JobQueue

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Iterator

    from gateways.outside import Outside

#: Seconds that the channel's drainer may take for a thousand.
_TARGET: Final = 10.0


async def queue(database: Database, mails: int) -> None:
    """So many people, each told of a booking of theirs, by mail that is due."""
    service = await add_service(database)
    customers = await add_customers(database, count=mails)
    one = await add_booking(database, customers[0], service)
    at = await now(database)
    async with database.begin() as tx:
        row = (await tx.execute(select(bookings).where(bookings.c.id == one.id))).one()
        facts = [dict(row._mapping) | {"id": new_id(), "customer_id": c.user_id} for c in customers]
        await tx.execute(insert(bookings), facts)
        told = [
            {
                "id": new_id(),
                "recipient_id": fact["customer_id"],
                "message": Message.BOOKING_REQUESTED,
                "cause": f"benchmark:{fact['id']}",
                "subject": {"booking": str(fact["id"]), "customer": str(fact["customer_id"])},
                "listed": True,
                "created_at": at,
            }
            for fact in facts
        ]
        await tx.execute(insert(notifications), told)
        due = [
            {
                "id": new_id(),
                "notification_id": note["id"],
                "channel": Channel.EMAIL,
                "due_at": at,
            }
            for note in told
        ]
        await tx.execute(insert(deliveries_table), due)


async def drain(ctx: Context, mails: int) -> float:
    """Seconds until all are sent, as the job does it; it is called again where a sweep would."""
    began = perf_counter()
    left = mails
    while left:
        await deliver(ctx, Channel.EMAIL)
        before, left = left, mails - await sent(ctx.database)
        if left == before:
            raise SystemExit(f"{left} of {mails} mails do not leave.")
    return perf_counter() - began


async def one_by_one(ctx: Context, server: MailServer) -> float:
    """Seconds until all are sent, each read, written, handed over and noted before the next."""
    began = perf_counter()
    while True:
        async with ctx.database.begin() as tx:
            claimed = await deliveries.claim(tx, Channel.EMAIL, limit=1)
        if not claimed:
            return perf_counter() - began
        ((delivery, parcel),) = await pack(ctx.database, claimed, house=DEFAULT)
        assert isinstance(parcel, Parcel)
        mailer = _mailer(server)
        answer = await carry(replace(ctx.outside, mail=mailer), parcel)
        await mailer.close()
        async with ctx.database.begin() as tx:
            said = Tried(claimed=delivery, outcome=answer.outcome, jitter=0)
            await deliveries.settle(tx, [said])


async def sent(database: Database) -> int:
    """How many are noted as sent."""
    d = deliveries_table.c
    async with database.read() as connection:
        found = await connection.scalar(select(func.count()).where(d.status == "SENT"))
    return int(found or 0)


async def measure(template: servers.Template, options: argparse.Namespace) -> report.Figures:
    """Both ways, at each slowness of the server."""
    figures: dict[str, Any] = {}
    for thinks in options.thinks:
        async with listening(thinks) as server:
            mails = options.mails
            outside = an_outside(mail=_mailer(server))
            async with prepared(template, mails, outside) as ctx:
                drained = await drain(ctx, mails)
            await outside.close()
            async with prepared(template, mails, outside) as ctx:
                alone = await one_by_one(ctx, server)
        figures[f"thinks_{thinks}_ms"] = {
            "mails": mails,
            "seconds": round(drained, 2),
            "mails_per_second": round(mails / drained),
            "one_by_one_seconds": round(alone, 2),
            "times_faster": round(alone / drained, 1),
        }
    return {"target_seconds_per_1000": _TARGET, **figures}


@asynccontextmanager
async def prepared(
    template: servers.Template, mails: int, outside: Outside
) -> AsyncIterator[Context]:
    """A database in which so many mails are due, and what a worker has."""
    url = await template.clone()
    database = Database(servers.with_driver(url), name="mail")
    try:
        await queue(database, mails)
        # Nothing is enqueued: the drainer itself is called.
        jobs = JobQueue(None, "benchmark")  # type: ignore[arg-type]  # nothing is queued
        yield Context(database=database, jobs=jobs, queue="slow", outside=outside)
    finally:
        await database.close()
        template.drop(url)


@asynccontextmanager
async def listening(thinks: int) -> AsyncIterator[MailServer]:
    """A mail server in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.mail", "serve", str(thinks)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield MailServer(host="127.0.0.1", port=port, security="none")
    finally:
        process.stdin.close()
        await process.wait()


async def serve(thinks: int) -> None:
    """Take mail until nobody is there any more who asked for it."""
    async with smtp_server() as server:
        server.thinks = thinks / 1000
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


def _mailer(server: MailServer) -> SmtpMailer:
    return SmtpMailer(server, sender="Callout <no-reply@callout.example>")


def rows(figures: report.Figures) -> Iterator[tuple[str, str]]:
    """The table."""
    for name, found in figures.items():
        if isinstance(found, dict):
            thinks = name.split("_")[1]
            label = f"{found['mails']} mails, the server thinks {thinks} ms"
            yield label, f"{found['seconds']:.2f} s ({found['mails_per_second']}/s)"
            alone = f"{found['one_by_one_seconds']:.2f} s ({found['times_faster']} times as long)"
            yield "  one by one, a connection each", alone


def add_options(parser: argparse.ArgumentParser) -> None:
    """The sizes."""
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--thinks", type=int, nargs="+", default=[0, 20], help="milliseconds")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(int(sys.argv[2])))
    else:
        # Each mail is worth a line in the log, and none in a table.
        quiet = structlog.make_filtering_bound_logger(logging.WARNING)
        structlog.configure(wrapper_class=quiet)
        report.main("mail", add_options, measure, rows, __doc__)
