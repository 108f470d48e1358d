"""What may a provider know of a customer, before and after winning the work?

Before: "John D.", a district and a rounded distance. After: everything needed to turn up, until a
month after completion. Both are decided here and nowhere else (rules.md, Privacy).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from domain.places import miles_between, shown_miles

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking, BookingKind
    from domain.money import Money
    from domain.people import User, Viewer
    from domain.places import Address
    from domain.providers import Provider
    from domain.vehicles import Vehicle


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedWork:
    """A booking as somebody sees it who has only been offered it."""

    service_id: UUID
    kind: BookingKind
    starts_at: datetime
    ends_at: datetime
    price: Money
    concern: str
    #: Year, make and model; what names one single vehicle is told to whoever gets the work.
    vehicle: Vehicle | None
    requested_brand: str
    customer_name: str
    city: str
    area: str
    distance_miles: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The customer as the viewer may see them; no phone number where it is closed."""

    name: str
    phone: str | None


def offered_work(booking: Booking, customer: User, provider: Provider) -> OfferedWork:
    """What an offer shows of a booking."""
    here, there = provider.point, booking.address.point
    return OfferedWork(
        service_id=booking.service_id,
        kind=booking.kind,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        price=booking.price,
        concern=booking.concern,
        vehicle=replace(booking.vehicle, vin=None, plate=None) if booking.vehicle else None,
        requested_brand=booking.requested_brand,
        customer_name=customer.public_name,
        city=booking.address.city,
        area=booking.address.outward_code,
        distance_miles=shown_miles(miles_between(here, there)) if here and there else None,
    )


def contact(booking: Booking, customer: User, viewer: Viewer, *, at: datetime) -> Contact:
    """The customer of a booking that the viewer is a party to."""
    if booking.opens_contact_to(viewer, at=at):
        return Contact(name=customer.name, phone=customer.phone)
    return Contact(name=customer.public_name, phone=None)


def address(booking: Booking, viewer: Viewer, *, at: datetime) -> Address | None:
    """Where the work is, if the viewer may know it."""
    return booking.address if booking.opens_contact_to(viewer, at=at) else None
