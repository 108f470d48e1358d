"""Do a customer and a provider who are not to meet get no more to do with each other, at once?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from db import blocks, matching, providers
from db.tables import provider_blocks
from domain.blocks import BlockedByHouse
from domain.events import EventType
from domain.offers import OfferState
from domain.pages import PageRequest
from domain.people import Role
from domain.refusals import InvalidInput, NotFound
from tests.db.racing import act, race, waiting
from tests.db.saying import booked, noon_in
from tests.factories import (
    NOW,
    add_account,
    add_booking,
    add_customer,
    add_customers,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    count_rows,
    read_booking,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.blocks import ProviderBlock
    from domain.people import Viewer


def blocking(by: Viewer, provider: UUID, **options: Any) -> Any:
    facts: dict[str, Any] = {"customer_id": None, "reason": ""}
    return partial(blocks.block, by=by, provider_id=provider, **facts | options)


def unblocking(by: Viewer, provider: UUID, customer_id: UUID | None = None) -> Any:
    return partial(blocks.unblock, by=by, provider_id=provider, customer_id=customer_id)


async def listed(database: Database, customer: Viewer) -> list[ProviderBlock]:
    async with database.read() as connection:
        whose = customer.user_id
        page = await blocks.page(connection, PageRequest(limit=100), customer_id=whose)
        assert await blocks.count(connection, customer_id=whose) == len(page.items)
    return list(page.items)


async def test_blocks_are_ones_own_the_newest_first(database: Database) -> None:
    customer, other = await add_customers(database, count=2)
    one, two, three = await add_providers(database, await add_service(database), count=3)
    for provider in (two, one):
        await act(database, blocking(customer, provider.user_id, reason="Rude."))
    await act(database, blocking(other, three.user_id))

    found = await listed(database, customer)

    assert [(b.provider_id, b.reason, b.blocked_by) for b in found] == [
        (one.user_id, "Rude.", customer.user_id),
        (two.user_id, "Rude.", customer.user_id),
    ]
    assert [b.provider_id for b in await listed(database, other)] == [three.user_id]


async def test_blocking_withdraws_what_was_offered_of_that_customers_to_that_provider(
    database: Database,
) -> None:
    service = await add_service(database)
    customer, other = await add_customers(database, count=2)
    provider, rival = await add_providers(database, service, count=2)
    theirs = await add_booking(database, customer, service)
    elses = await add_booking(database, other, service)
    for booking in (theirs, elses):
        await add_offers(database, booking, [provider, rival])
    agreed = await booked(database, provider, await noon_in(database, 3))
    told = len(await read_events(database))

    await act(database, blocking(customer, provider.user_id))

    states = {
        (booking.customer_id, uid): offer.state
        for booking in (theirs, elses)
        for uid, offer in (await read_offers(database, booking.id)).items()
    }
    assert states == {
        (customer.user_id, provider.user_id): OfferState.RESCINDED,
        (customer.user_id, rival.user_id): OfferState.OFFERED,
        (other.user_id, provider.user_id): OfferState.OFFERED,
        (other.user_id, rival.user_id): OfferState.OFFERED,
    }
    assert await read_booking(database, agreed.id) == agreed
    assert await read_events(database, after=told) == [
        EventType.OFFER_RESCINDED,
        EventType.SEARCH_PLACE_FREED,
    ]


async def test_blocking_at_once_blocks_once(crowd: Database) -> None:
    customer = await add_customer(crowd)
    provider = await add_provider(crowd, await add_service(crowd))

    made = await race(crowd, [blocking(customer, provider.user_id)] * 8)

    assert len({one.id for one in made}) == 1
    assert await count_rows(crowd, provider_blocks) == (1,)


async def test_staff_block_for_a_customer_and_their_word_stays(database: Database) -> None:
    customer, staff = await add_customer(database), await add_dispatcher(database)
    provider = await add_provider(database, await add_service(database))
    own = await act(database, blocking(customer, provider.user_id, reason="Rude."))
    whose = customer.user_id

    houses = await act(
        database, blocking(staff, provider.user_id, customer_id=whose, reason="Threats.")
    )

    assert (houses.id, houses.blocked_by, houses.reason) == (own.id, staff.user_id, "Threats.")
    assert await listed(database, customer) == [houses]
    assert await act(database, blocking(customer, provider.user_id)) == houses
    with pytest.raises(BlockedByHouse):
        await act(database, unblocking(customer, provider.user_id))
    assert await listed(database, customer) == [houses]
    assert await act(database, unblocking(staff, provider.user_id, whose)) == houses
    assert await listed(database, customer) == []


async def test_unblocking_is_ones_own_and_of_what_is_blocked(database: Database) -> None:
    customer, other = await add_customers(database, count=2)
    one, two = await add_providers(database, await add_service(database), count=2)
    for by, provider in ((customer, one), (customer, two), (other, one)):
        await act(database, blocking(by, provider.user_id))

    await act(database, unblocking(customer, one.user_id))

    assert [b.provider_id for b in await listed(database, customer)] == [two.user_id]
    assert [b.provider_id for b in await listed(database, other)] == [one.user_id]
    for provider_id in (one.user_id, uuid4()):
        with pytest.raises(NotFound):
            await act(database, unblocking(customer, provider_id))
    with pytest.raises(NotFound):
        await act(database, unblocking(customer, one.user_id, other.user_id))


async def test_who_has_left_can_be_unblocked_and_not_blocked(database: Database) -> None:
    customer, staff = await add_customer(database), await add_dispatcher(database)
    service = await add_service(database)
    there = await add_provider(database, service)
    gone = await add_provider(database, service, suspended_at=NOW)
    await act(database, blocking(customer, there.user_id))

    for provider_id in (gone.user_id, uuid4(), customer.user_id):
        with pytest.raises(NotFound):
            await act(database, blocking(customer, provider_id))
    options = {"customer_id": customer.user_id, "reason": "Threats."}
    await act(database, blocking(staff, gone.user_id, **options))
    assert [b.provider_id for b in await listed(database, customer)] == [
        gone.user_id,
        there.user_id,
    ]


async def test_a_refused_block_leaves_no_trace(database: Database) -> None:
    customer, staff = await add_customer(database), await add_dispatcher(database)
    provider = await add_provider(database, await add_service(database))
    for by, options, refusal in (
        (customer, {"reason": "nul\x00l"}, InvalidInput),
        (customer, {"customer_id": staff.user_id}, NotFound),
        (staff, {"reason": "Threats."}, InvalidInput),
        (staff, {"customer_id": customer.user_id}, InvalidInput),
        (staff, {"customer_id": uuid4(), "reason": "Threats."}, NotFound),
        (staff, {"customer_id": provider.user_id, "reason": "Threats."}, NotFound),
    ):
        with pytest.raises(refusal):
            await act(database, blocking(by, provider.user_id, **options))
    assert await count_rows(database, provider_blocks) == (0,)


async def test_nothing_is_offered_to_who_was_blocked_while_matching_looked(
    database: Database,
) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    booking = await add_booking(database, customer, service)
    async with database.begin() as holder:
        await providers.lock(holder, [provider.user_id])
        late = await waiting(database, partial(matching.advance, booking_id=booking.id))
        await blocks.block(
            holder, provider_id=provider.user_id, customer_id=None, reason="", by=customer
        )
    await late

    assert await read_offers(database, booking.id) == {}


async def test_an_offer_made_while_the_block_waited_is_withdrawn(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    booking = await add_booking(database, customer, service)
    async with database.begin() as holder:
        await matching.advance(holder, booking.id)
        late = await waiting(database, blocking(customer, provider.user_id))
    await late

    states = {one.state for one in (await read_offers(database, booking.id)).values()}
    assert states == {OfferState.RESCINDED}


async def test_an_admin_may_be_no_customer(database: Database) -> None:
    admin = await add_account(database, Role.ADMIN)
    provider = await add_provider(database, await add_service(database))
    with pytest.raises(NotFound):
        await act(
            database,
            blocking(admin, provider.user_id, customer_id=admin.user_id, reason="Threats."),
        )


async def test_a_block_that_meets_an_unblocking_waits_for_it_and_holds(
    database: Database,
) -> None:
    customer = await add_customer(database)
    provider = await add_provider(database, await add_service(database))
    await act(database, blocking(customer, provider.user_id, reason="First."))
    async with database.begin() as holder:
        await blocks.unblock(holder, provider_id=provider.user_id, customer_id=None, by=customer)
        late = await waiting(database, blocking(customer, provider.user_id, reason="Second."))
    made = await late

    assert await listed(database, customer) == [made]
    assert made.reason == "Second."
