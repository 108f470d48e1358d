"""Which phones and browsers take somebody's push messages?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.refusals import check_sizes

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.messages import Platform

#: More than anybody has at hand; whoever registers another loses the one longest not seen.
MOST: Final = 20
_LONGEST_TOKEN: Final = 4096
_SHOWN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A phone or browser, and whose messages it shows: those of who signed in there last."""

    id: UUID
    user_id: UUID
    platform: Platform
    token: str
    registered_at: datetime

    @property
    def token_end(self) -> str:
        """The last few characters of the token, to tell the device by; never more than half."""
        return self.token[(len(self.token) + 1) // 2 :][-_SHOWN:]


def check_token(token: str) -> None:
    """Raises InvalidInput for what cannot be a device's token."""
    check_sizes(token=(token, 1, _LONGEST_TOKEN))
