"""Which address shows a receipt? One that proves that we gave it, to whomever it was sent on to.

It works without signing in and for ever, as a receipt has to: it is kept for tax, and by others
than the one who paid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateways.links import BadLink, Purpose

if TYPE_CHECKING:
    from uuid import UUID

    from gateways.links import Links


def address(outside_url: str, links: Links, payment_id: UUID) -> str:
    """The address of a payment's receipt."""
    token = links.sign(Purpose.RECEIPT, payment_id.hex)
    return f"{outside_url}/receipts/{payment_id}?token={token}"


def is_opened_by(links: Links, payment_id: UUID, token: str) -> bool:
    """Does the token open this payment's receipt?"""
    try:
        return links.read(Purpose.RECEIPT, token) == (payment_id.hex,)
    except BadLink:
        return False
