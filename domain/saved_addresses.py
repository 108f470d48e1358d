"""Where does a customer want work done again and again, and which place comes first?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.refusals import InvalidInput, Refusal, wrong_text

if TYPE_CHECKING:
    from uuid import UUID

    from domain.people import Viewer
    from domain.places import Address

#: How many addresses a customer may keep.
MAX_ADDRESSES: Final = 50


class TooManyAddresses(Refusal):
    """The customer keeps as many addresses as can be kept."""

    def __init__(self) -> None:
        super().__init__(f"You have {MAX_ADDRESSES} addresses; delete one before you save another.")
        self.limit = MAX_ADDRESSES


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAddress:
    """A place that a customer keeps, to book with again, under a label such as "Home"."""

    id: UUID
    customer_id: UUID
    label: str
    address: Address
    access_instructions: str = ""
    #: At most one of a customer's addresses is the one that a form begins with.
    is_default: bool = False

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Is it the viewer's own? Staff see what is on a booking, and no more."""
        return viewer.user_id == self.customer_id


def save(address: SavedAddress, *, others: int) -> SavedAddress:
    """Keep an address beside the `others` of its customer.

    Raises InvalidInput with every wrong field, or TooManyAddresses.
    """
    wrong = (
        *wrong_text(("label",), address.label, 1, 50),
        *wrong_text(("accessInstructions",), address.access_instructions, 0, 2000),
        *address.address.wrong_fields("address"),
    )
    if wrong:
        raise InvalidInput(*wrong)
    if others >= MAX_ADDRESSES:
        raise TooManyAddresses
    return address
