"""The credit that customers have with the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.booking_problems import IdempotencyKeyReused
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Info
from api.enums import describe
from api.inputs import Given
from api.money import Money, MoneyInput
from api.problems import InvalidInput, NotFound
from api.views import view_of
from db import credits as db_credits
from db import ledger
from domain import credits as domain
from domain import idempotency, money, people
from domain.credits import CreditUse
from domain.people import Role

_CUSTOMER_OR_STAFF = allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)
_STAFF = allow(Role.DISPATCHER, Role.ADMIN)

describe(
    CreditUse,
    "How credit came, or what became of it.",
    GRANTED="The house gave it.",
    SPENT="A booking was paid with it.",
    REFUNDED="It was given back for a booking.",
)


@strawberry.type(directives=[_CUSTOMER_OR_STAFF], description="One change of a customer's credit.")
@view_of(domain.CreditLine)
class CreditLine:
    """One change of a customer's credit."""

    use: CreditUse = strawberry.field(description="How it came, or what became of it.")
    amount: money.Money = strawberry.field(
        graphql_type=Money, description="By how much; negative where it was spent."
    )
    reason: str | None = strawberry.field(
        description="Why the house gave it, in its words; null where it did not."
    )
    at: datetime = strawberry.field(description="When.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Credits:
    """Whose credit it is, and how much it is."""

    customer_id: UUID
    balances: Sequence[money.Money]


@strawberry.type(directives=[_CUSTOMER_OR_STAFF], description="A customer's credit with the house.")
@view_of(_Credits)
class Credits:
    """A customer's credit with the house."""

    balances: Sequence[money.Money] = strawberry.field(
        graphql_type=list[Money],
        description="How much there is, in each currency in which there is any.",
    )

    @strawberry.field(
        description="What it is made of, newest first.", graphql_type=Connection[CreditLine]
    )
    async def lines(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of its changes."""
        value: Any = self
        request = page_request(first, after, last, before)
        return await listing(
            info.context, request, db_credits.page, db_credits.count, customer_id=value.customer_id
        )


@strawberry.type(directives=[SIGNED_IN], description="The customer has the credit.")
class GrantCreditsSuccess:
    """The customer has the credit."""

    amount: money.Money = strawberry.field(graphql_type=Money, description="What was given.")
    credits: _Credits = strawberry.field(
        graphql_type=Credits, description="The customer's credit now."
    )


GrantCreditsResult: TypeAlias = Annotated[
    GrantCreditsSuccess | IdempotencyKeyReused | NotFound | InvalidInput,
    strawberry.union("GrantCreditsResult", description="What came of grantCredits."),
]


@strawberry.input(description="What credit to give, and to whom.")
class GrantCreditsInput:
    """What credit to give, and to whom."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    amount: MoneyInput = strawberry.field(description="How much; at least one minor unit.")
    reason: str = strawberry.field(
        description="Why; 1 to 500 characters, which the customer can read."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 characters of your own; the same again gives nothing twice.",
    )


@strawberry.type
class CreditQueries:
    """Reading credit."""

    @strawberry.field(
        name="credits",
        directives=[_CUSTOMER_OR_STAFF],
        description="What credit you have with the house, or a customer has.",
        graphql_type=Credits,
    )
    async def of_customer(
        self,
        info: Info,
        customer_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Whose; staff say it, and customers see their own."),
        ] = None,
    ) -> Any:
        """Somebody's credit."""
        named = ids.parse("User", customer_id, "customerId") if customer_id else None
        whose = people.whose(info.context.user, named, kind="User", field_name="customerId")
        return await _credits(info, whose)


@strawberry.type
class CreditMutations:
    """Giving credit."""

    @strawberry.mutation(
        directives=[_STAFF],
        description="Give a customer credit, which they can pay bookings with.",
        graphql_type=GrantCreditsResult,
    )
    async def grant_credits(self, info: Info, input: Given[GrantCreditsInput]) -> Any:
        """Grant."""
        whose = ids.parse("User", input.customer_id, "customerId")
        amount, reason = input.amount.value(), input.reason.strip()
        key = idempotency.key("grantCredits", input.idempotency_key, (whose, amount, reason))
        async with info.context.begin() as tx:
            given = await db_credits.grant(
                tx,
                customer_id=whose,
                amount=amount,
                reason=reason,
                by=info.context.user,
                key=key,
            )
        return GrantCreditsSuccess(amount=given.amount, credits=await _credits(info, whose))


async def _credits(info: Info, customer_id: UUID) -> _Credits:
    async with info.context.read() as connection:
        balances = await ledger.credit(connection, customer_id)
    return _Credits(customer_id=customer_id, balances=balances)
