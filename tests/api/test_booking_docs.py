"""Does docs/booking.md say what is so? Every document in it is run, and what it lists is all there
is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from graphql import get_named_type
from pydantic.alias_generators import to_camel

from api.problems import ProblemCode
from db.engine import Database
from domain.availability import DEFAULT_DAILY_CAP
from domain.booking_rules import WAIVABLE, BookingRule, BookingRules
from domain.booking_steps import STEPS, Act, BookingStatus
from domain.house import DEFAULT
from gateways.house import HouseSettings
from gateways.settings import Settings
from tests import invariants
from tests.api import house
from tests.api.booking_docs import PAGE, read
from tests.api.house import House
from tests.api.playing import SCHEMA, assert_fit, play
from tests.doc_tables import rows
from tests.factories import a_booking


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def test_every_example_works_from_the_first_to_the_last(
    home: House, database: Database
) -> None:
    await play(home, *read())
    await invariants.check(database)


def test_every_document_fits_the_schema_and_is_sent_by_who_may_send_it() -> None:
    _, examples = read()
    assert len(examples) > 40
    assert_fit(examples)


def test_the_statuses_are_listed_in_the_order_in_which_they_are_told_apart() -> None:
    listed = [cells[0] for cells in rows(PAGE, "status")]
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
    "hand back": Act.RELEASE,
    "report a delay": Act.REPORT_LATE,
    "start": Act.START,
    "complete": Act.COMPLETE,
    "cancel": Act.CANCEL,
    "report a no-show": Act.REPORT_NO_SHOW,
    "come back by a late payment": Act.RESTORE,
}


def test_what_can_be_done_where_is_what_the_table_of_steps_allows() -> None:
    for status, _, doing in rows(PAGE, "status"):
        said = {ACTS[word] for word in re.split(", |; with a provider: ", doing) if word in ACTS}
        assert said == set(STEPS[BookingStatus(status)]), status


def test_every_rule_is_listed_with_its_default_and_where_it_is_set() -> None:
    listed = {cells[0]: cells[1:] for cells in rows(PAGE, "rule")}
    assert sorted(listed) == sorted(BookingRule)
    fields = {name for _, _, where, _ in listed.values() for name in re.findall(r"\w+", where)}
    tiers = {
        name for *_, by in rows(PAGE, "the customer calls off") for name in re.findall(r"\w+", by)
    }
    shares = {where: usual for _, _, usual, where, _ in rows(PAGE, "of the price")}
    known = {to_camel(one.name) for one in dataclass_fields(BookingRules)}
    acts = {"updateAvailability", "addHoliday", "requestTimeOff"}
    assert fields | tiers | shares.keys() == known | acts
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
    assert shares == {
        "depositPercent": f"{usual.deposit_percent} %: the whole",
        "providerSharePercent": f"{usual.provider_share_percent} %",
    }


def test_every_variable_that_is_named_is_a_setting() -> None:
    named = set(re.findall(r"CALLOUT_(\w+)", PAGE.read_text()))
    assert {name.lower() for name in named} <= HouseSettings.model_fields.keys()
    assert len(named) > 8


def test_every_problem_of_the_acts_that_are_named_is_listed() -> None:
    page = PAGE.read_text()
    listed = {name: cells for cells in rows(PAGE, "problem") for name in cells[0].split(", ")}
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
        for cells in rows(PAGE, "problem")
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
