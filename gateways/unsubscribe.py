"""Which address, in a mail, stops more of its kind? One that names whom and of which category.

It works without signing in and for ever: whoever finds an old mail can still say that it is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.messages import Category
from gateways.links import BadLink, Purpose

if TYPE_CHECKING:
    from gateways.links import Links

PATH: Final = "/unsubscribe"


def address(outside_url: str, links: Links, user_id: UUID, category: Category) -> str:
    """The address, for the mail's foot and its List-Unsubscribe header (RFC 8058)."""
    return f"{outside_url}{PATH}?token={links.sign(Purpose.UNSUBSCRIBE, user_id.hex, category)}"


def named(links: Links, token: str) -> tuple[UUID, Category]:
    """Whom and which category a token names. Raises BadLink for what is no token of ours."""
    parts = links.read(Purpose.UNSUBSCRIBE, token)
    try:
        user_id, category = parts
        return UUID(hex=user_id), Category(category)
    except ValueError as error:
        raise BadLink("of another make") from error
