"""How is a sum of money kept? In integer minor units of an ISO 4217 currency, never a float."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A sum in minor units: 4050 and "GBP" is £40.50."""

    amount_minor: int
    currency: str

    @property
    def is_zero(self) -> bool:
        """Is there nothing to pay?"""
        return self.amount_minor == 0
