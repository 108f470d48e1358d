"""Addresses that a customer keeps, to book with again."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_inputs import AddressInput
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.inputs import Given
from api.nodes import Node
from api.places import Address
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.views import view_of
from db import saved_addresses
from domain import places
from domain import saved_addresses as domain
from domain.people import Role


@strawberry.type(
    directives=[SIGNED_IN], description="An address that you keep, to book with again."
)
@view_of(domain.SavedAddress)
class SavedAddress(Node):
    """An address that a customer keeps."""

    label: str = strawberry.field(description='What you call it, such as "Home".')
    address: places.Address = strawberry.field(graphql_type=Address, description="Where it is.")
    access_instructions: str = strawberry.field(description="How to get in; may be empty.")
    is_default: bool = strawberry.field(
        description="Is it the one to begin with? At most one of yours is."
    )


@strawberry.type(directives=[PUBLIC], description="You keep as many addresses as can be kept.")
class TooManyAddresses(Problem):
    """The customer keeps as many addresses as can be kept."""

    limit: int = strawberry.field(description="How many can be kept.")


@strawberry.type(directives=[SIGNED_IN], description="The address is kept.")
class SaveAddressSuccess:
    """The address is kept."""

    address: domain.SavedAddress = strawberry.field(
        graphql_type=SavedAddress, description="The address as it is kept."
    )


@strawberry.type(directives=[SIGNED_IN], description="The address is kept no longer.")
class DeleteAddressSuccess:
    """The address is kept no longer."""

    address: domain.SavedAddress = strawberry.field(
        graphql_type=SavedAddress, description="The address as it was."
    )


SaveAddressResult: TypeAlias = Annotated[
    SaveAddressSuccess | TooManyAddresses | NotFound | InvalidInput,
    strawberry.union("SaveAddressResult", description="What came of saveAddress."),
]
DeleteAddressResult: TypeAlias = Annotated[
    DeleteAddressSuccess | NotFound | InvalidInput,
    strawberry.union("DeleteAddressResult", description="What came of deleteAddress."),
]


@strawberry.input(description="An address to keep.")
class SaveAddressInput:
    """An address to keep."""

    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The kept address to write anew, in full; leave it out for a new one.",
    )
    label: str = strawberry.field(
        description='What you call it, such as "Home"; 1 to 50 characters.'
    )
    address: AddressInput = strawberry.field(description="Where it is.")
    access_instructions: str | None = strawberry.field(
        default=None, description="How to get in; up to 2000 characters."
    )
    is_default: bool = strawberry.field(
        default=False, description="Begin with this one; the one until now is the default no more."
    )


@strawberry.input(description="Which address to keep no longer.")
class DeleteAddressInput:
    """Which address to keep no longer."""

    id: strawberry.ID = strawberry.field(description="The address.")


@strawberry.type
class SavedAddressQueries:
    """Reading addresses."""

    @strawberry.field(
        directives=[allow(Role.CUSTOMER)],
        description="The addresses that you keep: the default, then newest first.",
        graphql_type=Connection[SavedAddress],
    )
    async def addresses(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of one's addresses."""
        request = page_request(first, after, last, before)
        mine = info.context.user.user_id
        return await listing(
            info.context, request, saved_addresses.page, saved_addresses.count, customer_id=mine
        )


@strawberry.type
class SavedAddressMutations:
    """Keeping addresses."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Keep an address to book with again, or write a kept one anew. Bookings that "
        "were made keep the address that they were made with.",
        graphql_type=SaveAddressResult,
    )
    async def save_address(self, info: Info, input: Given[SaveAddressInput]) -> Any:
        """Save."""
        address_id = ids.parse("SavedAddress", input.id, "id") if input.id is not None else None
        async with info.context.begin() as tx:
            saved = await saved_addresses.save(
                tx,
                customer_id=info.context.user.user_id,
                address_id=address_id,
                label=input.label.strip(),
                address=input.address.value(),
                access_instructions=input.access_instructions or "",
                is_default=input.is_default,
            )
        return SaveAddressSuccess(address=saved)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Keep an address no longer. Bookings that were made with it are not touched.",
        graphql_type=DeleteAddressResult,
    )
    async def delete_address(self, info: Info, input: Given[DeleteAddressInput]) -> Any:
        """Delete."""
        address_id = ids.parse("SavedAddress", input.id, "id")
        async with info.context.begin() as tx:
            removed = await saved_addresses.remove(
                tx, customer_id=info.context.user.user_id, address_id=address_id
            )
        return DeleteAddressSuccess(address=removed)


async def _fetch(context: Context, uid: UUID) -> domain.SavedAddress | None:
    async with context.read() as connection:
        found = await saved_addresses.by_id(connection, uid)
    return found if found and found.is_visible_to(context.user) else None


@problem_of.register
def _(refusal: domain.TooManyAddresses) -> Problem:
    return TooManyAddresses(message=str(refusal), code=ProblemCode.TOO_MANY, limit=refusal.limit)


nodes.register("SavedAddress", domain.SavedAddress, _fetch)
