"""What can be done about a booking, one mutation for each act."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.access import PUBLIC, SIGNED_IN, allow
from api.bookings import Booking
from api.context import Info
from api.enums import describe
from api.inputs import Given
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.views import view_of
from db import lifecycle
from domain import bookings as domain
from domain import idempotency, matching, payments, places, providers, requests
from domain.people import Role
from domain.refusals import FieldError
from domain.refusals import InvalidInput as Invalid
from gateways.payments import payment_gateway

BookingRule = describe(
    requests.BookingRule,
    "A rule about when a booking may be made.",
    PAST="The start has passed.",
    TOO_FAR_AHEAD="The start is further ahead than bookings are taken.",
)
HardRule = describe(
    matching.HardRule,
    "What a provider must satisfy to be given a booking.",
    APPROVED="Approved by the house and not suspended.",
    SERVICE="Offers the service.",
    RADIUS="The place is within reach.",
    HOURS="The whole window lies in working hours.",
    TIME_OFF="No time off touches the window.",
    FREE="No other work touches the window, nor comes too near.",
    NOT_REJECTED="Has not said no to this booking.",
    ON_SHIFT="Is on shift; asked of immediate work.",
    HEARTBEAT="Has been heard from lately; asked of immediate work.",
)


@strawberry.type(directives=[PUBLIC], description="The provider's time is taken.")
class SlotTaken(Problem):
    """The provider's time is taken."""

    alternatives: list[datetime] = strawberry.field(
        description="The next starts at which the same provider is free."
    )


@strawberry.type(directives=[PUBLIC], description="The booking stands where this is not possible.")
class WrongStatus(Problem):
    """The booking stands where this is not possible."""

    status: domain.BookingStatus = strawberry.field(description="Where it stands.")


@strawberry.type(directives=[PUBLIC], description="One booking rule that a request breaks.")
@view_of(requests.BrokenRule)
class BrokenRule:
    """One booking rule that a request breaks."""

    rule: requests.BookingRule = strawberry.field(description="Which rule.")
    message: str = strawberry.field(description="What would satisfy it.")


@strawberry.type(directives=[PUBLIC], description="The booking rules forbid this booking.")
class RulesBroken(Problem):
    """The booking rules forbid this booking."""

    broken: list[BrokenRule] = strawberry.field(description="Every broken rule.")


@strawberry.type(directives=[PUBLIC], description="What one hard rule said of a provider.")
@view_of(matching.Verdict)
class Verdict:
    """What one hard rule said of a provider."""

    rule: matching.HardRule = strawberry.field(description="Which rule.")
    passed: bool = strawberry.field(description="Is it satisfied?")


@strawberry.type(directives=[PUBLIC], description="This provider may not take this booking.")
class ProviderNotEligible(Problem):
    """This provider may not take this booking."""

    broken: list[Verdict] = strawberry.field(description="The rules that stand in the way.")


@strawberry.type(directives=[PUBLIC], description="The service can no longer be booked.")
class ServiceInactive(Problem):
    """The service can no longer be booked."""


@strawberry.type(directives=[PUBLIC], description="The key answered a request with other input.")
class IdempotencyKeyReused(Problem):
    """The key answered a request with other input."""


@strawberry.type(directives=[PUBLIC], description="No way to pay is configured on this server.")
class PaymentUnavailable(Problem):
    """No way to pay is configured on this server."""


@strawberry.type(directives=[SIGNED_IN], description="The act was done.")
class BookingActSuccess:
    """The act was done."""

    booking: domain.Booking = strawberry.field(
        graphql_type=Booking, description="The booking as it stands now."
    )


@strawberry.type(directives=[SIGNED_IN], description="The booking was made.")
class CreateBookingSuccess(BookingActSuccess):
    """The booking was made, or had been made by the same request before."""


@strawberry.type(directives=[SIGNED_IN], description="The booking was approved.")
class ApproveBookingSuccess(BookingActSuccess):
    """The booking was approved."""


@strawberry.type(directives=[SIGNED_IN], description="The booking was declined.")
class DeclineBookingSuccess(BookingActSuccess):
    """The booking was declined."""


@strawberry.type(directives=[SIGNED_IN], description="The booking is paid.")
class PayBookingSuccess(BookingActSuccess):
    """The booking is paid."""


@strawberry.type(directives=[SIGNED_IN], description="The work has begun.")
class StartBookingSuccess(BookingActSuccess):
    """The work has begun."""


@strawberry.type(directives=[SIGNED_IN], description="The work is done.")
class CompleteBookingSuccess(BookingActSuccess):
    """The work is done."""


@strawberry.type(directives=[SIGNED_IN], description="The booking was called off.")
class CancelBookingSuccess(BookingActSuccess):
    """The booking was called off."""


CreateBookingResult: TypeAlias = Annotated[
    CreateBookingSuccess
    | SlotTaken
    | RulesBroken
    | ProviderNotEligible
    | ServiceInactive
    | IdempotencyKeyReused
    | NotFound
    | InvalidInput,
    strawberry.union("CreateBookingResult", description="What came of createBooking."),
]
ApproveBookingResult: TypeAlias = Annotated[
    ApproveBookingSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("ApproveBookingResult", description="What came of approveBooking."),
]
DeclineBookingResult: TypeAlias = Annotated[
    DeclineBookingSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("DeclineBookingResult", description="What came of declineBooking."),
]
PayBookingResult: TypeAlias = Annotated[
    PayBookingSuccess | WrongStatus | PaymentUnavailable | NotFound | InvalidInput,
    strawberry.union("PayBookingResult", description="What came of payBooking."),
]
StartBookingResult: TypeAlias = Annotated[
    StartBookingSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("StartBookingResult", description="What came of startBooking."),
]
CompleteBookingResult: TypeAlias = Annotated[
    CompleteBookingSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("CompleteBookingResult", description="What came of completeBooking."),
]
CancelBookingResult: TypeAlias = Annotated[
    CancelBookingSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("CancelBookingResult", description="What came of cancelBooking."),
]


@strawberry.input(description="A place on the globe, in degrees.")
class PointInput:
    """A place on the globe."""

    latitude: float = strawberry.field(description="Degrees north, from -90 to 90.")
    longitude: float = strawberry.field(description="Degrees east, from -180 to 180.")


@strawberry.input(description="Where the work is to be done.")
class AddressInput:
    """Where the work is to be done."""

    line1: str = strawberry.field(description="Street and number; up to 200 characters.")
    line2: str = strawberry.field(default="", description="Flat, floor, building.")
    city: str = strawberry.field(description="City; up to 100 characters.")
    state_province: str = strawberry.field(default="", description="State, province or county.")
    postal_code: str = strawberry.field(description="Postal code; up to 16 characters.")
    country: str = strawberry.field(description='Country, ISO 3166 alpha-2, such as "GB".')
    point: PointInput | None = strawberry.field(
        default=None, description="Coordinates, if known: they make distances exact."
    )

    def value(self) -> places.Address:
        """The address. Raises InvalidInput for coordinates that are not on the globe."""
        return places.Address(
            line1=self.line1.strip(),
            line2=self.line2.strip(),
            city=self.city.strip(),
            state_province=self.state_province.strip(),
            postal_code=self.postal_code.strip().upper(),
            country=self.country.strip().upper(),
            point=self._point(),
        )

    def _point(self) -> places.Point | None:
        if self.point is None:
            return None
        try:
            return places.Point(latitude=self.point.latitude, longitude=self.point.longitude)
        except Invalid as error:
            within = ("address", "point")
            moved = (FieldError(path=(*within, *e.path), message=e.message) for e in error.errors)
            raise Invalid(*moved) from error


@strawberry.input(description="What a customer asks for.")
class CreateBookingInput:
    """What a customer asks for."""

    service_id: strawberry.ID = strawberry.field(description="The service.")
    kind: domain.BookingKind = strawberry.field(description="Now, or at a chosen time.")
    starts_at: datetime | None = strawberry.field(
        default=None, description="When the work should start; leave it out for IMMEDIATE."
    )
    address: AddressInput = strawberry.field(description="Where.")
    provider_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Book this provider's time directly. Without it the work is offered to the "
        "best providers.",
    )
    access_instructions: str = strawberry.field(
        default="", description="How to get in; up to 2000 characters."
    )
    special_requirements: str = strawberry.field(
        default="", description="What to mind; up to 2000 characters."
    )
    concern: str = strawberry.field(
        default="", description="What is the matter, in your words; up to 2000 characters."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 characters of your own. The same key and input make one booking, "
        "however often they are sent.",
    )

    def request(self, customer_id: Any) -> requests.BookingRequest:
        """What is asked for. Raises InvalidInput for an id of something else."""
        provider_id = self.provider_id
        return requests.BookingRequest(
            customer_id=customer_id,
            service_id=ids.parse("Service", self.service_id, "serviceId"),
            provider_id=ids.parse("Provider", provider_id, "providerId") if provider_id else None,
            kind=self.kind,
            starts_at=self.starts_at,
            address=self.address.value(),
            access_instructions=self.access_instructions,
            special_requirements=self.special_requirements,
            concern=self.concern,
        )


@strawberry.input(description="Which booking.")
class BookingInput:
    """Which booking."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")

    @property
    def uid(self) -> Any:
        """The booking's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Booking", self.booking_id, "bookingId")


@strawberry.input(description="Which booking to approve.")
class ApproveBookingInput(BookingInput):
    """Which booking to approve."""


@strawberry.input(description="Which booking to decline, and why.")
class DeclineBookingInput(BookingInput):
    """Which booking to decline, and why."""

    reason: str = strawberry.field(description="What the customer will read; 1 to 500 characters.")


@strawberry.input(description="Which booking to pay.")
class PayBookingInput(BookingInput):
    """Which booking to pay."""


@strawberry.input(description="Which booking to start.")
class StartBookingInput(BookingInput):
    """Which booking to start."""


@strawberry.input(description="Which booking is done, and what there is to say of it.")
class CompleteBookingInput(BookingInput):
    """Which booking is done."""

    notes: str = strawberry.field(default="", description="Up to 2000 characters.")
    photo_urls: list[str] = strawberry.field(
        default_factory=list, description="Up to 20 https addresses of photos."
    )


@strawberry.input(description="Which booking to call off, and why.")
class CancelBookingInput(BookingInput):
    """Which booking to call off."""

    reason: str = strawberry.field(default="", description="Up to 500 characters.")


@strawberry.type
class BookingMutations:
    """Acting on bookings."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Ask for a service, now or for later.",
        graphql_type=CreateBookingResult,
    )
    async def create_booking(self, info: Info, input: Given[CreateBookingInput]) -> Any:
        """Make a booking."""
        asked = input.request(info.context.user.user_id)
        key = idempotency.key("createBooking", input.idempotency_key, asked)
        async with info.context.begin() as tx:
            booking = await lifecycle.request(tx, asked, key=key)
        return CreateBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.DISPATCHER, Role.ADMIN)],
        description="Let a booking that awaits approval go on.",
        graphql_type=ApproveBookingResult,
    )
    async def approve_booking(self, info: Info, input: Given[ApproveBookingInput]) -> Any:
        """Approve."""
        async with info.context.begin() as tx:
            booking = await lifecycle.approve(tx, booking_id=input.uid, by=info.context.user)
        return ApproveBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.DISPATCHER, Role.ADMIN)],
        description="Turn down a booking that awaits approval.",
        graphql_type=DeclineBookingResult,
    )
    async def decline_booking(self, info: Info, input: Given[DeclineBookingInput]) -> Any:
        """Decline."""
        async with info.context.begin() as tx:
            booking = await lifecycle.decline(
                tx, booking_id=input.uid, by=info.context.user, reason=input.reason
            )
        return DeclineBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Pay for your booking, before or after a provider has it.",
        graphql_type=PayBookingResult,
    )
    async def pay_booking(self, info: Info, input: Given[PayBookingInput]) -> Any:
        """Pay."""
        gateway = payment_gateway(info.context.settings)
        async with info.context.begin() as tx:
            booking = await lifecycle.pay(tx, booking_id=input.uid, by=info.context.user)
        await gateway.charge(booking)
        return PayBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Begin the work on a confirmed booking of yours.",
        graphql_type=StartBookingResult,
    )
    async def start_booking(self, info: Info, input: Given[StartBookingInput]) -> Any:
        """Start."""
        async with info.context.begin() as tx:
            booking = await lifecycle.start(tx, booking_id=input.uid, by=info.context.user)
        return StartBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Say that the work you started is done.",
        graphql_type=CompleteBookingResult,
    )
    async def complete_booking(self, info: Info, input: Given[CompleteBookingInput]) -> Any:
        """Complete."""
        async with info.context.begin() as tx:
            booking = await lifecycle.complete(
                tx,
                booking_id=input.uid,
                by=info.context.user,
                notes=input.notes,
                photo_urls=tuple(input.photo_urls),
            )
        return CompleteBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="Call off a booking that has not begun.",
        graphql_type=CancelBookingResult,
    )
    async def cancel_booking(self, info: Info, input: Given[CancelBookingInput]) -> Any:
        """Cancel."""
        async with info.context.begin() as tx:
            booking = await lifecycle.cancel(
                tx, booking_id=input.uid, by=info.context.user, reason=input.reason
            )
        return CancelBookingSuccess(booking=booking)


@problem_of.register
def _(refusal: domain.SlotTaken) -> Problem:
    return SlotTaken(
        message=str(refusal),
        code=ProblemCode.SLOT_TAKEN,
        path=["startsAt"],
        alternatives=list(refusal.alternatives),
    )


@problem_of.register
def _(refusal: domain.WrongStatus) -> Problem:
    return WrongStatus(message=str(refusal), code=ProblemCode.WRONG_STATUS, status=refusal.status)


@problem_of.register
def _(refusal: requests.RulesBroken) -> Problem:
    broken: Any = list(refusal.broken)
    return RulesBroken(
        message=str(refusal), code=ProblemCode.RULES_BROKEN, path=["startsAt"], broken=broken
    )


@problem_of.register
def _(refusal: providers.ProviderNotEligible) -> Problem:
    broken: Any = list(refusal.broken)
    return ProviderNotEligible(
        message=str(refusal),
        code=ProblemCode.PROVIDER_NOT_ELIGIBLE,
        path=["providerId"],
        broken=broken,
    )


@problem_of.register
def _(refusal: requests.ServiceInactive) -> Problem:
    return ServiceInactive(
        message=str(refusal), code=ProblemCode.SERVICE_INACTIVE, path=["serviceId"]
    )


@problem_of.register
def _(refusal: idempotency.IdempotencyKeyReused) -> Problem:
    return IdempotencyKeyReused(
        message=str(refusal), code=ProblemCode.IDEMPOTENCY_KEY_REUSED, path=["idempotencyKey"]
    )


@problem_of.register
def _(refusal: payments.PaymentUnavailable) -> Problem:
    return PaymentUnavailable(message=str(refusal), code=ProblemCode.PAYMENT_UNAVAILABLE)
