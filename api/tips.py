"""Thanking the provider with money."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.booking_problems import IdempotencyKeyReused, PaymentUnavailable, WrongStatus
from api.bookings import Booking
from api.context import Info
from api.inputs import Given
from api.money import MoneyInput
from api.payment_kinds import Method
from api.payments import NotEnoughCredit, Payment, made_ready, taker
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from db import paying
from domain import bookings as booking_domain
from domain import idempotency, payments, tips
from domain.people import Role


@strawberry.type(
    directives=[SIGNED_IN],
    description="The tip is there to be paid, or has been: look at the payment's `status`.",
)
class TipProviderSuccess:
    """The tip is there to be paid, or has been."""

    booking: booking_domain.Booking = strawberry.field(
        graphql_type=Booking, description="The booking that it is for."
    )
    payment: payments.Payment = strawberry.field(
        graphql_type=Payment, description="The payment. A PENDING one is paid in the browser."
    )


TipProviderResult: TypeAlias = Annotated[
    TipProviderSuccess
    | WrongStatus
    | NotEnoughCredit
    | PaymentUnavailable
    | IdempotencyKeyReused
    | NotFound
    | InvalidInput,
    strawberry.union("TipProviderResult", description="What came of tipProvider."),
]


@strawberry.input(description="Which work to thank for, with how much, paid with what.")
class TipProviderInput:
    """Which work to thank for, with how much, paid with what."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")
    amount: MoneyInput = strawberry.field(
        description="How much, in the currency of the price: at least one minor unit, and at most "
        "the price, or 100.00 where it was less."
    )
    method: Method = strawberry.field(default=Method.CARD, description="What to pay it with.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 characters of your own; the same again is answered with the same "
        "payment as it stands then. Without one, a tip that is still to be paid is asked for "
        "again, and one that is paid is followed by another.",
    )


@strawberry.type
class TipMutations:
    """Thanking."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Give the provider of work that is done a tip, which is wholly theirs. It is "
        "paid as `payBooking` is.",
        graphql_type=TipProviderResult,
    )
    async def tip_provider(self, info: Info, input: Given[TipProviderInput]) -> Any:
        """Thank."""
        context, amount = info.context, input.amount.value()
        uid = ids.parse("Booking", input.booking_id, "bookingId")
        wish = tips.Wish(amount=amount, method=input.method, gateway=taker(context, input.method))
        asked = (uid, amount, input.method)
        key = idempotency.key("tipProvider", input.idempotency_key, asked)
        async with context.begin() as tx:
            ordered = await paying.ask(
                tx, booking_id=uid, by=context.user, wish=wish, rule=tips.ask, key=key
            )
        booking, payment = await made_ready(context, ordered)
        return TipProviderSuccess(booking=booking, payment=payment)


@problem_of.register
def _(refusal: tips.NothingToThankFor) -> Problem:
    return WrongStatus(message=str(refusal), code=ProblemCode.WRONG_STATUS, status=refusal.status)
