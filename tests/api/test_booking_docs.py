"""Does docs/booking.md say what is so? Every document in it is run, and what it lists is all there
is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from graphql import get_named_type, parse, validate
from pydantic.alias_generators import to_camel

from api import documents
from api.limits import Limits
from api.problems import ProblemCode
from api.schema import core, whole
from db.engine import Database
from db.seed import ACCOUNTS
from domain.availability import DEFAULT_DAILY_CAP
from domain.booking_rules import WAIVABLE, BookingRule, BookingRules
from domain.bookings import STEPS, Act, BookingStatus
from domain.house import DEFAULT
from gateways.house import HouseSettings
from gateways.settings import Settings
from tests import invariants
from tests.api import house
from tests.api.booking_docs import PAGE, Differs, Example, Names, read
from tests.api.house import House, Stream
from tests.factories import a_booking

SCHEMA = core(whole())
LIMITS = Limits(SCHEMA, introspection=frozenset())

#: Seconds for what follows by itself, such as a grant, to be seen.
_PATIENCE = 20.0


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def test_every_example_works_from_the_first_to_the_last(
    home: House, database: Database
) -> None:
    given, examples = read()
    names = Names(known=given)
    followed: list[tuple[Example, Stream]] = []
    async with AsyncExitStack() as streams:
        for example in examples:
            sent = names.fill(example.variables)
            if example.kind == "subscription":
                following = home.follow(example.who, example.document, **sent)
                followed.append((example, await streams.enter_async_context(following)))
            elif example.kind == "query":
                await until_shown(home, names, example, sent)
            else:
                await act(home, names, example, sent)
        for example, stream in followed:
            await until_heard(names, example, stream)
    await invariants.check(database)


async def act(home: House, names: Names, example: Example, sent: dict[str, Any]) -> None:
    """Send a mutation; one with a key of its own twice, to be answered alike."""
    answer = await home.ask(example.who, example.document, **sent)
    check(names, example, answer)
    if "idempotencyKey" in sent.get("input", {}):
        again = await home.ask(example.who, example.document, **sent)
        assert again["data"] == answer["data"], example.name


async def until_shown(home: House, names: Names, example: Example, sent: dict[str, Any]) -> None:
    """Ask until the answer is the one that is shown: some things take a moment."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        answer = await home.ask(example.who, example.document, **sent)
        try:
            return check(names, example, answer)
        except Differs:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.1)


def check(names: Names, example: Example, answer: Any) -> None:
    assert "errors" not in answer, (example.name, answer)
    assert example.answer is not None, f"{example.name} shows no answer: {answer}"
    try:
        names.match(example.answer, answer["data"])
    except Differs as differs:
        raise Differs(f"{example.name}: {differs}") from None


async def until_heard(names: Names, example: Example, stream: Stream) -> None:
    """Listen until what is shown is heard."""
    assert example.answer is not None, f"{example.name} shows nothing that is heard"
    heard = []
    async with asyncio.timeout(_PATIENCE):
        while True:
            heard.append(await stream.next())
            try:
                return names.match(example.answer, {stream.field: heard[-1]})
            except Differs:
                continue


def test_every_document_fits_the_schema_and_is_sent_by_who_may_send_it() -> None:
    _, examples = read()
    accounts = {account.given_name: account.role for account in ACCOUNTS}
    assert len(examples) == len({example.name for example in examples}) > 40
    for example in examples:
        assert validate(SCHEMA, parse(example.document)) == [], example.name
        finding = LIMITS.measure(
            documents.read(example.document),
            example.name,
            example.variables,
            accounts[example.who],
        )
        assert (list(finding.denials), finding.excess) == ([], None), example.name


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first heading this is, without the backticks."""
    table = PAGE.read_text().partition(f"| {heading} |")[2].partition("\n\n")[0]
    lines = table.splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in line.split("|")[1:-1]] for line in lines]


def test_the_statuses_are_listed_in_the_order_in_which_they_are_told_apart() -> None:
    listed = [cells[0] for cells in rows("status")]
    assert sorted(listed) == sorted(BookingStatus)
    # A booking of which everything is true is the first; without what made it so it is the next.
    at = datetime(2026, 6, 15, tzinfo=UTC)
    booking = a_booking(
        needs_approval=True,
        **dict.fromkeys(
            ("cancelled_at", "declined_at", "no_show_at", "completed_at", "started_at"), at
        ),
        paid_at=at,
        provider_id=uuid4(),
    )
    found = [booking.status]
    for less in (
        *({"cancelled_at": None}, {"declined_at": None}, {"no_show_at": None}),
        *({"completed_at": None}, {"started_at": None}, {"approved_at": at}),
        *({"provider_id": None}, {"paid_at": None}),
    ):
        booking = replace(booking, **less)
        found.append(booking.status)
    assert [str(status) for status in found] == listed


ACTS = {
    "approve": Act.APPROVE,
    "decline": Act.DECLINE,
    "pay": Act.PAY,
    "assign": Act.ASSIGN,
    "give to another": Act.REASSIGN,
    "accept terms": Act.ACCEPT_TERMS,
    "edit": Act.EDIT,
    "move": Act.RESCHEDULE,
    "start": Act.START,
    "complete": Act.COMPLETE,
    "cancel": Act.CANCEL,
    "report a no-show": Act.REPORT_NO_SHOW,
}


def test_what_can_be_done_where_is_what_the_table_of_steps_allows() -> None:
    for status, _, doing in rows("status"):
        said = {ACTS[word] for word in re.split(", |; with a provider: ", doing) if word in ACTS}
        legal = set(STEPS[BookingStatus(status)]) - {Act.RELEASE}
        assert said == legal, status


def test_every_rule_is_listed_with_its_default_and_where_it_is_set() -> None:
    listed = {cells[0]: cells[1:] for cells in rows("rule")}
    assert sorted(listed) == sorted(BookingRule)
    fields = {name for _, _, where, _ in listed.values() for name in re.findall(r"\w+", where)}
    tiers = {name for *_, by in rows("the customer calls off") for name in re.findall(r"\w+", by)}
    known = {to_camel(one.name) for one in dataclass_fields(BookingRules)}
    assert fields | tiers == known | {"updateAvailability", "addHoliday", "requestTimeOff"}
    defaults = {rule: cells[1] for rule, cells in listed.items() if re.match(r"\d", cells[1])}
    usual = DEFAULT.service
    assert defaults == {
        "NOTICE_TOO_SHORT": f"{usual.notice_minutes} min",
        "TOO_FAR_AHEAD": f"{usual.advance_days} days",
        "OFF_GRID": f"{usual.slot_interval_minutes} min",
        "BUFFER": f"{usual.buffer_before_minutes} min",
        "DAILY_CAP": f"{DEFAULT_DAILY_CAP} jobs",
        "CUSTOMER_LIMIT": f"{DEFAULT.customer_limit} bookings",
        "RESCHEDULE_TOO_LATE": f"{usual.reschedule_notice_minutes} min",
        "RESCHEDULE_LIMIT": f"{usual.max_reschedules} times",
    }


def test_every_variable_that_is_named_is_a_setting() -> None:
    named = set(re.findall(r"CALLOUT_(\w+)", PAGE.read_text()))
    assert {name.lower() for name in named} <= HouseSettings.model_fields.keys()
    assert len(named) > 8


def test_every_problem_of_the_acts_that_are_named_is_listed() -> None:
    page = PAGE.read_text()
    listed = {name: cells for cells in rows("problem") for name in cells[0].split(", ")}
    mutations = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}
    named = {name: one for name, one in mutations.items() if re.search(rf"\b{name}\b", page)}
    assert len(named) > 25
    problems = {
        kind.name
        for one in named.values()
        for kind in get_named_type(one.type).types
        if not kind.name.endswith("Success")
    }
    elsewhere = {"CodeTaken", "HolidayExists", "TooManyCalendarLinks", "CalendarLinkRevoked"}
    assert problems - elsewhere == listed.keys()
    codes = {
        name: cell
        for cells in rows("problem")
        for name, cell in zip(cells[0].split(", "), cells[1].split(", "), strict=True)
    }
    for name, code in codes.items():
        assert code == re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
        assert code in ProblemCode.__members__


def test_what_staff_may_not_set_aside_is_said() -> None:
    (said,) = re.findall(r"Nobody sets aside (.*?)\.\n", PAGE.read_text(), re.DOTALL)
    named = set(re.findall(r"`(\w+)`", said))
    wall_times = {BookingRule.NONEXISTENT_LOCAL_TIME, BookingRule.AMBIGUOUS_LOCAL_TIME}
    assert {BookingRule(name) for name in named} == frozenset(BookingRule) - WAIVABLE - wall_times
