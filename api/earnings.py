"""What has a provider earned, and where is the money?"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import strawberry

from api import ids
from api.access import SIGNED_IN
from api.context import Info
from api.enums import describe
from api.money import Money
from api.payouts import READERS
from api.providers import Provider
from api.scalars import TimeZone
from api.views import view_of
from db import earnings
from domain import earnings as domain
from domain import money
from domain.refusals import FieldError, InvalidInput

_MOST_CURRENCIES = 10

EarningsBy = describe(
    domain.EarningsBy,
    "What stretch of days a bucket is of.",
    DAY="A day.",
    WEEK="A week, from Monday to Sunday.",
    MONTH="A month.",
)


@strawberry.type(directives=[SIGNED_IN], description="What came of a stretch of days.")
@view_of(domain.Bucket)
class EarningsBucket:
    """What came of a stretch of days."""

    first_day: date = strawberry.field(description="Its first day.")
    last_day: date = strawberry.field(description="Its last day.")
    earned: money.Money = strawberry.field(
        graphql_type=Money, description="The share of work that was done."
    )
    tips: money.Money = strawberry.field(graphql_type=Money, description="Tips.")
    fees: money.Money = strawberry.field(
        graphql_type=Money, description="The share of fees for cancellations and lock-outs."
    )
    clawbacks: money.Money = strawberry.field(
        graphql_type=Money,
        description="What was taken back since a customer was given money back; negative.",
    )
    total: money.Money = strawberry.field(graphql_type=Money, description="All of it together.")


@strawberry.type(directives=[SIGNED_IN], description="What came of the days in one currency.")
@view_of(domain.CurrencyEarnings)
class CurrencyEarnings:
    """What came of the days in one currency."""

    currency: str = strawberry.field(description="The currency, ISO 4217.")
    total: money.Money = strawberry.field(
        graphql_type=Money, description="What came of all of the days."
    )
    pending: money.Money = strawberry.field(
        graphql_type=Money,
        description="Now: the share of what is held for accepted work that is not done yet.",
    )
    payable: money.Money = strawberry.field(
        graphql_type=Money,
        description="Now: what was earned and is in no payout yet; it can be negative.",
    )
    in_payout: money.Money = strawberry.field(
        graphql_type=Money, description="Now: what is in a payout that has not been paid yet."
    )
    paid: money.Money = strawberry.field(
        graphql_type=Money, description="Now: what was paid out, ever."
    )

    @strawberry.field(
        description="The days, stretch by stretch, also those without anything. They are costed "
        "by `first`.",
        graphql_type=list[EarningsBucket],
    )
    def buckets(
        self,
        first: Annotated[
            int, strawberry.argument(description=f"How many at most, up to {domain.LONGEST}.")
        ] = 31,
    ) -> Any:
        """The first buckets."""
        value: Any = self
        return value.buckets[: _size(first, domain.LONGEST)]


@strawberry.type(
    directives=[READERS], description="What a provider has earned, by the dates of their own zone."
)
@view_of(domain.Earnings)
class Earnings:
    """What a provider has earned."""

    time_zone: TimeZone = strawberry.field(description="By whose dates.")

    @strawberry.field(description="Whose they are.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)

    @strawberry.field(
        description="Each currency in which there is anything, in the order of their codes.",
        graphql_type=list[CurrencyEarnings],
    )
    def currencies(
        self,
        first: Annotated[
            int, strawberry.argument(description=f"How many at most, up to {_MOST_CURRENCIES}.")
        ] = 2,
    ) -> Any:
        """The first currencies."""
        value: Any = self
        return value.currencies[: _size(first, _MOST_CURRENCIES)]


@strawberry.type
class EarningsQueries:
    """Reading earnings."""

    @strawberry.field(
        directives=[READERS],
        description=f"What a provider earned on at most {domain.LONGEST} days: you yourself, or "
        "anybody for staff and analysts.",
        graphql_type=Earnings,
    )
    async def earnings(
        self,
        info: Info,
        from_: Annotated[date, strawberry.argument(name="from", description="The first day.")],
        to: Annotated[date, strawberry.argument(description="The last day.")],
        by: Annotated[domain.EarningsBy, strawberry.argument(description="In what stretches.")],
        provider_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Whose; staff and analysts say it."),
        ] = None,
    ) -> Any:
        """The earnings."""
        named = None if provider_id is None else ids.parse("Provider", provider_id, "providerId")
        whose = domain.of_whom(info.context.user, named)
        async with info.context.read() as connection:
            return await earnings.of_provider(connection, whose, first=from_, last=to, by=by)


def _size(first: int, most: int) -> int:
    if not 1 <= first <= most:
        raise InvalidInput(FieldError(path=("first",), message=f"Must be from 1 to {most}."))
    return first
