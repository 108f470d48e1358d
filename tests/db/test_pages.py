"""Does paging show every row once, in order, whichever way one goes and whatever is added?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from db import bookings, offers, providers, queue, services
from domain.approvals import ProviderApproval
from domain.bookings import BookingFilter, BookingKind
from domain.offers import OfferState
from domain.pages import Page, PageRequest
from domain.refusals import InvalidInput
from domain.services import Trade
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    now,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer

ANY = BookingFilter()


async def add_some(database: Database, customer: Viewer, count: int) -> list[UUID]:
    service = await add_service(database)
    return [(await add_booking(database, customer, service)).id for _ in range(count)]


async def listed(database: Database, viewer: Viewer, **request: Any) -> Page[Booking]:
    asked = PageRequest(**{"limit": 3} | request)
    async with database.read() as connection:
        return await bookings.page(connection, asked, viewer=viewer, only=ANY)


def ids(page: Page[Booking]) -> list[UUID]:
    return [booking.id for booking in page.items]


async def test_forwards_every_row_comes_once_newest_first(crowd: Database) -> None:
    customer = await add_customer(crowd)
    made = await add_some(crowd, customer, 7)

    first = await listed(crowd, customer)
    second = await listed(crowd, customer, after=first.keys[-1])
    third = await listed(crowd, customer, after=second.keys[-1])

    assert [ids(page) for page in (first, second, third)] == [
        made[:3:-1],
        made[3:0:-1],
        made[:1],
    ]
    assert [page.has_next for page in (first, second, third)] == [True, True, False]
    assert [page.has_previous for page in (first, second, third)] == [False, True, True]


async def test_backwards_the_same_rows_come_in_the_same_order(crowd: Database) -> None:
    customer = await add_customer(crowd)
    made = await add_some(crowd, customer, 7)

    last = await listed(crowd, customer, backwards=True)
    middle = await listed(crowd, customer, backwards=True, before=last.keys[0])
    first = await listed(crowd, customer, backwards=True, before=middle.keys[0])

    assert [ids(page) for page in (first, middle, last)] == [
        made[6:],
        made[5:2:-1],
        made[2::-1],
    ]
    assert [page.has_previous for page in (first, middle, last)] == [False, True, True]
    assert [page.has_next for page in (first, middle, last)] == [True, True, False]


async def test_rows_added_meanwhile_are_neither_doubled_nor_do_they_hide_any(
    crowd: Database,
) -> None:
    customer = await add_customer(crowd)
    made = await add_some(crowd, customer, 7)
    seen, page = [], await listed(crowd, customer)
    while True:
        seen += ids(page)
        if not page.has_next:
            break
        newer = await add_some(crowd, customer, 2)
        page = await listed(crowd, customer, after=page.keys[-1])

    assert seen == made[::-1]
    assert ids(await listed(crowd, customer))[:2] == newer[::-1]


async def test_a_range_ends_before_and_begins_after_its_edges(crowd: Database) -> None:
    customer = await add_customer(crowd)
    made = await add_some(crowd, customer, 6)
    whole = await listed(crowd, customer, limit=6)
    edges = {"after": whole.keys[0], "before": whole.keys[5]}

    assert ids(await listed(crowd, customer, **edges)) == made[4:1:-1]
    assert ids(await listed(crowd, customer, **edges, backwards=True)) == made[3:0:-1]
    nothing = await listed(crowd, customer, after=whole.keys[5])
    assert (nothing.items, nothing.keys, nothing.has_next) == ((), (), False)


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("cursor", [("not a uuid",), ("",), (), ("a", "b"), ("\x00",), ("\ud800",)])
async def test_a_cursor_of_something_else_is_refused_with_the_argument(
    crowd: Database, argument: str, cursor: tuple[str, ...]
) -> None:
    customer = await add_customer(crowd)
    with pytest.raises(InvalidInput) as refused:
        await listed(crowd, customer, **{argument: cursor})
    assert [error.path for error in refused.value.errors] == [(argument,)]


@pytest.mark.parametrize("cursor", [("nu\x00ll",), ("\ud800",), ("a", "b")])
async def test_a_text_cursor_that_cannot_be_compared_is_refused(
    crowd: Database, cursor: tuple[str, ...]
) -> None:
    async with crowd.read() as connection:
        with pytest.raises(InvalidInput):
            await services.page(connection, PageRequest(limit=3, after=cursor), trade=None)


async def test_the_queue_pages_by_two_columns_immediate_first_then_oldest(
    crowd: Database,
) -> None:
    customer, service = await add_customer(crowd), await add_service(crowd)
    kinds = [BookingKind.SCHEDULED, BookingKind.IMMEDIATE] * 3
    made = [await add_booking(crowd, customer, service, kind=kind) for kind in kinds]
    expected = [made[n].id for n in (1, 3, 5, 0, 2, 4)]

    nobodys: dict[str, None] = {"of_provider": None, "trade": None}
    async with crowd.read() as connection:
        first = await queue.page(connection, PageRequest(limit=4), **nobodys)
        rest = PageRequest(limit=4, after=first.keys[-1])
        second = await queue.page(connection, rest, **nobodys)
        back = PageRequest(limit=2, before=second.keys[0], backwards=True)
        before = await queue.page(connection, back, **nobodys)
        assert await queue.count(connection, **nobodys) == 6
    assert ids(first) + ids(second) == expected
    assert ids(before) == expected[2:4]
    assert first.keys[0] == ("IMMEDIATE", str(made[1].id))


async def test_services_are_listed_by_code_while_they_are_active(crowd: Database) -> None:
    for code, trade, active in (
        ("b", Trade.CLEANING, True),
        ("a", Trade.MECHANICAL, True),
        ("c", Trade.CLEANING, True),
        ("d", Trade.CLEANING, False),
    ):
        await add_service(crowd, code=code, trade=trade, active=active)

    async with crowd.read() as connection:
        page = await services.page(connection, PageRequest(limit=9), trade=None)
        cleaning = await services.page(connection, PageRequest(limit=9), trade=Trade.CLEANING)
        assert await services.count(connection, trade=None) == 3
        assert await services.count(connection, trade=Trade.MECHANICAL) == 1
    assert [one.code for one in page.items] == ["a", "b", "c"]
    assert [one.code for one in cleaning.items] == ["b", "c"]


async def test_providers_are_listed_by_age_all_or_those_who_stand_so_with_the_house(
    crowd: Database,
) -> None:
    service = await add_service(crowd)
    active = await add_providers(crowd, service, count=2)
    new = await add_provider(crowd, service, approved_at=None)
    gone = await add_provider(crowd, service, suspended_at=await now(crowd))
    unknown = await add_provider(crowd, service, approved_at=None, suspended_at=await now(crowd))

    request = PageRequest(limit=9)
    by_standing: dict[ProviderApproval, list[UUID]] = {}
    async with crowd.read() as connection:
        for approval in ProviderApproval:
            found = await providers.page(connection, request, trade=None, approval=approval)
            by_standing[approval] = [one.id for one in found.items]
            number = await providers.count(connection, trade=None, approval=approval)
            assert number == len(found.items)
        all_ = await providers.page(connection, request, trade=service.trade, approval=None)
        none = await providers.page(connection, request, trade=Trade.FACILITIES, approval=None)
    assert by_standing == {
        ProviderApproval.PENDING: [new.user_id],
        ProviderApproval.APPROVED: [one.user_id for one in active],
        ProviderApproval.SUSPENDED: [gone.user_id, unknown.user_id],
    }
    assert [one.id for one in all_.items] == [
        *(one.user_id for one in active),
        new.user_id,
        gone.user_id,
        unknown.user_id,
    ]
    assert none.items == ()
    assert (all_.items[0].name, all_.items[0].is_active) == ("John D.", True)


async def test_a_providers_offers_are_listed_newest_first_and_by_state(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    mine, other = await add_providers(crowd, service, count=2)
    made = []
    for state in (OfferState.OFFERED, OfferState.REJECTED, OfferState.OFFERED):
        booking = await add_booking(crowd, customer, service)
        settled_at = None if state is OfferState.OFFERED else await now(crowd)
        made += await add_offers(crowd, booking, [mine], state=state, resolved_at=settled_at)
        await add_offers(crowd, booking, [other])

    async def page(states: list[OfferState] | None) -> list[UUID]:
        async with crowd.read() as connection:
            found = await offers.page(
                connection, PageRequest(limit=9), provider_id=mine.user_id, states=states
            )
            count = await offers.count(connection, provider_id=mine.user_id, states=states)
        assert count == len(found.items)
        return [offer.id for offer in found.items]

    assert await page(None) == [offer.id for offer in made[::-1]]
    assert await page([OfferState.REJECTED]) == [made[1].id]
    assert await page([]) == []


async def test_bookings_are_filtered_by_what_is_asked(crowd: Database) -> None:
    staff, customer = await add_dispatcher(crowd), await add_customer(crowd)
    cleaning = await add_service(crowd)
    repair = await add_service(crowd, trade=Trade.MECHANICAL)
    at = await now(crowd)
    soon, later = at + timedelta(days=1), at + timedelta(days=2)
    first = await add_booking(crowd, customer, cleaning, starts_at=soon, paid_at=at)
    second = await add_booking(crowd, customer, repair, starts_at=later, kind=BookingKind.IMMEDIATE)
    filters: list[tuple[dict[str, Any], list[UUID]]] = [
        ({}, [second.id, first.id]),
        ({"statuses": (first.status,)}, [first.id]),
        ({"statuses": ()}, []),
        ({"kind": BookingKind.IMMEDIATE}, [second.id]),
        ({"trade": Trade.CLEANING}, [first.id]),
        ({"starts_from": later}, [second.id]),
        ({"starts_before": later}, [first.id]),
    ]

    async with crowd.read() as connection:
        for facts, expected in filters:
            only = BookingFilter(**facts)
            page = await bookings.page(connection, PageRequest(limit=9), viewer=staff, only=only)
            assert ids(page) == expected
            assert await bookings.count(connection, viewer=staff, only=only) == len(expected)
