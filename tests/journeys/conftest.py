"""Real processes on the test's own database and Redis namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateways.settings import Settings
from tests.installation import Installation, installation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def callout(settings: Settings, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation none of whose processes is started yet."""
    async with installation(settings, tmp_path, sign_in_limit=1000) as made:
        yield made
