"""What does a customer ask for, and is it a booking we can take?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.bookings import Booking, BookingKind
from domain.refusals import FieldError, InvalidInput, Refusal, wrong_text
from domain.services import ApprovalPolicy

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.places import Address
    from domain.services import Service

#: The window of work wanted now opens this long after the request: time to find and to travel.
IMMEDIATE_LEAD: Final = timedelta(minutes=30)
MAX_ADVANCE: Final = timedelta(days=90)

_COUNTRY: Final = re.compile("[A-Z]{2}")


class BookingRule(StrEnum):
    """A rule about when a booking may be made."""

    PAST = "PAST"
    TOO_FAR_AHEAD = "TOO_FAR_AHEAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """One rule that a request breaks, and what would satisfy it."""

    rule: BookingRule
    message: str


class RulesBroken(Refusal):
    """The booking rules forbid this booking. Carries every broken rule at once."""

    def __init__(self, broken: tuple[BrokenRule, ...]) -> None:
        super().__init__(" ".join(one.message for one in broken))
        self.broken = broken


class ServiceInactive(Refusal):
    """The service is in the catalogue no longer."""

    def __init__(self) -> None:
        super().__init__("This service can no longer be booked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRequest:
    """What a customer asks for. Without `provider_id` the work is offered to the best providers."""

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

    def wrong_fields(self) -> tuple[FieldError, ...]:
        """Every field whose shape is wrong, with its remedy."""
        address = self.address
        sizes = (
            (("address", "line1"), address.line1, 1, 200),
            (("address", "line2"), address.line2, 0, 200),
            (("address", "city"), address.city, 1, 100),
            (("address", "stateProvince"), address.state_province, 0, 100),
            (("address", "postalCode"), address.postal_code, 1, 16),
            (("accessInstructions",), self.access_instructions, 0, 2000),
            (("specialRequirements",), self.special_requirements, 0, 2000),
            (("concern",), self.concern, 0, 2000),
        )
        errors = [error for sized in sizes for error in wrong_text(*sized)]
        if not _COUNTRY.fullmatch(address.country):
            message = 'Write the ISO 3166 code of two capitals, such as "GB".'
            errors.append(FieldError(path=("address", "country"), message=message))
        return (*errors, *_wrong_start(self))


def _wrong_start(request: BookingRequest) -> tuple[FieldError, ...]:
    if request.kind is BookingKind.IMMEDIATE and request.starts_at is not None:
        message = "Leave it out for IMMEDIATE, or book SCHEDULED."
    elif request.kind is BookingKind.SCHEDULED and request.starts_at is None:
        message = "Say when the work should start, or book IMMEDIATE."
    else:
        return ()
    return (FieldError(path=("startsAt",), message=message),)


def draft(request: BookingRequest, service: Service, *, booking_id: UUID, at: datetime) -> Booking:
    """The booking this request makes. One with nothing to pay is paid from the start.

    Raises InvalidInput, ServiceInactive or RulesBroken.
    """
    if wrong := request.wrong_fields():
        raise InvalidInput(*wrong)
    if not service.active:
        raise ServiceInactive
    starts_at = _start(request, at)
    broken = _broken_rules(starts_at, at)
    if broken:
        raise RulesBroken(broken)
    approved = service.approval is ApprovalPolicy.INSTANT
    return Booking(
        id=booking_id,
        customer_id=request.customer_id,
        service_id=service.id,
        provider_id=request.provider_id,
        kind=request.kind,
        starts_at=starts_at,
        ends_at=starts_at + service.duration,
        address=request.address,
        access_instructions=request.access_instructions,
        special_requirements=request.special_requirements,
        concern=request.concern,
        price=service.price,
        needs_approval=not approved,
        requested_at=at,
        paid_at=at if service.price.is_zero else None,
        assigned_at=at if request.provider_id else None,
        match_due_at=at if approved and not request.provider_id else None,
    )


def _start(request: BookingRequest, at: datetime) -> datetime:
    if request.starts_at is not None:
        return request.starts_at
    return (at + IMMEDIATE_LEAD).replace(second=0, microsecond=0) + timedelta(minutes=1)


def _broken_rules(starts_at: datetime, at: datetime) -> tuple[BrokenRule, ...]:
    if starts_at <= at:
        message = "The start is in the past; choose a later one."
        return (BrokenRule(rule=BookingRule.PAST, message=message),)
    if starts_at > at + MAX_ADVANCE:
        message = f"The start is more than {MAX_ADVANCE.days} days ahead; choose an earlier one."
        return (BrokenRule(rule=BookingRule.TOO_FAR_AHEAD, message=message),)
    return ()
