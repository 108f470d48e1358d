"""Does docs/providers.md say what is so? Its tables are those of the code."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from domain.approvals import STEPS, Decision, ProviderApproval
from domain.matching import DEFAULT_RULES
from domain.profiles import WEIGHTS, ProfileItem
from domain.words import MAX_WORDS
from tests.doc_tables import rows

PAGE: Final = Path(__file__).parents[2] / "docs" / "providers.md"
_SAID: Final = {
    "approved": Decision.APPROVE,
    "suspended": Decision.SUSPEND,
    "reinstated": Decision.REINSTATE,
}


def test_the_weights_are_the_codes() -> None:
    said = {ProfileItem(item): int(percent) for item, percent, _ in rows(PAGE, "item")}

    assert said == WEIGHTS


def test_the_steps_are_the_codes() -> None:
    said = {
        ProviderApproval(stands): frozenset(_SAID[word] for word in may.split(", "))
        for stands, may in rows(PAGE, "stands")
    }

    assert said == STEPS


def test_the_numbers_are_the_codes() -> None:
    text = PAGE.read_text()

    assert f"From {DEFAULT_RULES.profile_percent} % on" in text
    assert f"at most {MAX_WORDS} each" in text
