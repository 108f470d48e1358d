"""Is what a provider writes of themselves kept in part and in order, and all that is wrong told?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.money import MAX_MINOR, Money
from domain.places import Point
from domain.profile_changes import MAX_SERVICES, SaidPoint, SaidProfile, written
from domain.providers import Provider, SpecialistTier
from domain.refusals import InvalidInput
from domain.services import Trade
from tests.factories import SERVICE, WESTMINSTER, a_provider, a_service, a_user

OTHER, GONE, UNKNOWN = (UUID(int=n) for n in (20, 21, 22))
MECHANICAL = UUID(int=23)
KNOWN = (
    a_service(),
    a_service(id=OTHER),
    a_service(id=GONE, active=False),
    a_service(id=MECHANICAL, trade=Trade.MECHANICAL),
)
FIRST: dict[str, Any] = {
    "trade": Trade.MECHANICAL,
    "country": "GB",
    "city": "London",
    "postal_code": "SW1A 2JR",
}


def say(
    before: Provider | None = None, *, offered: frozenset[UUID] = frozenset(), **said: Any
) -> tuple[Provider, frozenset[UUID]]:
    return written(before, SaidProfile(**said), person=a_user(), offered=offered, known=KNOWN)


def wrong(before: Provider | None, **said: Any) -> dict[str, str]:
    """Each wrong field and its remedy."""
    with pytest.raises(InvalidInput) as refused:
        say(before, **said)
    return {".".join(error.path): error.message for error in refused.value.errors}


def test_a_first_profile_makes_a_provider_who_waits() -> None:
    made, offers = say(**FIRST)

    assert made == Provider(
        id=a_user().id,
        given_name="John",
        family_name="Doe",
        trade=Trade.MECHANICAL,
        about="",
        time_zone="Europe/London",
        country="GB",
        state_province="",
        city="London",
        postal_code="SW1A 2JR",
        point=None,
        radius_miles=10.0,
        years_experience=0,
        rating=None,
        completed_jobs=0,
        approved_at=None,
        suspended_at=None,
    )
    assert not made.is_active
    assert offers == frozenset()


def test_everything_can_be_said_at_once() -> None:
    made, offers = say(
        **FIRST,
        time_zone="America/Toronto",
        about="I mend.",
        photo_url="https://example.com/me.jpg",
        hourly_rate=Money(amount_minor=1, currency="CAD"),
        tier=SpecialistTier.BRAND_SPECIALIST,
        brands=(" BMW ", "bmw", "Land  Rover"),
        skills=("Coding",),
        keywords=(" Brakes", "brakes", "ENGINE"),
        service_ids=(MECHANICAL, MECHANICAL),
        state_province="Ontario",
        point=SaidPoint(latitude=1.5, longitude=-2.5),
        radius_miles=99.96,
        years_experience=80,
    )

    assert (made.time_zone, made.about) == ("America/Toronto", "I mend.")
    assert made.photo_url == "https://example.com/me.jpg"
    assert made.hourly_rate == Money(amount_minor=1, currency="CAD")
    assert made.tier is SpecialistTier.BRAND_SPECIALIST
    assert made.brands == ("BMW", "Land Rover")
    assert made.skills == ("Coding",)
    assert made.keywords == ("brakes", "engine")
    assert made.state_province == "Ontario"
    assert made.point == Point(latitude=1.5, longitude=-2.5)
    assert (made.radius_miles, made.years_experience) == (100.0, 80)
    assert offers == {MECHANICAL}


def test_what_is_not_said_stays_and_what_is_empty_clears() -> None:
    before = a_provider(
        about="Hello", photo_url="https://example.com/a.jpg", skills=("Steam",), keywords=("oven",)
    )

    same, offers = say(before, offered=frozenset({SERVICE}))
    assert (same, offers) == (before, frozenset({SERVICE}))
    after, offers = say(
        before,
        offered=frozenset({SERVICE}),
        about="",
        photo_url="",
        skills=(),
        keywords=(),
        service_ids=(),
    )
    assert (after.about, after.photo_url, after.skills, after.keywords) == ("", "", (), ())
    assert (after.city, after.point, offers) == (before.city, before.point, frozenset())


@pytest.mark.parametrize(
    ("said", "point"),
    [
        ({"postal_code": "LS1 4DY"}, None),
        ({"country": "CA"}, None),
        ({"postal_code": "sw1a2jr", "country": "GB"}, WESTMINSTER),
        ({"city": "Leeds"}, WESTMINSTER),
        (
            {"postal_code": "LS1 4DY", "point": SaidPoint(latitude=53.8, longitude=-1.5)},
            Point(latitude=53.8, longitude=-1.5),
        ),
        (
            {"point": SaidPoint(latitude=53.8, longitude=-1.5)},
            Point(latitude=53.8, longitude=-1.5),
        ),
    ],
)
def test_a_point_does_not_outlive_the_postal_code_that_it_was_of(
    said: dict[str, Any], point: Point | None
) -> None:
    after, _ = say(a_provider(), **said)

    assert after.point == point


def test_a_first_profile_names_all_that_it_lacks_and_all_that_is_wrong() -> None:
    assert wrong(None, years_experience=81) == {
        "trade": "A first profile has to say this.",
        "country": "A first profile has to say this.",
        "city": "A first profile has to say this.",
        "postalCode": "A first profile has to say this.",
        "yearsExperience": "Give 0 to 80 years.",
    }
    # Without a trade nothing can be said of what belongs to one.
    assert list(wrong(None, brands=("BMW",), service_ids=(UNKNOWN,))) == [
        *("trade", "country", "city", "postalCode")
    ]


def test_every_wrong_field_is_told_at_once() -> None:
    found = wrong(
        a_provider(),
        about="x" * 2001,
        photo_url="http://example.com/me.jpg",
        hourly_rate=Money(amount_minor=0, currency="XXX"),
        tier=SpecialistTier.BRAND_SPECIALIST,
        skills=("ok", "nul\x00l"),
        keywords=("oven", "ovens!", "", "x\ud800"),
        service_ids=(SERVICE, UNKNOWN, MECHANICAL, GONE),
        country="gb",
        state_province="\x00",
        city="",
        postal_code="x" * 17,
        point=SaidPoint(latitude=91, longitude=-181),
        radius_miles=0.9,
        years_experience=-1,
    )

    whole = "Leave out null characters and halves of characters."
    assert found == {
        "skills.1": whole,
        "keywords.2": "Write 1 to 50 characters.",
        "keywords.3": whole,
        "keywords.1": "This is no keyword; the query `keywords` lists them all.",
        "point.latitude": "Give degrees from -90 to 90.",
        "point.longitude": "Give degrees from -180 to 180.",
        "about": "Write 0 to 2000 characters.",
        "photoUrl": "Give an https address of up to 500 characters, or nothing.",
        "hourlyRate.amountMinor": f"Give 1 to {MAX_MINOR}.",
        "hourlyRate.currency": 'Write an ISO 4217 code in capitals, such as "GBP".',
        "tier": "A brand specialist says in `brands` which brands.",
        "city": "Write 1 to 100 characters.",
        "stateProvince": whole,
        "postalCode": "Write 1 to 16 characters.",
        "country": 'Write the ISO 3166 code of two capitals, such as "GB".',
        "radiusMiles": "Give 1 to 100 miles.",
        "yearsExperience": "Give 0 to 80 years.",
        "serviceIds.1": "There is no such service of the trade CLEANING.",
        "serviceIds.2": "There is no such service of the trade CLEANING.",
        "serviceIds.3": "There is no such service of the trade CLEANING.",
    }


def test_brands_are_not_for_cleaners_but_what_they_have_is_left_alone() -> None:
    assert wrong(a_provider(), brands=("Dyson",)) == {
        "brands": "Brands are for mechanics and technicians; say it in skills or keywords."
    }
    old = a_provider(brands=("Dyson",))
    assert say(old, about="Hello")[0].brands == ("Dyson",)
    assert say(old, brands=())[0].brands == ()


def test_trade_and_zone_are_said_once() -> None:
    before = a_provider()

    assert wrong(before, trade=Trade.FACILITIES, time_zone="UTC") == {
        "trade": "Your trade stays CLEANING; leave it out.",
        "timeZone": "Use updateAvailability, which tells which bookings would no longer fit.",
    }
    same, _ = say(before, trade=Trade.CLEANING, time_zone="Europe/London")
    assert same == before


def test_a_service_that_left_the_catalogue_may_be_kept_and_not_taken_up() -> None:
    _, offers = say(a_provider(), offered=frozenset({GONE}), service_ids=(SERVICE, GONE))

    assert offers == {SERVICE, GONE}
    assert list(wrong(a_provider(), service_ids=(SERVICE, GONE))) == ["serviceIds.1"]


def test_a_list_of_services_has_an_end() -> None:
    ids = tuple(UUID(int=100 + n) for n in range(MAX_SERVICES + 1))

    assert wrong(a_provider(), service_ids=ids) == {"serviceIds": "Give at most 100."}


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ({"radius_miles": 1.0}, True),
        ({"radius_miles": 0.94}, False),
        ({"radius_miles": 100.0}, True),
        ({"radius_miles": 100.1}, False),
        ({"years_experience": 0}, True),
        ({"about": "x" * 2000}, True),
        ({"hourly_rate": Money(amount_minor=MAX_MINOR, currency="GBP")}, True),
        ({"hourly_rate": Money(amount_minor=MAX_MINOR + 1, currency="GBP")}, False),
        ({"photo_url": f"https://{'x' * 492}"}, True),
        ({"photo_url": f"https://{'x' * 493}"}, False),
        ({"photo_url": "https://x\x00"}, False),
        ({"skills": tuple(f"skill {n}" for n in range(30))}, True),
        ({"skills": tuple(f"skill {n}" for n in range(31))}, False),
    ],
)
def test_the_limits_are_where_they_are_said_to_be(said: dict[str, Any], fits: bool) -> None:
    if fits:
        say(a_provider(), **said)
    else:
        assert len(wrong(a_provider(), **said)) == 1
