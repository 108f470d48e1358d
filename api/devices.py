"""The phones and browsers that take somebody's push messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import SIGNED_IN
from api.context import Context, Info
from api.enums import describe
from api.inputs import Given
from api.nodes import Node
from api.problems import InvalidInput
from api.views import view_of
from db import devices
from domain import devices as domain
from domain.messages import Platform
from domain.refusals import FieldError
from domain.refusals import InvalidInput as WrongFields

describe(
    Platform,
    "What a device that takes push messages runs.",
    ANDROID="Android.",
    IOS="iOS or iPadOS.",
    WEB="A browser.",
)


@strawberry.type(
    directives=[SIGNED_IN], description="A phone or browser that takes your push messages."
)
@view_of(domain.Device)
class Device(Node):
    """A phone or browser that takes one's push messages."""

    platform: Platform = strawberry.field(description="What it runs.")
    registered_at: datetime = strawberry.field(description="When it was registered last.")
    token_end: str = strawberry.field(
        description="The last characters of its token, to tell it by; nobody is shown the whole."
    )


@strawberry.type(directives=[SIGNED_IN], description="The device takes your push messages.")
class RegisterDeviceSuccess:
    """The device takes one's push messages."""

    device: domain.Device = strawberry.field(graphql_type=Device, description="The device.")


@strawberry.type(directives=[SIGNED_IN], description="The device takes no message of yours.")
class UnregisterDeviceSuccess:
    """The device takes no message any more."""

    devices: list[domain.Device] = strawberry.field(
        graphql_type=list[Device], description="Those that still do, the newest first."
    )


RegisterDeviceResult: TypeAlias = Annotated[
    RegisterDeviceSuccess | InvalidInput,
    strawberry.union("RegisterDeviceResult", description="What came of registerDevice."),
]
UnregisterDeviceResult: TypeAlias = Annotated[
    UnregisterDeviceSuccess | InvalidInput,
    strawberry.union("UnregisterDeviceResult", description="What came of unregisterDevice."),
]


@strawberry.input(description="A device to send push messages to.")
class RegisterDeviceInput:
    """A device to send push messages to."""

    platform: Platform = strawberry.field(description="What it runs.")
    token: str = strawberry.field(
        description="What the push service knows it by: its FCM registration token."
    )


@strawberry.input(description="A device to send nothing more to: by its id, or by its token.")
class UnregisterDeviceInput:
    """A device to send nothing more to."""

    device_id: strawberry.ID | None = strawberry.field(
        default=None, description="The device, such as one that was lost."
    )
    token: str | None = strawberry.field(
        default=None, description="The token that this device registered with."
    )

    def which(self) -> tuple[UUID | None, str | None]:
        """The id or the token. Raises InvalidInput for both, for neither, and for no id of one."""
        if (self.device_id is None) == (self.token is None):
            message = "Name the device by its id or by its token."
            raise WrongFields(FieldError(path=("deviceId",), message=message))
        if self.device_id is None:
            return None, self.token
        return ids.parse("Device", self.device_id, "deviceId"), None


@strawberry.type
class DeviceQueries:
    """Reading devices."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="The devices that take your push messages, the newest first; at most 20.",
        graphql_type=list[Device],
    )
    async def devices(self, info: Info) -> Any:
        """One's devices."""
        return await _mine(info.context)


@strawberry.type
class DeviceMutations:
    """Keeping devices."""

    @strawberry.mutation(
        directives=[SIGNED_IN],
        description="Send your push messages to a device, and nobody else's: it is of whoever "
        "signed in there last. Once or twice is the same. With more than 20, those that were "
        "registered longest ago are forgotten.",
        graphql_type=RegisterDeviceResult,
    )
    async def register_device(self, info: Info, input: Given[RegisterDeviceInput]) -> Any:
        """Register."""
        mine = info.context.user.user_id
        async with info.context.begin() as tx:
            made = await devices.register(
                tx, user_id=mine, platform=input.platform, token=input.token
            )
        return RegisterDeviceSuccess(device=made)

    @strawberry.mutation(
        directives=[SIGNED_IN],
        description="Send nothing more to a device of yours, as when you sign out there. Once or "
        "twice is the same.",
        graphql_type=UnregisterDeviceResult,
    )
    async def unregister_device(self, info: Info, input: Given[UnregisterDeviceInput]) -> Any:
        """Unregister."""
        mine, (device_id, token) = info.context.user.user_id, input.which()
        async with info.context.begin() as tx:
            if device_id is not None:
                await devices.forget(tx, user_id=mine, device_id=device_id)
            if token is not None:
                await devices.unregister(tx, user_id=mine, token=token)
        return UnregisterDeviceSuccess(devices=await _mine(info.context))


async def _mine(context: Context) -> list[domain.Device]:
    mine = context.user.user_id
    async with context.read() as connection:
        return (await devices.of_users(connection, [mine]))[mine]


async def _fetch(context: Context, uid: UUID) -> domain.Device | None:
    """Nobody's but one's own: the house has no use for them."""
    return next((one for one in await _mine(context) if one.id == uid), None)


nodes.register("Device", domain.Device, _fetch)
