"""What kinds of provider are there? By how far they have specialised, by where they stand with the
house, and by what their profile lacks."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.enums import describe
from api.views import view_of
from api.working_hours import OWN_OR_STAFF
from domain import approvals, profiles
from domain.approvals import ProviderApproval
from domain.profiles import ProfileItem
from domain.providers import SpecialistTier

__all__ = ["ProfileItem", "ProviderApproval", "SpecialistTier"]

describe(
    SpecialistTier,
    "How far a provider has specialised.",
    GENERAL="In nothing particular.",
    SPECIALIST="In some of the work of their trade.",
    BRAND_SPECIALIST="In the brands that they name.",
)
describe(
    ProviderApproval,
    "Whether a provider may get work.",
    PENDING="They wait for approval.",
    APPROVED="They may, as soon as their profile is complete enough.",
    SUSPENDED="They may not, for now.",
)
describe(
    ProfileItem,
    "A part of a provider's profile.",
    ABOUT="What they say of themselves.",
    PHOTO="What they look like.",
    HOURLY_RATE="What an hour of theirs costs.",
    SERVICES="What they can be booked for.",
    LOCATION="Where they work from, so that distances are known.",
    EXPERIENCE="How many years they have done this.",
    CERTIFICATIONS="Papers that they have shown.",
    SPECIALITIES="What they are good at: keywords or brands.",
    WORKING_HOURS="When they work: in a usual week, or on some dates.",
)


@strawberry.type(directives=[OWN_OR_STAFF], description="A part that a profile lacks.")
@view_of(profiles.Gap)
class ProfileGap:
    """A part that a profile lacks."""

    item: ProfileItem = strawberry.field(description="Which part.")
    weight: int = strawberry.field(description="What it is worth, in percent of the whole.")
    remedy: str = strawberry.field(description="How to mend it, for a person.")


@strawberry.type(directives=[OWN_OR_STAFF], description="How complete a provider's profile is.")
@view_of(profiles.Completion)
class ProfileCompletion:
    """How complete a provider's profile is."""

    percent: int = strawberry.field(
        description="As how complete it counts. From 80 on its provider is offered work."
    )
    missing: list[ProfileGap] = strawberry.field(
        description="What it lacks, the weightiest first; nothing at 100."
    )


@strawberry.type(directives=[OWN_OR_STAFF], description="Where a provider stands with the house.")
@view_of(approvals.Standing)
class ProviderStanding:
    """Where a provider stands with the house."""

    approval: ProviderApproval = strawberry.field(description="Whether they may get work.")
    approved_at: datetime | None = strawberry.field(description="When they were approved.")
    suspended_at: datetime | None = strawberry.field(
        description="Since when they are suspended; null while they are not."
    )
    suspended_because: str | None = strawberry.field(description="Why they are suspended.")
