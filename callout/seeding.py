"""Who gives the demo accounts their password? Not db, which cannot hash; so we bring the two
together here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import seed
from gateways.passwords import Passwords

if TYPE_CHECKING:
    from db.engine import Database


async def seed_demo(database: Database) -> None:
    """Put the demo data into the database, where it is missing."""
    passwords = Passwords()
    try:
        await seed.demo(database, hash_password=passwords.hash)
    finally:
        passwords.close()
