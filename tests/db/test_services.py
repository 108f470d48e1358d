"""Does the catalogue keep all that an admin wrote, and does no edit undo another's?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from db import booking_rules, services
from db.engine import constraint
from db.tables import services as table
from domain.booking_rules import BookingRules
from domain.money import Money
from domain.refusals import InvalidInput, NotFound, VersionConflict
from domain.services import CodeTaken, Service, ServiceFacts, Trade
from tests.db.racing import act, race, waiting
from tests.factories import add_booking, add_customer, add_service, count_rows, read_booking

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database

DEFAULTS = BookingRules(notice_minutes=240)


def creating(
    rules: dict[str, Any] | None = None, *, defaults: BookingRules = DEFAULTS, **changes: Any
) -> Any:
    facts: dict[str, Any] = {
        "code": "gutters",
        "trade": Trade.CLEANING,
        "name": "Gutters",
        "duration_minutes": 60,
        "price": Money(amount_minor=9000, currency="EUR"),
    }
    made = ServiceFacts(**facts | changes)
    return partial(services.create, facts=made, changed_rules=rules or {}, defaults=defaults)


def editing(service_id: UUID, expected_version: int | None = None, **changes: Any) -> Any:
    rules = changes.pop("rules", {})
    return partial(
        services.edit,
        service_id=service_id,
        changes=changes,
        changed_rules=rules,
        expected_version=expected_version,
    )


async def read(database: Database, service_id: UUID) -> Service:
    async with database.read() as connection:
        return await services.get(connection, service_id)


async def test_a_new_service_is_read_back_as_it_was_made(database: Database) -> None:
    made = await act(database, creating({"capacity": 2}, terms="Ladders are ours."))
    assert made.rules == BookingRules(notice_minutes=240, capacity=2)
    assert made.version == 1
    assert await read(database, made.id) == made


async def test_the_defaults_of_its_day_are_written_into_a_service(database: Database) -> None:
    made = await act(database, creating())
    async with database.read() as connection:
        kept = await connection.scalar(select(table.c.rules).where(table.c.id == made.id))
    assert kept == booking_rules.columns(DEFAULTS)


async def test_a_code_that_is_taken_makes_no_service(database: Database) -> None:
    first = await act(database, creating())
    with pytest.raises(CodeTaken) as refused:
        await act(database, creating(name="Other gutters"))
    assert refused.value.code == "gutters"
    assert await count_rows(database, table) == (1,)
    assert await read(database, first.id) == first


async def test_of_many_services_made_at_once_one_has_the_code(crowd: Database) -> None:
    outcomes = await race(crowd, [creating(name=f"Gutters {n}") for n in range(20)])
    made = [outcome for outcome in outcomes if isinstance(outcome, Service)]
    assert len(made) == 1
    assert sum(isinstance(outcome, CodeTaken) for outcome in outcomes) == 19
    assert await read(crowd, made[0].id) == made[0]


async def test_a_wrong_service_is_not_made(database: Database) -> None:
    with pytest.raises(InvalidInput):
        await act(database, creating({"notice_minutes": -1}))
    assert await count_rows(database, table) == (0,)


async def test_an_edit_keeps_what_it_does_not_speak_of(database: Database) -> None:
    made = await act(database, creating({"capacity": 2}))
    price = Money(amount_minor=9900, currency="EUR")
    edited = await act(database, editing(made.id, 1, price=price, rules={"max_reschedules": 0}))
    assert (edited.price, edited.version, edited.name) == (price, 2, "Gutters")
    assert edited.rules == BookingRules(notice_minutes=240, capacity=2, max_reschedules=0)
    assert await read(database, made.id) == edited


async def test_an_edit_changes_one_service_alone(database: Database) -> None:
    other = await act(database, creating(code="other"))
    made = await act(database, creating())
    await act(database, editing(made.id, name="Clean gutters"))
    assert await read(database, other.id) == other


async def test_an_edit_that_changes_nothing_leaves_the_version(database: Database) -> None:
    made = await act(database, creating())
    assert await act(database, editing(made.id, 1, name="Gutters")) == made
    assert await read(database, made.id) == made


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"expected_version": 2, "name": "Mine"}, VersionConflict),
        ({"name": ""}, InvalidInput),
        ({"name": "Mine", "rules": {"capacity": 0}}, InvalidInput),
    ],
)
async def test_a_refused_edit_leaves_the_service_as_it_was(
    database: Database, change: dict[str, Any], refusal: type[Exception]
) -> None:
    made = await act(database, creating())
    with pytest.raises(refusal):
        await act(database, editing(made.id, **change))
    assert await read(database, made.id) == made


async def test_there_is_nothing_to_edit_where_there_is_no_service(database: Database) -> None:
    with pytest.raises(NotFound):
        await act(database, editing(uuid4(), name="Mine"))


async def test_of_two_admins_who_read_the_same_version_one_is_told(database: Database) -> None:
    made = await act(database, creating())
    async with database.begin() as tx:
        first = await editing(made.id, 1, name="First")(tx)
        second = await waiting(database, editing(made.id, 1, description="Second"))
    with pytest.raises(VersionConflict) as refused:
        await second
    assert refused.value.current == 2
    assert await read(database, made.id) == first


async def test_edits_of_many_admins_at_once_are_all_kept(crowd: Database) -> None:
    made = await act(crowd, creating())
    names = ["duration_minutes", "description", "terms", "name", "active"]
    values = [30, "Leaves and moss.", "Ladders are ours.", "Clean gutters", False]
    await race(
        crowd, [editing(made.id, None, **{n: v}) for n, v in zip(names, values, strict=True)]
    )
    edited = await read(crowd, made.id)
    assert [getattr(edited, name) for name in names] == values
    assert edited.version == 6


async def test_nobody_who_books_waits_for_an_admin(database: Database) -> None:
    service = await add_service(database)
    customer = await add_customer(database)
    async with database.begin() as tx:
        await editing(service.id, name="Mine")(tx)
        booked = await add_booking(database, customer, service)
    assert await read_booking(database, booked.id) == booked


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"rules": []}, "ck_services_rules"),
        ({"requires_vehicle": True}, "ck_services_vehicle"),
    ],
)
async def test_the_database_itself_keeps_nonsense_out(
    database: Database, columns: dict[str, Any], name: str
) -> None:
    with pytest.raises(IntegrityError) as refused:
        await add_service(database, **columns)
    assert constraint(refused.value) == name
    assert await count_rows(database, table) == (0,)


async def test_a_row_says_which_rules_it_has(database: Database) -> None:
    row = {"rules": {"notice_minutes": 0}}
    service = await add_service(database, **row)
    assert service.rules == BookingRules(notice_minutes=0)
