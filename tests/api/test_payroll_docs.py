"""Does docs/payroll.md say what is so? Every document is run, and its numbers are the code's."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from typing import Final

import pytest

from api.statements import LIFETIME
from db import payouts
from db.engine import Database
from db.tables import metadata
from domain.earnings import LONGEST
from domain.house import DEFAULT
from domain.payouts import PayCycle, PayoutStatus
from domain.payroll import TIMES, is_period
from gateways.settings import Settings
from tests import invariants
from tests.api import house
from tests.api.booking_docs import PAGE as BOOKING_PAGE
from tests.api.booking_docs import read
from tests.api.house import House
from tests.api.playing import assert_fit, play
from tests.doc_tables import rows
from workers.payouts import SENDING
from workers.sweeps import SWEEPS, payroll_due

PAGE: Final = BOOKING_PAGE.with_name("payroll.md")


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def test_every_example_works_from_the_first_to_the_last(
    home: House, database: Database
) -> None:
    await play(home, *read(PAGE))
    await invariants.check(database)


def test_every_document_fits_the_schema_and_is_sent_by_who_may_send_it() -> None:
    _, examples = read(PAGE)
    assert len(examples) == 6
    assert_fit(examples)


def test_the_cycles_are_due_when_it_says() -> None:
    said = {PayCycle(cycle): due for cycle, due, _ in rows(PAGE, "cycle")}
    assert said == {PayCycle.WEEKLY: "Monday 08:00", PayCycle.MONTHLY: "the 1st 00:00"}
    assert {cycle: time.fromisoformat(due[-5:]) for cycle, due in said.items()} == TIMES
    days = [date(2026, 6, 1) + timedelta(days=number) for number in range(60)]
    assert all(is_period(PayCycle.WEEKLY, day) == (f"{day:%A}" == "Monday") for day in days)
    assert all(is_period(PayCycle.MONTHLY, day) == (day.day == 1) for day in days)


def test_every_constraint_that_it_names_is_there() -> None:
    named = {constraint for _, constraint in rows(PAGE, "nothing is paid twice, since")}
    there = {
        str(constraint.name)
        for table in metadata.tables.values()
        for constraint in table.constraints
    }
    assert len(named) == 4
    assert named <= there


def test_the_statuses_are_those_there_are() -> None:
    assert [status for status, _ in rows(PAGE, "status")] == list(PayoutStatus)


def test_the_numbers_are_those_that_count() -> None:
    page = re.sub(r"\s+", " ", PAGE.read_text())
    for said in (
        f"At least {DEFAULT.least_payout_minor / 100:.2f} is paid out",
        f"good for {LIFETIME // timedelta(minutes=1)} minutes",
        f"taken for {payouts.LEASE // timedelta(seconds=1)} seconds",
        f"another try after {SENDING.first:.0f} seconds",
        f"did not answer {SENDING.tries} times",
        f"what was tried {SENDING.tries} times",
        f"up to {LONGEST} days",
    ):
        assert said in page, said
    assert "twice as long each time, up to half an hour" in page
    assert SENDING.longest == 1800
    assert "A sweep looks every minute" in page
    assert next(sweep for sweep in SWEEPS if sweep.run is payroll_due).every == 60


def test_every_variable_that_is_named_is_a_setting() -> None:
    named = set(re.findall(r"CALLOUT_(\w+)", PAGE.read_text()))
    assert named == {"BUSINESS_TIME_ZONE", "LEAST_PAYOUT_MINOR"}
    assert {name.lower() for name in named} <= Settings.model_fields.keys()
