"""What does a client say to act on a booking?"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from api import ids
from domain import bookings as domain
from domain import places, requests
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
    access_instructions: str | None = strawberry.field(
        default=None, description="How to get in; up to 2000 characters."
    )
    special_requirements: str | None = strawberry.field(
        default=None, description="What to mind; up to 2000 characters."
    )
    concern: str | None = strawberry.field(
        default=None, description="What is the matter, in your words; up to 2000 characters."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 characters of your own. The same key and input make one booking, "
        "however often they are sent.",
    )

    def request(self, customer_id: UUID) -> requests.BookingRequest:
        """What is asked for. Raises InvalidInput for an id of something else."""
        provider_id = self.provider_id
        return requests.BookingRequest(
            customer_id=customer_id,
            service_id=ids.parse("Service", self.service_id, "serviceId"),
            provider_id=ids.parse("Provider", provider_id, "providerId") if provider_id else None,
            kind=self.kind,
            starts_at=self.starts_at,
            address=self.address.value(),
            access_instructions=self.access_instructions or "",
            special_requirements=self.special_requirements or "",
            concern=self.concern or "",
        )


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


@strawberry.input(description="Which booking to pay.")
class PayBookingInput(BookingInput):
    """Which booking to pay."""


@strawberry.input(description="Which booking to start.")
class StartBookingInput(BookingInput):
    """Which booking to start."""


@strawberry.input(description="Which booking is done, and what there is to say of it.")
class CompleteBookingInput(BookingInput):
    """Which booking is done."""

    notes: str | None = strawberry.field(default=None, description="Up to 2000 characters.")
    photo_urls: list[str] | None = strawberry.field(
        default=None, description="Up to 20 https addresses of photos."
    )


@strawberry.input(description="Which booking to call off, and why.")
class CancelBookingInput(BookingInput):
    """Which booking to call off."""

    reason: str | None = strawberry.field(default=None, description="Up to 500 characters.")
