"""What does a payout pay? Its lines, what they come to by kind, and that these are the payout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.ledger import LineKind
from domain.money import Money

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.payouts import Payout


class NotThePayout(Exception):
    """The lines of a payout do not come to it. A fault of whoever made it, and no paper to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """A line that a payout pays; a negative one was taken back."""

    id: UUID
    kind: LineKind
    amount: Money
    at: datetime
    booking_id: UUID | None = None
    #: What was done, by the name of its service.
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTotal:
    """What the lines of one kind come to."""

    kind: LineKind
    amount: Money
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All that a payout pays, as it is handed out."""

    payout: Payout
    #: Whose dates its lines are told by.
    time_zone: str
    lines: tuple[StatementLine, ...]

    def __post_init__(self) -> None:
        amount = self.payout.amount
        same = all(line.amount.currency == amount.currency for line in self.lines)
        if not same or sum(line.amount.amount_minor for line in self.lines) != amount.amount_minor:
            raise NotThePayout(str(self.payout.id))

    @property
    def totals(self) -> tuple[KindTotal, ...]:
        """What the lines of each kind come to, in the order in which kinds are listed."""
        by_kind = {
            kind: [line.amount.amount_minor for line in self.lines if line.kind is kind]
            for kind in LineKind
        }
        currency = self.payout.amount.currency
        return tuple(
            KindTotal(
                kind=kind,
                amount=Money(amount_minor=sum(amounts), currency=currency),
                lines=len(amounts),
            )
            for kind, amounts in by_kind.items()
            if amounts
        )
