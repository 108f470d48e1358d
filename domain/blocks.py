"""Which customer and which provider are not to meet again, and who has said so?

A customer blocks for themselves and may take it back. What the house has blocked stays blocked
until the house takes it back: its reason may be the customer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from domain import people
from domain.refusals import InvalidInput, Refusal, wrong_text

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.people import Viewer

MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderBlock:
    """A customer and a provider who are not to meet."""

    id: UUID
    customer_id: UUID
    provider_id: UUID
    blocked_by: UUID
    blocked_at: datetime
    reason: str = ""

    @property
    def is_by_house(self) -> bool:
        """Has the house blocked, and not the customer?"""
        return self.blocked_by != self.customer_id

    def reason_for(self, viewer: Viewer) -> str | None:
        """Why, for staff and for the customer who said it."""
        said_it = viewer.user_id == self.customer_id and not self.is_by_house
        return self.reason if said_it or viewer.is_staff else None


class BlockedByHouse(Refusal):
    """The house has blocked this provider for the customer, who cannot take that back."""

    def __init__(self) -> None:
        super().__init__("The house has blocked this provider for you; ask us.")


def whose(viewer: Viewer, customer_id: UUID | None) -> UUID:
    """Whose blocks the viewer means: a customer their own, staff a named customer's.

    Raises NotFound for somebody else's, or InvalidInput where staff do not say whose.
    """
    return people.whose(viewer, customer_id, kind="User", field_name="customerId")


def block(new: ProviderBlock, before: ProviderBlock | None) -> ProviderBlock:
    """Let the two not meet. What there was stays, except that the house's word takes the place of
    the customer's. Raises InvalidInput: the house gives a reason, a customer may.
    """
    least = 1 if new.is_by_house else 0
    if wrong := wrong_text(("reason",), new.reason, least, MAX_REASON):
        raise InvalidInput(*wrong)
    if before is None:
        return new
    if new.is_by_house and not before.is_by_house:
        return replace(new, id=before.id)
    return before


def check_unblock(block: ProviderBlock, *, by: Viewer) -> None:
    """May the viewer take it back? Raises BlockedByHouse."""
    if block.is_by_house and not by.is_staff:
        raise BlockedByHouse
