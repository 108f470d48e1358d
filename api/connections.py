"""How is a list that can grow paged? By keyset: a cursor names the last row seen, not an offset."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import orjson
import strawberry

from api.access import PUBLIC
from api.context import Context
from domain.pages import Key, Page, PageRequest
from domain.refusals import FieldError, InvalidInput

T = TypeVar("T")

DEFAULT_PAGE = 25
MAX_PAGE = 100
_VERSION = 1

First = Annotated[
    int | None, strawberry.argument(description="How many from the start; 25 by default, ≤ 100.")
]
After = Annotated[str | None, strawberry.argument(description="Only what follows this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end; ≤ 100.")]
Before = Annotated[str | None, strawberry.argument(description="Only what precedes this cursor.")]


@strawberry.type(directives=[PUBLIC], description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool = strawberry.field(description="Is there more after this page?")
    has_previous_page: bool = strawberry.field(description="Is there more before this page?")
    start_cursor: str | None = strawberry.field(description="Cursor of the first item.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last item.")


@strawberry.type(directives=[PUBLIC], description="An item and its place in the list.")
class Edge(Generic[T]):
    """An item and its place in the list."""

    node: T = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="Its place, for `after` and `before`.")


@strawberry.type(directives=[PUBLIC], description="One page of a list.")
class Connection(Generic[T]):
    """One page of a list."""

    edges: list[Edge[T]] = strawberry.field(description="The items with their cursors.")
    nodes: list[T] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")

    @strawberry.field(description="How many there are in all. Counted only when asked for.")
    async def total_count(self) -> int | None:
        """The size of the whole list, counted now."""
        count: Callable[[], Awaitable[int]] = self.count  # type: ignore[attr-defined]  # Listing's
        return await count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a resolver returns for a Connection: the page, and a way to count the whole."""

    page: Page[Any]
    count: Callable[[], Awaitable[int]]

    @property
    def nodes(self) -> tuple[Any, ...]:
        """The items."""
        return self.page.items

    @property
    def edges(self) -> list[Edge[Any]]:
        """The items with their cursors."""
        pairs = zip(self.page.items, self.page.keys, strict=True)
        return [Edge(node=item, cursor=encode(key)) for item, key in pairs]

    @property
    def page_info(self) -> PageInfo:
        """Where the page lies."""
        keys = self.page.keys
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=encode(keys[0]) if keys else None,
            end_cursor=encode(keys[-1]) if keys else None,
        )


async def listing(
    context: Context,
    request: PageRequest,
    page: Callable[..., Awaitable[Page[Any]]],
    count: Callable[..., Awaitable[int]],
    **which: Any,
) -> Listing:
    """One page by the db function `page`; the whole, when asked for, by `count`.

    `which` is what both take to say whose and which rows.
    """
    async with context.read() as connection:
        found = await page(connection, request, **which)

    async def total() -> int:
        async with context.read() as connection:
            return await count(connection, **which)

    return Listing(page=found, count=total)


def encode(key: Key) -> str:
    """The opaque cursor of a row's key."""
    return urlsafe_b64encode(orjson.dumps([_VERSION, *key])).decode().rstrip("=")


def decode(cursor: str, *path: str) -> Key:
    """The key in a cursor. Raises InvalidInput naming the argument at `path`."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        version, *key = orjson.loads(urlsafe_b64decode(padded))
    except (ValueError, TypeError):
        version, key = None, []
    if version != _VERSION or not key or not all(isinstance(part, str) for part in key):
        message = "This is not a cursor of this list; use one from `pageInfo` or `edges`."
        raise InvalidInput(FieldError(path=path, message=message))
    return tuple(key)


def page_request(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> PageRequest:
    """The page that a connection's four arguments ask for.

    Raises InvalidInput for both `first` and `last`, a size outside 1 to 100, or a bad cursor.
    """
    if first is not None and last is not None:
        raise InvalidInput(FieldError(path=("last",), message="Give `first` or `last`, not both."))
    name, size = ("last", last) if last is not None else ("first", first)
    if size is not None and not 1 <= size <= MAX_PAGE:
        raise InvalidInput(FieldError(path=(name,), message=f"Must be from 1 to {MAX_PAGE}."))
    return PageRequest(
        limit=DEFAULT_PAGE if size is None else size,
        after=decode(after, "after") if after is not None else None,
        before=decode(before, "before") if before is not None else None,
        backwards=last is not None,
    )
