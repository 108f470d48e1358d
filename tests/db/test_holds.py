"""Whose time is kept for a customer who does not say whose?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from db import candidates, holds
from domain.house import HouseRules
from domain.matching import V2
from domain.places import Point
from tests.db.racing import act
from tests.factories import (
    a_request,
    add_customer,
    add_provider,
    add_providers,
    add_service,
    an_address,
    tomorrow,
)

if TYPE_CHECKING:
    from db.engine import Database

#: In the corner of the box around Westminster's ten miles: near in both degrees, and too far.
CORNER = an_address(point=Point(latitude=51.6310, longitude=0.0850))


async def test_the_best_by_the_policy_in_force_is_chosen(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    old_hand = await add_provider(crowd, service, years_experience=10, completed_jobs=5)
    newcomer = await add_provider(crowd, service, years_experience=0, completed_jobs=0)
    asked = a_request(
        customer_id=customer.user_id, service_id=service.id, starts_at=await tomorrow(crowd)
    )

    usual = await act(crowd, partial(holds.hold, asked=asked))
    fairer = await act(crowd, partial(holds.hold, asked=asked, house=HouseRules(policy=V2)))

    assert (usual.provider_id, fairer.provider_id) == (old_hand.user_id, newcomer.user_id)


async def test_a_crowd_of_more_promising_ones_who_cannot_come_keeps_nobody_from_it(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    promising: dict[str, Any] = {"radius_miles": 10, "years_experience": 20}
    await add_providers(crowd, service, count=candidates.LIMIT, **promising)
    able = await add_provider(crowd, service, radius_miles=50, years_experience=0)
    asked = a_request(
        customer_id=customer.user_id,
        service_id=service.id,
        starts_at=await tomorrow(crowd),
        address=CORNER,
    )

    kept = await act(crowd, partial(holds.hold, asked=asked))

    assert kept.provider_id == able.user_id
