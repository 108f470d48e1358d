"""Is what the gateway said brought about, and what nobody should pay any more called off?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import update

from db import cancellations, paying, refunds
from db import gateway_events as inbox
from db.ids import new_id
from db.tables import gateway_events
from domain.booking_steps import BookingStatus
from domain.bookings import Booking, BookingKind
from domain.events import EventType
from domain.paying import Wish
from domain.payments import Method, PaymentStatus
from domain.refunds import RefundCause
from domain.refunds import Wish as RefundWish
from gateways.errors import GatewayUnavailable
from gateways.payments import NoPayments, StripePayments
from gateways.stripe_api import StripeApi
from gateways.stripe_events import StripeWebhooks
from tests import stripe_server
from tests.db.racing import act
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_provider,
    add_service,
    now,
    read_booking,
    read_events,
    shift_time,
)
from tests.money import books, gbp
from tests.outside import an_outside
from tests.paying import asked, hear, read_payment, read_refunds, said
from tests.stripe_server import SECRET_KEY, StripeServer
from tests.stripe_webhooks import WEBHOOK_SECRET, webhook
from workers.jobs import Context
from workers.payments import lapse_booking, look_for_refunds, settle_payment, void_payments
from workers.routing import ROUTES
from workers.sweeps import payments_to_void, unpaid_bookings, unsettled_payments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from db.engine import Database
    from domain.payments import Payment
    from domain.people import Viewer
    from workers.queue import JobQueue

DAY = timedelta(days=1)
WEBHOOKS = StripeWebhooks(secret=WEBHOOK_SECRET, tolerance=300)


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with stripe_server.running() as server:
        yield server


@pytest.fixture
async def gateway(stripe: StripeServer) -> AsyncIterator[StripePayments]:
    opened = StripePayments(StripeApi(secret_key=SECRET_KEY, base=stripe.address, timeout=2))
    yield opened
    await opened.close()


@pytest.fixture
def ctx(database: Database, jobs: JobQueue, gateway: StripePayments) -> Context:
    outside = an_outside(payments=gateway)
    return Context(database=database, jobs=jobs, queue="critical", outside=outside)


@pytest.fixture
async def customer(database: Database) -> Viewer:
    return await add_customer(database)


@pytest.fixture
async def booking(database: Database, customer: Viewer) -> Booking:
    """Staffed and unpaid; its window began an hour ago."""
    service = await add_service(database)
    provider = await add_provider(database, service)
    start = await now(database) - timedelta(hours=1)
    facts: dict[str, Any] = {"provider_id": provider.user_id, "assigned_at": start}
    times = {"starts_at": start, "requested_at": start, "match_due_at": None}
    kind = {"kind": BookingKind.IMMEDIATE}
    return await add_booking(database, customer, service, **facts | times | kind)


async def at_stripe(
    ctx: Context, booking: Booking, customer: Viewer, gateway: StripePayments
) -> Payment:
    """A payment that Stripe has an intent for."""
    mine: dict[str, Any] = {"booking_id": booking.id, "by": customer}
    ask = partial(paying.ask, **mine, wish=Wish(gateway=gateway.name))
    payment = (await act(ctx.database, ask)).payment
    known: dict[str, Any] = {"gateway_id": (await gateway.ask(payment)).gateway_id, "report": None}
    note = partial(paying.arrange, payment=payment, settles_at_once=False, **known)
    return await act(ctx.database, note)


async def queued(jobs: JobQueue, queue: Any) -> str:
    return b" ".join(await jobs.redis.zrange(jobs.name(queue), 0, -1)).decode()


def mismatches(of: str = "payments") -> float:
    return REGISTRY.get_sample_value(f"callout_{of}_mismatched_total") or 0


async def post(ctx: Context, kind: str, thing: dict[str, Any]) -> None:
    """Stripe says so, and is heard."""
    posted = webhook(kind, thing)
    report, body = WEBHOOKS.read(posted.body, posted.headers["Stripe-Signature"])
    async with ctx.database.begin() as tx:
        await inbox.keep(tx, report, body=body)


class TestWhatTheGatewaySaid:
    async def test_is_brought_about_once_however_often_the_job_runs(
        self, ctx: Context, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(ctx.database, booking, customer)
        await hear(ctx.database, said(payment))
        before = mismatches()
        for _ in range(3):
            await settle_payment(ctx, str(payment.id))
        after = await read_booking(ctx.database, booking.id)
        assert (after.status, after.version) == (BookingStatus.CONFIRMED, 2)
        assert mismatches() == before

    async def test_is_counted_and_told_of_once_where_the_sum_is_wrong(
        self, ctx: Context, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(ctx.database, booking, customer)
        await hear(ctx.database, said(payment, money=gbp(1)))
        before = mismatches()
        for _ in range(3):
            await settle_payment(ctx, str(payment.id))
        assert mismatches() == before + 1

    async def test_of_a_payment_in_another_database_is_nothing(self, ctx: Context) -> None:
        await settle_payment(ctx, str(new_id()))

    async def test_is_found_by_the_sweep_where_nobody_heeded_it(
        self, ctx: Context, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(ctx.database, booking, customer)
        await hear(ctx.database, said(payment))
        # The job has it, for all we know.
        assert await unsettled_payments(ctx) == 0
        async with ctx.database.begin() as tx:
            g = gateway_events.c
            earlier = g.received_at - timedelta(seconds=15)
            await tx.execute(update(gateway_events).values(received_at=earlier))
        assert await unsettled_payments(ctx) == 1
        assert f"settle_payment:{payment.id}@" in await queued(ctx.jobs, "critical")
        await settle_payment(ctx, str(payment.id))
        assert await unsettled_payments(ctx) == 0

    async def test_calls_for_its_job(
        self, ctx: Context, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(ctx.database, booking, customer)
        await hear(ctx.database, *[said(payment, id="evt_1")] * 3)
        told = await read_events(ctx.database)
        assert told.count(EventType.PAYMENT_REPORTED) == 1
        routes = ROUTES[EventType.PAYMENT_REPORTED]
        assert [(route.job, route.about, route.queue) for route in routes] == [
            ("settle_payment", "payment", "critical")
        ]


class TestWhatStaffGaveBackAtStripe:
    @pytest.fixture
    async def payment(
        self,
        ctx: Context,
        customer: Viewer,
        booking: Booking,
        gateway: StripePayments,
        stripe: StripeServer,
    ) -> Payment:
        """Paid, and known as such."""
        payment = await at_stripe(ctx, booking, customer, gateway)
        assert payment.gateway_id is not None
        await post(ctx, "payment_intent.succeeded", stripe.pay(payment.gateway_id))
        await settle_payment(ctx, str(payment.id))
        return payment

    async def test_is_booked_by_what_is_said_of_it(
        self, ctx: Context, booking: Booking, payment: Payment, stripe: StripeServer
    ) -> None:
        made = stripe.give_back(str(payment.gateway_id), 1000)
        charge = stripe.charge(str(payment.gateway_id))
        for kind, thing in (
            ("refund.updated", made),
            ("charge.refunded", charge),
            ("refund.created", made),
        ):
            await post(ctx, kind, thing)
            await settle_payment(ctx, str(payment.id))
        assert await read_refunds(ctx.database, booking) == [(RefundCause.AT_GATEWAY, 1000)]

    async def test_is_asked_for_where_only_its_sum_is_said(
        self, ctx: Context, booking: Booking, payment: Payment, stripe: StripeServer
    ) -> None:
        for minor in (1000, 50):
            stripe.give_back(str(payment.gateway_id), minor)
        await post(ctx, "charge.refunded", stripe.charge(str(payment.gateway_id)))
        for _ in range(2):
            await settle_payment(ctx, str(payment.id))
        assert f"look_for_refunds:{payment.id}" in await queued(ctx.jobs, "slow")
        stripe.fail("drop", "/v1/refunds", method="GET")
        with pytest.raises(GatewayUnavailable):
            await look_for_refunds(ctx, str(payment.id))

        for _ in range(3):
            await look_for_refunds(ctx, str(payment.id))

        given = await read_refunds(ctx.database, booking)
        assert sorted(given) == [(RefundCause.AT_GATEWAY, 50), (RefundCause.AT_GATEWAY, 1000)]
        assert await books(ctx.database, booking.id) == {"OUTSIDE": -3000, "HELD": 3000}

    async def test_is_not_asked_for_where_it_is_all_known(
        self, ctx: Context, payment: Payment, stripe: StripeServer
    ) -> None:
        made = stripe.give_back(str(payment.gateway_id), 1000)
        await post(ctx, "refund.created", made)
        await post(ctx, "charge.refunded", stripe.charge(str(payment.gateway_id)))
        await settle_payment(ctx, str(payment.id))
        assert await queued(ctx.jobs, "slow") == ""

    async def test_is_counted_where_it_is_more_than_there_was(
        self, ctx: Context, booking: Booking, payment: Payment, stripe: StripeServer
    ) -> None:
        staff = await add_dispatcher(ctx.database)
        wish = RefundWish(amount=gbp(50), payment_id=None, to=Method.CREDITS, reason="Sorry.")
        give = partial(refunds.give_by_hand, booking_id=booking.id, by=staff, wish=wish)
        await act(ctx.database, give)
        await post(ctx, "refund.created", stripe.give_back(str(payment.gateway_id), 4050))
        before = mismatches("refunds")
        for _ in range(3):
            await settle_payment(ctx, str(payment.id))
        assert mismatches("refunds") == before + 1
        assert await books(ctx.database, booking.id) == {"CREDIT": 50, "UNALLOCATED": -50}

    async def test_is_not_asked_for_where_its_gateway_is_gone_or_nothing_is_known(
        self, ctx: Context, payment: Payment, stripe: StripeServer
    ) -> None:
        stripe.give_back(str(payment.gateway_id), 1000)
        await post(ctx, "charge.refunded", stripe.charge(str(payment.gateway_id)))
        keyless = replace(ctx, outside=an_outside(payments=NoPayments()))
        await look_for_refunds(keyless, str(payment.id))
        await look_for_refunds(ctx, str(new_id()))
        assert stripe.called("GET", "/v1/refunds") == []
        # It is let be, and known of: the sweep finds nothing to do for ever.
        async with ctx.database.read() as connection:
            left = await inbox.overlooked(connection, after=timedelta(), limit=5)
        assert left == []


class TestABookingThatWillNotBe:
    @pytest.fixture
    async def payment(
        self, ctx: Context, customer: Viewer, booking: Booking, gateway: StripePayments
    ) -> Payment:
        await shift_time(ctx.database, booking, -2 * DAY)
        return await at_stripe(ctx, booking, customer, gateway)

    async def cancel(self, ctx: Context, customer: Viewer, booking: Booking) -> None:
        mine: dict[str, Any] = {"booking_id": booking.id, "by": customer}
        await act(ctx.database, partial(cancellations.cancel, **mine, reason=""))

    async def test_is_paid_for_no_more(
        self,
        ctx: Context,
        customer: Viewer,
        booking: Booking,
        payment: Payment,
        stripe: StripeServer,
    ) -> None:
        await void_payments(ctx, str(booking.id))
        assert stripe.called("POST", ".*/cancel") == []
        await self.cancel(ctx, customer, booking)
        for _ in range(2):
            await void_payments(ctx, str(booking.id))
        assert len(stripe.called("POST", ".*/cancel")) == 1
        (intent,) = stripe.made("payment_intents")
        assert intent["status"] == "canceled"
        after = await read_payment(ctx.database, payment.id)
        assert after.status is PaymentStatus.CANCELLED

    async def test_leaves_what_was_paid_meanwhile_to_the_webhook(
        self,
        ctx: Context,
        customer: Viewer,
        booking: Booking,
        payment: Payment,
        stripe: StripeServer,
    ) -> None:
        await self.cancel(ctx, customer, booking)
        (intent,) = stripe.made("payment_intents")
        stripe.pay(intent["id"])
        await void_payments(ctx, str(booking.id))
        assert await read_payment(ctx.database, payment.id) == payment

    async def test_is_called_off_again_where_stripe_did_not_answer(
        self,
        ctx: Context,
        customer: Viewer,
        booking: Booking,
        payment: Payment,
        stripe: StripeServer,
    ) -> None:
        await self.cancel(ctx, customer, booking)
        stripe.fail("drop_after", "/v1/payment_intents")
        with pytest.raises(GatewayUnavailable):
            await void_payments(ctx, str(booking.id))
        assert await read_payment(ctx.database, payment.id) == payment
        assert await payments_to_void(ctx) == 1
        assert f"void_payments:{booking.id}" in await queued(ctx.jobs, "slow")
        await void_payments(ctx, str(booking.id))
        after = await read_payment(ctx.database, payment.id)
        assert after.status is PaymentStatus.CANCELLED
        assert await payments_to_void(ctx) == 0

    async def test_is_called_off_here_where_its_gateway_is_gone(
        self, ctx: Context, customer: Viewer, booking: Booking, payment: Payment
    ) -> None:
        await self.cancel(ctx, customer, booking)
        keyless = replace(ctx, outside=an_outside(payments=NoPayments()))
        await void_payments(keyless, str(booking.id))
        after = await read_payment(ctx.database, payment.id)
        assert after.status is PaymentStatus.CANCELLED

    async def test_that_is_not_there_is_none_of_ours(self, ctx: Context) -> None:
        await void_payments(ctx, str(new_id()))

    @pytest.mark.parametrize(
        "ended",
        [
            EventType.BOOKING_CANCELLED,
            EventType.BOOKING_DECLINED,
            EventType.BOOKING_NO_SHOW,
        ],
    )
    def test_calls_for_its_job(self, ended: EventType) -> None:
        jobs = {(route.job, route.about, route.queue) for route in ROUTES[ended]}
        assert ("void_payments", "booking", "slow") in jobs


async def test_what_nobody_pays_for_is_found_and_called_off_once(
    ctx: Context, booking: Booking
) -> None:
    assert await unpaid_bookings(ctx) == 1
    assert f"lapse_booking:{booking.id}" in await queued(ctx.jobs, "critical")
    for _ in range(2):
        await lapse_booking(ctx, str(booking.id))
    after = await read_booking(ctx.database, booking.id)
    assert (after.status, after.version) == (BookingStatus.CANCELLED, 2)
    assert await unpaid_bookings(ctx) == 0
    await lapse_booking(ctx, str(new_id()))
