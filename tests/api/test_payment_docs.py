"""Does docs/payments.md say what is so? Every document is run, and its tables are the code's."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest

from api.http import MAX_BODY
from api.payments import PayBookingResult
from api.problems import ProblemCode
from db.engine import Database
from domain.house import DEFAULT
from domain.payments import PaymentStatus
from domain.refunds import RefundCause
from gateways.settings import Settings
from gateways.stripe_events import UNDERSTOOD
from tests import invariants
from tests.api import house
from tests.api.booking_docs import PAGE as BOOKING_PAGE
from tests.api.booking_docs import read
from tests.api.house import House
from tests.api.playing import assert_fit, play
from tests.doc_tables import rows

PAGE: Final = BOOKING_PAGE.with_name("payments.md")


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


def test_the_statuses_are_those_there_are() -> None:
    assert [status for status, *_ in rows(PAGE, "status")] == list(PaymentStatus)


def test_every_problem_is_listed_with_its_code() -> None:
    listed = {problem: code for problem, code, _ in rows(PAGE, "problem")}
    _, *problems = PayBookingResult.__args__[0].__args__
    assert listed.keys() == {problem.__name__ for problem in problems}
    assert set(listed.values()) <= {code.value for code in ProblemCode}


def test_the_events_to_subscribe_to_are_those_that_are_understood() -> None:
    named = set(re.findall(r"`((?:payment_intent|charge|refund)\.\w+)`", PAGE.read_text()))
    assert named == UNDERSTOOD


def test_the_numbers_and_causes_are_those_that_count() -> None:
    page = re.sub(r"\s+", " ", PAGE.read_text())
    patience = DEFAULT.payment_patience // timedelta(minutes=1)
    tolerance = Settings.model_fields["stripe_tolerance_seconds"].default
    for said in (
        f"lapses** {patience} minutes after its start",
        f"older than {tolerance} seconds",
        f"longer than {MAX_BODY // 1024} KiB",
        f"`{RefundCause.OVERPAID}`",
        f"`{RefundCause.LATE_PAYMENT}`",
    ):
        assert said in page, said


def test_every_variable_that_is_named_is_a_setting() -> None:
    named = {name.lower() for name in re.findall(r"CALLOUT_([A-Z_]+)", PAGE.read_text())}
    assert named <= Settings.model_fields.keys()
    assert "stripe_webhook_secret" in named
