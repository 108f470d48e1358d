"""Does docs/dispatch.md say what the code does? Its tables are held against the values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from api.subscriptions import OfferEvent
from domain.matching import V1, V2, HardRule, Ingredient
from domain.matching.policies import Tiers
from domain.offers import Wave
from domain.shifts import HEARTBEAT_FRESH
from domain.waves import DEFAULT
from gateways.settings import Settings
from tests.doc_tables import rows

PAGE: Final = Path(__file__).parents[2] / "docs" / "dispatch.md"
TEXT: Final = PAGE.read_text()


def lines(heading: str) -> dict[str, str]:
    """What a table says of each thing that its first column names."""
    return {name: " ".join(words) for name, *words in rows(PAGE, heading)}


def numbers(words: str) -> list[float]:
    """The numbers in some words, in order."""
    return [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", words)]


def flat(tiers: Tiers) -> list[float]:
    """Thresholds and points, as the page lists them."""
    return [number for tier in tiers for number in tier]


def test_every_hard_rule_is_listed_in_the_order_in_which_it_is_asked() -> None:
    assert list(lines("rule")) == [rule.value for rule in HardRule]


def test_the_points_are_those_of_the_policy() -> None:
    told = {name: numbers(words) for name, words in lines("ingredient").items()}
    assert told == {
        "SHIFT": [V1.on_shift, V1.off_shift],
        "LOCATION": [V1.other_country, V1.same_prefix, V1.same_city, V1.same_country],
        "EXPERIENCE": flat(V1.experience),
        "RATING": flat(V1.rating),
        "CERTIFICATION": [V1.certified],
        "COMPLETED_JOBS": flat(V1.completed_jobs),
        "KEYWORDS": [V1.per_keyword, V1.keywords_counted],
        "PROFILE": flat(V1.profile),
    }


def test_what_the_fairer_policy_adds_is_told_with_its_numbers() -> None:
    added = [one for one in Ingredient if one not in lines("ingredient")]
    assert [f"`{one}`" in TEXT for one in added] == [True] * len(added) != []
    _, _, fairer = TEXT.partition("Policy `v2` is fairer")
    told = numbers(fairer.partition("off by default")[0])
    idle = [points for _, points in V2.idle], [hours for hours, _ in V2.idle]
    assert told == [
        *(*idle[0], *idle[1]),
        *(V2.newcomer, V2.newcomer_jobs, V2.unrated),
        *(V2.acceptance[0][1], 100 * V2.acceptance[0][0]),
        *(V2.acceptance[1][1], V2.acceptance[-1][1]),
        100 * V2.assumed_acceptance,
    ]


def test_the_waves_are_told_with_their_numbers() -> None:
    told = {name: numbers(words) for name, words in lines("wave").items()}
    minutes = DEFAULT.broadcast_again.total_seconds() / 60
    near, further, furthest = DEFAULT.broadcast_reach
    hours = DEFAULT.broadcast_lasts.total_seconds() / 3600
    assert list(told) == [wave.value for wave in Wave]
    assert told == {
        "PREFERRED": [DEFAULT.preferred_lasts.total_seconds()],
        "TARGETED": [DEFAULT.targeted_size, DEFAULT.targeted_lasts.total_seconds()],
        "BROADCAST": [
            *(DEFAULT.broadcast_size, near, minutes, further, furthest, minutes),
            *(hours, minutes),
        ],
        "AUTO": [
            DEFAULT.auto_after.total_seconds() / 3600,
            DEFAULT.auto_after_immediate.total_seconds() / 60,
            *(DEFAULT.auto_miles, DEFAULT.auto_tries),
        ],
    }
    assert f"after {DEFAULT.give_up.total_seconds() / 3600:.0f} h" in TEXT
    assert f"in the last {HEARTBEAT_FRESH.total_seconds():.0f} s" in TEXT


def test_every_event_of_the_feed_is_named() -> None:
    named = set(re.findall(r"[A-Z]{2,}", lines("stream")["offerFeed"]))
    assert named == {event.value for event in OfferEvent}


def test_every_variable_that_is_named_is_a_setting() -> None:
    named = set(re.findall(r"`CALLOUT_(\w+)`", TEXT))
    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)
