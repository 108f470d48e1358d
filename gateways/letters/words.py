"""Which words do templates have? The facts of a message, each as its reader reads it.

What a message is not about is None; the words of others have been made fit for where they go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.people import STAFF, Role
from domain.references import reference
from gateways.letters.addresses import address_lines
from gateways.letters.formats import sum_of
from gateways.letters.texts import in_one_line

if TYPE_CHECKING:
    from datetime import datetime

    from domain.message_facts import MessageFacts
    from domain.money import Money
    from gateways.letters.formats import Clock
    from gateways.letters.media import Medium


@dataclass(frozen=True, slots=True)
class _Writer:
    facts: MessageFacts
    clock: Clock
    medium: Medium

    def name(self, text: str | None) -> str | None:
        # What is left of a name of nothing but stray characters is no name.
        return self.medium.name(text) if text and in_one_line(text) else None

    def speech(self, text: str | None) -> str | None:
        return self.medium.speech(text) if text and in_one_line(text) else None

    def sum(self, money: Money | None) -> str | None:
        # Nothing to pay, or to get, is not spoken of.
        if money is None or money.is_zero:
            return None
        return self.medium.figures(sum_of(money, self.clock.locale))

    def moment(self, at: datetime | None) -> str | None:
        return self.medium.figures(self.clock.moment(at)) if at else None

    def short_moment(self, at: datetime | None) -> str | None:
        return self.medium.figures(self.clock.short_moment(at)) if at else None

    def window(self) -> str | None:
        starts_at, ends_at = self.facts.starts_at, self.facts.ends_at
        if starts_at is None or ends_at is None:
            return self.moment(starts_at)
        return self.medium.figures(self.clock.window(starts_at, ends_at))

    def place(self) -> str | None:
        if self.facts.address is None:
            return self.name(self.facts.area)
        lines = address_lines(self.facts.address, self.clock.locale)
        return self.medium.lines(lines) if lines else None


def words(facts: MessageFacts, clock: Clock, medium: Medium) -> dict[str, Any]:
    """The words for one message to one person."""
    writer = _Writer(facts, clock, medium)
    role, booking = facts.recipient.role, facts.subject.get("booking")
    service, soon = writer.name(facts.service), writer.short_moment(facts.starts_at)
    work = service or "your booking"
    return {
        "name": writer.name(facts.recipient.given_name) or "there",
        "is_provider": role is Role.PROVIDER,
        "is_staff": role in STAFF,
        "reference": reference(booking) if booking else None,
        "service": service,
        # For sentences: "Home clean", and "Home clean, Wed 3 Jun, 14:00".
        "work": work,
        "what": _joined(work, soon),
        "when": writer.window(),
        "soon": soon,
        "time": medium.figures(clock.short(facts.starts_at)) if facts.starts_at else None,
        "place": writer.place(),
        "distance": _distance(facts.distance_miles),
        "customer": writer.name(facts.customer),
        "provider": writer.name(facts.provider),
        "amount": writer.sum(facts.amount),
        "refund": writer.sum(facts.refund),
        "fee": writer.sum(facts.fee),
        "excess": writer.sum(facts.excess),
        "due": writer.sum(facts.due),
        "reason": writer.speech(facts.reason),
        "late": _counted(facts.late_minutes, "minute"),
        "until": writer.moment(facts.until),
        "until_soon": writer.short_moment(facts.until),
        "at": writer.moment(facts.at),
        "period": medium.figures(clock.date(facts.period)) if facts.period else None,
        "lines": _counted(facts.lines, "line"),
    }


def _joined(one: str, other: str | None) -> str:
    # Markup joins to Markup, and text to text.
    return one if other is None else one + ", " + other


def _distance(miles: float | None) -> str | None:
    return None if miles is None else _counted(max(1, round(miles)), "mile")


def _counted(number: int | None, noun: str) -> str | None:
    if number is None:
        return None
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
