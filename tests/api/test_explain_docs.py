"""Does docs/explain.md say what is so? Every document is run, and what it lists is all there is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

import pytest

from db.candidates import LIMIT
from db.engine import Database
from domain.matching.comparison import MOST_TIME
from domain.matching.no_offers import LOOK_BACK, MOST_PASSED, Extent, Hindrance
from domain.matching.nobody import LOOKED_AT, SHOWN
from gateways.house import HouseSettings
from gateways.settings import Settings
from tests import invariants
from tests.api import house
from tests.api.booking_docs import PAGE as BOOKING_PAGE
from tests.api.booking_docs import read
from tests.api.house import House
from tests.api.playing import assert_fit, play
from tests.doc_tables import rows

PAGE: Final = BOOKING_PAGE.with_name("explain.md")


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
    assert len(examples) == 8
    assert_fit(examples)


def test_every_hindrance_is_listed_with_a_known_extent() -> None:
    listed = rows(PAGE, "hindrance")
    named = [name for hindrances, _ in listed for name in re.findall("[A-Z_]{4,}", hindrances)]
    assert sorted(named) == sorted(Hindrance)
    extents = {name for _, extent in listed for name in re.findall("[A-Z_]{3,}", extent)}
    assert extents == set(Extent)


def test_the_numbers_and_settings_are_those_that_count() -> None:
    page = " ".join(PAGE.read_text().split())
    in_words = {7: "seven", 10: "ten", 20: "twenty"}
    for words in (
        f"the nearest {LOOKED_AT} are looked at, and the nearest {in_words[SHOWN]} are shown",
        f"of the last {in_words[LOOK_BACK.days]} days, the newest {in_words[MOST_PASSED]} bookings",
        f"for up to {MOST_TIME.days} days",
        f"at most {LIMIT}.",
    ):
        assert words in page
    named = set(re.findall(r"CALLOUT_(\w+)", page))
    assert {name.lower() for name in named} <= HouseSettings.model_fields.keys()
