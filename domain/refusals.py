"""What does a rule raise when it says no?

Each expected refusal is a class with its facts, defined beside the rule that raises it. The API
turns it into a typed problem; anything that is not a refusal is a fault and is masked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

#: What no text may hold: PostgreSQL keeps no null character, and half a character is none.
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Refusal(Exception):
    """An act was refused by a rule and had no effect."""


class NotFound(Refusal):
    """No such thing, or the viewer may not see it: the two answer alike."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"There is no such {kind}, or you may not see it.")
        self.kind = kind


class VersionConflict(Refusal):
    """Somebody else has changed the thing since the client read it. Carries its version now."""

    def __init__(self, current: int) -> None:
        super().__init__(
            f"It was changed since you read it and has version {current} now; read it again."
        )
        self.current = current


class TooEarly(Refusal):
    """What was asked for is not possible yet. Carries from when on it is."""

    def __init__(self, message: str, possible_from: datetime) -> None:
        super().__init__(message)
        self.possible_from = possible_from


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One wrong input field: where it is, what is wrong and how to mend it."""

    path: tuple[str, ...]
    message: str


class InvalidInput(Refusal):
    """The input breaks a rule of its shape. Carries every wrong field at once."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{'.'.join(error.path)}: {error.message}" for error in errors))
        self.errors = errors


def check_sizes(**texts: tuple[str, int, int]) -> None:
    """Check each text against its least and most characters.

    Fields are named as on the wire. Raises InvalidInput with every wrong one.
    """
    wrong = [
        error
        for name, (text, least, most) in texts.items()
        for error in wrong_text((name,), text, least, most)
    ]
    if wrong:
        raise InvalidInput(*wrong)


def wrong_text(path: tuple[str, ...], text: str, least: int, most: int) -> tuple[FieldError, ...]:
    """What keeps a text from being taken: too short, too long, or not storable."""
    if not least <= len(text) <= most:
        message = f"Write {least} to {most} characters."
    elif UNSTORABLE.search(text):
        message = "Leave out null characters and halves of characters."
    else:
        return ()
    return (FieldError(path=path, message=message),)
