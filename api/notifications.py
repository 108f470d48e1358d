"""What somebody has been told, in the app: the list, what is new in it, and having read it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import SIGNED_IN
from api.bookings import Booking
from api.bookings import visible as visible_booking
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.enums import describe
from api.inputs import Given
from api.nodes import Node
from api.payments import Payment
from api.payouts import READERS, Payout
from api.problems import InvalidInput, NotFound
from api.refunds import SEERS, sees
from api.views import view_of
from db import notifications
from domain import notifications as domain
from domain.messages import Message
from domain.refusals import FieldError
from domain.refusals import InvalidInput as WrongFields
from domain.refusals import NotFound as Missing
from gateways.push import Push

#: The most that can be named at a time.
_MOST = 100

describe(
    Message,
    "What a message says.",
    BOOKING_REQUESTED="Your booking has been taken down.",
    BOOKING_APPROVED="Your booking is approved; somebody is looked for now.",
    PROVIDER_ASSIGNED="A provider has taken your booking.",
    JOB_ASSIGNED="A job is yours.",
    BOOKING_CONFIRMED="Your booking is confirmed.",
    BOOKING_DECLINED="Your booking was declined.",
    BOOKING_RESCHEDULED="A booking of yours was moved to another time.",
    BOOKING_CANCELLED="Your booking was called off.",
    JOB_CANCELLED="A job is yours no longer.",
    PROVIDER_LEFT="Your provider does not come after all; somebody else is looked for.",
    PREFERRED_LAPSED="The provider you wished for did not take it; others are asked.",
    SEARCH_ENDED="Nobody was found for your booking.",
    BOOKING_UNFILLED="To staff: nobody has been found for a booking so far.",
    PAYMENT_REMINDER="Your booking has still to be paid.",
    PAYMENT_RECEIPT="Your payment has come in.",
    PAYMENT_FAILED="Your payment did not go through; you may try again.",
    PAYMENT_MISMATCHED="To staff: another sum was paid than was asked for.",
    REFUND_SENT="You have been given money back.",
    REFUND_FAILED="Money could not be given back; staff are looking.",
    REFUND_MISMATCHED="To staff: more was given back at the payment gateway than there was to give "
    "back.",
    CREDIT_GRANTED="You have been given credit with the house.",
    BOOKING_REMINDER="A booking of yours is tomorrow.",
    STARTING_SOON="A booking of yours is about to begin.",
    PROVIDER_LATE="Your provider will be late.",
    NO_SHOW="Somebody did not turn up.",
    COMPLETED="The work is done; say what you think of it.",
    WAITLIST_GRANT="A slot that you wait for is kept for you.",
    SERIES_CONFLICT="An occurrence of your series could not be booked.",
    OFFER="Work is offered to you.",
    PAYOUT_SENT="You have been paid.",
    PAYOUT_FAILED="A payout did not go through; staff are looking.",
)


@strawberry.type(directives=[SIGNED_IN], description="Something that you have been told.")
@view_of(domain.Notification)
class Notification(Node):
    """Something that somebody has been told."""

    message: Message = strawberry.field(description="What it says, for a program.")
    created_at: datetime = strawberry.field(description="When you were told.")
    read_at: datetime | None = strawberry.field(
        description="When you read it; null while you have not."
    )

    @strawberry.field(description="What it says, in a few words, as things stand now.")
    async def title(self, info: Info) -> str:
        """The title."""
        return (await _words(info.context, self)).title

    @strawberry.field(description="What it says, in a sentence or two, as things stand now.")
    async def body(self, info: Info) -> str:
        """The body."""
        return (await _words(info.context, self)).body

    @strawberry.field(
        description="The booking that it is about; null for none, and once you may not see it.",
        graphql_type=Booking | None,
    )
    async def booking(self, info: Info) -> Any:
        """The booking."""
        uid = _value(self).subject.get("booking")
        return await visible_booking(info.context, uid) if uid is not None else None

    @strawberry.field(
        directives=[SEERS],
        description="The payment that it is about; null for none.",
        graphql_type=Payment | None,
    )
    async def payment(self, info: Info) -> Any:
        """The payment."""
        uid = _value(self).subject.get("payment")
        found = await info.context.loaders.payments.load(uid) if uid is not None else None
        return found if found and sees(info.context.user, found.customer_id) else None

    @strawberry.field(
        directives=[READERS],
        description="The payout that it is about; null for none.",
        graphql_type=Payout | None,
    )
    async def payout(self, info: Info) -> Any:
        """The payout."""
        uid = _value(self).subject.get("payout")
        found = await info.context.loaders.payouts.load(uid) if uid is not None else None
        return found if found and found.is_visible_to(info.context.user) else None


@strawberry.type(directives=[SIGNED_IN], description="They are read.")
class MarkNotificationsReadSuccess:
    """They are read."""

    notifications: list[domain.Notification] = strawberry.field(
        graphql_type=list[Notification],
        description="Those that you named, newest first; none when you said `all`.",
    )
    unread: int = strawberry.field(description="How many are still new.")


MarkNotificationsReadResult: TypeAlias = Annotated[
    MarkNotificationsReadSuccess | NotFound | InvalidInput,
    strawberry.union(
        "MarkNotificationsReadResult", description="What came of markNotificationsRead."
    ),
]


@strawberry.input(
    description="What you have read: these, all up to one, or all. Say one of the three."
)
class MarkNotificationsReadInput:
    """What somebody has read."""

    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="These; at most 100."
    )
    up_to: strawberry.ID | None = strawberry.field(
        default=None, description="This one, and every one before it."
    )
    all: bool = strawberry.field(default=False, description="Every one there is.")

    def named(self) -> list[UUID]:
        """Those named by their ids. Raises InvalidInput for wrong ones, and for anything but one
        of the three ways."""
        if (self.ids is not None) + (self.up_to is not None) + self.all != 1:
            raise WrongFields(FieldError(path=("ids",), message="Say `ids`, `upTo` or `all`."))
        if self.up_to is not None:
            return [ids.parse("Notification", self.up_to, "upTo")]
        given = self.ids or []
        if len(given) > _MOST:
            raise WrongFields(FieldError(path=("ids",), message=f"Give at most {_MOST}."))
        return [ids.parse("Notification", one, "ids", str(n)) for n, one in enumerate(given)]


@strawberry.type
class NotificationQueries:
    """Reading notifications."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="What you have been told, newest first.",
        graphql_type=Connection[Notification],
    )
    async def notifications(
        self,
        info: Info,
        unread_only: Annotated[
            bool, strawberry.argument(description="Only what you have not read.")
        ] = False,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of one's notifications."""
        request = page_request(first, after, last, before)
        return await listing(
            info.context,
            request,
            notifications.page,
            notifications.count,
            recipient_id=info.context.user.user_id,
            unread_only=unread_only,
        )

    @strawberry.field(directives=[SIGNED_IN], description="How much is new to you.")
    async def unread_notifications(self, info: Info) -> int:
        """How many notifications are not read."""
        mine = info.context.user.user_id
        async with info.context.read() as connection:
            return await notifications.count(connection, recipient_id=mine, unread_only=True)


@strawberry.type
class NotificationMutations:
    """Having read."""

    @strawberry.mutation(
        directives=[SIGNED_IN],
        description="Say what you have read. Once or twice is the same.",
        graphql_type=MarkNotificationsReadResult,
    )
    async def mark_notifications_read(
        self, info: Info, input: Given[MarkNotificationsReadInput]
    ) -> Any:
        """Mark as read."""
        mine, uids = info.context.user.user_id, input.named()
        async with info.context.begin() as tx:
            if input.all:
                await notifications.mark_all_read(tx, mine)
            elif input.up_to is not None:
                await notifications.mark_read_up_to(tx, mine, uids[0])
            else:
                await notifications.mark_read(tx, mine, uids)
            named = await notifications.by_ids(tx, uids)
            unread = await notifications.count(tx, recipient_id=mine, unread_only=True)
        newest_first = sorted(named, key=lambda one: one.id, reverse=True)
        return MarkNotificationsReadSuccess(notifications=newest_first, unread=unread)


def _value(view: Any) -> domain.Notification:
    value: domain.Notification = view
    return value


async def _words(context: Context, view: Any) -> Push:
    """What it says, of its facts as they are read now: the same as on a phone's lock screen."""
    facts = await context.loaders.message_facts.load(_value(view).id)
    if facts is None:
        raise Missing("Notification")
    return context.outside.renderer.push(facts)


async def _fetch(context: Context, uid: UUID) -> domain.Notification | None:
    found = await context.loaders.notifications.load(uid)
    return found if found and found.is_visible_to(context.user) else None


nodes.register("Notification", domain.Notification, _fetch)
