"""How is payroll run by hand, or only rehearsed, and what did each run pay?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import nodes
from api.access import SIGNED_IN, allow
from api.connections import After, Before, Connection, First, Last, Listing, listing, page_request
from api.context import Context, Info
from api.explanations import INSIGHT
from api.inputs import Given
from api.money import Money
from api.no_shows import TooEarly
from api.nodes import Node
from api.payouts import PayCycle, Payout
from api.people import User
from api.problems import InvalidInput
from api.providers import Provider
from api.views import view_of
from db import payouts, payroll
from domain import money
from domain import payouts as domain
from domain.pages import Key, Page, PageRequest
from domain.payroll import Balance, Sheet
from domain.people import Role


@strawberry.type(
    directives=[SIGNED_IN],
    description="One payroll: everybody on a cycle, for one period. There is one of each.",
)
@view_of(domain.PayrollRun)
class PayrollRun(Node):
    """One payroll."""

    cycle: domain.PayCycle = strawberry.field(graphql_type=PayCycle, description="Which cycle.")
    period: date = strawberry.field(
        description="The date on which it was due, by the house's clocks."
    )
    due_at: datetime = strawberry.field(
        description="When it was due. What was written before is paid."
    )
    started_at: datetime = strawberry.field(description="When it was first run.")
    finished_at: datetime | None = strawberry.field(description="When that was done.")

    @strawberry.field(
        directives=[allow(Role.DISPATCHER, Role.ADMIN)],
        description="Who had it run; null where its time had come.",
        graphql_type=User | None,
    )
    async def asked_by(self, info: Info) -> Any:
        """Who had it run."""
        value = _value(self)
        if value.asked_by is None:
            return None
        return await info.context.loaders.users.load(value.asked_by)

    @strawberry.field(
        description="What it pays out in all, in each currency.", graphql_type=list[Money]
    )
    async def totals(self, info: Info) -> Any:
        """The totals."""
        return await info.context.loaders.payroll_totals.load(_value(self).id)

    @strawberry.field(
        description="What it pays out, newest first.", graphql_type=Connection[Payout]
    )
    async def payouts(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of its payouts."""
        request = page_request(first, after, last, before)
        which = payouts.Which(run_id=_value(self).id)
        return await listing(info.context, request, payouts.page, payouts.count, which=which)


def _value(view: Any) -> domain.PayrollRun:
    value: domain.PayrollRun = view
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """A provider's open lines in one currency, and what a payroll makes of them."""

    balance: Balance
    carried_over: bool

    @property
    def amount(self) -> money.Money:
        """What they come to."""
        return self.balance.amount

    @property
    def lines(self) -> int:
        """How many there are."""
        return self.balance.lines

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return str(self.balance.provider_id), self.amount.currency


@strawberry.type(
    directives=[SIGNED_IN],
    description="What is open for a provider in one currency, and whether it is paid.",
)
@view_of(Reckoned)
class PayrollEntry:
    """What is open for a provider in one currency, and whether it is paid."""

    amount: money.Money = strawberry.field(
        graphql_type=Money, description="What their lines come to; clawbacks can make it negative."
    )
    lines: int = strawberry.field(name="lineCount", description="How many lines there are.")
    carried_over: bool = strawberry.field(
        description="Is it too little, or negative, and waits for the next payroll?"
    )

    @strawberry.field(description="Whose it is.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.balance.provider_id)


@strawberry.type(
    directives=[SIGNED_IN], description="Who is paid, or would be, and whose money carries over."
)
class RunPayrollSuccess:
    """Who is paid, or would be, and whose money carries over."""

    run: domain.PayrollRun | None = strawberry.field(
        graphql_type=PayrollRun | None, description="The run; null for a rehearsal."
    )
    dry_run: bool = strawberry.field(description="True where nothing was changed.")
    _sheet: strawberry.Private[Sheet]

    @strawberry.field(
        description="Which period it is: the date on which its payroll is due, by the house's "
        "clocks."
    )
    def period(self) -> date:
        """The period."""
        return self._sheet.period

    @strawberry.field(description="When it is due. What was written before is paid.")
    def due_at(self) -> datetime:
        """When it is due."""
        return self._sheet.due_at

    @strawberry.field(description="How many payouts it makes.")
    def paid_count(self) -> int:
        """How many are paid."""
        return len(self._sheet.pay)

    @strawberry.field(description="How many sums carry over.")
    def carried_count(self) -> int:
        """How many carry over."""
        return len(self._sheet.carried)

    @strawberry.field(
        description="Everybody for whom something was open, by their ids: who is paid, and whose "
        "money carries over. Of a payroll that is repeated, only those who were not paid before.",
        graphql_type=Connection[PayrollEntry],
    )
    def payouts(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of everybody."""
        everybody = sorted(
            [
                *(Reckoned(balance=one, carried_over=False) for one in self._sheet.pay),
                *(Reckoned(balance=one, carried_over=True) for one in self._sheet.carried),
            ],
            key=lambda one: one.key,
        )

        async def count() -> int:
            return len(everybody)

        return Listing(page=_page(everybody, page_request(first, after, last, before)), count=count)


RunPayrollResult: TypeAlias = Annotated[
    RunPayrollSuccess | TooEarly | InvalidInput,
    strawberry.union("RunPayrollResult", description="What came of runPayroll."),
]


@strawberry.input(description="Which payroll to run, and whether to do so.")
class RunPayrollInput:
    """Which payroll to run, and whether to do so."""

    cycle: domain.PayCycle = strawberry.field(
        graphql_type=PayCycle, description="Whose payroll: those on this cycle."
    )
    period: date | None = strawberry.field(
        default=None,
        description="The Monday, or the first of the month, on which it was due; the latest when "
        "left out. The next one, which is not due yet, can be rehearsed, or paid `early`.",
    )
    early: bool | None = strawberry.field(
        default=None,
        description="Pay ahead of its time: the next period, with what has been written by now. "
        "What is written from then on is paid with the one after it.",
    )
    dry_run: bool | None = strawberry.field(
        default=None, description="Only say who would be paid, and change nothing."
    )


@strawberry.type
class PayrollQueries:
    """Reading what payrolls have done."""

    @strawberry.field(
        directives=[INSIGHT],
        description="The payrolls that were run, newest first.",
        graphql_type=Connection[PayrollRun],
    )
    async def payroll_runs(
        self,
        info: Info,
        cycle: Annotated[
            domain.PayCycle | None, strawberry.argument(description="Only those of this cycle.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of runs."""
        request = page_request(first, after, last, before)
        return await listing(info.context, request, payroll.page, payroll.count, cycle=cycle)


@strawberry.type
class PayrollMutations:
    """Running payroll."""

    @strawberry.mutation(
        directives=[allow(Role.ADMIN)],
        description="Run a payroll by hand, or only rehearse it. Payrolls run by themselves when "
        "they are due; repeating one is harmless and pays whoever has not been paid for it yet.",
        graphql_type=RunPayrollResult,
    )
    async def run_payroll(self, info: Info, input: Given[RunPayrollInput]) -> Any:
        """Run, or rehearse."""
        context = info.context
        asked: Any = {
            "cycle": input.cycle,
            "period": input.period,
            "house": context.house,
            "early": bool(input.early),
        }
        if input.dry_run:
            async with context.read() as connection:
                sheet = await payroll.rehearse(connection, **asked)
            return RunPayrollSuccess(run=None, dry_run=True, _sheet=sheet)
        async with context.begin() as tx:
            run, sheet = await payroll.run(tx, **asked, by=context.user)
        return RunPayrollSuccess(run=run, dry_run=False, _sheet=sheet)


def _page(everybody: Sequence[Reckoned], request: PageRequest) -> Page[Reckoned]:
    """The page of a list that is at hand whole."""
    within = [
        one
        for one in everybody
        if (request.after is None or one.key > request.after)
        and (request.before is None or one.key < request.before)
    ]
    cut = within[-request.limit :] if request.backwards else within[: request.limit]
    return Page(
        items=tuple(cut),
        keys=tuple(one.key for one in cut),
        has_next=bool(cut) and cut[-1] is not everybody[-1],
        has_previous=bool(cut) and cut[0] is not everybody[0],
    )


async def _fetch(context: Context, uid: UUID) -> domain.PayrollRun | None:
    if not (context.user.is_staff or context.user.role is Role.ANALYST):
        return None
    async with context.read() as connection:
        return next(iter(await payroll.by_ids(connection, [uid])), None)


nodes.register("PayrollRun", domain.PayrollRun, _fetch)
