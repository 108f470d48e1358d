"""What does a payout pay, line by line? Asked for as a list, or fetched as a CSV file.

A browser that downloads a file shows no token. So the file's address carries a signature of ours,
which whoever may see the payout is given, and which is good for some minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import strawberry

from api.access import SIGNED_IN
from api.bookings import Booking, visible
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Info
from api.enums import describe
from api.money import Money
from api.views import view_of
from db import statements
from domain import ledger, money
from domain import statements as domain
from domain.payouts import Payout
from gateways.links import Links, Purpose

#: How long the address of a file is good.
LIFETIME: Final = timedelta(minutes=15)

LineKind = describe(
    ledger.LineKind,
    "What a line of the ledger is for.",
    PAYMENT="A customer's payment.",
    EARNING="The provider's share of work that was done.",
    COMMISSION="The house's share.",
    TIP="A tip, all of which is the provider's.",
    FEE="A share of the fee for a cancellation, or for nobody opening.",
    REFUND="What a customer was given back.",
    CLAWBACK="What the provider gives back of a sum that a customer was given back.",
    CREDIT="Credit with the house.",
    PAYOUT="What was paid out.",
)


@strawberry.type(directives=[SIGNED_IN], description="A line that a payout pays.")
@view_of(domain.StatementLine)
class StatementLine:
    """A line that a payout pays."""

    kind: ledger.LineKind = strawberry.field(graphql_type=LineKind, description="What it is for.")
    amount: money.Money = strawberry.field(
        graphql_type=Money, description="How much it is; negative where it was taken back."
    )
    at: datetime = strawberry.field(description="When it was written.")
    service: str | None = strawberry.field(
        description="The name of the service that was done; null where it is about no booking."
    )

    @strawberry.field(
        description="The booking that it is about; null for none, and for who may not see it.",
        graphql_type=Booking | None,
    )
    async def booking(self, info: Info) -> Any:
        """The booking, if the viewer may see it."""
        value: Any = self
        return await visible(info.context, value.booking_id) if value.booking_id else None


@strawberry.type(directives=[SIGNED_IN], description="What a payout's lines of one kind come to.")
@view_of(domain.KindTotal)
class StatementTotal:
    """What a payout's lines of one kind come to."""

    kind: ledger.LineKind = strawberry.field(graphql_type=LineKind, description="What they are.")
    amount: money.Money = strawberry.field(graphql_type=Money, description="What they come to.")
    lines: int = strawberry.field(name="lineCount", description="How many there are.")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementOf:
    """A payout, asked what it pays."""

    payout: Payout


@strawberry.type(directives=[SIGNED_IN], description="What a payout pays.")
@view_of(StatementOf)
class Statement:
    """What a payout pays."""

    @strawberry.field(
        description="The lines, oldest first.", graphql_type=Connection[StatementLine]
    )
    async def lines(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of lines."""
        request = page_request(first, after, last, before)
        uid = _of(self)
        return await listing(
            info.context, request, statements.page, statements.count, payout_id=uid
        )

    @strawberry.field(
        description="What the lines of each kind come to. Together they are the payout.",
        graphql_type=list[StatementTotal],
    )
    async def totals(self, info: Info) -> Any:
        """The totals."""
        return await info.context.loaders.statement_totals.load(_of(self))

    @strawberry.field(
        description="Where the statement can be fetched as a CSV file. Whoever has the address can "
        f"fetch it, for {LIFETIME // timedelta(minutes=1)} minutes."
    )
    def csv_url(self, info: Info) -> str:
        """The file's address."""
        settings, uid = info.context.settings, _of(self)
        links = Links(settings.secret.get_secret_value())
        expires = datetime.now(UTC) + LIFETIME
        token = links.sign(Purpose.STATEMENT, str(uid), expires=expires)
        return f"{settings.outside_url}/payouts/{uid}/statement.csv?token={token}"


def _of(view: Any) -> UUID:
    value: StatementOf = view
    return value.payout.id
