"""What do messages speak of? Read for all of them at once, as it stands.

Each kind of row is read in one statement, and only if one of the messages speaks of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from db import (
    accounts,
    bookings,
    clock,
    message_details,
    offers,
    payment_rows,
    payouts,
    providers,
    refund_rows,
    series,
    services,
    waitlist,
)
from db import credits as db_credits
from domain import matters
from domain.house import DEFAULT, HouseRules
from domain.matters import Matter
from domain.messages import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.message_details import Sums
    from domain.bookings import Booking
    from domain.credits import Grant
    from domain.matters import Clash, Window
    from domain.message_facts import MessageFacts
    from domain.notifications import Notification
    from domain.offers import JobOffer
    from domain.payments import Payment
    from domain.payouts import Payout
    from domain.people import User
    from domain.providers import Provider
    from domain.refunds import Refund
    from domain.series import Series
    from domain.services import Service
    from domain.waitlist import WaitlistEntry


class _Identified(Protocol):
    @property
    def id(self) -> UUID: ...


K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T", bound=_Identified)


async def read(
    connection: AsyncConnection,
    notifications: Sequence[Notification],
    *,
    house: HouseRules = DEFAULT,
) -> dict[UUID, MessageFacts]:
    """The facts of each of these, by its id, as its recipient may see them now.

    One whose recipient is gone is left out.
    """
    named = await _read_named(connection, notifications)
    people = await _read_people(connection, notifications, named)
    details = _Details(
        sums=await message_details.sums(connection, named.bookings.values()),
        windows=await message_details.windows(connection, _lost(notifications, named)),
        clashes=await message_details.clashes(connection, named.series.values()),
    )
    at = await clock.now(connection)
    return {
        one.id: matters.write(
            one,
            people.users[one.recipient_id],
            _matter(one, named, people, details),
            patience=house.payment_patience,
            at=at,
        )
        for one in notifications
        if one.recipient_id in people.users
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What the messages name, by id."""

    bookings: dict[UUID, Booking]
    offers: dict[UUID, JobOffer]
    payments: dict[UUID, Payment]
    refunds: dict[UUID, Refund]
    payouts: dict[UUID, Payout]
    grants: dict[UUID, Grant]
    waiters: dict[UUID, WaitlistEntry]
    series: dict[UUID, Series]

    def booking(self, one: Notification) -> Booking | None:
        """The booking that a message is about."""
        return _of(self.bookings, one.subject.get("booking"))

    def waiter(self, one: Notification) -> WaitlistEntry | None:
        """The place in the waitlist that a message is about."""
        return _of(self.waiters, one.subject.get("waitlist_entry"))

    def service_id(self, one: Notification) -> UUID | None:
        """The service that a message is about."""
        about = self.booking(one) or self.waiter(one)
        if about is not None:
            return about.service_id
        found = _of(self.series, one.subject.get("series"))
        return found.asked.service_id if found else None

    def provider_id(self, one: Notification) -> UUID | None:
        """The provider whom a message names: most often who has the work by now."""
        if one.message in {Message.PROVIDER_LEFT, Message.OFFER}:
            return one.subject.get("provider")
        if (waiter := self.waiter(one)) is not None:
            return waiter.grant.provider_id if waiter.grant else None
        if (booking := self.booking(one)) is None:
            return None
        lapsed = one.message is Message.PREFERRED_LAPSED
        return booking.preferred_provider_id if lapsed else booking.provider_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """Those who are told, and those who are spoken of; and what the work is called."""

    users: dict[UUID, User]
    providers: dict[UUID, Provider]
    services: dict[UUID, Service]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Details:
    """What was reckoned or looked for."""

    sums: dict[UUID, Sums]
    windows: dict[tuple[UUID, UUID], Window]
    clashes: dict[UUID, Clash]


async def _read_named(connection: AsyncConnection, notifications: Sequence[Notification]) -> _Named:
    async def found(
        name: str, by_ids: Callable[[AsyncConnection, Sequence[UUID]], Awaitable[Iterable[T]]]
    ) -> dict[UUID, T]:
        return await _by_id(connection, by_ids, (one.subject.get(name) for one in notifications))

    return _Named(
        bookings=await found("booking", bookings.by_ids),
        offers=await found("offer", offers.by_ids),
        payments=await found("payment", payment_rows.by_ids),
        refunds=await found("refund", refund_rows.by_ids),
        payouts=await found("payout", payouts.by_ids),
        grants=await found("credit_grant", db_credits.by_ids),
        waiters=await found("waitlist_entry", waitlist.by_ids),
        series=await found("series", series.by_ids),
    )


async def _by_id(
    connection: AsyncConnection,
    by_ids: Callable[[AsyncConnection, Sequence[UUID]], Awaitable[Iterable[T]]],
    ids: Iterable[UUID | None],
) -> dict[UUID, T]:
    wanted = sorted({uid for uid in ids if uid is not None})
    return {one.id: one for one in await by_ids(connection, wanted)} if wanted else {}


async def _read_people(
    connection: AsyncConnection, notifications: Sequence[Notification], named: _Named
) -> _People:
    recipients = {one.recipient_id for one in notifications}
    customers = {booking.customer_id for booking in named.bookings.values()}
    whom, what = map(named.provider_id, notifications), map(named.service_id, notifications)
    return _People(
        users=await accounts.by_ids(connection, recipients | customers),
        providers=await _by_id(connection, providers.by_ids, whom),
        services=await _by_id(connection, services.by_ids, what),
    )


def _lost(notifications: Iterable[Notification], named: _Named) -> Collection[tuple[UUID, UUID]]:
    """The bookings, and the providers whom they were taken from and who are told so."""
    told = ((one, named.booking(one)) for one in notifications)
    return {
        (booking.id, one.recipient_id)
        for one, booking in told
        if one.message is Message.JOB_CANCELLED
        and booking is not None
        and booking.provider_id != one.recipient_id
    }


def _matter(one: Notification, named: _Named, people: _People, details: _Details) -> Matter:
    subject, booking = one.subject, named.booking(one)
    service = _of(people.services, named.service_id(one))
    sums = _of(details.sums, subject.get("booking"))
    return Matter(
        service=service.name if service else None,
        booking=booking,
        customer=people.users.get(booking.customer_id) if booking else None,
        provider=_of(people.providers, named.provider_id(one)),
        offer=_of(named.offers, subject.get("offer")),
        payment=_of(named.payments, subject.get("payment")),
        refund=_of(named.refunds, subject.get("refund")),
        payout=_of(named.payouts, subject.get("payout")),
        grant=_of(named.grants, subject.get("credit_grant")),
        waiter=named.waiter(one),
        clash=_of(details.clashes, subject.get("series")),
        due=sums.due if sums else None,
        refunded=sums.refunded if sums else None,
        compensation=sums.compensation if sums else None,
        had=details.windows.get((booking.id, one.recipient_id)) if booking else None,
    )


def _of(found: Mapping[K, V], key: K | None) -> V | None:
    return None if key is None else found.get(key)
