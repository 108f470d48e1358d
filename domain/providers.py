"""Who does the work, what do they offer, where and when?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.places import is_district, outward_code
from domain.refusals import Refusal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.matching import Verdict
    from domain.money import Money
    from domain.people import Viewer
    from domain.places import Point
    from domain.services import Trade


class SpecialistTier(StrEnum):
    """How far a provider has specialised."""

    GENERAL = "GENERAL"
    SPECIALIST = "SPECIALIST"
    BRAND_SPECIALIST = "BRAND_SPECIALIST"


class ProviderNotEligible(Refusal):
    """This provider may not do this work. Carries each hard rule that stands in the way."""

    def __init__(self, broken: tuple[Verdict, ...]) -> None:
        rules = ", ".join(verdict.rule for verdict in broken)
        super().__init__(f"This provider cannot take this booking: {rules}.")
        self.broken = broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A person who does the work."""

    id: UUID
    given_name: str
    family_name: str
    trade: Trade
    about: str
    time_zone: str
    country: str
    state_province: str
    city: str
    postal_code: str
    point: Point | None
    radius_miles: float
    years_experience: int
    rating: float | None
    review_count: int = 0
    completed_jobs: int
    approved_at: datetime | None
    suspended_at: datetime | None
    suspended_because: str | None = None
    photo_url: str = ""
    #: What an hour of theirs costs, as they say; bookings are priced by the service.
    hourly_rate: Money | None = None
    tier: SpecialistTier = SpecialistTier.GENERAL
    #: Makes and manufacturers they are specialised in.
    brands: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    #: What they are good at, among the keywords that domain.keywords finds in a concern.
    keywords: tuple[str, ...] = ()
    #: How complete the profile is; from 80 on they get offers.
    profile_percent: int = 0

    @property
    def name(self) -> str:
        """The name customers see."""
        return f"{self.given_name} {self.family_name[:1]}.".strip()

    @property
    def area(self) -> str:
        """The postal district they work from; the whole code would name their house."""
        return outward_code(self.country, self.postal_code)

    def works_from(self, said: str) -> bool:
        """Is what was said their postal district, however it is written?"""
        return is_district(said, self.country, self.postal_code)

    def is_visible_to(self, viewer: Viewer) -> bool:
        """May the viewer see them? Who is active is seen by all; staff and oneself see always."""
        return self.is_active or viewer.is_staff or viewer.user_id == self.id

    def opens_to(self, viewer: Viewer) -> bool:
        """May the viewer see what is theirs and the house's: their hours in full, their time off,
        what their profile lacks, where they stand? Themselves and staff may."""
        return viewer.is_staff or viewer.user_id == self.id

    @property
    def is_active(self) -> bool:
        """May this provider get work?"""
        return self.approved_at is not None and self.suspended_at is None
