"""What a provider says of themselves."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.booking_inputs import PointInput
from api.context import Info
from api.inputs import Given
from api.money import MoneyInput
from api.problems import InvalidInput
from api.provider_kinds import SpecialistTier
from api.providers import Provider
from api.scalars import TimeZone
from api.service_kinds import Trade
from db import profiles
from domain import providers as domain
from domain.people import Role
from domain.profile_changes import SaidPoint, SaidProfile


@strawberry.type(directives=[SIGNED_IN], description="The profile is as you want it.")
class UpdateProviderProfileSuccess:
    """The profile is as its provider wants it."""

    provider: domain.Provider = strawberry.field(
        graphql_type=Provider,
        description="You as a provider; `profileCompletion` says what is missing.",
    )


UpdateProviderProfileResult: TypeAlias = Annotated[
    UpdateProviderProfileSuccess | InvalidInput,
    strawberry.union(
        "UpdateProviderProfileResult", description="What came of updateProviderProfile."
    ),
]


@strawberry.input(
    description="What you say of yourself. Each part that is given takes the place of that part; "
    "what is left out or null stays. An empty text or list clears."
)
class UpdateProviderProfileInput:
    """What a provider says of themselves."""

    trade: Trade | None = strawberry.field(
        default=None, description="The trade you practise: with a first profile, and for ever."
    )
    time_zone: TimeZone | None = strawberry.field(
        default=None,
        description="The zone your working hours are in: with a first profile; your account's if "
        "left out. `updateAvailability` changes it.",
    )
    about: str | None = strawberry.field(
        default=None, description="What customers should know of you; up to 2000 characters."
    )
    photo_url: str | None = strawberry.field(
        default=None,
        description="Where a photograph of you is: an https address, up to 500 characters.",
    )
    hourly_rate: MoneyInput | None = strawberry.field(
        default=None, description="What an hour of yours costs."
    )
    tier: SpecialistTier | None = strawberry.field(
        default=None, description="How far you have specialised; for BRAND_SPECIALIST say in what."
    )
    brands: list[str] | None = strawberry.field(
        default=None,
        description="Brands you are specialised in, for mechanics and technicians: at most 30, of "
        "up to 50 characters.",
    )
    skills: list[str] | None = strawberry.field(
        default=None, description="What you know: at most 30, of up to 50 characters."
    )
    keywords: list[str] | None = strawberry.field(
        default=None,
        description="What you are good at: at most 30, by the names that `keywords` lists.",
    )
    service_ids: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="What you can be booked for: services of your trade, at most 100. (What has "
        "left the catalogue you may keep, and not take up.)",
    )
    country: str | None = strawberry.field(
        default=None,
        description='The country you work in, ISO 3166 alpha-2 such as "GB"; a first profile '
        "needs it.",
    )
    state_province: str | None = strawberry.field(
        default=None, description="The state, province or county; up to 100 characters."
    )
    city: str | None = strawberry.field(
        default=None,
        description="The city you work from, up to 100 characters; a first profile needs it.",
    )
    postal_code: str | None = strawberry.field(
        default=None,
        description="The postal code you work from, up to 16 characters; a first profile needs "
        "it. A new one without `point` forgets the point there was.",
    )
    point: PointInput | None = strawberry.field(
        default=None,
        description="Where that is, if you know: it makes distances exact. Nobody is shown it.",
    )
    radius_miles: float | None = strawberry.field(
        default=None, description="How far you travel, in miles: 1 to 100; 10 if never said."
    )
    years_experience: int | None = strawberry.field(
        default=None, description="How many years you have done this: 0 to 80."
    )

    def said(self) -> SaidProfile:
        """What was said, right or wrong. Raises InvalidInput for ids of something else."""
        at = self.point
        return SaidProfile(
            trade=self.trade,
            time_zone=self.time_zone,
            about=_text(self.about),
            photo_url=_text(self.photo_url),
            hourly_rate=self.hourly_rate.value() if self.hourly_rate else None,
            tier=self.tier,
            brands=_list(self.brands),
            skills=_list(self.skills),
            keywords=_list(self.keywords),
            service_ids=_services(self.service_ids),
            country=_code(self.country),
            state_province=_text(self.state_province),
            city=_text(self.city),
            postal_code=_code(self.postal_code),
            point=SaidPoint(latitude=at.latitude, longitude=at.longitude) if at else None,
            radius_miles=self.radius_miles,
            years_experience=self.years_experience,
        )


def _text(text: str | None) -> str | None:
    return None if text is None else text.strip()


def _code(text: str | None) -> str | None:
    return None if text is None else text.strip().upper()


def _list(words: list[str] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(words)


def _services(given: list[strawberry.ID] | None) -> Any:
    if given is None:
        return None
    return tuple(ids.parse("Service", one, "serviceIds", str(n)) for n, one in enumerate(given))


@strawberry.type
class ProfileMutations:
    """Saying who one is."""

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Say of yourself what customers and matching go by, in part or in full. The "
        "first time it makes you a provider, who waits for approval. Open offers that no longer "
        "fit you are withdrawn. All wrong fields are told at once.",
        graphql_type=UpdateProviderProfileResult,
    )
    async def update_provider_profile(
        self, info: Info, input: Given[UpdateProviderProfileInput]
    ) -> Any:
        """Change the profile."""
        said = input.said()
        async with info.context.begin() as tx:
            provider = await profiles.change(tx, said, by=info.context.user)
        return UpdateProviderProfileSuccess(provider=provider)
