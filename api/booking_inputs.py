"""What does a client say to act on a booking?"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry

from api import ids
from api.booking_kinds import BookingKind, Party
from api.scalars import LocalDateTime, TimeZone
from api.vehicles import VehicleInput
from domain import lifecycle, local_times, places, requests
from domain.people import Viewer
from domain.refusals import FieldError, InvalidInput


@strawberry.input(description="A place on the globe, in degrees.")
class PointInput:
    """A place on the globe."""

    latitude: float = strawberry.field(description="Degrees north, from -90 to 90.")
    longitude: float = strawberry.field(description="Degrees east, from -180 to 180.")


@strawberry.input(description="Where the work is to be done.")
class AddressInput:
    """Where the work is to be done."""

    line1: str = strawberry.field(description="Street and number; up to 200 characters.")
    line2: str | None = strawberry.field(default=None, description="Flat, floor, building.")
    city: str = strawberry.field(description="City; up to 100 characters.")
    state_province: str | None = strawberry.field(
        default=None, description="State, province or county."
    )
    postal_code: str = strawberry.field(description="Postal code; up to 16 characters.")
    country: str = strawberry.field(description='Country, ISO 3166 alpha-2, such as "GB".')
    point: PointInput | None = strawberry.field(
        default=None, description="Coordinates, if known: they make distances exact."
    )

    def value(self) -> places.Address:
        """The address. Raises InvalidInput for coordinates that are not on the globe."""
        return places.Address(
            line1=self.line1.strip(),
            line2=(self.line2 or "").strip(),
            city=self.city.strip(),
            state_province=(self.state_province or "").strip(),
            postal_code=self.postal_code.strip().upper(),
            country=self.country.strip().upper(),
            point=self._point(),
        )

    def _point(self) -> places.Point | None:
        if self.point is None:
            return None
        try:
            return places.Point(latitude=self.point.latitude, longitude=self.point.longitude)
        except InvalidInput as error:
            within = ("address", "point")
            moved = (FieldError(path=(*within, *e.path), message=e.message) for e in error.errors)
            raise InvalidInput(*moved) from error


_KEY = (
    "1 to 200 characters of your own. The same key and input are done once, however often they are "
    "sent."
)
_OVERRIDE = (
    "Staff only: set aside what the booking rules say, and why; it is written into the history. "
    "Never the past, and never time that is taken."
)
_VERSION = "The version you have seen; refused as VersionConflict when the booking has changed."


@strawberry.input(description="The work that is wanted: what, where, by whom, and what to know.")
class WorkInput:
    """The work that is wanted, once or again and again."""

    service_id: strawberry.ID = strawberry.field(description="The service.")
    address: AddressInput = strawberry.field(description="Where.")
    provider_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Book this provider's time directly. Without it the work is offered to the "
        "best providers.",
    )
    preferred_provider_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Ask this provider first; after two silent minutes the work goes to the best.",
    )
    access_instructions: str | None = strawberry.field(
        default=None, description="How to get in; up to 2000 characters."
    )
    special_requirements: str | None = strawberry.field(
        default=None, description="What to mind; up to 2000 characters."
    )
    concern: str | None = strawberry.field(
        default=None, description="What is the matter, in your words; up to 2000 characters."
    )
    vehicle: VehicleInput | None = strawberry.field(
        default=None, description="The vehicle to be worked on; some services need it."
    )
    requested_brand: str | None = strawberry.field(
        default=None, description="The brand the work is about; up to 100 characters."
    )
    accept_terms: bool | None = strawberry.field(
        default=None, description="Accept the service's terms at once. See `acceptTerms`."
    )
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="Staff only: whom the work is for."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)

    def wanted(self, viewer: Viewer, kind: BookingKind, **when: Any) -> requests.BookingRequest:
        """The request for this work at a time. Raises InvalidInput for ids of something else."""
        return requests.BookingRequest(
            customer_id=self._customer(viewer),
            service_id=ids.parse("Service", self.service_id, "serviceId"),
            provider_id=_optional("Provider", self.provider_id, "providerId"),
            kind=kind,
            address=self.address.value(),
            access_instructions=self.access_instructions or "",
            special_requirements=self.special_requirements or "",
            concern=self.concern or "",
            vehicle=self.vehicle.given() if self.vehicle else None,
            requested_brand=(self.requested_brand or "").strip(),
            preferred_provider_id=_optional(
                "Provider", self.preferred_provider_id, "preferredProviderId"
            ),
            terms_accepted=bool(self.accept_terms),
            **when,
        )

    def _customer(self, viewer: Viewer) -> UUID:
        given = _optional("User", self.customer_id, "customerId")
        if viewer.is_staff and given is None:
            message = "Say whom the booking is for."
            raise InvalidInput(FieldError(path=("customerId",), message=message))
        return given or viewer.user_id


@strawberry.input(description="What a customer asks for, or staff for them.")
class CreateBookingInput(WorkInput):
    """What a customer asks for."""

    kind: BookingKind = strawberry.field(description="Now, or at a chosen time.")
    starts_at: datetime | None = strawberry.field(
        default=None,
        description="When the work should start. Leave it out for IMMEDIATE, and with a hold.",
    )
    local_start: LocalDateTime | None = strawberry.field(
        default=None,
        description="The start on the wall clock of `timeZone`, instead of `startsAt`. A time that "
        "does not exist there, or comes twice, is refused with the instants to choose from.",
    )
    time_zone: TimeZone | None = strawberry.field(
        default=None, description="The zone that `localStart` is in."
    )
    hold_id: strawberry.ID | None = strawberry.field(
        default=None, description="Book what this hold of yours keeps: its provider and its time."
    )
    override_reason: str | None = strawberry.field(default=None, description=_OVERRIDE)

    def request(self, viewer: Viewer) -> requests.BookingRequest:
        """What is asked for. Raises InvalidInput, or RulesBroken for a local time that is none."""
        return self.wanted(
            viewer,
            self.kind,
            starts_at=start_of(self.starts_at, self.local_start, self.time_zone),
            hold_id=_optional("Hold", self.hold_id, "holdId"),
            override_reason=self.override_reason if viewer.is_staff else None,
        )


def start_of(
    starts_at: datetime | None, local_start: datetime | None, time_zone: str | None
) -> datetime | None:
    """The start that is meant: an instant, or a wall time in a zone.

    Raises InvalidInput, or RulesBroken for a wall time that does not exist or comes twice.
    """
    if local_start is None and time_zone is None:
        return starts_at
    if local_start is None or time_zone is None or starts_at is not None:
        message = "Give `startsAt`, or `localStart` and `timeZone`."
        raise InvalidInput(FieldError(path=("localStart",), message=message))
    return local_times.resolve(local_start, ZoneInfo(time_zone))


def _optional(kind: str, given: strawberry.ID | None, name: str) -> UUID | None:
    return ids.parse(kind, given, name) if given else None


@strawberry.input(description="Which booking.")
class BookingInput:
    """Which booking."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")

    @property
    def uid(self) -> UUID:
        """The booking's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Booking", self.booking_id, "bookingId")


@strawberry.input(description="Which booking to approve.")
class ApproveBookingInput(BookingInput):
    """Which booking to approve."""


@strawberry.input(description="Which booking to decline, and why.")
class DeclineBookingInput(BookingInput):
    """Which booking to decline, and why."""

    reason: str = strawberry.field(description="What the customer will read; 1 to 500 characters.")


@strawberry.input(description="Which booking to start.")
class StartBookingInput(BookingInput):
    """Which booking to start."""


@strawberry.input(description="Which booking to call off, why, and for which fee.")
class CancelBookingInput(BookingInput):
    """Which booking to call off."""

    reason: str | None = strawberry.field(default=None, description="Up to 500 characters.")
    expected_fee_minor: int | None = strawberry.field(
        default=None,
        description="The fee you agree to, in minor units, as `cancellationQuote` gave it; 0 when "
        "left out. Another fee is refused as FeeChanged.",
    )
    expected_version: int | None = strawberry.field(default=None, description=_VERSION)


@strawberry.input(description="Which booking to move, and to when.")
class RescheduleBookingInput(BookingInput):
    """Which booking to move."""

    starts_at: datetime | None = strawberry.field(default=None, description="The new start.")
    local_start: LocalDateTime | None = strawberry.field(
        default=None, description="The new start on the wall clock of `timeZone`, instead."
    )
    time_zone: TimeZone | None = strawberry.field(
        default=None, description="The zone that `localStart` is in."
    )
    keep_provider: bool | None = strawberry.field(
        default=None,
        description="Refuse rather than look for somebody else when the provider is not free.",
    )
    override_reason: str | None = strawberry.field(default=None, description=_OVERRIDE)
    expected_version: int | None = strawberry.field(default=None, description=_VERSION)

    @property
    def start(self) -> datetime:
        """The new start. Raises InvalidInput or RulesBroken."""
        start = start_of(self.starts_at, self.local_start, self.time_zone)
        if start is None:
            message = "Say when the work should start."
            raise InvalidInput(FieldError(path=("startsAt",), message=message))
        return start


@strawberry.input(description="Who did not turn up, and what shows it.")
class ReportNoShowInput(BookingInput):
    """Who did not turn up."""

    absent: Party = strawberry.field(description="Who did not come.")
    note: str = strawberry.field(description="What happened; 1 to 2000 characters.")
    photo_urls: list[str] | None = strawberry.field(
        default=None, description="Up to 20 https addresses of photos."
    )


@strawberry.input(description="Which booking to give to whom.")
class AssignBookingInput(BookingInput):
    """Which booking to give to whom."""

    provider_id: strawberry.ID = strawberry.field(description="Who is to do the work.")
    override_reason: str | None = strawberry.field(default=None, description=_OVERRIDE)
    expected_version: int | None = strawberry.field(default=None, description=_VERSION)


@strawberry.input(description="Which booking's terms to accept.")
class AcceptTermsInput(BookingInput):
    """Which booking's terms to accept."""


@strawberry.input(description="What to say anew of a booking; what is left out stays.")
class UpdateBookingInput(BookingInput):
    """What to say anew of a booking."""

    access_instructions: str | None = strawberry.field(
        default=None, description="How to get in; up to 2000 characters."
    )
    special_requirements: str | None = strawberry.field(
        default=None, description="What to mind; up to 2000 characters."
    )
    concern: str | None = strawberry.field(
        default=None, description="What is the matter; up to 2000 characters."
    )
    expected_version: int | None = strawberry.field(default=None, description=_VERSION)

    def details(self) -> lifecycle.Details:
        """What is said."""
        return lifecycle.Details(
            access_instructions=self.access_instructions,
            special_requirements=self.special_requirements,
            concern=self.concern,
        )
