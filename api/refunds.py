"""What is given back to customers: showing it, and giving back by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_problems import IdempotencyKeyReused
from api.bookings import Booking
from api.context import Context, Info
from api.enums import describe
from api.inputs import Given
from api.money import Money, MoneyInput
from api.nodes import Node
from api.payment_kinds import Method
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.views import view_of
from db import bookings, refund_rows, refunds
from domain import bookings as booking_domain
from domain import idempotency, money
from domain import refunds as domain
from domain.people import Role, Viewer
from domain.refunds import RefundCause, RefundStatus

#: Whoever paid, and the house.
SEERS = allow(Role.CUSTOMER, Role.DISPATCHER, Role.ANALYST, Role.ADMIN)
_STAFF = allow(Role.DISPATCHER, Role.ADMIN)

describe(
    RefundCause,
    "Why money is given back.",
    CANCELLED="The booking was called off.",
    DECLINED="The booking was declined.",
    NO_SHOW="Somebody did not turn up.",
    LATE_PAYMENT="It was paid when the booking had ended.",
    OVERPAID="More was paid than was still to pay.",
    BY_HAND="A member of staff gave it back.",
    AT_GATEWAY="A member of staff gave it back at the payment gateway itself.",
)
describe(
    RefundStatus,
    "Where a refund stands.",
    WAITING="Decided; the payment gateway has still to do it.",
    DONE="Given back. A card's bank may take some days to show it.",
    FAILED="The payment gateway would not do it; staff are looking.",
)


@strawberry.type(directives=[SIGNED_IN], description="A sum that is given back of one payment.")
@view_of(domain.Refund)
class Refund(Node):
    """A sum that is given back of one payment."""

    amount: money.Money = strawberry.field(graphql_type=Money, description="How much.")
    excess: money.Money | None = strawberry.field(
        graphql_type=Money | None,
        description="How much of it was more than there was to give back, where somebody gave back "
        "so much at the payment gateway itself; null otherwise.",
        directives=[_STAFF],
    )
    cause: RefundCause = strawberry.field(description="Why.")
    to: Method = strawberry.field(
        description="Where to: the card that paid, or credit with the house."
    )
    status: RefundStatus = strawberry.field(description="Where it stands.")
    reason: str = strawberry.field(
        description="Why, in the words of whoever gave it by hand; empty otherwise.",
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
    )
    created_at: datetime = strawberry.field(description="When it was decided.")
    done_at: datetime | None = strawberry.field(description="When it was done, if it was.")
    failed_at: datetime | None = strawberry.field(
        description="When it failed for good, if it did.", directives=[_STAFF]
    )
    failure: str | None = strawberry.field(
        description="What the gateway said the last time that it did not do it.",
        directives=[_STAFF],
    )

    @strawberry.field(description="What was paid for.", graphql_type=Booking | None)
    async def booking(self, info: Info) -> Any:
        """The booking."""
        value: Any = self
        return await info.context.loaders.bookings.load(value.booking_id)


@strawberry.type(directives=[PUBLIC], description="There is less to give back than was asked for.")
class RefundTooLarge(Problem):
    """There is less to give back."""

    refundable: money.Money = strawberry.field(
        graphql_type=Money, description="The most that can be given back."
    )


@strawberry.type(directives=[SIGNED_IN], description="It is given back.")
class RefundBookingSuccess:
    """It is given back."""

    booking: booking_domain.Booking = strawberry.field(
        graphql_type=Booking, description="The booking that was paid for."
    )
    refunds: Sequence[domain.Refund] = strawberry.field(
        graphql_type=list[Refund],
        description="What is given back of each payment, of the newest payment first.",
    )


RefundBookingResult: TypeAlias = Annotated[
    RefundBookingSuccess | RefundTooLarge | IdempotencyKeyReused | NotFound | InvalidInput,
    strawberry.union("RefundBookingResult", description="What came of refundBooking."),
]


@strawberry.input(description="What to give back.")
class RefundBookingInput:
    """What to give back."""

    booking_id: strawberry.ID = strawberry.field(description="The booking that was paid for.")
    amount: MoneyInput | None = strawberry.field(
        default=None, description="How much; all that can be given back when left out."
    )
    payment_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Of this payment only. When left out, of what was paid for the work, of the "
        "newest payment first; a tip, or a payment of a wrong amount, has to be named.",
    )
    to: Method | None = strawberry.field(
        default=None,
        description="Where to. When left out, back where it came from; what was paid with credits "
        "cannot go to a card.",
    )
    reason: str = strawberry.field(
        description="Why; 1 to 500 characters, which the customer can read."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 characters of your own; the same again gives nothing back twice.",
    )

    @property
    def uid(self) -> UUID:
        """The booking's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Booking", self.booking_id, "bookingId")

    def wish(self) -> domain.Wish:
        """What is asked for. Raises InvalidInput for an id of something else."""
        payment = self.payment_id
        return domain.Wish(
            amount=self.amount.value() if self.amount else None,
            payment_id=ids.parse("Payment", payment, "paymentId") if payment else None,
            to=self.to,
            reason=self.reason.strip(),
        )


@strawberry.type
class RefundMutations:
    """Giving back."""

    @strawberry.mutation(
        directives=[_STAFF],
        description="Give back some or all of what was paid for a booking, whatever has become of "
        "it. What was earned of it already is taken back from its provider and the house.",
        graphql_type=RefundBookingResult,
    )
    async def refund_booking(self, info: Info, input: Given[RefundBookingInput]) -> Any:
        """Give back."""
        uid, wish = input.uid, input.wish()
        key = idempotency.key("refundBooking", input.idempotency_key, (uid, wish))
        async with info.context.begin() as tx:
            given = await refunds.give_by_hand(
                tx, booking_id=uid, by=info.context.user, wish=wish, key=key
            )
            booking = await bookings.get(tx, uid)
        return RefundBookingSuccess(booking=booking, refunds=given)


def sees(viewer: Viewer, customer_id: UUID) -> bool:
    """May the viewer see what this customer has paid and got back?"""
    return viewer.user_id == customer_id or viewer.is_staff or viewer.role is Role.ANALYST


async def _fetch(context: Context, uid: UUID) -> domain.Refund | None:
    async with context.read() as connection:
        found = await refund_rows.by_ids(connection, [uid])
    return next((one for one in found if sees(context.user, one.customer_id)), None)


nodes.register("Refund", domain.Refund, _fetch)


@problem_of.register
def _(refusal: domain.RefundTooLarge) -> Problem:
    return RefundTooLarge(
        message=str(refusal),
        code=ProblemCode.REFUND_TOO_LARGE,
        path=["amount"],
        refundable=refusal.refundable,
    )
