"""A database with room for races."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db.engine import Database
from tests.db.racing import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateways.settings import Settings


@pytest.fixture
async def crowd(settings: Settings) -> AsyncIterator[Database]:
    """The test's database, with connections for as many transactions as race at once."""
    opened = Database(settings.sqlalchemy_url, pool=AT_ONCE + 2, name="crowd")
    yield opened
    await opened.close()
