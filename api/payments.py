"""Paying for bookings: what is asked for, what has become of it, and making a payment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry
import structlog

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_problems import IdempotencyKeyReused, PaymentUnavailable, WrongStatus
from api.bookings import Booking
from api.context import Context, Info
from api.inputs import Given
from api.money import Money
from api.nodes import Node
from api.payment_kinds import Method, PayAmount, PaymentStatus, Purpose
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.receipts import address_of
from api.refunds import Refund, sees
from api.views import view_of
from db import bookings, paying, payment_rows
from domain import bookings as booking_domain
from domain import idempotency, ledger, money
from domain import payments as domain
from domain.paying import Asked, Wish, is_open
from domain.people import Role
from gateways.errors import GatewayError, GatewayRefused, GatewayUnavailable
from gateways.failpoints import failpoint

log = structlog.get_logger(__name__)


@strawberry.type(
    directives=[SIGNED_IN], description="A sum that a customer pays, or was asked to pay."
)
@view_of(domain.Payment)
class Payment(Node):
    """A sum that a customer pays, or was asked to pay."""

    purpose: Purpose = strawberry.field(description="What it is for.")
    method: Method = strawberry.field(description="What it is paid with.")
    status: PaymentStatus = strawberry.field(description="Where it stands.")
    amount: money.Money = strawberry.field(graphql_type=Money, description="What is to be paid.")
    received: money.Money | None = strawberry.field(
        graphql_type=Money | None, description="What came in; null until something has."
    )
    created_at: datetime = strawberry.field(description="When it was asked for.")
    paid_at: datetime | None = strawberry.field(description="When it came in.")
    failed_at: datetime | None = strawberry.field(
        description="When the payment gateway last refused an attempt to pay it; another may be "
        "made while it is PENDING."
    )
    failure: str | None = strawberry.field(description="Why it refused, in its words.")
    cancelled_at: datetime | None = strawberry.field(description="When it was called off.")

    @strawberry.field(
        description="How much of it has been, or is being, given back.", graphql_type=Money
    )
    def refunded(self) -> Any:
        """What goes back."""
        value = _value(self)
        return replace(value.received or value.amount, amount_minor=value.refunded_minor)

    @strawberry.field(
        description="What was given back of it, oldest first.", graphql_type=list[Refund]
    )
    async def refunds(self, info: Info) -> Any:
        """Its refunds."""
        return await info.context.loaders.refunds_of_payment.load(_value(self).id)

    @strawberry.field(description="What is paid for.", graphql_type=Booking | None)
    async def booking(self, info: Info) -> Any:
        """The booking."""
        return await info.context.loaders.bookings.load(_value(self).booking_id)

    @strawberry.field(
        description="Where its receipt is shown, to be printed or kept as a PDF; null until "
        "something has come in. Whoever has the address can read it, without signing in."
    )
    def receipt_url(self, info: Info) -> str | None:
        """The receipt's address."""
        value = _value(self)
        return address_of(info.context.settings, value.id) if value.received else None

    @strawberry.field(
        description="What the customer's browser pays a PENDING card payment with: Stripe's client "
        "secret. It is kept nowhere, and is in the answer to the mutation that asks for the "
        "payment only; ask again for it. Null for all others, and on a server that only pretends."
    )
    def client_secret(self, info: Info) -> str | None:
        """The secret, for whom the payment is to be made by."""
        value = _value(self)
        secret: str | None = info.context.notes.get(_note(value))
        return secret if value.customer_id == info.context.user.user_id else None


@strawberry.type(directives=[PUBLIC], description="All is paid that was to be paid.")
class NothingToPay(Problem):
    """All is paid that was to be paid."""


@strawberry.type(directives=[PUBLIC], description="There is not enough credit to pay this with.")
class NotEnoughCredit(Problem):
    """There is not enough credit to pay this with."""

    balance: money.Money = strawberry.field(graphql_type=Money, description="What there is.")
    due: money.Money = strawberry.field(graphql_type=Money, description="What is to be paid.")


@strawberry.type(
    directives=[SIGNED_IN],
    description="The payment is there to be made, or has been: look at its `status`.",
)
class PayBookingSuccess:
    """The payment is there to be made, or has been."""

    booking: booking_domain.Booking = strawberry.field(
        graphql_type=Booking, description="The booking as it stands now."
    )
    payment: domain.Payment = strawberry.field(
        graphql_type=Payment, description="The payment. A PENDING one is paid in the browser."
    )


PayBookingResult: TypeAlias = Annotated[
    PayBookingSuccess
    | WrongStatus
    | NothingToPay
    | NotEnoughCredit
    | PaymentUnavailable
    | IdempotencyKeyReused
    | NotFound
    | InvalidInput,
    strawberry.union("PayBookingResult", description="What came of payBooking."),
]


@strawberry.input(description="Which booking to pay, how much of it, and with what.")
class PayBookingInput:
    """Which booking to pay, how much of it, and with what."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")
    amount: PayAmount = strawberry.field(
        default=PayAmount.FULL, description="All that is left to pay, or only the deposit."
    )
    method: Method = strawberry.field(default=Method.CARD, description="What to pay it with.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 characters of your own; the same again is answered with the same "
        "payment as it stands then. Without one, what is asked for and not paid is asked for "
        "again, and not twice.",
    )

    @property
    def uid(self) -> UUID:
        """The booking's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Booking", self.booking_id, "bookingId")


@strawberry.type
class PaymentMutations:
    """Paying."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Pay for your booking, before or after a provider has it. A card payment is "
        "made in the browser with the `clientSecret` that is answered, and the booking is paid "
        "when the payment gateway has said so.",
        graphql_type=PayBookingResult,
    )
    async def pay_booking(self, info: Info, input: Given[PayBookingInput]) -> Any:
        """Pay."""
        context, uid = info.context, input.uid
        wish = Wish(amount=input.amount, method=input.method, gateway=taker(context, input.method))
        asked = (uid, input.amount, input.method)
        key = idempotency.key("payBooking", input.idempotency_key, asked)
        async with context.begin() as tx:
            ordered = await paying.ask(tx, booking_id=uid, by=context.user, wish=wish, key=key)
        booking, payment = await made_ready(context, ordered)
        return PayBookingSuccess(booking=booking, payment=payment)


def taker(context: Context, method: Method) -> str:
    """Who takes a payment that is made with this. Raises PaymentUnavailable."""
    gateway = context.outside.payments
    if method is Method.CARD and not gateway.is_open:
        raise domain.PaymentUnavailable
    return gateway.name


async def made_ready(
    context: Context, ordered: Asked
) -> tuple[booking_domain.Booking, domain.Payment]:
    """The booking, and the payment of it that was asked for, ready for its customer to make; as
    they stand now if there is nothing left to do. Raises PaymentUnavailable.

    No transaction is open meanwhile. What the browser pays with goes into this operation's answer.
    """
    if ordered.superseded is not None:
        await _withdraw(context, ordered.superseded)
    payment = await _arranged(context, ordered.payment)
    async with context.read() as connection:
        return await bookings.get(connection, payment.booking_id), payment


async def _arranged(context: Context, payment: domain.Payment) -> domain.Payment:
    gateway = context.outside.payments
    if not is_open(payment) or payment.gateway != gateway.name:
        return payment
    failpoint("payment.before_call")
    try:
        intent = await gateway.ask(payment)
    except GatewayUnavailable as error:
        log.warning("payment.not_asked", payment=str(payment.id), error=str(error))
        message = "The payment service does not answer just now; try again in a moment."
        raise domain.PaymentUnavailable(message) from error
    except GatewayRefused as error:
        log.exception("payment.refused", payment=str(payment.id))
        message = "The payment service does not take this payment; ask the house."
        raise domain.PaymentUnavailable(message) from error
    failpoint("payment.after_call")
    async with context.begin() as tx:
        known = await paying.arrange(
            tx,
            payment,
            gateway_id=intent.gateway_id,
            report=intent.report,
            settles_at_once=gateway.settles_at_once,
        )
    if is_open(known):
        context.notes[_note(known)] = intent.client_secret
    return known


async def _withdraw(context: Context, payment: domain.Payment) -> None:
    """Have the gateway forget a payment that another stands in for. If it does not, and both are
    paid, the one that was too much is given back."""
    gateway = context.outside.payments
    if payment.gateway != gateway.name:
        return
    try:
        await gateway.cancel(payment)
    except GatewayError as error:
        log.warning("payment.not_withdrawn", payment=str(payment.id), error=str(error))


def _note(payment: domain.Payment) -> str:
    return f"client_secret:{payment.id}"


def _value(view: Any) -> domain.Payment:
    value: domain.Payment = view
    return value


async def _fetch(context: Context, uid: UUID) -> domain.Payment | None:
    async with context.read() as connection:
        found: Sequence[domain.Payment] = await payment_rows.by_ids(connection, [uid])
    return next((one for one in found if sees(context.user, one.customer_id)), None)


nodes.register("Payment", domain.Payment, _fetch)


@problem_of.register
def _(refusal: domain.NothingToPay) -> Problem:
    return NothingToPay(message=str(refusal), code=ProblemCode.NOTHING_TO_PAY)


@problem_of.register
def _(refusal: ledger.NotEnoughCredit) -> Problem:
    return NotEnoughCredit(
        message=str(refusal),
        code=ProblemCode.NOT_ENOUGH_CREDIT,
        path=["method"],
        balance=refusal.balance,
        due=refusal.due,
    )
