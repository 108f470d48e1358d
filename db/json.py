"""JSON columns, read and written by orjson; ids go in and come out as text."""

from __future__ import annotations

from typing import Any

import orjson


def dumps(value: Any) -> str:
    """The JSON text of a column value."""
    return orjson.dumps(value).decode()


def loads(text: str | bytes) -> Any:
    """The column value of a JSON text."""
    return orjson.loads(text)
