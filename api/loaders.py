"""How are related rows read without one query for each? In batches, within one operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

from api.loading import Loader
from db import (
    accounts,
    availability,
    bookings,
    certifications,
    favourites,
    message_facts,
    notifications,
    offers,
    payment_rows,
    payouts,
    payroll,
    profiles,
    providers,
    refund_rows,
    reviews,
    series,
    services,
    shifts,
    statements,
    time_off,
    waitlist,
)

if TYPE_CHECKING:
    from db.engine import Connection, Database
    from domain.availability_conflicts import KeptAvailability
    from domain.bookings import Booking
    from domain.certifications import Certification
    from domain.history import HistoryEntry
    from domain.hours import WeeklyHours
    from domain.house import HouseRules
    from domain.message_facts import MessageFacts
    from domain.money import Money
    from domain.notifications import Notification
    from domain.offers import JobOffer
    from domain.payments import Payment
    from domain.payouts import Payout
    from domain.people import User
    from domain.privacy import OfferedWork
    from domain.profiles import Completion
    from domain.providers import Provider
    from domain.refunds import Refund
    from domain.reviews import Review
    from domain.series import Series
    from domain.services import Service
    from domain.shifts import Presence, Shift
    from domain.statements import KindTotal
    from domain.time_off import TimeOff


class _HasId(Protocol):
    @property
    def id(self) -> UUID: ...


T = TypeVar("T")
Key = TypeVar("Key")
Value = TypeVar("Value", bound=_HasId)


class Loaders:
    """One of each for an operation. A missing row is None."""

    def __init__(self, database: Database, house: HouseRules) -> None:
        def of(read: Callable[[Connection, Sequence[Key]], Awaitable[Mapping[Key, T]]]) -> Any:
            async def load(keys: list[Key]) -> list[T | None]:
                async with database.read() as connection:
                    found = await read(connection, keys)
                return [found.get(key) for key in keys]

            return Loader(load)

        self.users: Loader[UUID, User | None] = of(accounts.by_ids)
        self.services: Loader[UUID, Service | None] = of(_by_id(services.by_ids))
        self.providers: Loader[UUID, Provider | None] = of(_by_id(providers.by_ids))
        self.bookings: Loader[UUID, Booking | None] = of(_by_id(bookings.by_ids))
        self.offers: Loader[UUID, JobOffer | None] = of(_by_id(offers.by_ids))
        #: What each booking shows to each provider it was offered to.
        self.works: Loader[tuple[UUID, UUID], OfferedWork | None] = of(offers.works)
        self.histories: Loader[UUID, list[HistoryEntry]] = of(bookings.histories)
        self.offers_of_booking: Loader[UUID, list[JobOffer]] = of(offers.of_bookings)
        self.services_of_provider: Loader[UUID, list[UUID]] = of(providers.services_of)
        self.hours_of_provider: Loader[UUID, WeeklyHours] = of(providers.hours_of)
        #: Whether, of a customer and a provider, the one is a favourite of the other.
        self.favourites: Loader[tuple[UUID, UUID], bool | None] = of(favourites.which)
        self.reviews_of_booking: Loader[UUID, Review | None] = of(reviews.of_bookings)
        self.refunds_of_booking: Loader[UUID, list[Refund]] = of(refund_rows.of_bookings)
        self.payments: Loader[UUID, Payment | None] = of(_by_id(payment_rows.by_ids))
        self.payments_of_booking: Loader[UUID, list[Payment]] = of(payment_rows.of_bookings)
        self.refunds_of_payment: Loader[UUID, list[Refund]] = of(refund_rows.of_payments)
        self.payouts: Loader[UUID, Payout | None] = of(_by_id(payouts.by_ids))
        self.statement_totals: Loader[UUID, list[KindTotal]] = of(statements.totals)
        self.payroll_totals: Loader[UUID, list[Money]] = of(payroll.totals)
        self.availability_of_provider: Loader[UUID, KeptAvailability | None] = of(
            availability.kept_by
        )
        self.time_off_of_provider: Loader[UUID, list[TimeOff]] = of(time_off.ahead_of)
        self.certifications_of_provider: Loader[UUID, list[Certification] | None] = of(
            certifications.of_providers
        )
        self.completion_of_provider: Loader[UUID, Completion | None] = of(profiles.completions)
        self.series: Loader[UUID, Series | None] = of(_by_id(series.by_ids))
        #: Which place in its line each entry of the waitlist has that waits.
        self.waitlist_positions: Loader[UUID, int | None] = of(waitlist.positions)
        self.presence: Loader[UUID, Presence] = of(shifts.presence_of)
        self.open_shifts: Loader[UUID, Shift | None] = of(shifts.open_shifts)
        self.notifications: Loader[UUID, Notification | None] = of(_by_id(notifications.by_ids))
        #: What notifications have to say, by their ids.
        self.message_facts: Loader[UUID, MessageFacts | None] = of(_told(house))


def _told(
    house: HouseRules,
) -> Callable[[Connection, Sequence[UUID]], Awaitable[Mapping[UUID, MessageFacts]]]:
    async def read(connection: Connection, keys: Sequence[UUID]) -> Mapping[UUID, MessageFacts]:
        found = await notifications.by_ids(connection, keys)
        return await message_facts.read(connection, found, house=house)

    return read


def _by_id(
    read: Callable[[Connection, Sequence[UUID]], Awaitable[Iterable[Value]]],
) -> Callable[[Connection, Sequence[UUID]], Awaitable[Mapping[UUID, Value]]]:
    async def keyed(connection: Connection, keys: Sequence[UUID]) -> Mapping[UUID, Value]:
        return {value.id: value for value in await read(connection, keys)}

    return keyed
