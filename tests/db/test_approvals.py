"""Does the house's word about a provider take effect at once, and drop no booking?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from db import approvals, matching, offers, providers
from db.tables import events
from domain.approvals import ProviderApproval, WrongApproval, standing
from domain.events import EventType
from domain.offers import OfferGone, OfferState
from domain.refusals import InvalidInput, NotFound
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.db.saying import DAY, HOUR, booked, noon_in
from tests.factories import (
    NOW,
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    now,
    read_booking,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.people import Viewer
    from domain.providers import Provider


def approving(provider: Viewer) -> Any:
    return partial(approvals.approve, provider_id=provider.user_id)


def suspending(provider: Viewer, reason: str = "Late.") -> Any:
    return partial(approvals.suspend, provider_id=provider.user_id, reason=reason)


def reinstating(provider: Viewer) -> Any:
    return partial(approvals.reinstate, provider_id=provider.user_id)


async def read(database: Database, who: Viewer) -> Provider:
    async with database.read() as connection:
        return await providers.get(connection, who.user_id)


async def test_approval_is_kept_and_told(database: Database) -> None:
    provider = await add_provider(
        database, await add_service(database), approved_at=None, profile_percent=0
    )
    at = await now(database)

    approved = await act(database, approving(provider))

    assert await read(database, provider) == approved
    assert approved.approved_at is not None
    assert at <= approved.approved_at <= await now(database)
    assert await read_events(database) == [EventType.PROVIDER_APPROVED]
    async with database.read() as connection:
        (subject,) = await connection.scalars(select(events.c.subject))
    assert subject == {"provider": str(provider.user_id)}


async def test_suspension_withdraws_what_is_open_and_lists_what_is_left(
    database: Database,
) -> None:
    service = await add_service(database)
    provider, rival = await add_providers(database, service, count=2)
    noon = await noon_in(database, 2)
    later = await booked(database, provider, noon + DAY)
    sooner = await booked(database, provider, noon)
    done = await booked(database, provider, noon - 9 * DAY, started_at=NOW, completed_at=NOW)
    await booked(database, rival, noon)
    customer = await add_customer(database)
    offered = await add_booking(database, customer, service, starts_at=noon + 4 * HOUR)
    await add_offers(database, offered, [provider, rival])
    told = len(await read_events(database))

    suspended, left = await act(database, suspending(provider))

    assert await read(database, provider) == suspended
    assert (suspended.suspended_because, suspended.is_active) == ("Late.", False)
    assert [one.id for one in left] == [sooner.id, later.id]
    states = {uid: one.state for uid, one in (await read_offers(database, offered.id)).items()}
    assert states == {provider.user_id: OfferState.RESCINDED, rival.user_id: OfferState.OFFERED}
    for booking in (sooner, later, done):
        assert await read_booking(database, booking.id) == booking
    assert await read_events(database, after=told) == [
        EventType.PROVIDER_SUSPENDED,
        EventType.OFFER_RESCINDED,
        EventType.SEARCH_PLACE_FREED,
    ]
    await invariants.check(database)


async def test_reinstatement_ends_the_suspension_and_brings_no_offer_back(
    database: Database,
) -> None:
    service = await add_service(database)
    provider = await add_provider(database, service)
    before = await read(database, provider)
    booking = await add_booking(database, await add_customer(database), service)
    await add_offers(database, booking, [provider])
    await act(database, suspending(provider))
    told = len(await read_events(database))

    reinstated = await act(database, reinstating(provider))

    assert reinstated == before == await read(database, provider)
    (offer,) = (await read_offers(database, booking.id)).values()
    assert offer.state is OfferState.RESCINDED
    assert await read_events(database, after=told) == [EventType.PROVIDER_REINSTATED]


async def test_who_waited_waits_again_when_reinstated(database: Database) -> None:
    provider = await add_provider(database, await add_service(database), approved_at=None)
    await act(database, suspending(provider))
    with pytest.raises(WrongApproval):
        await act(database, approving(provider))

    reinstated = await act(database, reinstating(provider))

    assert standing(reinstated).approval is ProviderApproval.PENDING


async def test_a_refused_decision_leaves_no_trace(database: Database) -> None:
    service = await add_service(database)
    approved = await add_provider(database, service)
    suspended = await add_provider(database, service, suspended_at=NOW, suspended_because="Before.")
    before = await read(database, approved), await read(database, suspended)

    for decision in (
        approving(approved),
        reinstating(approved),
        approving(suspended),
        suspending(suspended),
    ):
        with pytest.raises(WrongApproval):
            await act(database, decision)
    for reason in ("", "x" * 501, "nul\x00l"):
        with pytest.raises(InvalidInput):
            await act(database, suspending(approved, reason))
    nobody = await add_customer(database)
    for decision in (approving(nobody), suspending(nobody), reinstating(nobody)):
        with pytest.raises(NotFound):
            await act(database, decision)
    with pytest.raises(NotFound):
        await act(database, partial(approvals.approve, provider_id=uuid4()))

    assert (await read(database, approved), await read(database, suspended)) == before
    assert await read_events(database) == []


async def test_of_many_suspensions_at_once_one_counts(crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd))

    came = await race(crowd, [suspending(provider, f"Reason {n}") for n in range(8)])

    refused = [one for one in came if isinstance(one, WrongApproval)]
    assert len(refused) == 7
    assert await read_events(crowd) == [EventType.PROVIDER_SUSPENDED]


async def test_nothing_is_offered_to_who_was_suspended_while_matching_looked(
    database: Database,
) -> None:
    service = await add_service(database)
    provider = await add_provider(database, service)
    booking = await add_booking(database, await add_customer(database), service)
    async with database.begin() as holder:
        await providers.lock(holder, [provider.user_id])
        late = await waiting(database, partial(matching.advance, booking_id=booking.id))
        await approvals.suspend(holder, provider_id=provider.user_id, reason="Late.")
    await late

    assert await read_offers(database, booking.id) == {}


async def test_an_offer_cannot_be_taken_by_who_was_suspended_before(database: Database) -> None:
    service = await add_service(database)
    provider = await add_provider(database, service)
    booking = await add_booking(database, await add_customer(database), service)
    (offer,) = await add_offers(database, booking, [provider])
    accept = partial(offers.accept, offer_id=offer.id, by=provider.user_id)
    async with database.begin() as holder:
        await approvals.suspend(holder, provider_id=provider.user_id, reason="Late.")
        late = await waiting(database, accept)
    with pytest.raises(OfferGone):
        await late

    assert (await read_booking(database, booking.id)).provider_id is None


async def test_a_suspension_that_comes_after_an_acceptance_lists_its_booking(
    database: Database,
) -> None:
    service = await add_service(database)
    provider = await add_provider(database, service)
    booking = await add_booking(database, await add_customer(database), service)
    (offer,) = await add_offers(database, booking, [provider])
    async with database.begin() as holder:
        await offers.accept(holder, offer_id=offer.id, by=provider.user_id)
        late = await waiting(database, suspending(provider))
    _, left = await late

    ids: list[UUID] = [one.id for one in left]
    assert ids == [booking.id]
