"""Through whom did a change of a booking come?"""

from typing import Any, Final
from uuid import UUID

import pytest

from domain.history import Source, source
from tests.factories import CUSTOMER, NOW, PROVIDER, a_booking

STRANGER, FORMER = UUID(int=99), UUID(int=98)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}


class TestTheSourceOfAChange:
    @pytest.mark.parametrize(
        ("actor", "expected"),
        [
            (None, Source.CALLOUT),
            (CUSTOMER, Source.CUSTOMER),
            (PROVIDER, Source.PROVIDER),
            (STRANGER, Source.STAFF),
        ],
    )
    def test_is_who_the_actor_is_to_the_booking(self, actor: UUID | None, expected: Source) -> None:
        booking = a_booking(**STAFFED)
        assert source(booking, booking, actor) is expected

    def test_of_a_request_is_its_customer_or_staff_who_made_it_for_them(self) -> None:
        assert source(None, a_booking(), CUSTOMER) is Source.CUSTOMER
        assert source(None, a_booking(), STRANGER) is Source.STAFF

    def test_is_the_provider_who_accepts_although_they_had_it_not_before(self) -> None:
        assert source(a_booking(), a_booking(**STAFFED), PROVIDER) is Source.PROVIDER

    def test_is_the_provider_who_gives_it_back_although_they_have_it_not_after(self) -> None:
        assert source(a_booking(**STAFFED), a_booking(), PROVIDER) is Source.PROVIDER

    def test_is_staff_who_give_it_from_one_provider_to_another(self) -> None:
        after = a_booking(provider_id=FORMER, assigned_at=NOW)
        assert source(a_booking(**STAFFED), after, STRANGER) is Source.STAFF

    def test_is_never_a_provider_where_there_is_none(self) -> None:
        assert source(a_booking(), a_booking(), PROVIDER) is Source.STAFF
