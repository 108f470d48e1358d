"""How is one page of a list read? By comparing the ordering columns with the last row's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, select, tuple_

from domain.pages import Key, Page, PageRequest
from domain.refusals import UNSTORABLE, FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A total order: columns (the last one unique), how to read each from text, one direction."""

    columns: Sequence[ColumnElement[Any]]
    parse: Sequence[Callable[[str], Any]]
    descending: bool = False


async def fetch(
    connection: AsyncConnection,
    query: Select[Any],
    order: Order,
    request: PageRequest,
    make: Callable[[Row[Any]], T],
) -> Page[T]:
    """The requested page of `query` in `order`, each row turned into a value by `make`."""
    key = tuple_(*order.columns)
    if request.after is not None:
        edge = tuple_(*_values(order, request.after, "after"))
        query = query.where(key < edge if order.descending else key > edge)
    if request.before is not None:
        edge = tuple_(*_values(order, request.before, "before"))
        query = query.where(key > edge if order.descending else key < edge)
    descending = order.descending != request.backwards
    query = query.order_by(*(c.desc() if descending else c.asc() for c in order.columns))
    labelled = query.add_columns(*(c.label(f"key_{n}") for n, c in enumerate(order.columns)))
    rows = list(await connection.execute(labelled.limit(request.limit + 1)))
    more, rows = len(rows) > request.limit, rows[: request.limit]
    if request.backwards:
        rows.reverse()
    return Page(
        items=tuple(make(row) for row in rows),
        keys=tuple(_key(row, len(order.columns)) for row in rows),
        has_next=request.before is not None if request.backwards else more,
        has_previous=more if request.backwards else request.after is not None,
    )


async def count(connection: AsyncConnection, query: Select[Any]) -> int:
    """How many rows `query` has in all."""
    return int(await connection.scalar(select(func.count()).select_from(query.subquery())) or 0)


def _key(row: Row[Any], width: int) -> Key:
    return tuple(str(row._mapping[f"key_{n}"]) for n in range(width))


def _values(order: Order, key: Key, argument: str) -> list[Any]:
    try:
        return [parse(_storable(text)) for parse, text in zip(order.parse, key, strict=True)]
    except ValueError as error:
        message = "This is not a cursor of this list; use one from `pageInfo` or `edges`."
        raise InvalidInput(FieldError(path=(argument,), message=message)) from error


def _storable(text: str) -> str:
    if UNSTORABLE.search(text):
        raise ValueError(text)
    return text
