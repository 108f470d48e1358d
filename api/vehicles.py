"""Vehicles: as a booking describes them, and as a customer keeps them."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.inputs import Given
from api.nodes import Node
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.views import view_of
from db import vehicles
from domain import vehicles as domain
from domain.people import Role


@strawberry.type(directives=[SIGNED_IN], description="The vehicle to be worked on.")
@view_of(domain.Vehicle)
class Vehicle:
    """The vehicle to be worked on."""

    year: int = strawberry.field(description="Its model year.")
    make: str = strawberry.field(description='Who built it, such as "Volkswagen".')
    model: str = strawberry.field(description='What they call it, such as "Golf".')
    vin: str | None = strawberry.field(description="Its vehicle identification number, if known.")
    plate: str | None = strawberry.field(description="What its number plate says, if known.")


@strawberry.type(directives=[SIGNED_IN], description="A vehicle that you keep, to book with again.")
@view_of(domain.SavedVehicle)
class SavedVehicle(Node):
    """A vehicle that a customer keeps."""

    name: str = strawberry.field(description="What you call it; may be empty.")
    vehicle: domain.Vehicle = strawberry.field(graphql_type=Vehicle, description="What it is.")


@strawberry.type(directives=[PUBLIC], description="You keep as many vehicles as can be kept.")
class TooManyVehicles(Problem):
    """The customer keeps as many vehicles as can be kept."""

    limit: int = strawberry.field(description="How many can be kept.")


@strawberry.type(directives=[SIGNED_IN], description="The vehicle is kept.")
class SaveVehicleSuccess:
    """The vehicle is kept."""

    vehicle: domain.SavedVehicle = strawberry.field(
        graphql_type=SavedVehicle, description="The vehicle as it is kept."
    )


@strawberry.type(directives=[SIGNED_IN], description="The vehicle is kept no longer.")
class DeleteVehicleSuccess:
    """The vehicle is kept no longer."""

    vehicle: domain.SavedVehicle = strawberry.field(
        graphql_type=SavedVehicle, description="The vehicle as it was."
    )


SaveVehicleResult: TypeAlias = Annotated[
    SaveVehicleSuccess | TooManyVehicles | NotFound | InvalidInput,
    strawberry.union("SaveVehicleResult", description="What came of saveVehicle."),
]
DeleteVehicleResult: TypeAlias = Annotated[
    DeleteVehicleSuccess | NotFound | InvalidInput,
    strawberry.union("DeleteVehicleResult", description="What came of deleteVehicle."),
]


@strawberry.input(description="A vehicle to be worked on.")
class VehicleInput:
    """A vehicle to be worked on."""

    year: int = strawberry.field(description="Its model year, from 1900 to next year.")
    make: str = strawberry.field(
        description='Who built it, such as "Volkswagen"; 1 to 50 characters.'
    )
    model: str = strawberry.field(
        description='What they call it, such as "Golf"; 1 to 50 characters.'
    )
    vin: str | None = strawberry.field(
        default=None,
        description="Its vehicle identification number: 17 letters and digits, no I, O or Q. "
        "Spaces and hyphens do not count.",
    )
    plate: str | None = strawberry.field(
        default=None, description="What its number plate says; up to 16 characters."
    )

    def given(self) -> domain.Vehicle:
        """The vehicle as it was described, right or wrong."""
        return domain.Vehicle(
            year=self.year,
            make=self.make.strip(),
            model=self.model.strip(),
            vin=domain.compact(self.vin),
            plate=domain.compact(self.plate),
        )


@strawberry.input(description="A vehicle to keep.")
class SaveVehicleInput:
    """A vehicle to keep."""

    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The kept vehicle to describe anew, in full; leave it out for a new one.",
    )
    name: str | None = strawberry.field(
        default=None, description='What you call it, such as "The van"; up to 100 characters.'
    )
    vehicle: VehicleInput = strawberry.field(description="What it is.")


@strawberry.input(description="Which vehicle to keep no longer.")
class DeleteVehicleInput:
    """Which vehicle to keep no longer."""

    id: strawberry.ID = strawberry.field(description="The vehicle.")


@strawberry.type
class VehicleQueries:
    """Reading vehicles."""

    @strawberry.field(
        directives=[allow(Role.CUSTOMER)],
        description="The vehicles that you keep, newest first.",
        graphql_type=Connection[SavedVehicle],
    )
    async def vehicles(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of one's vehicles."""
        request = page_request(first, after, last, before)
        mine = info.context.user.user_id
        return await listing(info.context, request, vehicles.page, vehicles.count, customer_id=mine)


@strawberry.type
class VehicleMutations:
    """Keeping vehicles."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Keep a vehicle to book with again, or describe a kept one anew. Bookings "
        "that were made keep the description that they were made with.",
        graphql_type=SaveVehicleResult,
    )
    async def save_vehicle(self, info: Info, input: Given[SaveVehicleInput]) -> Any:
        """Save."""
        vehicle_id = ids.parse("SavedVehicle", input.id, "id") if input.id is not None else None
        async with info.context.begin() as tx:
            saved = await vehicles.save(
                tx,
                customer_id=info.context.user.user_id,
                vehicle_id=vehicle_id,
                name=(input.name or "").strip(),
                vehicle=input.vehicle.given(),
            )
        return SaveVehicleSuccess(vehicle=saved)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Keep a vehicle no longer. Bookings that were made with it are not touched.",
        graphql_type=DeleteVehicleResult,
    )
    async def delete_vehicle(self, info: Info, input: Given[DeleteVehicleInput]) -> Any:
        """Delete."""
        vehicle_id = ids.parse("SavedVehicle", input.id, "id")
        async with info.context.begin() as tx:
            removed = await vehicles.remove(
                tx, customer_id=info.context.user.user_id, vehicle_id=vehicle_id
            )
        return DeleteVehicleSuccess(vehicle=removed)


async def _fetch(context: Context, uid: UUID) -> domain.SavedVehicle | None:
    async with context.read() as connection:
        found = await vehicles.by_id(connection, uid)
    return found if found and found.is_visible_to(context.user) else None


@problem_of.register
def _(refusal: domain.TooManyVehicles) -> Problem:
    return TooManyVehicles(message=str(refusal), code=ProblemCode.TOO_MANY, limit=refusal.limit)


nodes.register("SavedVehicle", domain.SavedVehicle, _fetch)
