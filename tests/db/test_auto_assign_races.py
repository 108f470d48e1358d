"""Does a booking have one winner, whoever takes it, gives it away or calls it off at once?"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text, update

from db import assignments, auto_assign, bookings, cancellations, giving, offers, providers, shifts
from db.tables import auto_runs, job_offers
from db.tables import bookings as bookings_table
from domain.booking_steps import BookingStatus
from domain.bookings import Booking
from domain.events import EventType
from domain.house import DEFAULT
from domain.matching.batch import Why
from domain.offers import Gone, OfferGone, OfferState, Wave
from gateways.assignment import least_cost
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.db.test_auto_assign import HOUR, MINUTE, add_due, given, run
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    count_rows,
    live_reservations,
    now,
    read_booking,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.auto_assign import Report
    from domain.offers import JobOffer

DAY = timedelta(days=1)


def accepting(offer: JobOffer) -> Any:
    return partial(offers.accept, offer_id=offer.id, by=offer.provider_id)


async def planned(database: Database, meanwhile: Any) -> Report:
    """A run between whose plan and whose first transaction something else is done."""
    happened = asyncio.Event()

    def solver(costs: Any, /) -> Any:
        return least_cost(costs)

    real = giving.give

    async def give(tx: AsyncConnection, **asked: Any) -> Any:
        if not happened.is_set():
            happened.set()
            await act(database, meanwhile)
        return await real(tx, **asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(giving, "give", give)
        return await auto_assign.run(database, solver=solver)


async def both(first: Awaitable[Any], second: Awaitable[Any]) -> list[Any]:
    return list(await asyncio.gather(first, second))


class TestWhatHasChangedSinceThePlan:
    async def test_is_left_to_who_has_accepted_it(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        best = await add_provider(crowd, service, rating=5)
        quick = await add_provider(crowd, service)
        booking = await add_due(crowd, customer, service)
        (offer,) = await add_offers(crowd, booking, [quick])

        report = await planned(crowd, accepting(offer))

        assert given(report) == {}
        assert [one.why for one in report.unassigned] == [Why.CHANGED]
        assert (report.run.waiting, report.run.assigned, report.run.cost) == (1, 0, 0.0)
        after = await read_booking(crowd, booking.id)
        assert (after.provider_id, after.auto_tries) == (quick.user_id, 0)
        assert best.user_id not in await read_offers(crowd, booking.id)
        await invariants.check(crowd)

    async def test_is_not_given_when_it_was_called_off(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        provider = await add_provider(crowd, service)
        booking = await add_due(crowd, customer, service, starts_at=await now(crowd) + 3 * DAY)
        cancel = partial(cancellations.cancel, booking_id=booking.id, by=customer, reason="")

        report = await planned(crowd, cancel)

        assert given(report) == {}
        after = await read_booking(crowd, booking.id)
        assert (after.status, after.auto_due_at) == (BookingStatus.CANCELLED, None)
        assert await read_offers(crowd, booking.id) == {}
        assert await live_reservations(crowd, booking.id) == []
        del provider

    async def test_is_a_try_that_failed_where_its_provider_has_no_time_any_more(
        self, crowd: Database
    ) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        dora, provider = await add_dispatcher(crowd), await add_provider(crowd, service)
        booking = await add_due(crowd, customer, service)
        other = await add_booking(crowd, customer, service, starts_at=booking.starts_at + HOUR)
        assign = partial(
            assignments.assign,
            booking_id=other.id,
            provider_id=provider.user_id,
            by=dora,
            override_reason="As agreed.",
        )

        report = await planned(crowd, assign)

        assert [one.why for one in report.unassigned] == [Why.CHANGED]
        after = await read_booking(crowd, booking.id)
        assert (after.provider_id, after.auto_tries) == (None, 1)
        assert after.auto_due_at is not None
        await invariants.check(crowd)

    async def test_leaves_its_provider_the_gap_that_their_other_new_work_needs(
        self, crowd: Database
    ) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        provider = await add_provider(crowd, service)
        first = await add_due(crowd, customer, service)
        start = first.starts_at
        second = await add_due(crowd, customer, service, starts_at=start + 5 * HOUR)

        async def move(tx: AsyncConnection) -> None:
            near = start + 2 * HOUR + 14 * MINUTE
            moved = update(bookings_table).where(bookings_table.c.id == second.id)
            await tx.execute(moved.values(starts_at=near, ends_at=near + 2 * HOUR))

        report = await planned(crowd, move)

        assert given(report) == {first.id: provider.user_id}
        assert (await read_booking(crowd, second.id)).auto_tries == 1
        await invariants.check(crowd)

    async def test_is_judged_by_the_window_that_it_has_now(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        await add_provider(crowd, service)
        booking = await add_due(crowd, customer, service)

        async def begin(tx: AsyncConnection) -> None:
            await tx.execute(text("UPDATE bookings SET starts_at = clock_timestamp()"))

        report = await planned(crowd, begin)

        assert given(report) == {}
        assert (await read_booking(crowd, booking.id)).auto_tries == 0


async def test_who_goes_off_shift_while_they_are_given_what_is_wanted_now_is_not_given_it(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    leaving = await add_provider(crowd, service)
    start = await now(crowd) + 30 * MINUTE
    booking = await add_due(crowd, customer, service, kind="IMMEDIATE", starts_at=start)

    async with crowd.begin() as tx:
        await shifts.clock_out(tx, provider_id=leaving.user_id, note=None)
        # The run has read that they are on shift, and waits to hold them still.
        task = await waiting_run(crowd)
    report = await task

    assert given(report) == {}
    assert (await read_booking(crowd, booking.id)).provider_id is None
    await invariants.check(crowd)


async def waiting_run(database: Database, *, behind: int = 0) -> asyncio.Task[Report]:
    """A run that waits for a lock which the caller holds."""
    task = asyncio.create_task(run(database))
    waits = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10), database.read() as connection:
        while (await connection.scalar(waits) or 0) <= behind:
            assert not task.done(), f"It did not wait: {task!r}"
            await asyncio.sleep(0.002)
    return task


async def test_of_one_providers_time_an_acceptance_and_a_run_take_it_once(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_due(crowd, customer, service)
    start = booking.starts_at + HOUR
    accepted = await add_booking(crowd, customer, service, starts_at=start)
    (offer,) = await add_offers(crowd, accepted, [provider])

    async with crowd.begin() as tx:
        await offers.accept(tx, offer_id=offer.id, by=provider.user_id)
        task = await waiting_run(crowd)
    report = await task

    assert given(report) == {}
    assert (await read_booking(crowd, booking.id)).auto_tries == 1
    await invariants.check(crowd)


async def test_an_acceptance_that_waits_for_a_run_hears_that_it_is_taken(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    best = await add_provider(crowd, service, rating=5)
    late = await add_provider(crowd, service)
    booking = await add_due(crowd, customer, service)
    (offer,) = await add_offers(crowd, booking, [late])
    real, task = giving.give, None

    async def give(tx: AsyncConnection, **asked: Any) -> Any:
        nonlocal task
        done = await real(tx, **asked)
        task = await waiting(crowd, accepting(offer))
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(giving, "give", give)
        report = await run(crowd)

    assert given(report) == {booking.id: best.user_id}
    assert task is not None
    with pytest.raises(OfferGone) as refused:
        await task
    assert refused.value.why is Gone.TAKEN
    await invariants.check(crowd)


async def test_what_somebody_is_at_work_on_is_passed_over_and_stays_due(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await add_providers(crowd, service, count=2)
    held = await add_due(crowd, customer, service)
    free = await add_due(crowd, customer, service)

    async with crowd.begin() as tx:
        await bookings.lock(tx, held.id)
        report = await asyncio.wait_for(run(crowd), timeout=10)

    assert set(given(report)) == {free.id}
    assert [(one.booking_id, one.why) for one in report.unassigned] == [(held.id, Why.CHANGED)]
    assert await read_booking(crowd, held.id) == held
    assert set(given(await run(crowd))) == {held.id}
    await invariants.check(crowd)


async def test_a_provider_who_is_held_for_long_keeps_only_that_part_of_the_run_waiting(
    crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_assign, "CHUNK", 1)
    service, customer = await add_service(crowd), await add_customer(crowd)
    first, second = await add_providers(crowd, service, count=2, daily_cap=1)
    day = (await now(crowd) + 2 * DAY).replace(hour=9, minute=0, second=0, microsecond=0)
    made = [await add_due(crowd, customer, service, starts_at=day) for _ in range(2)]

    async with crowd.begin() as tx:
        await providers.lock(tx, [first.user_id])
        # It waits as long as any transaction waits for a lock, and goes on with the rest.
        report = await run(crowd)

    assert list(given(report).values()) == [second.user_id]
    (left,) = [one for one in made if one.id not in given(report)]
    assert await read_booking(crowd, left.id) == left
    assert given(await run(crowd)) == {left.id: first.user_id}
    await invariants.check(crowd)


async def test_two_runs_at_once_give_each_booking_once(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await add_providers(crowd, service, count=4)
    for day in range(1, 6):
        start = await now(crowd) + day * DAY
        made = [await add_due(crowd, customer, service, starts_at=start) for _ in range(4)]
        before = len(await read_events(crowd))

        reports = await both(run(crowd), run(crowd))

        winners = {**given(reports[0]), **given(reports[1])}
        assert sum(len(report.assigned) for report in reports) == len(winners) == 4
        assert set(winners) == {one.id for one in made}
        told = await read_events(crowd, after=before)
        assert told.count(EventType.BOOKING_ASSIGNED) == 4
        for one in made:
            kept = await read_offers(crowd, one.id)
            assert [offer.state for offer in kept.values()] == [OfferState.ACCEPTED]
            assert await live_reservations(crowd, one.id) == [winners[one.id]]
    await invariants.check(crowd)


async def test_two_runs_count_one_try_for_what_neither_can_give(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    booking = await add_due(crowd, customer, service, auto_tries=1)

    async with crowd.begin() as tx:
        # Both have planned; neither has begun.
        at = await now(crowd)
        fail = partial(giving.fail, booking_ids=[booking.id], house=DEFAULT)
        await fail(tx)
        second = await act(crowd, fail)
    await act(crowd, fail)

    assert second == []
    after = await read_booking(crowd, booking.id)
    assert after.auto_tries == 2
    assert after.auto_due_at is not None
    assert after.auto_due_at > at


async def test_a_run_an_acceptance_a_cancellation_and_another_run_at_once_end_legally(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    everyone = await add_providers(crowd, service, count=3)
    for number in range(12):
        start = await now(crowd) + (number + 3) * DAY
        booking = await add_due(crowd, customer, service, starts_at=start)
        made = await add_offers(crowd, booking, everyone, wave=Wave.BROADCAST, round=4)
        cancel = partial(cancellations.cancel, booking_id=booking.id, by=customer, reason="")
        changes = [accepting(made[0]), accepting(made[1]), cancel]

        await both(
            asyncio.gather(run(crowd), run(crowd)),
            race(crowd, changes[number % 3 :] + changes[: number % 3]),
        )

        after = await read_booking(crowd, booking.id)
        assert after.status is BookingStatus.CANCELLED
        assert await live_reservations(crowd, booking.id) == []
        states = [one.state for one in (await read_offers(crowd, booking.id)).values()]
        assert states.count(OfferState.ACCEPTED) <= 1
        assert OfferState.OFFERED not in states
    await invariants.check(crowd)


async def test_a_run_and_acceptances_at_once_have_one_winner(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    everyone = await add_providers(crowd, service, count=4)
    for number in range(12):
        start = await now(crowd) + (number + 1) * DAY
        booking = await add_due(crowd, customer, service, starts_at=start)
        made = await add_offers(crowd, booking, everyone, wave=Wave.BROADCAST, round=4)

        (reports, outcomes) = await both(
            asyncio.gather(run(crowd), run(crowd)), race(crowd, map(accepting, made))
        )

        after = await read_booking(crowd, booking.id)
        won = [one.provider_id for one in outcomes if isinstance(one, Booking)]
        won += [uid for report in reports for uid in given(report).values()]
        # Who accepts what a run has taken for them hears that it is theirs.
        assert set(won) == {after.provider_id}
        assert await live_reservations(crowd, booking.id) == [after.provider_id]
        states = {uid: one.state for uid, one in (await read_offers(crowd, booking.id)).items()}
        assert [uid for uid, state in states.items() if state is OfferState.ACCEPTED] == [
            after.provider_id
        ]
    await invariants.check(crowd)


async def test_a_run_that_dies_between_its_transactions_has_lost_nothing(
    crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_assign, "CHUNK", 2)
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await now(crowd) + DAY
    made = [
        await add_due(crowd, customer, service, starts_at=start + n * 3 * HOUR) for n in range(5)
    ]
    real, calls = giving.give, 0

    async def give(tx: AsyncConnection, **asked: Any) -> Any:
        nonlocal calls
        calls += 1
        done = await real(tx, **asked)
        if calls == 2:
            message = "the machine is gone"
            raise RuntimeError(message)
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(giving, "give", give)
        with pytest.raises(RuntimeError):
            await run(crowd)

    owners = [(await read_booking(crowd, one.id)).provider_id for one in made]
    assert owners == [provider.user_id] * 2 + [None] * 3
    assert await count_rows(crowd, auto_runs) == (0,)
    report = await run(crowd)
    assert set(given(report)) == {one.id for one in made[2:]}
    await invariants.check(crowd)


async def test_an_offer_that_expires_while_the_run_waits_is_not_taken_but_settled(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_due(crowd, customer, service)
    (offer,) = await add_offers(crowd, booking, [provider], wave=Wave.BROADCAST, round=4)

    async with crowd.begin() as tx:
        await tx.execute(select(job_offers.c.id).with_for_update())
        task = await waiting_run(crowd)
        await tx.execute(update(job_offers).values(expires_at=text("clock_timestamp()")))
    report = await task

    assert given(report) == {booking.id: provider.user_id}
    async with crowd.read() as connection:
        kept = (await offers.of_bookings(connection, [booking.id]))[booking.id]
    assert {(one.id == offer.id, one.state) for one in kept} == {
        (True, OfferState.EXPIRED),
        (False, OfferState.ACCEPTED),
    }
    await invariants.check(crowd)


async def test_the_clock_is_read_when_all_is_held(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await now(crowd) + timedelta(seconds=1.5)
    booking = await add_due(crowd, customer, service, starts_at=start)

    async with crowd.begin() as tx:
        await providers.lock(tx, [provider.user_id])
        task = await waiting_run(crowd)
        # The window begins while the run waits.
        begun = text(
            "SELECT pg_sleep(greatest(0, extract(epoch FROM starts_at - clock_timestamp())"
            " + 0.05)) FROM bookings"
        )
        await tx.execute(begun)
    report = await task

    assert given(report) == {}
    async with crowd.read() as connection:
        row = (await connection.execute(select(bookings_table.c.provider_id))).one()
    assert row.provider_id is None
    assert await read_offers(crowd, booking.id) == {}
