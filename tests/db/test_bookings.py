"""Is a booking kept whole, with its history, and shown to those alone who may see it?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from db import bookings, cancellations
from domain.booking_steps import BookingStatus
from domain.bookings import BookingFilter
from domain.history import HistoryEntry, Source
from domain.money import Money
from domain.offers import Wave
from domain.pages import PageRequest
from domain.people import Role
from domain.refusals import NotFound
from tests.db.racing import act
from tests.factories import (
    a_viewer,
    add_booking,
    add_customer,
    add_customers,
    add_dispatcher,
    add_provider,
    add_service,
    an_address,
    now,
    read_booking,
)
from tests.paying import pay

if TYPE_CHECKING:
    from db.engine import Database
    from domain.people import Viewer


async def test_every_fact_comes_back_as_it_was_kept(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    at = await now(crowd)
    facts = ("approved_at", "paid_at", "assigned_at", "started_at", "completed_at", "unfilled_at")
    made = await add_booking(
        crowd,
        customer,
        service,
        provider_id=provider.user_id,
        address=an_address(line2="Flat 2", state_province="England"),
        access_instructions="Ring twice.",
        special_requirements="A dog.",
        concern="Ünïcode\nand lines 🧹",
        price=Money(amount_minor=2_000_000_000, currency="EUR"),
        needs_approval=True,
        cancel_reason="why",
        completion_notes="All clean.",
        photo_urls=("https://photos.example/1",),
        wave=Wave.BROADCAST,
        round=7,
        **{name: at + n * timedelta(microseconds=1) for n, name in enumerate(facts)},
    )
    nowhere = await add_booking(crowd, customer, service, address=an_address(point=None))

    assert await read_booking(crowd, made.id) == made
    assert await read_booking(crowd, nowhere.id) == nowhere


async def test_the_history_tells_who_did_what_when_and_why(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    made = await add_booking(crowd, customer, service)
    paid = await act(crowd, partial(pay, booking_id=made.id, by=customer))
    reason = "Plans changed."
    cancelled = await act(
        crowd, partial(cancellations.cancel, booking_id=made.id, by=customer, reason=reason)
    )

    async with crowd.read() as connection:
        found = await bookings.histories(connection, [made.id, customer.user_id])
    steps = (
        ("REQUEST", made.requested_at, None, BookingStatus.PENDING, None),
        ("PAY", paid.paid_at, BookingStatus.PENDING, BookingStatus.PAID, None),
        ("CANCEL", cancelled.cancelled_at, BookingStatus.PAID, BookingStatus.CANCELLED, reason),
    )
    assert found[made.id] == [
        HistoryEntry(
            booking_id=made.id,
            version=version,
            at=at or made.requested_at,
            act=act_,
            actor_id=customer.user_id,
            source=Source.CUSTOMER,
            before=before,
            after=after,
            reason=why,
        )
        for version, (act_, at, before, after, why) in enumerate(steps, start=1)
    ]
    assert found[customer.user_id] == []


async def test_each_sees_their_own_bookings_and_staff_and_analysts_all(crowd: Database) -> None:
    service = await add_service(crowd)
    one, other = await add_customers(crowd, count=2)
    provider = await add_provider(crowd, service)
    at = await now(crowd)
    staffed = {"provider_id": provider.user_id, "assigned_at": at, "match_due_at": None}
    first = await add_booking(crowd, one, service, **staffed)
    second = await add_booking(crowd, other, service)

    async def seen_by(viewer: Viewer) -> set[str]:
        async with crowd.read() as connection:
            page = await bookings.page(
                connection, PageRequest(limit=9), viewer=viewer, only=BookingFilter()
            )
        return {str(booking.id) for booking in page.items}

    both = {str(first.id), str(second.id)}
    assert await seen_by(one) == {str(first.id)}
    assert await seen_by(other) == {str(second.id)}
    assert await seen_by(provider) == {str(first.id)}
    assert await seen_by(a_viewer(user_id=one.user_id, role=Role.ANALYST)) == both
    assert await seen_by(a_viewer(user_id=uuid4(), role=Role.ADMIN)) == both
    assert await seen_by(a_viewer(user_id=one.user_id, role=Role.SERVICE)) == set()


async def test_the_unknown_and_the_forbidden_are_not_found_alike(crowd: Database) -> None:
    service = await add_service(crowd)
    owner, stranger = await add_customers(crowd, count=2)
    staff = await add_dispatcher(crowd)
    made = await add_booking(crowd, owner, service)

    for booking_id, viewer in ((uuid4(), staff), (made.id, stranger)):
        locking = partial(bookings.lock_for, booking_id=booking_id, viewer=viewer)
        with pytest.raises(NotFound) as refused:
            await act(crowd, locking)
        assert refused.value.kind == "Booking"
    with pytest.raises(NotFound):
        await read_booking(crowd, uuid4())
    for viewer in (owner, staff):
        locking = partial(bookings.lock_for, booking_id=made.id, viewer=viewer)
        assert await act(crowd, locking) == made
