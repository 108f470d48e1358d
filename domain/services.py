"""What can be booked?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from domain.money import Money


class Trade(StrEnum):
    """The line of work a service belongs to and a provider practises."""

    CLEANING = "CLEANING"
    MECHANICAL = "MECHANICAL"
    FACILITIES = "FACILITIES"


class ServiceMode(StrEnum):
    """Where provider and customer meet."""

    ON_SITE = "ON_SITE"
    VIDEO = "VIDEO"
    CHAT = "CHAT"


class ApprovalPolicy(StrEnum):
    """Whether a booking waits for a person's yes before it is worked on."""

    INSTANT = "INSTANT"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A catalogue entry."""

    id: UUID
    code: str
    name: str
    description: str
    trade: Trade
    mode: ServiceMode
    duration_minutes: int
    price: Money
    approval: ApprovalPolicy
    active: bool

    @property
    def duration(self) -> timedelta:
        """How long the work takes."""
        return timedelta(minutes=self.duration_minutes)
