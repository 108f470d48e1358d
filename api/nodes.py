"""How is anything with an id fetched again? By `node`, with the same rights as any way in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import strawberry

from api import ids
from api.access import SIGNED_IN
from api.context import Context, Info
from domain.refusals import FieldError, InvalidInput

#: Reads what a viewer may see by id; None for what is not there or not theirs.
Fetch: TypeAlias = Callable[[Context, UUID], Awaitable[object | None]]

_FETCHES: Final[dict[str, Fetch]] = {}
_KINDS: Final[dict[type, str]] = {}

MAX_NODES: Final = 100


def register(kind: str, value: type, fetch: Fetch) -> None:
    """Say that domain values of this class are nodes of this kind, and how one is fetched."""
    _KINDS[value] = kind
    _FETCHES[kind] = fetch


def id_of(value: Any) -> strawberry.ID:
    """The global id of a domain value whose class is registered."""
    return strawberry.ID(ids.encode(_KINDS[type(value)], value.id))


@strawberry.interface(directives=[SIGNED_IN], description="Anything with an id of its own.")
class Node:
    """Anything with an id of its own."""

    @strawberry.field(description="Its id, unique across all kinds; give it back as it is.")
    def id(self) -> strawberry.ID:
        """The global id of the domain value."""
        return id_of(self)


async def fetch(context: Context, global_id: str, *path: str) -> Any:
    """What has this id, if the viewer may see it. Raises InvalidInput for what is no id."""
    kind, uid = ids.decode(global_id) or ("", None)
    if uid is None or kind not in _FETCHES:
        message = "This is not an id of anything here; ids come from `id` fields."
        raise InvalidInput(FieldError(path=path, message=message))
    return await _FETCHES[kind](context, uid)


@strawberry.type
class NodeQueries:
    """Fetching by id."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="Anything by its id; null when it is not there or not yours to see.",
        graphql_type=Node | None,
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="What to fetch.")],
    ) -> Any:
        """One node."""
        return await fetch(info.context, id, "id")

    @strawberry.field(
        directives=[SIGNED_IN],
        description="Up to 100 things by their ids, in the same order; null where there is none.",
        graphql_type=list[Node | None],
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="What to fetch.")],
    ) -> Any:
        """Several nodes."""
        if len(ids) > MAX_NODES:
            message = f"At most {MAX_NODES} at a time."
            raise InvalidInput(FieldError(path=("ids",), message=message))
        fetches = (fetch(info.context, one, "ids", str(n)) for n, one in enumerate(ids))
        return await asyncio.gather(*fetches)
