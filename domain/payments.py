"""What can go wrong about paying?"""

from __future__ import annotations

from domain.refusals import Refusal


class PaymentUnavailable(Refusal):
    """No payment gateway is configured."""

    def __init__(self) -> None:
        super().__init__("This server has no way to take payments.")
