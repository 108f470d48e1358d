"""What does an id look like on the wire? One opaque global id for every node: kind and UUID."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from uuid import UUID

from domain.refusals import FieldError, InvalidInput
from gateways.global_ids import encode

__all__ = ["decode", "encode", "parse"]


def decode(global_id: str) -> tuple[str, UUID] | None:
    """The kind and UUID of a global id; None when it is not one."""
    try:
        raw = urlsafe_b64decode(global_id.encode("ascii") + b"=" * (-len(global_id) % 4))
        kind, _, uid = raw.decode("ascii").partition(":")
        return kind, UUID(hex=uid)
    except (Base64Error, ValueError):
        return None


def parse(kind: str, global_id: str, *path: str) -> UUID:
    """The UUID of a global id that must be of this kind.

    Raises InvalidInput naming the field at `path` for anything else.
    """
    decoded = decode(global_id)
    if decoded is None or decoded[0] != kind:
        found = f"the id of a {decoded[0]}" if decoded else "not an id"
        remedy = f"Expected the id of a {kind}, as `{kind}.id` gives it; this is {found}."
        raise InvalidInput(FieldError(path=path, message=remedy))
    return decoded[1]
