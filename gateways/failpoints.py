"""Where may a test kill this process? At the points that the environment names.

CALLOUT_FAILPOINTS="relay.after_sequence" ends the process there, as abruptly as a power cut.
Unset, as always outside the crash tests, a failpoint does nothing.
"""

from __future__ import annotations

import os
from typing import Final

#: The exit status of a process that met its failpoint.
STATUS: Final = 70

_ARMED: Final = frozenset(os.environ.get("CALLOUT_FAILPOINTS", "").split(","))


def failpoint(name: str) -> None:
    """Die here if `name` is armed."""
    if name in _ARMED:
        os._exit(STATUS)
