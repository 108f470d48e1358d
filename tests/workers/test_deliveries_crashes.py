"""What becomes of a message whose sender dies on the way?"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from domain.messages import Channel
from gateways.failpoints import STATUS
from tests.factories import now
from tests.sending import let_pauses_pass, standing, statuses, tell
from tests.smtp_server import SmtpServer, smtp_server

if TYPE_CHECKING:
    from db.engine import Database

EMAIL = Channel.EMAIL


async def drain(database_url: str, server: SmtpServer, *, dying_at: str = "") -> int | None:
    """The exit status of a process that sends what is due, or dies."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.draining", database_url, str(server.port)),
        env=os.environ | {"CALLOUT_FAILPOINTS": dying_at},
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await asyncio.wait_for(process.wait(), timeout=120)


@pytest.mark.parametrize(
    ("point", "sent"), [("delivery.after_claim", 1), ("delivery.after_send", 2)]
)
async def test_whoever_dies_on_the_way_leaves_it_to_another_when_the_lease_has_passed(
    database: Database, database_url: str, point: str, sent: int
) -> None:
    told = await tell(database)
    async with smtp_server() as server:
        assert await drain(database_url, server, dying_at=point) == STATUS
        ((claimed,),) = (await standing(database, told)).values()
        assert statuses([claimed]) == [("WAITING", 1)]
        assert claimed.due_at > await now(database)
        assert len(server.received) == sent - 1

        await let_pauses_pass(database)
        assert await drain(database_url, server) == 0

        assert statuses((await standing(database, told))[EMAIL]) == [("SENT", 2)]
        # The same mail, as its mailbox can see.
        ids = [mail.message["Message-ID"] for mail in server.received]
        assert (len(ids), len(set(ids))) == (sent, 1)
