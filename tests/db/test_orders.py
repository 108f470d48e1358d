"""Does a booking end legally, in whichever order it is accepted, paid and cancelled?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from db import bookings as db_bookings
from db import cancellations, offers
from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.cancellations import FeeChanged
from domain.money import Money
from domain.offers import Gone, OfferState
from domain.refusals import Refusal
from tests import invariants
from tests.db.racing import race, waiting
from tests.factories import (
    add_booking,
    add_customer,
    add_offers,
    add_providers,
    add_service,
    live_reservations,
    now,
    read_offers,
)
from tests.paying import pay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service

ACCEPT, PAY, CANCEL = "accept", "pay", "cancel"
Order: TypeAlias = tuple[str, str, str]
#: So long ahead calling off is free, and so long it costs the half once a provider has the work.
FREE, COSTLY = timedelta(days=3), timedelta(hours=12)

_ASSIGNED = (Act.ASSIGN, BookingStatus.PENDING)
_PAID = (Act.PAY, BookingStatus.PAID)
_CONFIRMED_BY_PAYING = (Act.PAY, BookingStatus.CONFIRMED)
_CONFIRMED_BY_ACCEPTING = (Act.ASSIGN, BookingStatus.CONFIRMED)
_CANCELLED = (Act.CANCEL, BookingStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What was done, where it led, and what was refused."""

    steps: tuple[tuple[str, BookingStatus], ...]
    refused: frozenset[tuple[str, type[Refusal] | Gone]] = frozenset()
    #: Is the provider's time taken, and what became of the two offers?
    taken: bool
    won: OfferState
    lost: OfferState = OfferState.RESCINDED


def called_off(
    *steps: tuple[str, BookingStatus], accepted: bool, **refused: type[Refusal] | Gone
) -> Ending:
    won = OfferState.ACCEPTED if accepted else OfferState.RESCINDED
    refusals = frozenset(refused.items())
    return Ending(steps=(*steps, _CANCELLED), refused=refusals, taken=False, won=won)


def confirmed(*steps: tuple[str, BookingStatus]) -> Ending:
    too_late = frozenset({(CANCEL, FeeChanged)})
    return Ending(steps=steps, refused=too_late, taken=True, won=OfferState.ACCEPTED)


_NEVER_BEGUN = called_off(accepted=False, accept=Gone.BOOKING_CLOSED, pay=WrongStatus)

#: Who cancels has agreed to pay nothing. Where that is so however late, it always succeeds …
ENDINGS: Final[dict[timedelta, dict[Order, Ending]]] = {
    FREE: {
        (ACCEPT, PAY, CANCEL): called_off(_ASSIGNED, _CONFIRMED_BY_PAYING, accepted=True),
        (ACCEPT, CANCEL, PAY): called_off(_ASSIGNED, accepted=True, pay=WrongStatus),
        (PAY, ACCEPT, CANCEL): called_off(_PAID, _CONFIRMED_BY_ACCEPTING, accepted=True),
        (PAY, CANCEL, ACCEPT): called_off(_PAID, accepted=False, accept=Gone.BOOKING_CLOSED),
        (CANCEL, ACCEPT, PAY): _NEVER_BEGUN,
        (CANCEL, PAY, ACCEPT): _NEVER_BEGUN,
    },
    # … and where a provider's acceptance makes it costly, not after that.
    COSTLY: {
        (ACCEPT, PAY, CANCEL): confirmed(_ASSIGNED, _CONFIRMED_BY_PAYING),
        (ACCEPT, CANCEL, PAY): confirmed(_ASSIGNED, _CONFIRMED_BY_PAYING),
        (PAY, ACCEPT, CANCEL): confirmed(_PAID, _CONFIRMED_BY_ACCEPTING),
        (PAY, CANCEL, ACCEPT): called_off(_PAID, accepted=False, accept=Gone.BOOKING_CLOSED),
        (CANCEL, ACCEPT, PAY): _NEVER_BEGUN,
        (CANCEL, PAY, ACCEPT): _NEVER_BEGUN,
    },
}
CASES: Final = [(order, ahead) for ahead, of in ENDINGS.items() for order in of]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An unpaid booking that two providers are offered, and the three acts."""

    database: Database
    booking: Booking
    winner: Viewer
    rival: Viewer
    changes: dict[str, Callable[..., Any]]

    async def ending(self, order: Sequence[str], outcomes: Sequence[Any]) -> Ending:
        async with self.database.read() as connection:
            lines = (await db_bookings.histories(connection, [self.booking.id]))[self.booking.id]
        found = await read_offers(self.database, self.booking.id)
        reserved = await live_reservations(self.database, self.booking.id)
        assert set(reserved) <= {self.winner.user_id}
        refused = {
            (name, getattr(outcome, "why", type(outcome)))
            for name, outcome in zip(order, outcomes, strict=True)
            if isinstance(outcome, Refusal)
        }
        return Ending(
            steps=tuple((line.act, line.after) for line in lines[1:]),
            refused=frozenset(refused),
            taken=bool(reserved),
            won=found[self.winner.user_id].state,
            lost=found[self.rival.user_id].state,
        )


async def a_case(
    database: Database, service: Service, customer: Viewer, two: Sequence[Viewer], ahead: timedelta
) -> Case:
    starts_at = await now(database) + ahead
    price = Money(amount_minor=4050, currency="GBP")
    facts: dict[str, Any] = {"price": price, "starts_at": starts_at}
    booking = await add_booking(database, customer, service, **facts)
    offer, _ = await add_offers(database, booking, two)
    mine: dict[str, Any] = {"booking_id": booking.id, "by": customer}
    return Case(
        database=database,
        booking=booking,
        winner=two[0],
        rival=two[1],
        changes={
            ACCEPT: partial(offers.accept, offer_id=offer.id, by=two[0].user_id),
            PAY: partial(pay, **mine),
            CANCEL: partial(cancellations.cancel, **mine, reason="", expected_fee_minor=0),
        },
    )


@pytest.fixture
async def service(crowd: Database) -> Service:
    return await add_service(crowd)


@pytest.fixture
async def customer(crowd: Database) -> Viewer:
    return await add_customer(crowd)


@pytest.mark.parametrize(("order", "ahead"), CASES)
async def test_one_after_the_other_they_end_as_their_order_says(
    crowd: Database, service: Service, customer: Viewer, order: Order, ahead: timedelta
) -> None:
    case = await a_case(
        crowd, service, customer, await add_providers(crowd, service, count=2), ahead
    )

    outcomes = [(await race(crowd, [case.changes[name]]))[0] for name in order]

    assert await case.ending(order, outcomes) == ENDINGS[ahead][order]
    await invariants.check(crowd)


@pytest.mark.parametrize(("order", "ahead"), CASES)
async def test_waiting_for_each_other_they_end_as_if_they_had_come_one_after_the_other(
    crowd: Database, service: Service, customer: Viewer, order: Order, ahead: timedelta
) -> None:
    case = await a_case(
        crowd, service, customer, await add_providers(crowd, service, count=2), ahead
    )
    first, second, third = (case.changes[name] for name in order)

    async with crowd.begin() as tx:
        done = await first(tx)
        tasks = await waiting(crowd, second), await waiting(crowd, third, behind=1)
    outcomes = await race(crowd, [lambda _: tasks[0], lambda _: tasks[1]])

    assert await case.ending(order, [done, *outcomes]) == ENDINGS[ahead][order]
    await invariants.check(crowd)


@pytest.mark.parametrize("ahead", ENDINGS)
async def test_at_once_they_end_as_in_one_of_the_six_orders(
    crowd: Database, service: Service, customer: Viewer, ahead: timedelta
) -> None:
    for order in 5 * [*ENDINGS[ahead]]:
        # Other providers each time, so that nobody is busy.
        two = await add_providers(crowd, service, count=2)
        case = await a_case(crowd, service, customer, two, ahead)

        outcomes = await race(crowd, [case.changes[name] for name in order])

        assert await case.ending(order, outcomes) in ENDINGS[ahead].values()
    await invariants.check(crowd)
