"""How are booking rules kept in a JSON column? Every rule by its name.

A service and each of its bookings keep the rules in the same shape, so that a booking's copy is the
service's value as it was. A rule that a kept object lacks has its default: objects that were kept
before there was such a rule can be read, and an empty one means the defaults throughout.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from domain.booking_rules import Advance, BookingRules, SameDay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NAMES: Final = tuple(one.name for one in fields(BookingRules))

#: How the rules that JSON has no value for are read from text.
_PARSE: Final[Mapping[str, Callable[[str], Any]]] = {
    "same_day": SameDay,
    "same_day_cutoff": time.fromisoformat,
    "advance": Advance,
    "first_date": date.fromisoformat,
    "last_date": date.fromisoformat,
}


def columns(rules: BookingRules) -> dict[str, Any]:
    """The rules as an object that JSON can carry, complete."""
    return {name: _plain(getattr(rules, name)) for name in _NAMES}


def rules(kept: Mapping[str, Any]) -> BookingRules:
    """The rules in a kept object. Names it has beyond the rules are a newer release's."""
    return _rules(tuple((name, kept[name]) for name in _NAMES if name in kept))


# Bookings of one service carry equal rules, and a list reads many of them.
@lru_cache(maxsize=1024)
def _rules(kept: tuple[tuple[str, Any], ...]) -> BookingRules:
    return BookingRules(**{name: _value(name, value) for name, value in kept})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else value


def _value(name: str, value: Any) -> Any:
    return _PARSE[name](value) if name in _PARSE and value is not None else value
