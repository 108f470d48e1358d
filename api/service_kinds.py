"""What kinds of service are there? By trade, by where the work is done, by who has to say yes."""

from __future__ import annotations

from api.enums import describe
from domain.services import ApprovalPolicy, ServiceMode, Trade

__all__ = ["ApprovalPolicy", "ServiceMode", "Trade"]

describe(
    Trade,
    "The line of work a service belongs to and a provider practises.",
    CLEANING="Cleaning of homes and offices.",
    MECHANICAL="Repair and diagnosis of vehicles.",
    FACILITIES="Housekeeping and maintenance of buildings.",
)
describe(
    ServiceMode,
    "Where provider and customer meet.",
    ON_SITE="At the booking's address.",
    VIDEO="In a video call.",
    CHAT="In writing.",
)
describe(
    ApprovalPolicy,
    "Whether a booking waits for a person's yes.",
    INSTANT="It goes ahead at once.",
    MANUAL="It waits until a dispatcher approves or declines it.",
)
