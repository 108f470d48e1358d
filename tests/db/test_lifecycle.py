"""Does each act on a booking do all of its work, or nothing?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from db import cancellations, lifecycle, matching, offers, providers, requests
from db.tables import bookings, events, history, reservations
from domain.booking_rules import RulesBroken
from domain.booking_steps import BookingStatus, WrongStatus
from domain.bookings import BookingKind, SlotTaken
from domain.events import EventType
from domain.matching import HardRule
from domain.offers import OfferState
from domain.payments import NothingToPay
from domain.providers import ProviderNotEligible
from domain.refusals import InvalidInput, NotFound, Refusal
from domain.requests import ServiceInactive
from domain.services import ApprovalPolicy
from domain.work import ChecklistItem, Handover
from tests import invariants
from tests.db.racing import act, waiting
from tests.factories import (
    a_request,
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    an_offer,
    count_rows,
    live_reservations,
    now,
    read_booking,
    read_events,
    read_offers,
    tomorrow,
)
from tests.paying import pay

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service

TRACES = (bookings, history, events, reservations)


@pytest.fixture
async def service(crowd: Database) -> Service:
    return await add_service(crowd)


@pytest.fixture
async def customer(crowd: Database) -> Viewer:
    return await add_customer(crowd)


@pytest.fixture
async def provider(crowd: Database, service: Service) -> Viewer:
    return await add_provider(crowd, service)


async def ask(database: Database, customer: Viewer, service: Service, **changes: Any) -> Booking:
    start = await tomorrow(database)
    whose = {"customer_id": customer.user_id, "service_id": service.id, "starts_at": start}
    asking = partial(requests.request, asked=a_request(**whose | changes), by=customer)
    return await act(database, asking)


class TestRequesting:
    async def test_makes_a_booking_that_is_matched_next(
        self, crowd: Database, customer: Viewer, service: Service, provider: Viewer
    ) -> None:
        made = await ask(crowd, customer, service)

        assert await read_booking(crowd, made.id) == made
        assert made.status is BookingStatus.PAID
        assert made.match_due_at == made.requested_at
        assert await read_events(crowd) == [EventType.BOOKING_REQUESTED]
        await act(crowd, partial(matching.advance, booking_id=made.id))
        assert set(await read_offers(crowd, made.id)) == {provider.user_id}
        await invariants.check(crowd)

    async def test_one_provider_takes_their_time(
        self, crowd: Database, customer: Viewer, service: Service, provider: Viewer
    ) -> None:
        made = await ask(crowd, customer, service, provider_id=provider.user_id)

        assert made.status is BookingStatus.CONFIRMED
        assert await live_reservations(crowd, made.id) == [provider.user_id]
        assert await read_events(crowd) == [
            EventType.BOOKING_REQUESTED,
            EventType.BOOKING_ASSIGNED,
        ]
        await invariants.check(crowd)

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"service_id": uuid4()}, NotFound),
            ({"provider_id": uuid4()}, NotFound),
            ({"starts_at": None}, InvalidInput),
            ({"concern": "nu\x00ll"}, InvalidInput),
            ({"starts_at": datetime(2001, 1, 1, tzinfo=UTC)}, RulesBroken),
        ],
    )
    async def test_what_cannot_be_is_refused_without_trace(
        self,
        crowd: Database,
        customer: Viewer,
        service: Service,
        changes: dict[str, Any],
        refusal: type[Refusal],
    ) -> None:
        with pytest.raises(refusal):
            await ask(crowd, customer, service, **changes)
        assert await count_rows(crowd, *TRACES) == (0, 0, 0, 0)

    async def test_an_inactive_service_is_refused_without_trace(
        self, crowd: Database, customer: Viewer
    ) -> None:
        retired = await add_service(crowd, active=False)
        with pytest.raises(ServiceInactive):
            await ask(crowd, customer, retired)
        assert await count_rows(crowd, *TRACES) == (0, 0, 0, 0)

    async def test_an_unfit_provider_is_refused_with_every_rule_and_without_trace(
        self, crowd: Database, customer: Viewer, service: Service
    ) -> None:
        other = await add_service(crowd)
        unfit = await add_provider(
            crowd, other, on_shift=False, latitude=55.0, suspended_at=await now(crowd)
        )
        immediate = {"kind": BookingKind.IMMEDIATE, "starts_at": None}

        with pytest.raises(ProviderNotEligible) as refused:
            await ask(crowd, customer, service, provider_id=unfit.user_id, **immediate)

        assert [verdict.rule for verdict in refused.value.broken] == [
            HardRule.APPROVED,
            HardRule.SERVICE,
            HardRule.RADIUS,
            HardRule.ON_SHIFT,
            HardRule.HEARTBEAT,
        ]
        assert await count_rows(crowd, *TRACES) == (0, 0, 0, 0)

    async def test_alternatives_skip_what_is_taken_and_keep_the_gap(
        self, crowd: Database, customer: Viewer, service: Service, provider: Viewer
    ) -> None:
        mine = {"provider_id": provider.user_id}
        tomorrow = await now(crowd) + timedelta(days=1)
        start = tomorrow.replace(minute=0, second=0, microsecond=0)
        for hours in (0, 5):
            await ask(crowd, customer, service, starts_at=start + timedelta(hours=hours), **mine)

        with pytest.raises(SlotTaken) as refused:
            await ask(crowd, customer, service, starts_at=start + timedelta(hours=1), **mine)

        # 02:15 to 02:45 fit before the next job with a quarter of an hour on either side.
        minutes = [(at - start) / timedelta(minutes=1) for at in refused.value.alternatives]
        assert minutes == [135, 150, 165]


class TestApproval:
    @pytest.fixture
    async def waiting(self, crowd: Database, customer: Viewer) -> dict[str, Booking]:
        """Two that await approval: one for whoever suits, one for a provider."""
        manual = await add_service(crowd, approval=ApprovalPolicy.MANUAL)
        _anyone, named = await add_providers(crowd, manual, count=2)
        return {
            "anyone": await ask(crowd, customer, manual),
            "named": await ask(crowd, customer, manual, provider_id=named.user_id),
        }

    async def test_blocks_the_slot_but_offers_it_to_nobody(
        self, crowd: Database, waiting: dict[str, Booking]
    ) -> None:
        for booking in waiting.values():
            assert booking.status is BookingStatus.AWAITING_APPROVAL
            assert await act(crowd, partial(matching.advance, booking_id=booking.id)) is None
            assert await read_offers(crowd, booking.id) == {}
        named = waiting["named"]
        assert await live_reservations(crowd, named.id) == [named.provider_id]

    async def test_given_lets_the_booking_go_on(
        self, crowd: Database, waiting: dict[str, Booking]
    ) -> None:
        staff = await add_dispatcher(crowd)
        approved = {
            name: await act(crowd, partial(lifecycle.approve, booking_id=one.id, by=staff))
            for name, one in waiting.items()
        }
        assert approved["anyone"].status is BookingStatus.PAID
        assert approved["anyone"].match_due_at == approved["anyone"].approved_at
        assert approved["named"].status is BookingStatus.CONFIRMED
        await act(crowd, partial(matching.advance, booking_id=approved["anyone"].id))
        assert len(await read_offers(crowd, approved["anyone"].id)) == 1
        await invariants.check(crowd)

    async def test_refused_gives_the_time_back(
        self, crowd: Database, waiting: dict[str, Booking]
    ) -> None:
        staff, booking = await add_dispatcher(crowd), waiting["named"]
        decline = partial(lifecycle.decline, booking_id=booking.id, by=staff, reason="We are full.")
        declined = await act(crowd, decline)

        assert declined.status is BookingStatus.DECLINED
        assert await live_reservations(crowd, booking.id) == []
        with pytest.raises(WrongStatus):
            await act(crowd, decline)
        await invariants.check(crowd)

    async def test_does_not_let_anybody_pay_twice(
        self, crowd: Database, customer: Viewer, waiting: dict[str, Booking]
    ) -> None:
        paying = partial(pay, booking_id=waiting["anyone"].id, by=customer)
        before = await count_rows(crowd, *TRACES)
        with pytest.raises(NothingToPay):
            await act(crowd, paying)
        assert await count_rows(crowd, *TRACES) == before


class TestWorking:
    @pytest.fixture
    async def confirmed(
        self, crowd: Database, customer: Viewer, service: Service, provider: Viewer
    ) -> Booking:
        return await ask(crowd, customer, service, provider_id=provider.user_id)

    async def test_goes_from_start_to_completion(
        self, crowd: Database, provider: Viewer, confirmed: Booking
    ) -> None:
        mine: Any = {"booking_id": confirmed.id, "by": provider}
        started = await act(crowd, partial(lifecycle.start, **mine))
        photos = ("https://photos.example/1",)
        points = (ChecklistItem(label="Oven"), ChecklistItem(label="Windows", done=False))
        work = Handover(
            notes="All clean.",
            photo_urls=photos,
            checklist=points,
            signed_by="Mrs Doe",
            signature_url="https://photos.example/signature",
        )
        complete = partial(lifecycle.complete, **mine, handover=work)
        done = await act(crowd, complete)

        assert started.status is BookingStatus.IN_PROGRESS
        assert done.status is BookingStatus.COMPLETED
        assert (done.completion_notes, done.photo_urls) == ("All clean.", photos)
        assert (done.checklist, done.signed_by) == (points, "Mrs Doe")
        assert await read_booking(crowd, done.id) == done
        assert (await read_events(crowd))[2:] == [
            EventType.BOOKING_STARTED,
            EventType.BOOKING_COMPLETED,
        ]
        await invariants.check(crowd)

    @pytest.mark.parametrize("by_the_clock", [False, True])
    async def test_ends_their_open_offers_of_work_that_is_wanted_now(
        self, crowd: Database, customer: Viewer, service: Service, by_the_clock: bool
    ) -> None:
        busy, other = await add_providers(crowd, service, count=2)
        at = await now(crowd)
        theirs = {"provider_id": busy.user_id, "assigned_at": at, "paid_at": at}
        confirmed = await add_booking(crowd, customer, service, starts_at=at, **theirs)
        now_and_later = [
            await add_booking(crowd, customer, service, starts_at=at + timedelta(days=1), kind=kind)
            for kind in (BookingKind.IMMEDIATE, BookingKind.SCHEDULED)
        ]
        for one in now_and_later:
            await add_offers(crowd, one, [busy, other])
        before = len(await read_events(crowd))

        async with crowd.begin() as tx:
            if by_the_clock:
                await lifecycle.open_(tx, confirmed.id)
            else:
                await lifecycle.start(tx, booking_id=confirmed.id, by=busy)
            # Nobody sees one without the other.
            assert (await read_booking(crowd, confirmed.id)).started_at is None
            found = await read_offers(crowd, now_and_later[0].id)
            assert found[busy.user_id].state is OfferState.OFFERED

        states = [
            [(await read_offers(crowd, one.id))[who.user_id].state for who in (busy, other)]
            for one in now_and_later
        ]
        assert states == [
            [OfferState.RESCINDED, OfferState.OFFERED],
            [OfferState.OFFERED, OfferState.OFFERED],
        ]
        assert await read_events(crowd, after=before) == [
            EventType.BOOKING_STARTED,
            EventType.OFFER_RESCINDED,
            EventType.SEARCH_PLACE_FREED,
        ]
        await invariants.check(crowd)

    async def test_that_waits_for_the_provider_ends_offers_that_came_meanwhile(
        self, crowd: Database, customer: Viewer, service: Service
    ) -> None:
        """A wave holds those whom it asks: of the two, the later sees the earlier."""
        busy, at = await add_provider(crowd, service), await now(crowd)
        theirs = {"provider_id": busy.user_id, "assigned_at": at, "paid_at": at}
        confirmed = await add_booking(crowd, customer, service, starts_at=at, **theirs)
        wanted = {"starts_at": at + timedelta(days=1), "kind": BookingKind.IMMEDIATE}
        immediate = await add_booking(crowd, customer, service, **wanted)
        start = partial(lifecycle.start, booking_id=confirmed.id, by=busy)
        async with crowd.begin() as tx:
            await providers.lock(tx, [busy.user_id], share=True)
            task = await waiting(crowd, start)
            made = an_offer(
                id=uuid4(),
                booking_id=immediate.id,
                provider_id=busy.user_id,
                offered_at=at,
                expires_at=at + timedelta(minutes=5),
            )
            await offers.add(tx, [made])
        await task
        found = await read_offers(crowd, immediate.id)
        assert found[busy.user_id].state is OfferState.RESCINDED

    @pytest.mark.parametrize("who", ["customer", "another provider", "staff"])
    async def test_is_the_providers_own_and_refused_to_others_without_trace(
        self, crowd: Database, customer: Viewer, service: Service, confirmed: Booking, who: str
    ) -> None:
        others = {
            "customer": customer,
            "another provider": await add_provider(crowd, service),
            "staff": await add_dispatcher(crowd),
        }
        before = await count_rows(crowd, *TRACES)
        with pytest.raises(NotFound):
            await act(crowd, partial(lifecycle.start, booking_id=confirmed.id, by=others[who]))
        assert await count_rows(crowd, *TRACES) == before
        assert await read_booking(crowd, confirmed.id) == confirmed


class TestCancelling:
    async def test_withdraws_the_offers_and_tells_all(
        self, crowd: Database, customer: Viewer, service: Service, provider: Viewer
    ) -> None:
        made = await ask(crowd, customer, service)
        await act(crowd, partial(matching.advance, booking_id=made.id))
        before = len(await read_events(crowd))

        cancel = partial(cancellations.cancel, booking_id=made.id, by=customer, reason="Ill.")
        cancelled = await act(crowd, cancel)

        assert (cancelled.status, cancelled.cancel_reason) == (BookingStatus.CANCELLED, "Ill.")
        found = await read_offers(crowd, made.id)
        assert found[provider.user_id].state is OfferState.RESCINDED
        assert await read_events(crowd, after=before) == [
            EventType.BOOKING_CANCELLED,
            EventType.OFFER_RESCINDED,
        ]
        with pytest.raises(WrongStatus):
            await act(crowd, cancel)
        await invariants.check(crowd)

    async def test_is_for_the_customer_and_the_house_alone(
        self, crowd: Database, customer: Viewer, service: Service, provider: Viewer
    ) -> None:
        made = await ask(crowd, customer, service, provider_id=provider.user_id)
        before = await count_rows(crowd, *TRACES)
        for viewer in (provider, await add_customer(crowd)):
            with pytest.raises(NotFound):
                await act(
                    crowd,
                    partial(cancellations.cancel, booking_id=made.id, by=viewer, reason=""),
                )
        assert await count_rows(crowd, *TRACES) == before

        staff = await add_dispatcher(crowd)
        await act(crowd, partial(cancellations.cancel, booking_id=made.id, by=staff, reason=""))
        assert await live_reservations(crowd, made.id) == []
