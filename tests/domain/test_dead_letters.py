"""What becomes of a job that failed every time?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.dead_letters import AlreadyReplayed, DeadLetter, replayable

FAILED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = DeadLetter(
    id=UUID(int=1),
    job="advance_matching",
    queue="critical",
    arguments=("x",),
    error="boom",
    tries=8,
    failed_at=FAILED_AT,
)


def test_a_waiting_letter_may_be_replayed() -> None:
    assert LETTER.is_waiting
    assert replayable(LETTER) is LETTER


def test_a_letter_is_replayed_only_once() -> None:
    replayed = replace(LETTER, replayed_at=FAILED_AT)

    with pytest.raises(AlreadyReplayed) as refused:
        replayable(replayed)

    assert refused.value.letter == replayed
