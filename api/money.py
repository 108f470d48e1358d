"""How is a sum of money shown?"""

from __future__ import annotations

import strawberry

from api.access import PUBLIC
from api.views import view_of
from domain import money as domain
from gateways.letters.formats import BRITISH, sum_of


@strawberry.type(directives=[PUBLIC], description="A sum of money, exact.")
@view_of(domain.Money)
class Money:
    """A sum of money, exact."""

    amount_minor: int = strawberry.field(
        description="The amount in minor units: 4050 in GBP is 40.50 pounds."
    )
    currency: str = strawberry.field(description="The currency, ISO 4217.")

    @strawberry.field(description='The sum as people read it, such as "£40.50".')
    def formatted(self) -> str:
        """The sum in English notation."""
        money = domain.Money(amount_minor=self.amount_minor, currency=self.currency)
        return sum_of(money, BRITISH)


@strawberry.input(description="A sum of money, exact.")
class MoneyInput:
    """A sum of money, exact."""

    amount_minor: int = strawberry.field(
        description="The amount in minor units: 4050 in GBP is 40.50 pounds."
    )
    currency: str = strawberry.field(description='The currency, ISO 4217, such as "GBP".')

    def value(self) -> domain.Money:
        """The sum, right or wrong."""
        return domain.Money(amount_minor=self.amount_minor, currency=self.currency.strip().upper())
