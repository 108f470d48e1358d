"""A process that drains the mail channel once: one that may be killed on the way.

python -m tests.draining DATABASE_URL SMTP_PORT
"""

from __future__ import annotations

import asyncio
import sys

from db.engine import Database
from domain.messages import Channel
from gateways.smtp import MailServer, SmtpMailer
from tests import servers
from tests.outside import an_outside
from workers.deliveries import deliver
from workers.jobs import Context
from workers.queue import JobQueue


async def main(url: str, port: int) -> None:
    """Send what is due."""
    server = MailServer(host="127.0.0.1", port=port, security="none")
    outside = an_outside(mail=SmtpMailer(server, sender="Callout <no-reply@callout.example>"))
    database = Database(servers.with_driver(url), name="draining")
    # A drainer enqueues nothing.
    jobs = JobQueue(None, "draining")  # type: ignore[arg-type]  # nothing is queued
    await deliver(
        Context(database=database, jobs=jobs, queue="slow", outside=outside), Channel.EMAIL
    )
    await outside.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
