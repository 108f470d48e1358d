"""What can be followed live?

Each stream carries events with a `cursor`; a client that reconnects with `after` gets what it
missed. An event carries ids only: the row is read again, and the viewer's right checked again,
before anything is passed on. Nothing is held open while a stream waits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.bookings import Booking, BookingId
from api.bookings import visible as visible_booking
from api.context import Context, Info
from api.enums import describe
from api.live import Delivery
from api.offers import JobOffer
from api.providers import Provider
from api.services import TradeFilter
from db import bookings, feed, offers, providers, services, shifts
from db.engine import Database
from domain import bookings as booking_rules
from domain import offers as offer_rules
from domain import providers as provider_rules
from domain.audience import booking_topic, offers_topic, presence_topic, queue_topic
from domain.feed import decode_cursor, encode_cursor
from domain.people import Role
from domain.refusals import NotFound
from domain.services import Service, Trade
from domain.shifts import Presence

Resume = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor of the last item you had; what you missed since comes first."
    ),
]
#: What a shared read is keyed by. All subscribers of a process read a row once for an event.
_Key: TypeAlias = tuple[Database, UUID]


class OfferEvent(StrEnum):
    """What happened to an offer."""

    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    RESCINDED = "RESCINDED"
    REMINDED = "REMINDED"


class BookingEvent(StrEnum):
    """What happened to a booking."""

    SNAPSHOT = "SNAPSHOT"
    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    PAID = "PAID"
    ASSIGNED = "ASSIGNED"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    RUNNING_LATE = "RUNNING_LATE"
    UNFILLED = "UNFILLED"
    SEARCH_ENDED = "SEARCH_ENDED"
    TERMS_ACCEPTED = "TERMS_ACCEPTED"
    EDITED = "EDITED"
    RELEASED = "RELEASED"
    RESCHEDULED = "RESCHEDULED"
    PREFERRED_LAPSED = "PREFERRED_LAPSED"
    NO_SHOW = "NO_SHOW"
    REVIEWED = "REVIEWED"
    RESTORED = "RESTORED"


describe(
    OfferEvent,
    "What happened to an offer.",
    OFFERED="It was put to you.",
    ACCEPTED="You took it.",
    REJECTED="You said no.",
    EXPIRED="Its time passed.",
    RESCINDED="It was withdrawn.",
    REMINDED="It is still open, and nobody has taken it: it is put to you again.",
)
describe(
    BookingEvent,
    "What happened to a booking.",
    SNAPSHOT="Nothing yet: this is how it stands as the stream begins.",
    REQUESTED="It was made.",
    APPROVED="It was approved.",
    DECLINED="It was declined.",
    PAID="It was paid.",
    ASSIGNED="A provider has it.",
    STARTED="The work has begun.",
    COMPLETED="The work is done.",
    CANCELLED="It was called off.",
    RUNNING_LATE="Its provider will be late.",
    UNFILLED="Nobody has been found so far; a dispatcher is needed.",
    SEARCH_ENDED="The search for a provider was given up.",
    TERMS_ACCEPTED="The customer accepted the service's terms.",
    EDITED="What is said about the work was changed.",
    RELEASED="Its provider has it no longer.",
    RESCHEDULED="It was moved to another time.",
    PREFERRED_LAPSED="The preferred provider did not take it; others are asked.",
    NO_SHOW="Somebody did not turn up.",
    REVIEWED="The customer has said what they think of the work.",
    RESTORED="A payment that came late brought it back.",
)


@strawberry.type(directives=[SIGNED_IN], description="Something happened to an offer of yours.")
class OfferUpdate:
    """Something happened to an offer."""

    cursor: str = strawberry.field(description="Where to resume after this item.")
    type: OfferEvent = strawberry.field(description="What happened.")
    offer: offer_rules.JobOffer = strawberry.field(
        graphql_type=JobOffer, description="The offer as it stands now, which may be later."
    )


@strawberry.type(directives=[SIGNED_IN], description="Something happened to a booking.")
class BookingUpdate:
    """Something happened to a booking."""

    cursor: str = strawberry.field(description="Where to resume after this item.")
    type: BookingEvent = strawberry.field(description="What happened.")
    booking: booking_rules.Booking = strawberry.field(
        graphql_type=Booking, description="The booking as it stands now, which may be later."
    )


@strawberry.type(directives=[SIGNED_IN], description="A booking entered, left or moved the queue.")
class QueueUpdate:
    """A booking entered or left the queue."""

    cursor: str = strawberry.field(description="Where to resume after this item.")
    type: BookingEvent = strawberry.field(description="What happened to it.")
    waiting: bool = strawberry.field(description="Does it wait for a provider now?")
    booking: booking_rules.Booking = strawberry.field(
        graphql_type=Booking, description="The booking as it stands now."
    )


@strawberry.type(directives=[SIGNED_IN], description="A provider's presence may have changed.")
class PresenceUpdate:
    """A provider's presence may have changed."""

    cursor: str = strawberry.field(description="Where to resume after this item.")
    presence: Presence = strawberry.field(description="Whether they can be reached now.")
    provider: provider_rules.Provider = strawberry.field(
        graphql_type=Provider, description="The provider."
    )


@strawberry.type
class Subscriptions:
    """Following live."""

    @strawberry.subscription(
        directives=[allow(Role.PROVIDER)],
        description="Your offers, as they come and go. Without `after` it begins with those that "
        "are open now.",
    )
    async def offer_feed(self, info: Info, after: Resume = None) -> AsyncGenerator[OfferUpdate]:
        """Follow one's offers."""
        mine = info.context.user.user_id
        topic = offers_topic(mine)
        start = decode_cursor(after) if after else await _before_open_offers(info.context, mine)
        async with info.context.hub.subscribe([topic], after=start) as stream:
            async for delivery in stream:
                offer = await delivery.read(_offer, _key(info, delivery, "offer"))
                if offer is not None and offer.provider_id == mine:
                    kind = OfferEvent[delivery.event.type.name.removeprefix("OFFER_")]
                    yield OfferUpdate(cursor=delivery.cursor, type=kind, offer=offer)

    @strawberry.subscription(
        directives=[SIGNED_IN],
        description="What happens to one booking. Without `after` it begins with how it stands.",
    )
    async def booking_updated(
        self,
        info: Info,
        id: BookingId,
        after: Resume = None,
    ) -> AsyncGenerator[BookingUpdate]:
        """Follow one booking."""
        uid = ids.parse("Booking", id, "id")
        start = decode_cursor(after) if after else None
        if await visible_booking(info.context, uid) is None:
            raise NotFound("Booking")
        async with info.context.hub.subscribe([booking_topic(uid)], after=start) as stream:
            if start is None:
                now = await _booking((info.context.database, uid))
                # It may have been taken from the viewer since it was looked at.
                if now is None or not now.is_visible_to(info.context.user):
                    raise NotFound("Booking")
                cursor = encode_cursor(stream.position)
                yield BookingUpdate(cursor=cursor, type=BookingEvent.SNAPSHOT, booking=now)
            async for delivery in stream:
                booking = await delivery.read(_booking, _key(info, delivery, "booking"))
                if booking is None or not booking.is_visible_to(info.context.user):
                    return
                kind = _booking_event(delivery)
                yield BookingUpdate(cursor=delivery.cursor, type=kind, booking=booking)

    @strawberry.subscription(
        directives=[allow(Role.DISPATCHER, Role.ADMIN)],
        description="Bookings that enter, leave or move the queue.",
    )
    async def queue_changed(
        self, info: Info, trade: TradeFilter = None, after: Resume = None
    ) -> AsyncGenerator[QueueUpdate]:
        """Follow the queue."""
        start = decode_cursor(after) if after else None
        async with info.context.hub.subscribe([queue_topic()], after=start) as stream:
            async for delivery in stream:
                booking = await delivery.read(_booking, _key(info, delivery, "booking"))
                if booking is None or not await _is_of(info.context, delivery, booking, trade):
                    continue
                yield QueueUpdate(
                    cursor=delivery.cursor,
                    type=_booking_event(delivery),
                    waiting=booking.is_open_to_offers,
                    booking=booking,
                )

    @strawberry.subscription(
        directives=[allow(Role.DISPATCHER, Role.ADMIN)],
        description="Providers who go on or off shift, fall silent, or begin or end work.",
    )
    async def presence_changed(
        self,
        info: Info,
        trade: TradeFilter = None,
        area: Annotated[
            str | None,
            strawberry.argument(
                description='Only this postal district, such as "SW1A", however it is written.'
            ),
        ] = None,
        after: Resume = None,
    ) -> AsyncGenerator[PresenceUpdate]:
        """Follow providers' presence."""
        start = decode_cursor(after) if after else None
        async with info.context.hub.subscribe([presence_topic()], after=start) as stream:
            async for delivery in stream:
                key = _key(info, delivery, "provider")
                provider = await delivery.read(_provider, key)
                if provider is None or trade not in {None, provider.trade}:
                    continue
                if area is not None and not provider.works_from(area):
                    continue
                presence = await delivery.read(_presence, key)
                yield PresenceUpdate(cursor=delivery.cursor, presence=presence, provider=provider)


async def _before_open_offers(context: Context, provider_id: UUID) -> int | None:
    """The place in the feed from which all open offers are told; None when there are none."""
    async with context.read() as connection:
        oldest = await offers.oldest_open(connection, provider_id)
        if oldest is None:
            return None
        return await feed.last_before(connection, offers_topic(provider_id), oldest)


def _key(info: Info, delivery: Delivery, name: str) -> _Key:
    return info.context.database, delivery.event.subject[name]


def _booking_event(delivery: Delivery) -> BookingEvent:
    return BookingEvent[delivery.event.type.name.removeprefix("BOOKING_")]


async def _is_of(
    context: Context, delivery: Delivery, booking: booking_rules.Booking, trade: Trade | None
) -> bool:
    if trade is None:
        return True
    service = await delivery.read(_service, (context.database, booking.service_id))
    return service is not None and service.trade is trade


async def _booking(key: _Key) -> booking_rules.Booking | None:
    database, uid = key
    async with database.read() as connection:
        return next(iter(await bookings.by_ids(connection, [uid])), None)


async def _offer(key: _Key) -> offer_rules.JobOffer | None:
    database, uid = key
    async with database.read() as connection:
        return next(iter(await offers.by_ids(connection, [uid])), None)


async def _provider(key: _Key) -> provider_rules.Provider | None:
    database, uid = key
    async with database.read() as connection:
        return next(iter(await providers.by_ids(connection, [uid])), None)


async def _service(key: _Key) -> Service | None:
    database, uid = key
    async with database.read() as connection:
        return next(iter(await services.by_ids(connection, [uid])), None)


async def _presence(key: _Key) -> Presence:
    database, uid = key
    async with database.read() as connection:
        return (await shifts.presence_of(connection, [uid]))[uid]
