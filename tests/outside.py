"""What stands in for the services outside, where a test says nothing else."""

from __future__ import annotations

from typing import Any

from gateways.letters import Renderer
from gateways.links import Links
from gateways.outside import Outside
from gateways.payments import DevelopmentGateway
from gateways.payouts import DevelopmentPayouts


def an_outside(**changes: Any) -> Outside:
    """Payments and payouts are pretended, and no message leaves."""
    facts: dict[str, Any] = {
        "payments": DevelopmentGateway(),
        "payouts": DevelopmentPayouts(),
        "mail": None,
        "sms": None,
        "push": None,
        "renderer": Renderer(
            outside_url="https://callout.example",
            app_url="https://app.callout.example",
            links=Links("a secret for the tests"),
            house_name="Callout",
            house_address="",
            house_zone="Europe/London",
        ),
    }
    return Outside(**facts | changes)
