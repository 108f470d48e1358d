"""How does a customer keep a slot while they check out?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_inputs import AddressInput, start_of
from api.booking_problems import (
    IdempotencyKeyReused,
    ProviderNotEligible,
    RulesBroken,
    ServiceInactive,
    SlotTaken,
)
from api.context import Context, Info
from api.enums import describe
from api.inputs import Given
from api.nodes import Node
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.providers import Provider
from api.scalars import LocalDateTime, TimeZone
from api.services import Service
from api.slots import NobodyFree
from api.views import view_of
from db import holds
from domain import holds as domain
from domain import idempotency
from domain.bookings import BookingKind
from domain.people import Role, Viewer
from domain.refusals import FieldError
from domain.refusals import InvalidInput as WrongFields
from domain.requests import BookingRequest

describe(
    domain.HoldEnding,
    "How a hold ended.",
    BOOKED="A booking was made of it.",
    RELEASED="It was given back.",
    REPLACED="The customer holds another slot of the service now.",
    EXPIRED="Its time passed.",
)


@strawberry.type(
    directives=[SIGNED_IN], description="One provider's time, kept for a customer until it expires."
)
@view_of(domain.Hold)
class Hold(Node):
    """One provider's time, kept for a customer."""

    starts_at: datetime = strawberry.field(description="When the work would start.")
    ends_at: datetime = strawberry.field(description="When it would end.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="Until when it keeps the slot.")
    ended_at: datetime | None = strawberry.field(description="When it ended, if it has.")
    ending: domain.HoldEnding | None = strawberry.field(description="How it ended, if it has.")

    @strawberry.field(description="What it is for.", graphql_type=Service)
    async def service(self, info: Info) -> Any:
        """The service."""
        value: Any = self
        return await info.context.loaders.services.load(value.service_id)

    @strawberry.field(description="Whose time it keeps.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.input(description="Which slot to keep.")
class HoldSlotInput:
    """Which slot to keep."""

    service_id: strawberry.ID = strawberry.field(description="The service.")
    starts_at: datetime | None = strawberry.field(default=None, description="The slot's start.")
    local_start: LocalDateTime | None = strawberry.field(
        default=None, description="Its start on the wall clock of `timeZone`, instead."
    )
    time_zone: TimeZone | None = strawberry.field(
        default=None, description="The zone that `localStart` is in."
    )
    address: AddressInput = strawberry.field(description="Where the work would be.")
    provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose time; the best of those who are free when left out."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="1 to 200 characters of your own, to ask again safely."
    )

    def request(self, viewer: Viewer) -> BookingRequest:
        """What is asked for. Raises InvalidInput or RulesBroken."""
        starts_at = start_of(self.starts_at, self.local_start, self.time_zone)
        if starts_at is None:
            message = "Say when the work should start."
            raise WrongFields(FieldError(path=("startsAt",), message=message))
        provider_id = self.provider_id
        return BookingRequest(
            customer_id=viewer.user_id,
            service_id=ids.parse("Service", self.service_id, "serviceId"),
            provider_id=ids.parse("Provider", provider_id, "providerId") if provider_id else None,
            kind=BookingKind.SCHEDULED,
            starts_at=starts_at,
            address=self.address.value(),
        )


@strawberry.input(description="Which hold to give back.")
class ReleaseHoldInput:
    """Which hold to give back."""

    hold_id: strawberry.ID = strawberry.field(description="The hold.")


@strawberry.type(directives=[PUBLIC], description="The hold keeps the slot no longer.")
class HoldExpired(Problem):
    """The hold keeps the slot no longer."""


@strawberry.type(directives=[SIGNED_IN], description="The slot is kept.")
class HoldSlotSuccess:
    """The slot is kept."""

    hold: domain.Hold = strawberry.field(graphql_type=Hold, description="What is kept.")


@strawberry.type(directives=[SIGNED_IN], description="The slot is free again.")
class ReleaseHoldSuccess:
    """The slot is free again."""

    hold: domain.Hold = strawberry.field(graphql_type=Hold, description="What was kept.")


HoldSlotResult: TypeAlias = Annotated[
    HoldSlotSuccess
    | SlotTaken
    | RulesBroken
    | NobodyFree
    | ProviderNotEligible
    | ServiceInactive
    | IdempotencyKeyReused
    | NotFound
    | InvalidInput,
    strawberry.union("HoldSlotResult", description="What came of holdSlot."),
]
ReleaseHoldResult: TypeAlias = Annotated[
    ReleaseHoldSuccess | NotFound | InvalidInput,
    strawberry.union("ReleaseHoldResult", description="What came of releaseHold."),
]


@strawberry.type
class HoldQueries:
    """Reading holds."""

    @strawberry.field(
        directives=[allow(Role.CUSTOMER)],
        description="The holds that keep slots for you now, the first to expire first.",
        graphql_type=list[Hold],
    )
    async def holds(self, info: Info) -> Any:
        """One's open holds."""
        async with info.context.read() as connection:
            return await holds.open_of(connection, info.context.user.user_id)


@strawberry.type
class HoldMutations:
    """Keeping slots and giving them back."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Keep a slot for some minutes while you check out; book it with `holdId`. "
        "You have one hold for each service: another one replaces it.",
        graphql_type=HoldSlotResult,
    )
    async def hold_slot(self, info: Info, input: Given[HoldSlotInput]) -> Any:
        """Hold."""
        asked = input.request(info.context.user)
        key = idempotency.key("holdSlot", input.idempotency_key, asked)
        async with info.context.begin() as tx:
            hold = await holds.hold(tx, asked, house=info.context.house, key=key)
        return HoldSlotSuccess(hold=hold)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="Give a slot back before its hold expires.",
        graphql_type=ReleaseHoldResult,
    )
    async def release_hold(self, info: Info, input: Given[ReleaseHoldInput]) -> Any:
        """Release."""
        uid = ids.parse("Hold", input.hold_id, "holdId")
        async with info.context.begin() as tx:
            hold = await holds.release(tx, hold_id=uid, by=info.context.user)
        return ReleaseHoldSuccess(hold=hold)


@problem_of.register
def _(refusal: domain.HoldExpired) -> Problem:
    return HoldExpired(message=str(refusal), code=ProblemCode.HOLD_EXPIRED, path=["holdId"])


async def _fetch(context: Context, uid: UUID) -> domain.Hold | None:
    async with context.read() as connection:
        found = await holds.by_ids(connection, [uid])
    return next((one for one in found if one.is_visible_to(context.user)), None)


nodes.register("Hold", domain.Hold, _fetch)
