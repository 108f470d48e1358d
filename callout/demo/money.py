"""Does money go its way, live, on a running server?

A customer pays for a booking, and the payment gateway says so again and again. The work is done,
the customer adds a tip, and payroll pays the provider what is theirs, line by line.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from callout.demo import script
from callout.demo.cast import Act, Deviation, Player
from callout.demo.diary import SERVICE, Diary, soon
from domain.people import Role

if TYPE_CHECKING:
    from collections.abc import Callable

#: What the work costs, what of that is the provider's, and what they are given on top.
_PRICE: Final = 6500
_SHARE: Final = 5200
_TIP: Final = 500
#: Seconds that what is done by jobs may take, and between two looks at it.
_PATIENCE: Final = 15.0
_LOOK: Final = 0.1


@dataclass(slots=True, kw_only=True)
class Money(Diary):
    """One booking's money, in five acts."""

    verdict: ClassVar[str] = "paid once, shared to the penny, and each line paid out once."

    admin: Player = field(init=False)

    async def play(self) -> None:
        """Pay, hear it again, work, and pay out."""
        booking = await self.act_one()
        payment = await self.act_two(booking)
        await self.act_three(booking, payment)
        owed = await self.act_four(booking)
        await self.act_five(booking, owed)

    async def act_one(self) -> str:
        """Everybody signs in; the customer books. The booking."""
        self.timeline.scene("Everybody signs in")
        self.dispatcher = await self.sign_in(Role.DISPATCHER)
        self.admin = await self.sign_in(Role.ADMIN)
        self.customer = self.rival = await self.sign_in(Role.CUSTOMER)
        self.provider = await self.sign_in(Role.PROVIDER)
        self.service_id = await self.service(SERVICE)
        self.timeline.scene("A customer books")
        start = await self.first_slot(self.customer, soon(3), soon(72), anyone=True)
        await self.choose(start)
        start = await self.first_slot(self.customer, start, soon(72))
        made = await self.book(self.customer, start)
        return str(made.answer["booking"]["id"])

    async def act_two(self, booking: str) -> dict[str, Any]:
        """The customer pays, and has a receipt. The payment."""
        self.timeline.scene("They pay (by the development gateway, which takes no money)")
        paid = await self.customer.succeed("pay", script.PAY, bookingId=booking)
        self.measure("paying", paid.ms)
        found, payment = paid.answer["booking"], paid.answer["payment"]
        if (found["status"], found["amountDue"]["amountMinor"]) != ("CONFIRMED", 0):
            raise Deviation(f"Paid and taken, the booking is {found}.")
        if (payment["status"], payment["amount"]["amountMinor"]) != ("PAID", _PRICE):
            raise Deviation(f"The payment is {payment}.")
        await self.customer.fail("pay again", "NothingToPay", script.PAY, bookingId=booking)
        receipt = await self.client.fetch(payment["receiptUrl"])
        if payment["amount"]["formatted"] not in receipt:
            raise Deviation(f"The receipt does not name {payment['amount']['formatted']}.")
        self.customer.note(f"has a receipt for {payment['amount']['formatted']}")
        return dict(payment)

    async def act_three(self, booking: str, payment: dict[str, Any]) -> None:
        """The gateway says twice more that the payment was made; nothing comes of it."""
        self.timeline.scene("The gateway says so again, twice, by the same webhook")
        before = await self._paid(booking)
        said = {"id": self.tag, "payment": payment["id"], **_sum(payment["amount"])}
        for new in (True, False):
            answer = await self.client.tell("/webhooks/development", said)
            if answer != {"received": True, "new": new}:
                raise Deviation(f"The webhook was answered with {answer}.")
            self.admin.note("the webhook is kept" if new else "the webhook is known already")
        after = await self._paid(booking)
        if before.answer != after.answer:
            raise Deviation(f"Before it was {before.answer}, and now {after.answer}.")

    async def act_four(self, booking: str) -> int:
        """The work is done, and the customer adds a tip. What the provider is owed by then."""
        owed = await self._owed()
        self.timeline.scene("The work is done, and the customer adds a tip")
        await self.provider.succeed("start", script.START, bookingId=booking)
        await self.provider.succeed("complete", script.COMPLETE, bookingId=booking)
        await self._owes(owed + _SHARE)
        tip = {"amountMinor": _TIP, "currency": "GBP"}
        await self.customer.succeed("add a tip", script.TIP, bookingId=booking, amount=tip)
        await self._owes(owed + _SHARE + _TIP)
        await self._told(booking)
        return owed + _SHARE + _TIP

    async def act_five(self, booking: str, owed: int) -> None:
        """Payroll, rehearsed and run; the provider reads what they are paid for."""
        self.timeline.scene("Payroll is rehearsed, and run ahead of its time")
        rehearsed = await self._payroll("rehearse payroll", dryRun=True)
        theirs = self._line(rehearsed)
        await self._owes(owed)
        run = await self._payroll("run payroll")
        self.measure("running payroll", run.ms)
        if self._line(run) != theirs:
            raise Deviation(f"Rehearsed it was {theirs}, and run {self._line(run)}.")
        if theirs is None:
            self.provider.note("was paid for this period before; the rest waits for the next")
            await self._owes(owed)
            return
        if (theirs["amount"]["amountMinor"], theirs["carriedOver"]) != (owed, False):
            raise Deviation(f"Of {owed} payroll makes {theirs}.")
        self.timeline.scene("The provider reads their statement")
        await self._statement(booking, run.answer["period"], owed)
        await self._owes(0)

    async def _paid(self, booking: str) -> Act:
        return await self.customer.ask("look at it", script.PAID, _status, id=booking)

    async def _earnings(self) -> Act:
        day = self.local(soon(0)).date()
        first, last = (str(day + timedelta(days=days)) for days in (-1, 1))
        return await self.provider.ask(
            "what is payable", script.EARNINGS, _payable, **{"from": first, "to": last}
        )

    async def _owed(self) -> int:
        return _minor((await self._earnings()).answer)

    async def _owes(self, minor: int) -> None:
        """Check what the provider is owed."""
        if (found := await self._owed()) != minor:
            raise Deviation(f"{self.provider.name} is owed {found}, not {minor}.")

    async def _told(self, booking: str) -> None:
        """Check that the customer is told of their money."""

        async def told() -> set[str]:
            asked = await self.customer.ask("what they were told", script.TOLD, _titles)
            ours = (
                one for one in asked.answer["nodes"] if (one["booking"] or {}).get("id") == booking
            )
            return {one["message"] for one in ours}

        await self._until(told, lambda found: {"PAYMENT_RECEIPT", "COMPLETED"} <= found)

    async def _payroll(self, what: str, **more: Any) -> Act:
        return await self.admin.succeed(what, script.PAYROLL, cycle="WEEKLY", early=True, **more)

    def _line(self, run: Act) -> dict[str, Any] | None:
        """What a payroll has for our provider, if anything."""
        lines = run.answer["payouts"]["nodes"]
        return next((one for one in lines if one["provider"]["id"] == self.provider.id), None)

    async def _statement(self, booking: str, period: str, owed: int) -> None:
        async def newest() -> dict[str, Any]:
            asked = await self.provider.ask("what was paid out", script.PAYOUTS, _payout)
            return dict(next(iter(asked.answer["nodes"]), {}))

        payout = await self._until(newest, lambda found: found.get("status") == "PAID")
        if (payout["period"], payout["amount"]["amountMinor"]) != (period, owed):
            raise Deviation(f"{owed} is paid out for {period}, and the payout says {payout}.")
        totals = payout["statement"]["totals"]
        self.timeline.report(
            f"{one['kind']:<9} {one['lineCount']:>3}  {one['amount']['formatted']}"
            for one in totals
        )
        lines = payout["statement"]["lines"]["nodes"]
        ours = [
            (one["kind"], one["amount"]["amountMinor"])
            for one in lines
            if (one["booking"] or {}).get("id") == booking
        ]
        if ours != [("EARNING", _SHARE), ("TIP", _TIP)]:
            raise Deviation(f"Of this booking the statement says {ours}.")
        csv = await self.client.fetch(payout["statement"]["csvUrl"])
        self.provider.note(f"fetches it as CSV: {len(csv.splitlines())} lines")

    async def _until(self, look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        """What `look` finds once it is good. Jobs do it, soon."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    if good(found := await look()):
                        return found
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise Deviation(f"After {_PATIENCE:g} s it is still not so.") from None


def _sum(amount: dict[str, Any]) -> dict[str, Any]:
    return {name: amount[name] for name in ("amountMinor", "currency")}


def _status(booking: dict[str, Any]) -> str:
    return f"{booking['status']}, version {booking['version']}"


def _minor(earnings: dict[str, Any]) -> int:
    return sum(
        one["payable"]["amountMinor"] for one in earnings["currencies"] if one["currency"] == "GBP"
    )


def _payable(earnings: dict[str, Any]) -> str:
    return ", ".join(one["payable"]["formatted"] for one in earnings["currencies"]) or "nothing"


def _titles(found: dict[str, Any]) -> str:
    return "; ".join(one["title"] for one in found["nodes"][:2])


def _payout(found: dict[str, Any]) -> str:
    return ", ".join(f"{one['amount']['formatted']} {one['status']}" for one in found["nodes"])
