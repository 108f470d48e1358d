"""What is paid out to whom, what has become of it, and having it tried again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.enums import describe
from api.explanations import INSIGHT
from api.inputs import Given
from api.money import Money
from api.nodes import Node
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.providers import Provider
from api.statements import Statement, StatementOf
from api.views import view_of
from db import payouts
from domain import money
from domain import payouts as domain
from domain.people import Role, whose

READERS = allow(Role.PROVIDER, Role.DISPATCHER, Role.ANALYST, Role.ADMIN)

PayCycle = describe(
    domain.PayCycle,
    "How often a provider is paid.",
    WEEKLY="On Mondays at 08:00, by the house's clocks.",
    MONTHLY="On the first of each month at 00:00, by the house's clocks.",
)
PayoutStatus = describe(
    domain.PayoutStatus,
    "Where a payout stands.",
    WAITING="It is on its way.",
    PAID="The gateway has taken it.",
    FAILED="The gateway would not; an admin can have it tried again.",
)


@strawberry.type(
    directives=[SIGNED_IN], description="One sum that is paid to a provider for a period."
)
@view_of(domain.Payout)
class Payout(Node):
    """One sum that is paid to a provider for a period."""

    cycle: domain.PayCycle = strawberry.field(
        graphql_type=PayCycle, description="Of which payroll it is."
    )
    period: date = strawberry.field(
        description="The date on which its payroll was due, by the house's clocks."
    )
    amount: money.Money = strawberry.field(
        graphql_type=Money, description="How much it is: the sum of its lines."
    )
    lines: int = strawberry.field(name="lineCount", description="How many lines it pays.")
    status: domain.PayoutStatus = strawberry.field(
        graphql_type=PayoutStatus, description="Where it stands."
    )
    created_at: datetime = strawberry.field(description="When its payroll was run.")
    paid_at: datetime | None = strawberry.field(description="When the gateway took it.")
    failed_at: datetime | None = strawberry.field(description="When it was given up.")
    gateway: str | None = strawberry.field(
        directives=[INSIGHT],
        description='Who paid it, such as "stripe"; "development" pays nobody.',
    )
    gateway_id: str | None = strawberry.field(
        directives=[INSIGHT], description="What the gateway calls it."
    )
    tries: int = strawberry.field(directives=[INSIGHT], description="How often it was sent.")
    due_at: datetime | None = strawberry.field(
        name="nextTryAt",
        directives=[INSIGHT],
        description="When it is sent next; null when it is paid or given up.",
    )
    failure: str | None = strawberry.field(
        directives=[INSIGHT],
        description="What went wrong the last time, in the gateway's words; null when paid.",
    )

    @strawberry.field(description="Who is paid.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        return await info.context.loaders.providers.load(_value(self).provider_id)

    @strawberry.field(description="What it pays, line by line.", graphql_type=Statement)
    def statement(self) -> Any:
        """The statement."""
        return StatementOf(payout=_value(self))


def _value(view: Any) -> domain.Payout:
    value: domain.Payout = view
    return value


@strawberry.type(
    directives=[PUBLIC], description="The payout has not failed: it is paid, or on its way."
)
class PayoutNotFailed(Problem):
    """The payout has not failed."""

    payout: domain.Payout = strawberry.field(
        graphql_type=Payout, description="The payout as it stands."
    )


@strawberry.type(directives=[SIGNED_IN], description="The payout is sent again.")
class RetryPayoutSuccess:
    """The payout is sent again."""

    payout: domain.Payout = strawberry.field(graphql_type=Payout, description="The payout.")


RetryPayoutResult: TypeAlias = Annotated[
    RetryPayoutSuccess | PayoutNotFailed | NotFound | InvalidInput,
    strawberry.union("RetryPayoutResult", description="What came of retryPayout."),
]


@strawberry.input(description="Which payout to send again.")
class RetryPayoutInput:
    """Which payout to send again."""

    payout_id: strawberry.ID = strawberry.field(description="The payout.")


@strawberry.type
class PayoutQueries:
    """Reading payouts."""

    @strawberry.field(
        directives=[READERS],
        description="Payouts, newest first: your own, or for staff and analysts everybody's.",
        graphql_type=Connection[Payout],
    )
    async def payouts(
        self,
        info: Info,
        status: Annotated[
            domain.PayoutStatus | None, strawberry.argument(description="Only those that stand so.")
        ] = None,
        cycle: Annotated[
            domain.PayCycle | None, strawberry.argument(description="Only those of this cycle.")
        ] = None,
        period: Annotated[
            date | None,
            strawberry.argument(description="Only those whose payroll was due on this date."),
        ] = None,
        provider_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only this provider's; for staff and analysts to say."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of payouts."""
        request = page_request(first, after, last, before)
        viewer = info.context.user
        named = None if provider_id is None else ids.parse("Provider", provider_id, "providerId")
        own = whose(viewer, named) if viewer.role is Role.PROVIDER else named
        which = payouts.Which(provider_id=own, status=status, cycle=cycle, period=period)
        return await listing(info.context, request, payouts.page, payouts.count, which=which)


@strawberry.type
class PayoutMutations:
    """Looking after payouts."""

    @strawberry.mutation(
        directives=[allow(Role.ADMIN)],
        description="Have a payout that failed sent again, when what stood in its way is mended.",
        graphql_type=RetryPayoutResult,
    )
    async def retry_payout(self, info: Info, input: Given[RetryPayoutInput]) -> Any:
        """Retry."""
        payout_id = ids.parse("Payout", input.payout_id, "payoutId")
        async with info.context.begin() as tx:
            payout = await payouts.retry(tx, payout_id)
        return RetryPayoutSuccess(payout=payout)


async def _fetch(context: Context, uid: UUID) -> domain.Payout | None:
    found = await context.loaders.payouts.load(uid)
    return found if found and found.is_visible_to(context.user) else None


@problem_of.register
def _(refusal: domain.PayoutNotFailed) -> Problem:
    return PayoutNotFailed(
        message=str(refusal), code=ProblemCode.PAYOUT_NOT_FAILED, payout=refusal.payout
    )


nodes.register("Payout", domain.Payout, _fetch)
