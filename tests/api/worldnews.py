"""What has everybody in the small world been told, and how do they want to be?

Everybody has been told everything that can be said of the customer's booking, as if they had been a
party to it once: what they read of it now is what they may know now.
"""

from __future__ import annotations

from datetime import time
from typing import Final
from uuid import UUID

from sqlalchemy import select

from db import notifications, tables
from db.ids import new_id
from domain.messages import Category, Channel, Message
from domain.notifications import Draft
from tests.api.world import HOUR, World

#: What is told of money, or of what the customer's booking is not.
_ELSEWHERE: Final = frozenset(
    {
        *(Message.PAYMENT_RECEIPT, Message.PAYMENT_FAILED, Message.PAYMENT_MISMATCHED),
        *(Message.REFUND_SENT, Message.REFUND_FAILED, Message.REFUND_MISMATCHED),
        *(Message.CREDIT_GRANTED, Message.PAYOUT_SENT, Message.PAYOUT_FAILED),
        *(Message.WAITLIST_GRANT, Message.SERIES_CONFLICT, Message.OFFER),
    }
)


async def told(world: World) -> None:
    """Let everybody have been told what there is to tell."""
    main, others = world.bookings["main"], world.bookings["paid"]
    for name, viewer in world.viewers.items():
        if viewer is None:
            continue
        about = {"booking": main.id, "customer": main.customer_id, "provider": viewer.user_id}
        for message in Message:
            if message not in _ELSEWHERE:
                await _tell(world, name, message, about)
    paid = {"booking": others.id, "customer": others.customer_id}
    deposit = paid | {"payment": world.money["paid: DEPOSIT"]}
    await _tell(world, "other", Message.PAYMENT_RECEIPT, deposit)
    refund = deposit | {"refund": world.money["refund: DONE"]}
    await _tell(world, "other", Message.REFUND_SENT, refund)
    for staff in ("dispatcher", "admin"):
        await _tell(world, staff, Message.PAYMENT_MISMATCHED, deposit)
        await _tell(world, staff, Message.REFUND_FAILED, refund)
        there = deposit | {"refund": world.money["refund: AT_GATEWAY"]}
        await _tell(world, staff, Message.REFUND_MISMATCHED, there)
    for name, payout in (("winner", "first payout"), ("rival", "rival's")):
        whose = {"provider": world.uid(name), "payout": world.money[payout]}
        await _tell(world, name, Message.PAYOUT_SENT, whose)
    n = tables.notifications
    await world.change(n, world.news["other"][-1], read_at=world.at)
    for number, name in enumerate(("customer", "winner", "dispatcher")):
        await world.keep(
            tables.devices,
            id=new_id(),
            user_id=world.uid(name),
            platform="WEB",
            token=f"token-of-the-{name}-whole#{name[:3]}",
            registered_at=world.at + number * HOUR,
        )
    night = {"starts": time(22, 17), "ends": time(6, 43)}
    await world.keep(tables.quiet_hours, user_id=world.uid("customer"), **night)
    await world.keep(
        tables.notification_preferences,
        user_id=world.uid("customer"),
        category=Category.SUGGESTIONS,
        channel=Channel.EMAIL,
        wanted=False,
    )
    await world.change(tables.users, world.uid("customer"), locale="cy-GB")


async def _tell(world: World, name: str, message: Message, about: dict[str, UUID]) -> None:
    draft = Draft(recipient_id=world.uid(name), message=message, listed=True, planned=())
    cause = f"world:{len(world.news.get(name, []))}"
    async with world.database.begin() as tx:
        await notifications.add(tx, [draft], cause=cause, subject=about, at=world.at)
        mine = tables.notifications.c.recipient_id == world.uid(name)
        made = select(tables.notifications.c.id).where(mine, tables.notifications.c.cause == cause)
        world.news.setdefault(name, []).append((await tx.execute(made)).scalar_one())
