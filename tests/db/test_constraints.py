"""Has the database the last word on winners and on time, whatever the code above it does?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from db.engine import constraint
from db.ids import new_id
from db.reservations import NO_DOUBLE_BOOKING
from db.tables import reservations
from domain.offers import OfferState
from tests.db.racing import act
from tests.factories import (
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    now,
)

if TYPE_CHECKING:
    from db.engine import Database

HOUR = timedelta(hours=1)


async def test_a_booking_has_one_winner(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    everyone = await add_providers(crowd, service, count=2)
    booking = await add_booking(crowd, customer, service)
    won = {"state": OfferState.ACCEPTED, "resolved_at": await now(crowd)}
    await add_offers(crowd, booking, everyone[:1], **won)

    with pytest.raises(IntegrityError) as refused:
        await add_offers(crowd, booking, everyone[1:], **won)
    assert constraint(refused.value) == "uq_job_offers_winner"


async def test_a_booking_has_one_open_offer_to_a_provider(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    await add_offers(crowd, booking, [provider])

    with pytest.raises(IntegrityError) as refused:
        await add_offers(crowd, booking, [provider], round=2)
    assert constraint(refused.value) == "uq_job_offers_open"


async def test_a_providers_live_times_do_not_overlap(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    row = {"provider_id": provider.user_id, "booking_id": booking.id}
    window: Any = {"starts_at": booking.starts_at, "ends_at": booking.ends_at}

    async def take(tx: Any, **changes: Any) -> None:
        await tx.execute(insert(reservations).values(row | window | {"id": new_id()} | changes))

    await act(crowd, partial(take, released_at=booking.starts_at))
    await act(crowd, take)
    with pytest.raises(IntegrityError) as refused:
        await act(crowd, partial(take, starts_at=booking.ends_at - HOUR))
    assert constraint(refused.value) == NO_DOUBLE_BOOKING
