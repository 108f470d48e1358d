"""How does a service outside say no, or nothing?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


class GatewayError(Exception):
    """A service outside did not do what it was asked."""


class GatewayUnavailable(GatewayError):
    """It did not answer, or asked for patience. It may have done the thing all the same, so it is
    asked again under the same key, or asked what it has done."""

    def __init__(self, reason: str, *, retry_after: timedelta | None = None) -> None:
        """Because of `reason`; `retry_after` is the patience that it asked for, if it said."""
        super().__init__(reason)
        self.retry_after = retry_after


class GatewayRefused(GatewayError):
    """It said no for good; asking again in the same words is no use."""
