"""Is a provider's time sold once, whoever asks for it at the same time?"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db import booking_rules, cancellations, lifecycle, offers, providers, requests
from db import bookings as db_bookings
from db.tables import bookings, events, history, reservations
from domain.booking_rules import BookingRule, BookingRules, RulesBroken
from domain.booking_steps import BookingStatus
from domain.bookings import Booking, SlotTaken
from domain.offers import Gone, OfferGone, OfferState
from domain.work import Handover
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.factories import (
    a_request,
    a_viewer,
    add_booking,
    add_customer,
    add_customers,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    count_rows,
    live_reservations,
    read_offers,
    tomorrow,
)

if TYPE_CHECKING:
    from datetime import datetime

    from db.engine import Database
    from domain.people import Viewer
    from domain.services import Service

QUARTER, FIVE = timedelta(minutes=15), timedelta(minutes=5)
EVERY_FIVE = booking_rules.columns(BookingRules(slot_interval_minutes=5))


def broken(refused: Any) -> list[BookingRule]:
    assert isinstance(refused, RulesBroken)
    return [one.rule for one in refused.broken]


def asking(customer: Viewer, service: Service, provider: Viewer, starts_at: datetime) -> Any:
    asked = a_request(
        customer_id=customer.user_id,
        service_id=service.id,
        provider_id=provider.user_id,
        starts_at=starts_at,
    )
    return partial(requests.request, asked=asked, by=a_viewer(user_id=asked.customer_id))


async def test_of_a_hundred_customers_one_gets_the_slot_and_the_others_alternatives(
    crowd: Database,
) -> None:
    service, customers = await add_service(crowd), await add_customers(crowd, count=100)
    provider = await add_provider(crowd, service)
    first_start = await tomorrow(crowd)

    for number in range(5):
        starts_at = first_start + number * timedelta(hours=6)
        outcomes = await race(
            crowd, (asking(customer, service, provider, starts_at) for customer in customers)
        )

        (made,) = [one for one in outcomes if isinstance(one, Booking)]
        refused = [one for one in outcomes if isinstance(one, SlotTaken)]
        next_ones = tuple(made.ends_at + n * QUARTER for n in (1, 2, 3))
        assert Counter(one.alternatives for one in refused) == {next_ones: 99}
        assert await live_reservations(crowd, made.id) == [provider.user_id]
        # The refused left no trace: one row each, and two events, for each round's winner.
        rounds = number + 1
        counts = await count_rows(crowd, bookings, history, reservations, events)
        assert counts == (rounds, rounds, rounds, 2 * rounds)
    await invariants.check(crowd)


async def test_a_second_free_provider_means_a_second_booking(crowd: Database) -> None:
    service, customers = await add_service(crowd), await add_customers(crowd, count=10)
    two = await add_providers(crowd, service, count=2)
    starts_at = await tomorrow(crowd)

    outcomes = await race(
        crowd, [asking(c, service, two[n % 2], starts_at) for n, c in enumerate(customers)]
    )

    made = [one.provider_id for one in outcomes if isinstance(one, Booking)]
    assert Counter(made) == {one.user_id: 1 for one in two}
    await invariants.check(crowd)


async def test_one_gap_serves_the_neighbours_on_both_of_its_sides(crowd: Database) -> None:
    service, customer = await add_service(crowd, rules=EVERY_FIVE), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await tomorrow(crowd)
    lasts = service.duration

    for starts_at in (start, start + lasts + QUARTER, start - lasts - QUARTER):
        made = await act(crowd, asking(customer, service, provider, starts_at))
        assert made.starts_at == starts_at
    free = start + 5 * lasts
    await act(crowd, asking(customer, service, provider, free))

    for nearer in (free - lasts - QUARTER, free + lasts + QUARTER):
        towards = FIVE if nearer < free else -FIVE
        (refused,) = await race(crowd, [asking(customer, service, provider, nearer + towards)])
        assert broken(refused) == [BookingRule.BUFFER]
    await invariants.check(crowd)


async def test_neighbours_that_come_too_near_are_not_both_booked_at_once(crowd: Database) -> None:
    # The constraint allows this: only the lock, and the look after it, keep the gap.
    service, customer = await add_service(crowd, rules=EVERY_FIVE), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await tomorrow(crowd)
    too_near = start + service.duration + timedelta(minutes=5)

    async with crowd.begin() as tx:
        await asking(customer, service, provider, start)(tx)
        task = await waiting(crowd, asking(customer, service, provider, too_near))
    (refused,) = await race(crowd, [lambda _: task])

    assert broken(refused) == [BookingRule.BUFFER]
    assert refused.alternatives[0] == start + service.duration + QUARTER


async def test_a_booking_that_is_cancelled_while_another_waits_for_the_slot_frees_it(
    crowd: Database,
) -> None:
    service, customers = await add_service(crowd), await add_customers(crowd, count=2)
    provider = await add_provider(crowd, service)
    start = await tomorrow(crowd)
    made = await act(crowd, asking(customers[0], service, provider, start))

    async with crowd.begin() as tx:
        await cancellations.cancel(tx, booking_id=made.id, by=customers[0], reason="")
        task = await waiting(crowd, asking(customers[1], service, provider, start))
    won = await task

    assert await live_reservations(crowd, made.id) == []
    assert await live_reservations(crowd, won.id) == [provider.user_id]
    await invariants.check(crowd)


async def test_a_newly_booked_providers_competing_offers_are_withdrawn_with_the_same_act(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await tomorrow(crowd)
    offered = [
        await add_booking(crowd, customer, service, starts_at=start + n * service.duration)
        for n in (0, 2)
    ]
    for booking in offered:
        await add_offers(crowd, booking, [provider])

    await act(crowd, asking(customer, service, provider, start + service.duration / 2))

    found = [(await read_offers(crowd, b.id))[provider.user_id].state for b in offered]
    assert found == [OfferState.RESCINDED, OfferState.OFFERED]
    await invariants.check(crowd)


async def test_a_direct_booking_and_an_acceptance_take_turns_on_the_providers_time(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd, rules=EVERY_FIVE), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await tomorrow(crowd)
    offered = await add_booking(crowd, customer, service, starts_at=start)
    (offer,) = await add_offers(crowd, offered, [provider])
    accept = partial(offers.accept, offer_id=offer.id, by=provider.user_id)
    too_near = start + service.duration + timedelta(minutes=5)

    async with crowd.begin() as tx:
        await providers.lock(tx, [provider.user_id])
        task = await waiting(crowd, accept)
        await asking(customer, service, provider, too_near)(tx)
    (refused,) = await race(crowd, [lambda _: task])

    assert isinstance(refused, OfferGone)
    assert refused.why is Gone.RESCINDED
    await invariants.check(crowd)


async def test_what_is_done_early_gives_the_rest_of_its_time_back(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await tomorrow(crowd)
    made = await act(crowd, asking(customer, service, provider, start))
    await act(crowd, partial(lifecycle.start, booking_id=made.id, by=provider))

    done = await act(
        crowd,
        partial(lifecycle.complete, booking_id=made.id, by=provider, handover=Handover()),
    )

    assert done.status is BookingStatus.COMPLETED
    again = await act(crowd, asking(customer, service, provider, start))
    assert await live_reservations(crowd, again.id) == [provider.user_id]
    await invariants.check(crowd)


async def test_providers_are_locked_in_the_order_of_their_ids(crowd: Database) -> None:
    service = await add_service(crowd)
    ids = [one.user_id for one in await add_providers(crowd, service, count=10)]
    orders = [ids, ids[::-1]] * 10

    # A different order for each would deadlock; that is raised.
    await race(crowd, [partial(providers.lock, provider_ids=order) for order in orders])


async def test_a_locked_booking_is_read_as_the_lock_found_it(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    booking = await add_booking(crowd, customer, service)

    async with crowd.begin() as tx:
        await cancellations.cancel(tx, booking_id=booking.id, by=customer, reason="")
        task = await waiting(crowd, partial(db_bookings.lock, booking_id=booking.id))
    assert (await task).status is BookingStatus.CANCELLED

    async with crowd.read() as connection:
        assert await connection.scalar(select(bookings.c.status)) == "CANCELLED"
