"""How often does something come again? A rule of RFC 5545, as far as visits need it.

A rule speaks of wall times: Monday at nine is Monday at nine, whatever clocks do meanwhile. What it
may say is held to what can be answered quickly; the arithmetic itself is the gateway's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_COUNT: Final = 366
MAX_INTERVAL: Final = 366
_MAX_TEXT: Final = 400


class Frequency(StrEnum):
    """What a rule steps by."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How often something comes again, and when that ends. Open-ended without count and until."""

    frequency: Frequency
    interval: int = 1
    #: At most so many in all, the first among them.
    count: int | None = None
    #: None later than this wall time.
    until: datetime | None = None
    #: Its other parts as written, in order, such as ("BYDAY", "MO,WE").
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def endless(self) -> str:
        """Its text without an end."""
        every = (("INTERVAL", str(self.interval)),) if self.interval > 1 else ()
        pairs = (("FREQ", str(self.frequency)), *every, *self.parts)
        return ";".join(f"{name}={value}" for name, value in pairs)

    @property
    def text(self) -> str:
        """It in the words of RFC 5545."""
        if self.count is not None:
            return f"{self.endless};COUNT={self.count}"
        if self.until is not None:
            return f"{self.endless};UNTIL={self.until:%Y%m%dT%H%M%S}"
        return self.endless


class Expand(Protocol):
    """Whoever can say when a rule comes true; gateways/recurrence.py does."""

    def __call__(self, rule: Rule, first: datetime) -> Iterator[datetime]:
        """Every start by a rule that begins at the wall time `first`, earliest first.

        Naive wall times, as many as are asked for: a rule need not end. `first` itself is among
        them only if the rule says so.
        """


def parse(text: str) -> Rule:
    """The rule in a text such as "FREQ=WEEKLY;BYDAY=MO;COUNT=24". Raises InvalidInput."""
    pairs = _pairs(text)
    if wrong := tuple(_wrong(pairs)):
        raise InvalidInput(*(FieldError(path=("rrule",), message=message) for message in wrong))
    return Rule(
        frequency=Frequency(pairs["FREQ"]),
        interval=int(pairs.get("INTERVAL", 1)),
        count=int(pairs["COUNT"]) if "COUNT" in pairs else None,
        until=_until(pairs["UNTIL"]) if "UNTIL" in pairs else None,
        parts=tuple((name, value) for name, value in pairs.items() if name not in _OWN_FIELDS),
    )


_OWN_FIELDS: Final = ("FREQ", "INTERVAL", "COUNT", "UNTIL")
_DAY: Final = "(?:MO|TU|WE|TH|FR|SA|SU)"
_MONTHS: Final = r"(?:1[0-2]|[1-9])"
_MONTH_DAY: Final = r"-?(?:3[01]|[12][0-9]|[1-9])"
#: What each part may hold, whatever the frequency.
_SHAPES: Final = {
    "FREQ": ("|".join(Frequency), f"one of {', '.join(Frequency)}"),
    "INTERVAL": (r"[1-9][0-9]{0,2}", f"1 to {MAX_INTERVAL}"),
    "COUNT": (r"[1-9][0-9]{0,2}", f"1 to {MAX_COUNT}"),
    "UNTIL": (r"[0-9]{8}(?:T[0-9]{6})?", "local time: 20270131, or 20270131T090000 without Z"),
    "WKST": (_DAY, "a day such as MO"),
    "BYDAY": (rf"[+-]?[1-5]?{_DAY}(?:,[+-]?[1-5]?{_DAY})*", "days such as MO,WE or 1MO or -1FR"),
    "BYMONTHDAY": (rf"{_MONTH_DAY}(?:,{_MONTH_DAY})*", "days from 1 to 31, or -1 to -31"),
    "BYMONTH": (rf"{_MONTHS}(?:,{_MONTHS})*", "months from 1 to 12"),
    "BYSETPOS": (r"-?[1-9][0-9]?(?:,-?[1-9][0-9]?)*", "places such as 1 or -1"),
}
#: Parts that mean nothing, or nothing good, beside a frequency.
_OUT_OF_PLACE: Final = {
    Frequency.DAILY: ("BYSETPOS", "BYMONTHDAY"),
    Frequency.WEEKLY: ("BYSETPOS", "BYMONTHDAY"),
    Frequency.MONTHLY: (),
    Frequency.YEARLY: (),
}
#: The most days that a month ever has.
_LENGTHS: Final = {month: 30 if month in {4, 6, 9, 11} else 31 for month in range(1, 13)} | {2: 29}


def _pairs(text: str) -> dict[str, str]:
    """Names and values, in the order of the text. Raises InvalidInput."""
    written = text.strip().upper().removeprefix("RRULE:")
    if not 1 <= len(written) <= _MAX_TEXT:
        raise _invalid(f"Write 1 to {_MAX_TEXT} characters.")
    pairs: dict[str, str] = {}
    for pair in written.rstrip(";").split(";"):
        name, _, value = pair.partition("=")
        if name not in _SHAPES:
            raise _invalid(f"Write parts such as FREQ=WEEKLY out of {', '.join(_SHAPES)}.")
        if name in pairs:
            raise _invalid(f"Write {name} once.")
        pairs[name] = value
    return pairs


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(FieldError(path=("rrule",), message=message))


def _wrong(pairs: dict[str, str]) -> Iterator[str]:
    misshapen = [n for n, value in pairs.items() if not re.fullmatch(_SHAPES[n][0], value)]
    for name in misshapen:
        yield f"Write {name} as {_SHAPES[name][1]}."
    if "FREQ" not in pairs:
        yield "Write FREQ, such as FREQ=WEEKLY."
    if misshapen or "FREQ" not in pairs:
        return
    yield from _too_much(pairs)
    yield from _misplaced(pairs)
    if _never(pairs):
        yield "No month of BYMONTH has a day of BYMONTHDAY."


def _too_much(pairs: dict[str, str]) -> Iterator[str]:
    for name, most in (("INTERVAL", MAX_INTERVAL), ("COUNT", MAX_COUNT)):
        if int(pairs.get(name, 1)) > most:
            yield f"Write {name} as 1 to {most}."
    if "COUNT" in pairs and "UNTIL" in pairs:
        yield "Write COUNT or UNTIL, not both."
    if "UNTIL" in pairs and _until(pairs["UNTIL"]) is None:
        yield "Write UNTIL as a day that exists."


def _misplaced(pairs: dict[str, str]) -> Iterator[str]:
    frequency = Frequency(pairs["FREQ"])
    for name in _OUT_OF_PLACE[frequency]:
        if name in pairs:
            yield f"Leave {name} out of a {frequency} rule."
    counted = any(character.isdigit() for character in pairs.get("BYDAY", ""))
    if counted and frequency in {Frequency.DAILY, Frequency.WEEKLY}:
        yield f"Write days without numbers in a {frequency} rule."
    if "BYSETPOS" in pairs and not {"BYDAY", "BYMONTHDAY"} & pairs.keys():
        yield "Write BYSETPOS beside BYDAY or BYMONTHDAY."


def _never(pairs: dict[str, str]) -> bool:
    """Do its months lack its days, such as the 30th of February?"""
    if not {"BYMONTH", "BYMONTHDAY"} <= pairs.keys():
        return False
    longest = max(_LENGTHS[int(month)] for month in pairs["BYMONTH"].split(","))
    return all(abs(int(day)) > longest for day in pairs["BYMONTHDAY"].split(","))


def _until(value: str) -> datetime | None:
    """The wall time in an UNTIL; a day alone counts to its end. None for one that is none."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if "T" in value else datetime.combine(at, time.max.replace(microsecond=0))
