"""What becomes of a job that failed every time? It rests where a dispatcher can try it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.refusals import Refusal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A job that could not be done, as it was called, and why."""

    id: UUID
    job: str
    queue: str
    arguments: tuple[str, ...]
    error: str
    tries: int
    failed_at: datetime
    replayed_at: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Has nobody tried it again yet?"""
        return self.replayed_at is None


class AlreadyReplayed(Refusal):
    """The job was tried again already; if that failed too, it rests as a letter of its own."""

    def __init__(self, letter: DeadLetter) -> None:
        super().__init__("This job was replayed already.")
        self.letter = letter


def replayable(letter: DeadLetter) -> DeadLetter:
    """The letter, if it may be replayed. Raises AlreadyReplayed."""
    if not letter.is_waiting:
        raise AlreadyReplayed(letter)
    return letter
