"""Which addresses does a customer keep?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.people import Role
from domain.refusals import InvalidInput
from domain.saved_addresses import MAX_ADDRESSES, SavedAddress, TooManyAddresses, save
from tests.factories import CUSTOMER, PROVIDER, a_viewer, an_address


def a_saved_address(**changes: Any) -> SavedAddress:
    facts: dict[str, Any] = {
        "id": UUID(int=7),
        "customer_id": CUSTOMER,
        "label": "Home",
        "address": an_address(),
    }
    return SavedAddress(**facts | changes)


def test_an_address_is_kept_while_there_is_room() -> None:
    kept = a_saved_address(access_instructions="Ring twice.", is_default=True)
    assert save(kept, others=MAX_ADDRESSES - 1) == kept
    with pytest.raises(TooManyAddresses) as refused:
        save(kept, others=MAX_ADDRESSES)
    assert refused.value.limit == 50


def test_every_wrong_field_is_named_at_once() -> None:
    place = an_address(
        line1="",
        line2="x" * 201,
        city="",
        state_province="x" * 101,
        postal_code="x" * 17,
        country="Britain",
    )
    wrong = a_saved_address(label="", access_instructions="x" * 2001, address=place)
    with pytest.raises(InvalidInput) as refused:
        save(wrong, others=0)
    assert [error.path for error in refused.value.errors] == [
        ("label",),
        ("accessInstructions",),
        ("address", "line1"),
        ("address", "line2"),
        ("address", "city"),
        ("address", "stateProvince"),
        ("address", "postalCode"),
        ("address", "country"),
    ]


def test_the_longest_texts_are_taken() -> None:
    place = an_address(
        line1="x" * 200,
        line2="x" * 200,
        city="x" * 100,
        state_province="x" * 100,
        postal_code="x" * 16,
    )
    longest = a_saved_address(label="x" * 50, access_instructions="x" * 2000, address=place)
    assert save(longest, others=0) == longest


def test_an_address_is_its_customers_alone() -> None:
    assert a_saved_address().is_visible_to(a_viewer())
    assert not a_saved_address().is_visible_to(a_viewer(user_id=PROVIDER))
    assert not a_saved_address().is_visible_to(a_viewer(user_id=PROVIDER, role=Role.ADMIN))
