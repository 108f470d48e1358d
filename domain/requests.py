"""What does a customer ask for, and is it a booking we can take?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.booking_rules import MAX_REASON
from domain.bookings import Booking, BookingKind, search
from domain.keywords import extract
from domain.refusals import FieldError, InvalidInput, Refusal, wrong_text
from domain.services import ApprovalPolicy, ServiceMode

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.holds import Hold
    from domain.places import Address
    from domain.series import SeriesPlace
    from domain.services import Service
    from domain.vehicles import Vehicle

#: The window of work wanted now opens this long after the request: time to find and to travel.
IMMEDIATE_LEAD: Final = timedelta(minutes=30)
#: The brands that people write are short.
MAX_BRAND: Final = 100


class ServiceInactive(Refusal):
    """The service is in the catalogue no longer."""

    def __init__(self) -> None:
        super().__init__("This service can no longer be booked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRequest:
    """What a customer asks for, or staff for them.

    With `provider_id` that provider's time is taken at once. Without, the work is offered: to
    `preferred_provider_id` first, if there is one, then to the best.
    """

    customer_id: UUID
    service_id: UUID
    provider_id: UUID | None = None
    kind: BookingKind
    #: Left out of IMMEDIATE requests.
    starts_at: datetime | None = None
    address: Address
    access_instructions: str = ""
    special_requirements: str = ""
    concern: str = ""
    vehicle: Vehicle | None = None
    requested_brand: str = ""
    preferred_provider_id: UUID | None = None
    hold_id: UUID | None = None
    series: SeriesPlace | None = None
    terms_accepted: bool = False
    #: Why staff set booking rules aside; None keeps to them.
    override_reason: str | None = None

    @property
    def immediate(self) -> bool:
        """Is the work wanted now?"""
        return self.kind is BookingKind.IMMEDIATE

    def with_hold(self, hold: Hold) -> BookingRequest:
        """The request for the time that a hold keeps. Raises InvalidInput where they disagree."""
        wrong = [
            FieldError(path=(name,), message="This is not what the hold keeps; leave it out.")
            for name, asked, kept in (
                ("serviceId", self.service_id, hold.service_id),
                ("providerId", self.provider_id, hold.provider_id),
                ("startsAt", self.starts_at, hold.starts_at),
            )
            if asked is not None and asked != kept
        ]
        if self.immediate:
            message = "A hold keeps a chosen time; book SCHEDULED."
            wrong.append(FieldError(path=("kind",), message=message))
        if wrong:
            raise InvalidInput(*wrong)
        return replace(self, provider_id=hold.provider_id, starts_at=hold.starts_at)

    def wrong_fields(self, *, at: datetime) -> tuple[FieldError, ...]:
        """Every field whose shape is wrong, with its remedy."""
        sizes = (
            (("accessInstructions",), self.access_instructions, 0, 2000),
            (("specialRequirements",), self.special_requirements, 0, 2000),
            (("concern",), self.concern, 0, 2000),
            (("requestedBrand",), self.requested_brand, 0, MAX_BRAND),
        )
        errors = [
            *self.address.wrong_fields("address"),
            *(error for sized in sizes for error in wrong_text(*sized)),
        ]
        if self.vehicle is not None:
            errors += self.vehicle.wrong_fields("vehicle", at=at)
        if self.override_reason is not None:
            errors += wrong_text(("overrideReason",), self.override_reason, 1, MAX_REASON)
        if self.provider_id is not None and self.preferred_provider_id is not None:
            message = "Book one provider with `providerId`, or prefer one; not both."
            errors.append(FieldError(path=("preferredProviderId",), message=message))
        return (*errors, *_wrong_start(self))


def _wrong_start(request: BookingRequest) -> tuple[FieldError, ...]:
    if request.immediate and request.starts_at is not None:
        message = "Leave it out for IMMEDIATE, or book SCHEDULED."
    elif request.immediate or request.starts_at is not None or request.hold_id is not None:
        return ()
    else:
        message = "Say when the work should start, or book IMMEDIATE."
    return (FieldError(path=("startsAt",), message=message),)


def draft(request: BookingRequest, service: Service, *, booking_id: UUID, at: datetime) -> Booking:
    """The booking this request makes, if the rules allow it. One with nothing to pay is paid from
    the start, and it is offered from the start unless it waits for a yes or for terms.

    Raises InvalidInput or ServiceInactive.
    """
    wrong = list(request.wrong_fields(at=at))
    if service.requires_vehicle and request.vehicle is None:
        message = "This service needs to know the vehicle."
        wrong.append(FieldError(path=("vehicle",), message=message))
    if wrong:
        raise InvalidInput(*wrong)
    return outline(request, service, booking_id=booking_id, at=at)


def outline(
    request: BookingRequest, service: Service, *, booking_id: UUID, at: datetime
) -> Booking:
    """The booking a request would make, whatever it lacks: enough to ask whether its time is free.

    Raises ServiceInactive.
    """
    if not service.active:
        raise ServiceInactive
    starts_at = request.starts_at or soon(at)
    made = Booking(
        id=booking_id,
        customer_id=request.customer_id,
        service_id=service.id,
        provider_id=request.provider_id,
        kind=request.kind,
        starts_at=starts_at,
        ends_at=starts_at + service.duration,
        address=_place(request.address, service),
        access_instructions=request.access_instructions,
        special_requirements=request.special_requirements,
        concern=request.concern,
        vehicle=request.vehicle,
        requested_brand=request.requested_brand,
        keywords=extract(request.concern),
        preferred_provider_id=request.preferred_provider_id,
        series=request.series,
        price=service.price,
        rules=service.rules,
        requirements=service.requirements,
        needs_approval=service.approval is ApprovalPolicy.MANUAL,
        needs_terms=bool(service.terms),
        terms_accepted_at=at if service.terms and request.terms_accepted else None,
        requested_at=at,
        paid_at=at if service.price.is_zero else None,
        assigned_at=at if request.provider_id else None,
    )
    return search(made, at=at)


def _place(address: Address, service: Service) -> Address:
    """Where work that is not done on the spot keeps nobody travelling."""
    on_site = service.mode is ServiceMode.ON_SITE
    return address if on_site else replace(address, point=None)


def soon(at: datetime) -> datetime:
    """The start of work that is wanted now, on the next whole minute after the lead time."""
    return (at + IMMEDIATE_LEAD).replace(second=0, microsecond=0) + timedelta(minutes=1)
