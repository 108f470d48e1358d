"""How complete is a provider's profile, and what is missing?

One table says what a profile is made of and what each part is worth, in percent. Nothing in it goes
by the clock, so what is reckoned once stays true until the profile is changed: whether a
certification has run out is asked when work is matched.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.postcodes import centroid

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.providers import Provider


class ProfileItem(StrEnum):
    """A part of a profile."""

    ABOUT = "ABOUT"
    PHOTO = "PHOTO"
    HOURLY_RATE = "HOURLY_RATE"
    SERVICES = "SERVICES"
    LOCATION = "LOCATION"
    EXPERIENCE = "EXPERIENCE"
    CERTIFICATIONS = "CERTIFICATIONS"
    SPECIALITIES = "SPECIALITIES"
    WORKING_HOURS = "WORKING_HOURS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A provider, and what they have said elsewhere that makes their profile complete."""

    provider: Provider
    #: How many services they offer, and how many certifications they have shown, run out or not.
    services: int = 0
    certifications: int = 0
    #: Have they said when they work: in a usual week, or on some dates?
    has_hours: bool = False
    #: Counts as at least so complete: who was approved before profiles were reckoned keeps work.
    floor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A part that a profile lacks, what it is worth in percent, and how to mend it."""

    item: ProfileItem
    weight: int
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How complete a profile counts as, in percent, and what it lacks, the weightiest first."""

    percent: int
    missing: tuple[Gap, ...]


def completion(profile: Profile) -> Completion:
    """How complete the profile is."""
    missing = [
        Gap(item=item, weight=weight, remedy=remedy)
        for item, weight, has, remedy in _ITEMS
        if not has(profile)
    ]
    reckoned = WHOLE - sum(gap.weight for gap in missing)
    return Completion(
        percent=max(reckoned, profile.floor),
        missing=tuple(sorted(missing, key=lambda gap: -gap.weight)),
    )


def _can_be_found(profile: Profile) -> bool:
    one = profile.provider
    return one.point is not None or centroid(one.country, one.postal_code) is not None


WHOLE: Final = 100
_ITEMS: Final[tuple[tuple[ProfileItem, int, Callable[[Profile], bool], str], ...]] = (
    (
        ProfileItem.ABOUT,
        10,
        lambda one: bool(one.provider.about),
        "Say something of yourself, in `about`.",
    ),
    (
        ProfileItem.PHOTO,
        10,
        lambda one: bool(one.provider.photo_url),
        "Give the address of a photograph of you, in `photoUrl`.",
    ),
    (
        ProfileItem.HOURLY_RATE,
        10,
        lambda one: one.provider.hourly_rate is not None,
        "Say what an hour of yours costs, in `hourlyRate`.",
    ),
    (
        ProfileItem.SERVICES,
        15,
        lambda one: one.services > 0,
        "Choose what you can be booked for, in `serviceIds`.",
    ),
    (
        ProfileItem.LOCATION,
        15,
        _can_be_found,
        "Your postal code is not known to us: say where you are on the map, in `point`.",
    ),
    (
        ProfileItem.EXPERIENCE,
        5,
        lambda one: one.provider.years_experience > 0,
        "Say for how many years you have done this, in `yearsExperience`.",
    ),
    (
        ProfileItem.CERTIFICATIONS,
        10,
        lambda one: one.certifications > 0,
        "Show a certificate, a licence or an insurance, with `addCertification`.",
    ),
    (
        ProfileItem.SPECIALITIES,
        10,
        lambda one: bool(one.provider.keywords or one.provider.brands),
        "Say what you are good at, in `keywords` or `brands`.",
    ),
    (
        ProfileItem.WORKING_HOURS,
        15,
        lambda one: one.has_hours,
        "Say when you work, with `updateAvailability`.",
    ),
)

#: What each part is worth, in percent of the whole.
WEIGHTS: Final = {item: weight for item, weight, *_ in _ITEMS}
