"""Does docs/work.md say what is so? Every document is run, and what it lists is all there is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from graphql import get_named_type

from db.engine import Database
from domain.lateness import KNOWN_BEFORE, MAX_MINUTES
from domain.shifts import HEARTBEAT_FRESH, Presence
from domain.work import MAX_CHECKLIST, MAX_PHOTOS
from gateways.settings import Settings
from tests import invariants
from tests.api import house
from tests.api.booking_docs import PAGE as BOOKING_PAGE
from tests.api.booking_docs import read
from tests.api.house import House
from tests.api.playing import SCHEMA, assert_fit, play
from tests.doc_tables import rows

PAGE: Final = BOOKING_PAGE.with_name("work.md")


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
    assert len(examples) > 10
    assert_fit(examples)


def test_every_presence_is_listed_in_the_order_in_which_they_are_told_apart() -> None:
    listed = [cells[0] for cells in rows(PAGE, "presence")]
    assert listed == [Presence.OFFLINE, Presence.BUSY, Presence.AWAY, Presence.ONLINE]
    assert set(listed) == set(Presence)


def test_the_numbers_are_those_that_count() -> None:
    page = " ".join(PAGE.read_text().split())
    hours, seconds = KNOWN_BEFORE.total_seconds() / 3600, HEARTBEAT_FRESH.total_seconds()
    for words in (
        f"From {hours:.0f} hours before the start",
        f"(1 to {MAX_MINUTES})",
        f"nothing heard for {seconds:.0f} seconds",
        f"up to {MAX_PHOTOS} photos",
        f"up to {MAX_CHECKLIST} points",
    ):
        assert words in page


def test_every_problem_of_the_acts_that_are_listed_is_listed() -> None:
    assert SCHEMA.mutation_type is not None
    acts = {name for _, of, _ in rows(PAGE, "problem") for name in re.findall(r"\w+", of)} - {"all"}
    acts |= {"reportUnavailable"}
    problems = {
        kind.name
        for name in acts
        for kind in get_named_type(SCHEMA.mutation_type.fields[name].type).types
        if not kind.name.endswith("Success")
    }
    listed = {name for cells in rows(PAGE, "problem") for name in cells[0].split(", ")}
    assert problems == listed


def test_the_page_is_led_to_from_the_others() -> None:
    docs: Path = PAGE.parent
    for page in ("api.md", "booking.md"):
        assert "(work.md)" in (docs / page).read_text(), page
