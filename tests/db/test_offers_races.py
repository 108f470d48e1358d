"""Is there exactly one winner, whoever accepts, cancels or expires at the same time?"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from db import bookings, cancellations, offers
from db.ids import new_id
from db.tables import job_offers
from domain.booking_steps import BookingStatus
from domain.bookings import Booking, SlotTaken
from domain.events import EventType
from domain.money import Money
from domain.offers import Gone, JobOffer, OfferGone, OfferState
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.factories import (
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    live_reservations,
    now,
    read_booking,
    read_events,
    read_offers,
)
from tests.paying import pay

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database

HOUR = timedelta(hours=1)


def accepting(offer: JobOffer) -> Any:
    return partial(offers.accept, offer_id=offer.id, by=offer.provider_id)


def states(found: dict[UUID, JobOffer]) -> Counter[OfferState]:
    return Counter(offer.state for offer in found.values())


async def test_of_a_hundred_providers_one_wins_and_the_others_hear_that_it_is_taken(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    everyone = await add_providers(crowd, service, count=100, on_shift=False)
    tomorrow = await now(crowd) + timedelta(days=1)

    for number in range(8):
        starts_at = tomorrow + number * 3 * HOUR
        booking = await add_booking(crowd, customer, service, starts_at=starts_at)
        made = await add_offers(crowd, booking, everyone)
        before = len(await read_events(crowd))

        outcomes = await race(crowd, (accepting(offer) for offer in made))

        (taken,) = [one for one in outcomes if isinstance(one, Booking)]
        gone = Counter(one.why for one in outcomes if isinstance(one, OfferGone))
        assert gone == {Gone.TAKEN: 99}
        found = await read_offers(crowd, booking.id)
        assert states(found) == {OfferState.ACCEPTED: 1, OfferState.RESCINDED: 99}
        assert await read_booking(crowd, booking.id) == taken
        assert taken.provider_id is not None
        assert found[taken.provider_id].state is OfferState.ACCEPTED
        assert await live_reservations(crowd, booking.id) == [taken.provider_id]
        assert Counter(await read_events(crowd, after=before)) == {
            EventType.OFFER_ACCEPTED: 1,
            EventType.BOOKING_ASSIGNED: 1,
            EventType.OFFER_RESCINDED: 99,
        }
    await invariants.check(crowd)


async def test_an_offer_that_expires_while_its_acceptance_waits_for_the_lock_is_refused(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    (offer,) = await add_offers(crowd, booking, [provider])
    events_before = len(await read_events(crowd))

    async with crowd.begin() as tx:
        await bookings.lock(tx, booking.id)
        task = await waiting(crowd, accepting(offer))
        await tx.execute(text("UPDATE job_offers SET expires_at = clock_timestamp()"))
    with pytest.raises(OfferGone) as refused:
        await task

    assert refused.value.why is Gone.EXPIRED
    assert await read_booking(crowd, booking.id) == booking
    assert len(await read_events(crowd)) == events_before
    assert await live_reservations(crowd, booking.id) == []
    await invariants.check(crowd)


async def test_an_offer_that_expires_while_its_acceptance_waits_for_the_offers_is_refused(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    (offer,) = await add_offers(crowd, booking, [provider])

    async with crowd.begin() as tx:
        await offers.lock_of(tx, booking.id)
        task = await waiting(crowd, accepting(offer))
        await tx.execute(text("UPDATE job_offers SET expires_at = clock_timestamp()"))
    with pytest.raises(OfferGone) as refused:
        await task

    assert refused.value.why is Gone.EXPIRED


async def test_what_the_winner_has_no_time_for_is_withdrawn_with_the_same_act(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await now(crowd) + timedelta(days=1)
    gap = timedelta(minutes=15)
    # Two hours each: what overlaps, what comes too near on either side, and what just fits.
    clashing = {HOUR, -HOUR, 2 * HOUR + gap - timedelta(seconds=1)}
    fitting = {2 * HOUR + gap, -(2 * HOUR + gap), timedelta(days=1)}
    made = {}
    for distance in (timedelta(), *sorted(clashing | fitting)):
        booking = await add_booking(crowd, customer, service, starts_at=start + distance)
        (made[distance],) = await add_offers(crowd, booking, [provider])
    before = len(await read_events(crowd))

    await act(crowd, accepting(made.pop(timedelta())))

    found = {d: await read_offers(crowd, offer.booking_id) for d, offer in made.items()}
    withdrawn = {d for d, mine in found.items() if states(mine) == {OfferState.RESCINDED: 1}}
    assert withdrawn == clashing
    assert all(states(found[d]) == {OfferState.OFFERED: 1} for d in fitting)
    assert (await read_events(crowd, after=before))[2:] == [
        *[EventType.OFFER_RESCINDED] * 3,
        *[EventType.SEARCH_PLACE_FREED] * 3,
    ]
    await invariants.check(crowd)


async def test_acceptances_that_withdraw_each_others_rivals_do_not_deadlock(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    everyone = await add_providers(crowd, service, count=8)
    tomorrow = await now(crowd) + timedelta(days=1)

    for number in range(30):
        starts_at = tomorrow + number * 3 * HOUR
        made = []
        for order in (everyone, everyone[::-1]):
            booking = await add_booking(crowd, customer, service, starts_at=starts_at)
            made.append(await add_offers(crowd, booking, order))

        # The first provider takes one booking, the last the other; each is the other's rival.
        outcomes = await race(crowd, [accepting(made[0][0]), accepting(made[1][0])])

        assert [one.provider_id for one in outcomes] == [
            everyone[0].user_id,
            everyone[-1].user_id,
        ]
    await invariants.check(crowd)


async def test_what_an_acceptance_settles_is_locked_in_the_order_of_ids_whosever_it_is(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    everyone = await add_providers(crowd, service, count=7)
    ids = sorted(new_id() for _ in range(8))
    # Kept in another order than that of their ids, and the first is of another booking.
    other = await add_booking(crowd, customer, service)
    await add_offers(crowd, other, everyone[:1], id=ids[0])
    booking = await add_booking(crowd, customer, service)
    for provider, id_ in zip(everyone, ids[:0:-1], strict=True):
        await add_offers(crowd, booking, [provider], id=id_)
    accept = partial(offers.accept, offer_id=ids[-1], by=everyone[0].user_id)
    every_id = select(job_offers.c.id).order_by(job_offers.c.id)

    async with crowd.begin() as tx:
        await tx.execute(every_id.where(job_offers.c.id == ids[4]).with_for_update())
        task = await waiting(crowd, accept)
        free = await act(crowd, lambda tx: tx.scalars(every_id.with_for_update(skip_locked=True)))
        assert list(free) == ids[5:]
    assert (await task).provider_id == everyone[0].user_id
    await invariants.check(crowd)


async def test_of_one_providers_two_overlapping_acceptances_one_is_refused(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await now(crowd) + timedelta(days=1)

    for number in range(10):
        made = []
        for shift in (timedelta(), HOUR):
            starts_at = start + number * 6 * HOUR + shift
            booking = await add_booking(crowd, customer, service, starts_at=starts_at)
            made += await add_offers(crowd, booking, [provider])

        outcomes = await race(crowd, map(accepting, made))

        (refused,) = [one for one in outcomes if not isinstance(one, Booking)]
        assert isinstance(refused, OfferGone)
        assert refused.why is Gone.RESCINDED
    await invariants.check(crowd)


@pytest.mark.parametrize("later", [HOUR, 2 * HOUR + timedelta(minutes=14)])
async def test_a_provider_who_was_booked_meanwhile_cannot_accept_what_overlaps_or_is_too_near(
    crowd: Database, later: timedelta
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    at = {"assigned_at": await now(crowd), "provider_id": provider.user_id}
    await add_booking(crowd, customer, service, starts_at=booking.starts_at + later, **at)
    (offer,) = await add_offers(crowd, booking, [provider])

    with pytest.raises(SlotTaken):
        await act(crowd, accepting(offer))

    assert await read_booking(crowd, booking.id) == booking
    assert states(await read_offers(crowd, booking.id)) == {OfferState.OFFERED: 1}


async def test_cancelling_and_accepting_at_once_end_cancelled_with_the_time_given_back(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)

    for _ in range(30):
        # So far ahead that it costs nothing, whoever is first.
        starts_at = await now(crowd) + timedelta(days=3)
        booking = await add_booking(crowd, customer, service, starts_at=starts_at)
        (offer,) = await add_offers(crowd, booking, [provider])
        cancel = partial(cancellations.cancel, booking_id=booking.id, by=customer, reason="")

        accepted, cancelled = await race(crowd, [accepting(offer), cancel])

        assert cancelled.status is BookingStatus.CANCELLED
        assert await read_booking(crowd, booking.id) == cancelled
        assert await live_reservations(crowd, booking.id) == []
        if isinstance(accepted, Booking):
            assert cancelled.version == accepted.version + 1
            assert cancelled.provider_id == provider.user_id
        else:
            assert isinstance(accepted, OfferGone)
            assert accepted.why is Gone.BOOKING_CLOSED
            assert cancelled.provider_id is None
    await invariants.check(crowd)


async def test_accept_pay_and_cancel_at_once_end_in_a_legal_state(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)

    for number in range(10):
        price = Money(amount_minor=4050, currency="GBP")
        starts_at = await now(crowd) + timedelta(days=3)
        facts: Any = {"price": price, "starts_at": starts_at}
        booking = await add_booking(crowd, customer, service, **facts)
        (offer,) = await add_offers(crowd, booking, [provider])
        mine: Any = {"booking_id": booking.id, "by": customer}
        changes = [
            accepting(offer),
            partial(pay, **mine),
            partial(cancellations.cancel, **mine, reason=""),
        ]

        await race(crowd, changes[number % 3 :] + changes[: number % 3])

        assert (await read_booking(crowd, booking.id)).status is BookingStatus.CANCELLED
        assert await live_reservations(crowd, booking.id) == []
    await invariants.check(crowd)


@pytest.mark.parametrize("pays_first", [True, False])
async def test_accept_and_pay_at_once_confirm_whichever_is_first(
    crowd: Database, pays_first: bool
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    (offer,) = await add_offers(crowd, booking, [provider])
    paying = partial(pay, booking_id=booking.id, by=customer)
    first, second = (paying, accepting(offer)) if pays_first else (accepting(offer), paying)

    async with crowd.begin() as tx:
        await first(tx)
        task = await waiting(crowd, second)
    await task

    assert (await read_booking(crowd, booking.id)).status is BookingStatus.CONFIRMED
    await invariants.check(crowd)


async def test_an_acceptance_sent_twice_at_once_answers_success_twice(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    (offer,) = await add_offers(crowd, booking, [provider])
    before = len(await read_events(crowd))

    first, second = await race(crowd, [accepting(offer)] * 2)

    assert first == second == await read_booking(crowd, booking.id)
    assert await read_events(crowd, after=before) == [
        EventType.OFFER_ACCEPTED,
        EventType.BOOKING_ASSIGNED,
    ]
    await invariants.check(crowd)


async def test_accepting_and_rejecting_at_once_do_one_of_the_two(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)

    for number in range(10):
        starts_at = await now(crowd) + (number + 1) * 3 * HOUR
        booking = await add_booking(crowd, customer, service, starts_at=starts_at)
        (offer,) = await add_offers(crowd, booking, [provider])
        reject = partial(offers.reject, offer_id=offer.id, by=provider.user_id, reason="Too far.")

        outcomes = await race(crowd, [accepting(offer), reject])

        (refused,) = [one for one in outcomes if isinstance(one, OfferGone)]
        accepted = isinstance(outcomes[0], Booking)
        assert refused.why is (Gone.TAKEN if accepted else Gone.REJECTED)
    await invariants.check(crowd)
