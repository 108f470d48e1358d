"""How often is the same asked again? A run of `make test` asks a few times, `make soak` many.

What is drawn by chance, and what races, is repeated so often; each time tells little more than the
last, and takes as long.
"""

from __future__ import annotations

import os
from typing import Final

#: How many times as often as usual.
DEPTH: Final = int(os.environ.get("CALLOUT_TEST_DEPTH", "1"))
