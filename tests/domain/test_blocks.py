"""Who blocks for whom, whose word counts, and who may read why?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.blocks import BlockedByHouse, ProviderBlock, block, check_unblock, whose
from domain.people import Role
from domain.refusals import InvalidInput, NotFound
from tests.factories import CUSTOMER, NOW, PROVIDER, a_viewer

STAFF = UUID(int=50)
MINE = a_viewer()
HOUSE = a_viewer(user_id=STAFF, role=Role.DISPATCHER)


def a_block(**changes: Any) -> ProviderBlock:
    """The customer's own, without a reason."""
    facts: dict[str, Any] = {
        "id": UUID(int=40),
        "customer_id": CUSTOMER,
        "provider_id": PROVIDER,
        "blocked_by": CUSTOMER,
        "blocked_at": NOW,
    }
    return ProviderBlock(**facts | changes)


def test_a_customer_means_themselves_and_staff_say_whom() -> None:
    assert whose(MINE, None) == whose(MINE, CUSTOMER) == CUSTOMER
    assert whose(HOUSE, CUSTOMER) == CUSTOMER
    with pytest.raises(NotFound):
        whose(MINE, UUID(int=41))
    with pytest.raises(InvalidInput) as refused:
        whose(HOUSE, None)
    assert [error.path for error in refused.value.errors] == [("customerId",)]


def test_blocking_twice_is_the_same_as_once() -> None:
    first = a_block(reason="Rude.")
    later = a_block(id=UUID(int=42), blocked_at=NOW + timedelta(days=1), reason="Other.")

    assert block(first, None) == first
    assert block(later, first) == first


def test_the_houses_word_takes_the_place_of_the_customers_and_not_the_other_way() -> None:
    own = a_block()
    houses = a_block(id=UUID(int=42), blocked_by=STAFF, reason="Threats.")

    assert block(houses, own) == replace(houses, id=own.id)
    assert block(own, houses) == houses
    another = replace(houses, id=UUID(int=43), blocked_by=UUID(int=51))
    assert block(another, houses) == houses


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"reason": ""}, True),
        ({"reason": "x" * 500}, True),
        ({"reason": "x" * 501}, False),
        ({"reason": "nul\x00l"}, False),
        ({"reason": "", "blocked_by": STAFF}, False),
        ({"reason": "x", "blocked_by": STAFF}, True),
    ],
)
def test_the_house_gives_a_reason_and_a_customer_may(
    changes: dict[str, Any],
    fits: bool,
) -> None:
    new = a_block(**changes)
    if fits:
        assert block(new, None) == new
        return
    with pytest.raises(InvalidInput) as refused:
        block(new, None)
    assert [error.path for error in refused.value.errors] == [("reason",)]


def test_what_the_house_has_blocked_only_the_house_unblocks() -> None:
    check_unblock(a_block(), by=MINE)
    check_unblock(a_block(), by=HOUSE)
    houses = a_block(blocked_by=STAFF, reason="Threats.")
    check_unblock(houses, by=HOUSE)
    with pytest.raises(BlockedByHouse):
        check_unblock(houses, by=MINE)


def test_a_reason_is_read_by_who_said_it_and_by_staff() -> None:
    own, houses = a_block(reason="Rude."), a_block(blocked_by=STAFF, reason="Threats.")

    assert (own.reason_for(MINE), own.reason_for(HOUSE)) == ("Rude.", "Rude.")
    assert (houses.reason_for(MINE), houses.reason_for(HOUSE)) == (None, "Threats.")
    assert own.reason_for(a_viewer(user_id=STAFF)) is None
