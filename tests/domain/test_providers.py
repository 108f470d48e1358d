"""What does the world see of a provider, and may they work?"""

from datetime import timedelta
from typing import Any

import pytest

from domain.people import Role
from tests.factories import NOW, a_provider, a_service, a_viewer


def test_customers_see_a_first_name_and_a_district() -> None:
    assert a_provider().name == "Chloe C."
    assert a_provider(family_name="").name == "Chloe ."
    assert a_provider().area == "SW1A"


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        ({}, True),
        ({"approved_at": None}, False),
        ({"suspended_at": NOW}, False),
        ({"approved_at": None, "suspended_at": NOW}, False),
    ],
)
def test_only_the_approved_who_are_not_suspended_may_work(
    changes: dict[str, Any], active: bool
) -> None:
    assert a_provider(**changes).is_active is active


def test_hours_in_full_are_shown_to_themselves_and_to_staff() -> None:
    provider = a_provider()
    viewers = (
        a_viewer(user_id=provider.id, role=Role.PROVIDER),
        a_viewer(role=Role.DISPATCHER),
        a_viewer(role=Role.PROVIDER),
        a_viewer(),
    )

    assert [provider.opens_to(one) for one in viewers] == [True, True, False, False]


def test_a_service_takes_the_time_it_says() -> None:
    assert a_service(duration_minutes=95).duration == timedelta(hours=1, minutes=35)


def test_their_district_is_known_however_it_is_written() -> None:
    provider = a_provider(postal_code="SW1A 2JR")
    assert all(provider.works_from(said) for said in ("SW1A", " sw1a ", "sw 1a", "SW1A 2AA"))
    assert not any(provider.works_from(said) for said in ("SW1", "E1", "", "SW"))
