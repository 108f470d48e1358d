"""Do a change of availability, a booking and an offer see each other, whoever is second?"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from db import offers, requests
from db.tables import bookings
from domain.booking_rules import BookingRule, RulesBroken
from domain.bookings import Booking
from domain.events import EventType
from domain.offers import OfferGone, OfferState
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.db.saying import DAY, HOUR, blocking, changing, noon_in, shown, taking_off
from tests.factories import (
    a_request,
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    count_rows,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.people import Viewer
    from domain.services import Service


class TestOffers:
    async def test_that_can_no_longer_be_taken_are_withdrawn_in_the_same_act(
        self, database: Database
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        provider, rival = await add_providers(database, service, count=2)
        noon = await noon_in(database, 2)
        lost = await add_booking(database, customer, service, starts_at=noon)
        still = await add_booking(database, customer, service, starts_at=noon + DAY)
        for booking in (lost, still):
            await add_offers(database, booking, [provider, rival])
        before = len(await read_events(database))

        async with database.begin() as tx:
            await changing(provider, blocking(noon.date()))(tx)
            states = (await read_offers(database, lost.id)).values()
            assert {one.state for one in states} == {OfferState.OFFERED}

        assert await self.states(database, lost, provider, rival) == ["RESCINDED", "OFFERED"]
        assert await self.states(database, still, provider, rival) == ["OFFERED", "OFFERED"]
        assert await read_events(database, after=before) == [
            EventType.OFFER_RESCINDED,
            EventType.SEARCH_PLACE_FREED,
            EventType.PROVIDER_AVAILABILITY_CHANGED,
        ]

    async def test_that_lie_in_new_time_off_are_withdrawn(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        provider, rival = await add_providers(database, service, count=2)
        noon = await noon_in(database, 2)
        lost = await add_booking(database, customer, service, starts_at=noon)
        still = await add_booking(database, customer, service, starts_at=noon + 4 * HOUR)
        for booking in (lost, still):
            await add_offers(database, booking, [provider, rival])

        # Over the end of the job only.
        await act(database, taking_off(provider, noon + HOUR, noon + 4 * HOUR))

        assert await self.states(database, lost, provider, rival) == ["RESCINDED", "OFFERED"]
        assert await self.states(database, still, provider, rival) == ["OFFERED", "OFFERED"]

    async def test_accepted_while_a_change_is_made_are_gone(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        provider = await add_provider(crowd, service)
        noon = await noon_in(crowd, 2)
        booking = await add_booking(crowd, customer, service, starts_at=noon)
        (offer,) = await add_offers(crowd, booking, [provider])
        accept = partial(offers.accept, offer_id=offer.id, by=provider.user_id)

        async with crowd.begin() as tx:
            await changing(provider, blocking(noon.date()))(tx)
            task = await waiting(crowd, accept)
        with pytest.raises(OfferGone):
            await task
        await invariants.check(crowd)

    async def test_accepted_just_before_a_change_are_reported_by_it(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        provider = await add_provider(crowd, service)
        noon = await noon_in(crowd, 2)
        booking = await add_booking(crowd, customer, service, starts_at=noon)
        (offer,) = await add_offers(crowd, booking, [provider])

        async with crowd.begin() as tx:
            await offers.accept(tx, offer_id=offer.id, by=provider.user_id)
            task = await waiting(crowd, changing(provider, blocking(noon.date())))
        changed = await task

        assert shown(changed.conflicts) == [(booking.id, [BookingRule.OUTSIDE_HOURS])]
        await invariants.check(crowd)

    async def states(self, database: Database, booking: Booking, *of: Viewer) -> list[str]:
        found = await read_offers(database, booking.id)
        return [str(found[one.user_id].state) for one in of]


class TestAgainstABookingAtTheSameTime:
    """Whoever is second sees the first: the booking is refused, or it is reported."""

    async def test_a_booking_that_waits_for_a_change_is_refused(self, crowd: Database) -> None:
        provider, book, noon = await self.scene(crowd)

        async with crowd.begin() as tx:
            await changing(provider, blocking(noon.date()))(tx)
            task = await waiting(crowd, book)
        with pytest.raises(RulesBroken) as refused:
            await task

        assert [one.rule for one in refused.value.broken] == [BookingRule.OUTSIDE_HOURS]
        assert await count_rows(crowd, bookings) == (0,)

    async def test_a_change_that_waits_for_a_booking_reports_it(self, crowd: Database) -> None:
        provider, book, noon = await self.scene(crowd)

        async with crowd.begin() as tx:
            made = await book(tx)
            task = await waiting(crowd, changing(provider, blocking(noon.date())))
        changed = await task

        assert shown(changed.conflicts) == [(made.id, [BookingRule.OUTSIDE_HOURS])]

    async def test_a_booking_that_waits_for_time_off_is_refused(self, crowd: Database) -> None:
        provider, book, noon = await self.scene(crowd)

        async with crowd.begin() as tx:
            await taking_off(provider, noon + HOUR, noon + 3 * HOUR)(tx)
            task = await waiting(crowd, book)
        with pytest.raises(RulesBroken) as refused:
            await task

        assert [one.rule for one in refused.value.broken] == [BookingRule.TIME_OFF]
        assert await count_rows(crowd, bookings) == (0,)

    async def test_time_off_that_waits_for_a_booking_reports_it(self, crowd: Database) -> None:
        provider, book, noon = await self.scene(crowd)

        async with crowd.begin() as tx:
            made = await book(tx)
            task = await waiting(crowd, taking_off(provider, noon + HOUR, noon + 3 * HOUR))
        _, lying_in_it = await task

        assert shown(lying_in_it) == [(made.id, [BookingRule.TIME_OFF])]

    @pytest.mark.parametrize("attempt", range(5))
    async def test_no_booking_is_both_made_and_unreported(
        self, crowd: Database, attempt: int
    ) -> None:
        service = await add_service(crowd)
        noon = await noon_in(crowd, 3 + attempt)
        pairs: list[Any] = []
        for _ in range(5):
            provider = await add_provider(crowd, service)
            book = await self.booking(crowd, service, provider, noon)
            pairs += [book, changing(provider, blocking(noon.date()))]

        outcomes = await race(crowd, pairs)

        for made, changed in zip(outcomes[::2], outcomes[1::2], strict=True):
            reported = [conflict.booking.id for conflict in changed.conflicts]
            assert reported == ([made.id] if isinstance(made, Booking) else [])
            assert isinstance(made, Booking | RulesBroken)

    async def scene(self, database: Database) -> tuple[Viewer, Any, datetime]:
        service = await add_service(database)
        provider, noon = await add_provider(database, service), await noon_in(database, 2)
        return provider, await self.booking(database, service, provider, noon), noon

    async def booking(
        self, database: Database, service: Service, provider: Viewer, starts_at: datetime
    ) -> Any:
        customer = await add_customer(database)
        asked = a_request(
            customer_id=customer.user_id,
            service_id=service.id,
            provider_id=provider.user_id,
            starts_at=starts_at,
        )
        return partial(requests.request, asked=asked, by=customer)
