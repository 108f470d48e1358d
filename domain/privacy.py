"""What may be known of a customer, their home and what is said about the work, and by whom?

A provider who is only asked knows "John D.", a district and a rounded distance; whoever wins the
work knows everything needed to turn up, until a month after completion. What the parties say to
each other is theirs and the house's. It is decided here and nowhere else (rules.md, Privacy).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from domain.distance import miles_apart
from domain.people import Role
from domain.places import rough, shown_miles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking, BookingKind
    from domain.history import HistoryEntry
    from domain.money import Money
    from domain.offers import JobOffer
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
    keywords: tuple[str, ...]
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
    on_site = booking.requirements.on_site
    field = replace(booking.address, point=rough(booking.address.point))
    miles = miles_apart(provider, field) if on_site else None
    return OfferedWork(
        service_id=booking.service_id,
        kind=booking.kind,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        price=booking.price,
        concern=booking.concern,
        vehicle=_any_such(booking.vehicle),
        requested_brand=booking.requested_brand,
        keywords=booking.keywords,
        customer_name=customer.public_name,
        city=booking.address.city,
        area=booking.address.outward_code,
        distance_miles=None if miles is None else shown_miles(miles),
    )


def contact(booking: Booking, customer: User, viewer: Viewer, *, at: datetime) -> Contact:
    """The customer of a booking that the viewer is a party to."""
    if booking.opens_contact_to(viewer, at=at):
        return Contact(name=customer.name, phone=customer.phone)
    return Contact(name=customer.public_name, phone=None)


def address(booking: Booking, viewer: Viewer, *, at: datetime) -> Address | None:
    """Where the work is, if the viewer may know it."""
    return booking.address if booking.opens_contact_to(viewer, at=at) else None


def seen_by(booking: Booking, viewer: Viewer, *, at: datetime) -> Booking:
    """A booking that the viewer may see, with nothing written in it that is not for them to read.

    Contact and address have functions of their own.
    """
    closed: dict[str, Any] = {}
    if not booking.opens_contact_to(viewer, at=at):
        closed.update(_HOME, vehicle=_any_such(booking.vehicle))
    if not booking.is_party(viewer):
        closed.update(_WORDS)
    if viewer.role is Role.PROVIDER and viewer.user_id != booking.preferred_provider_id:
        closed["preferred_provider_id"] = None
    return replace(booking, **closed) if closed else booking


def history(
    booking: Booking, entries: Iterable[HistoryEntry], viewer: Viewer
) -> tuple[HistoryEntry, ...]:
    """A booking's history with the reasons that the viewer may read: its customer and the house
    all of them, its provider their own and those since it is theirs."""

    def may_read(entry: HistoryEntry) -> bool:
        if viewer.is_staff or viewer.user_id == booking.customer_id:
            return True
        if viewer.user_id != booking.provider_id or booking.assigned_at is None:
            return False
        # Why another provider gave it back, or was late, is not for whoever has it now.
        return entry.actor_id == viewer.user_id or entry.at > booking.assigned_at

    return tuple(one if may_read(one) else replace(one, reason=None) for one in entries)


def reject_reason(offer: JobOffer, viewer: Viewer) -> str | None:
    """Why its provider said no, in their words: for themselves and the house."""
    return offer.reject_reason if offer.is_visible_to(viewer) else None


#: What leads through the customer's door, or names them: it closes with the address.
_HOME: Final[Mapping[str, Any]] = {
    "access_instructions": "",
    "special_requirements": "",
    "signed_by": None,
    "signature_url": None,
}
#: What is said and shown between the parties.
_WORDS: Final[Mapping[str, Any]] = {
    "cancel_reason": None,
    "completion_notes": None,
    "photo_urls": (),
    "checklist": (),
    "evidence": None,
    "late_reason": None,
}


def _any_such(vehicle: Vehicle | None) -> Vehicle | None:
    """The vehicle without what tells it from others of its model."""
    return replace(vehicle, vin=None, plate=None) if vehicle else None
