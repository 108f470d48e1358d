"""How long may a connection that stays open go on speaking for its viewer?

Until the access token lapses or the session is revoked, whichever comes first.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.errors import Unauthenticated
from api.live.subscription import Interrupted
from db.engine import is_unavailable
from domain.audience import session_topic
from domain.events import EventType

if TYPE_CHECKING:
    from api.context import Services, SignedIn

LAPSED = "The access token has lapsed: connect again with a fresh one."
REVOKED = "The session was ended."


async def ended(services: Services, signed_in: SignedIn) -> str:
    """Wait until the viewer's time is over, and say why."""
    left = (signed_in.expires_at - datetime.now(UTC)).total_seconds()
    try:
        async with asyncio.timeout(max(0, left)):
            await _revoked(services, signed_in)
    except TimeoutError:
        return LAPSED
    return REVOKED


async def _revoked(services: Services, signed_in: SignedIn) -> None:
    topic = session_topic(signed_in.viewer.session_id)
    try:
        async with services.hub.subscribe([topic]) as deliveries:
            # It may have happened between the proof of the token and now.
            if not await _stands(services, signed_in.token):
                return
            async for delivery in deliveries:
                if delivery.event.type is EventType.SESSION_REVOKED:
                    return
    except Interrupted:
        # Only a process that is shutting down stops this stream, and its sockets with it.
        await asyncio.Event().wait()


async def _stands(services: Services, token: str) -> bool:
    while True:
        try:
            await services.authenticate(token)
        except Unauthenticated:
            return False
        except Exception as error:
            if not is_unavailable(error):
                raise
            await asyncio.sleep(1)
        else:
            return True
