"""Is a profile reckoned by the table, and is what it lacks told with its weight?"""

from __future__ import annotations

from typing import Any

import pytest

from domain.money import Money
from domain.profiles import WEIGHTS, Profile, ProfileItem, completion
from tests.factories import a_provider

#: A provider who has said all there is to say, and their other facts.
SAID: dict[str, Any] = {
    "about": "Ten years of clean homes.",
    "photo_url": "https://example.com/chloe.jpg",
    "hourly_rate": Money(amount_minor=2400, currency="GBP"),
    "years_experience": 1,
    "keywords": ("oven",),
}
FACTS: dict[str, Any] = {"services": 1, "certifications": 1, "has_hours": True}

#: What has to be taken away for each part to be missing.
WITHOUT: dict[ProfileItem, dict[str, Any]] = {
    ProfileItem.ABOUT: {"about": ""},
    ProfileItem.PHOTO: {"photo_url": ""},
    ProfileItem.HOURLY_RATE: {"hourly_rate": None},
    ProfileItem.SERVICES: {"services": 0},
    ProfileItem.LOCATION: {"point": None, "postal_code": "10115", "country": "DE"},
    ProfileItem.EXPERIENCE: {"years_experience": 0},
    ProfileItem.CERTIFICATIONS: {"certifications": 0},
    ProfileItem.SPECIALITIES: {"keywords": ()},
    ProfileItem.WORKING_HOURS: {"has_hours": False},
}


def a_profile(**changes: Any) -> Profile:
    facts = {name: changes.pop(name, value) for name, value in (FACTS | {"floor": 0}).items()}
    return Profile(provider=a_provider(**SAID | changes), **facts)


def test_the_weights_make_a_whole() -> None:
    assert WEIGHTS == {
        ProfileItem.ABOUT: 10,
        ProfileItem.PHOTO: 10,
        ProfileItem.HOURLY_RATE: 10,
        ProfileItem.SERVICES: 15,
        ProfileItem.LOCATION: 15,
        ProfileItem.EXPERIENCE: 5,
        ProfileItem.CERTIFICATIONS: 10,
        ProfileItem.SPECIALITIES: 10,
        ProfileItem.WORKING_HOURS: 15,
    }
    assert sum(WEIGHTS.values()) == 100


def test_a_profile_with_everything_is_complete() -> None:
    found = completion(a_profile())

    assert (found.percent, found.missing) == (100, ())


@pytest.mark.parametrize("item", ProfileItem)
def test_each_part_that_is_missing_takes_its_weight_and_is_told(item: ProfileItem) -> None:
    found = completion(a_profile(**WITHOUT[item]))

    (gap,) = found.missing
    assert (gap.item, gap.weight) == (item, WEIGHTS[item])
    assert found.percent == 100 - WEIGHTS[item]


@pytest.mark.parametrize(
    "changes",
    [
        {"point": None},
        {"point": None, "country": "CA", "postal_code": "M5V 2T6"},
        {"country": "DE", "postal_code": "10115"},
        {"keywords": (), "brands": ("BMW",)},
        {"brands": ("BMW",)},
        {"services": 7, "certifications": 3},
    ],
)
def test_a_known_postal_code_or_a_point_and_keywords_or_brands_are_enough(
    changes: dict[str, Any],
) -> None:
    assert completion(a_profile(**changes)).percent == 100


def test_what_is_missing_comes_by_its_weight_with_what_to_do() -> None:
    nothing: dict[str, Any] = {}
    for without in WITHOUT.values():
        nothing |= without

    found = completion(a_profile(**nothing))

    assert found.percent == 0
    assert [(gap.item, gap.weight) for gap in found.missing] == [
        (ProfileItem.SERVICES, 15),
        (ProfileItem.LOCATION, 15),
        (ProfileItem.WORKING_HOURS, 15),
        (ProfileItem.ABOUT, 10),
        (ProfileItem.PHOTO, 10),
        (ProfileItem.HOURLY_RATE, 10),
        (ProfileItem.CERTIFICATIONS, 10),
        (ProfileItem.SPECIALITIES, 10),
        (ProfileItem.EXPERIENCE, 5),
    ]
    assert found.missing[0].remedy == "Choose what you can be booked for, in `serviceIds`."
    assert found.missing[2].remedy == "Say when you work, with `updateAvailability`."


def test_who_was_approved_before_counts_as_complete_enough_and_hears_what_is_missing() -> None:
    poor = completion(a_profile(services=0, has_hours=False, floor=80))
    rich = completion(a_profile(photo_url="", floor=80))

    assert (poor.percent, [gap.weight for gap in poor.missing]) == (80, [15, 15])
    assert rich.percent == 90
