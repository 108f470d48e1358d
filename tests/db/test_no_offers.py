"""Is a provider told what keeps offers away, and what passed them by?"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import Double, column, event, insert, select, update, values

from db import matching, no_offers, offers
from db.ids import new_id
from db.tables import bookings as bookings_table
from db.tables import certifications, provider_blocks, time_off, working_hours
from db.tables import providers as providers_table
from domain.matching import HardRule
from domain.matching.no_offers import LOOK_BACK, MOST_PASSED, Extent, Hindrance
from domain.offers import OfferState
from domain.people import Role
from domain.places import FIELD, Point, rough
from domain.refusals import InvalidInput, NotFound
from domain.services import Requirements
from tests.db.racing import act
from tests.factories import (
    NOW,
    a_viewer,
    add_booking,
    add_completed,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_service,
    an_address,
    count_rows,
    fall_silent,
    now,
    read_offers,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.matching.no_offers import NoOffers
    from domain.people import Viewer

HOUR = timedelta(hours=1)
#: Ten miles and a half north, of which the provider travels ten; and four.
TOO_FAR = an_address(point=Point(latitude=51.5010 + 10.5 / 69.0934, longitude=-0.1246))
#: In the corner of the box around ten miles: near in both degrees, and too far all the same.
CORNER = an_address(point=Point(latitude=51.6310, longitude=0.0850))
FOUR_MILES = an_address(
    postal_code="N7 9RL", point=Point(latitude=51.5010 + 4.2 / 69.0934, longitude=-0.1246)
)


async def asked(database: Database, named: UUID | None = None, *, by: Viewer) -> NoOffers:
    async with database.read() as connection:
        return await no_offers.of_provider(connection, named, by=by)


def hindrances(found: NoOffers) -> list[tuple[Hindrance, Extent]]:
    return [(one.hindrance, one.extent) for one in found.obstacles]


async def test_with_nothing_in_the_way_and_no_work_that_is_the_answer(crowd: Database) -> None:
    service = await add_service(crowd)
    provider = await add_provider(crowd, service)

    found = await asked(crowd, by=provider)

    assert (found.provider_id, found.obstacles, found.passed_by) == (provider.user_id, (), ())
    assert found.offers_made == 0
    assert found.answer == "Nothing stands in the way; there was no work in the last 7 days."
    assert found.completion.percent < 100


async def test_everything_in_the_way_is_found(crowd: Database) -> None:
    gas = await add_service(crowd, required_certifications=["gas-safe"])
    at = await now(crowd)
    provider = await add_provider(
        crowd, gas, on_shift=False, suspended_at=at, suspended_because="Late.", profile_percent=40
    )
    mine = {"provider_id": provider.user_id}
    paper = {"code": "gas-safe", "name": "Gas", "issuer": "G", "number": "1", "added_at": at}
    async with crowd.begin() as tx:
        run_out = {"id": new_id(), "expires_on": date(2020, 1, 1)}
        await tx.execute(insert(certifications).values(mine | paper | run_out))
        await tx.execute(
            working_hours.delete().where(working_hours.c.provider_id == provider.user_id)
        )
        off = {"id": new_id(), "starts_at": at - HOUR, "ends_at": at + HOUR, "requested_at": at}
        await tx.execute(insert(time_off).values(mine | off | {"requested_by": provider.user_id}))

    found = await asked(crowd, by=provider)

    assert hindrances(found) == [
        (Hindrance.SUSPENDED, Extent.ALL),
        (Hindrance.PROFILE_INCOMPLETE, Extent.ALL),
        (Hindrance.NO_HOURS, Extent.ALL),
        (Hindrance.CERTIFICATION, Extent.ALL),
        (Hindrance.TIME_OFF, Extent.TODAY),
        (Hindrance.OFF_SHIFT, Extent.IMMEDIATE),
    ]
    assert found.obstacles[0].message == "You are suspended: Late."
    assert found.obstacles[3].message.endswith("yours has run out.")


async def test_a_good_paper_a_silent_device_and_a_full_day(crowd: Database) -> None:
    gas = await add_service(crowd, required_certifications=["gas-safe"])
    customer = await add_customer(crowd)
    provider = await add_provider(crowd, gas, daily_cap=1)
    at = await now(crowd)
    paper = {"code": "gas-safe", "name": "Gas", "issuer": "G", "number": "1", "added_at": at}
    verified = {"verified_at": at, "verified_by": customer.user_id, "id": new_id()}
    async with crowd.begin() as tx:
        mine = {"provider_id": provider.user_id}
        await tx.execute(insert(certifications).values(mine | paper | verified))
    assert hindrances(await asked(crowd, by=provider)) == []

    await fall_silent(crowd, provider)
    taken = {"provider_id": provider.user_id, "assigned_at": at, "match_due_at": None}
    await add_booking(crowd, customer, gas, starts_at=at, **taken)

    assert hindrances(await asked(crowd, by=provider)) == [
        (Hindrance.DAILY_CAP, Extent.TODAY),
        (Hindrance.HEARTBEAT_STALE, Extent.IMMEDIATE),
    ]


async def test_who_offers_nothing_that_can_be_booked_is_told_so(crowd: Database) -> None:
    gone = await add_service(crowd, active=False)
    provider = await add_provider(crowd, gone)
    assert hindrances(await asked(crowd, by=provider)) == [(Hindrance.NO_SERVICES, Extent.ALL)]


async def test_work_that_was_not_offered_is_told_with_the_rules_in_the_way(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service, radius_miles=10)
    starts_at = await now(crowd) + timedelta(days=2)
    wanted = {"starts_at": starts_at, "address": FOUR_MILES}
    brand = await add_booking(crowd, customer, service, requested_brand="Bosch", **wanted)

    found = await asked(crowd, by=provider)

    (passed,) = found.passed_by
    assert passed.service_id == service.id
    assert (passed.starts_at, passed.ends_at) == (brand.starts_at, brand.ends_at)
    assert (passed.area, passed.distance_miles, passed.is_open) == ("N7", 4, True)
    assert [one.rule for one in passed.broken] == [HardRule.BRAND]
    assert passed.why == "BRAND (not specialised in Bosch)"
    assert found.answer.startswith("Nothing stands in the way in general: see what passed you by")


async def test_what_was_offered_or_is_elsewhere_or_theirs_or_old_did_not_pass_by(
    crowd: Database,
) -> None:
    service, other = await add_service(crowd), await add_service(crowd)
    customer = await add_customer(crowd)
    provider = await add_provider(crowd, service, radius_miles=10)
    at = await now(crowd)
    shown = await add_booking(crowd, customer, service)
    offered = await add_booking(crowd, customer, service)
    # What others were offered does not count, nor what was offered long ago.
    await add_offers(crowd, offered, [provider, await add_provider(crowd, service)])
    long_ago = at - LOOK_BACK - timedelta(minutes=1)
    past = {"offered_at": long_ago, "expires_at": at, "round": 0}
    settled = {"state": OfferState.EXPIRED, "resolved_at": at}
    await add_offers(crowd, offered, [provider], **past | settled)
    await add_booking(crowd, customer, other)
    await add_booking(crowd, customer, service, address=TOO_FAR)
    # Booked with somebody directly: nobody was looked for.
    await add_booking(crowd, customer, service, match_due_at=None)
    await add_completed(crowd, customer, service, provider, round=1)
    old = await add_booking(crowd, customer, service, match_due_at=None, round=1)
    b = bookings_table.c
    async with crowd.begin() as tx:
        before = {"requested_at": at - LOOK_BACK - timedelta(minutes=1)}
        await tx.execute(update(bookings_table).where(b.id == old.id).values(before))

    found = await asked(crowd, by=provider)

    assert [one.starts_at for one in found.passed_by] == [shown.starts_at]
    assert found.offers_made == 1


async def test_where_nobody_travels_or_the_place_is_not_known_work_is_near(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service, radius_miles=10)
    await add_booking(
        crowd, customer, service, address=TOO_FAR, requirements=Requirements(on_site=False)
    )
    await add_booking(crowd, customer, service, address=an_address(point=None))
    await add_booking(crowd, customer, service, address=CORNER)

    found = await asked(crowd, by=provider)

    corner, unknown, video = found.passed_by
    assert [one.rule for one in corner.broken] == [HardRule.RADIUS]
    assert corner.broken[0].saw == "about 13 miles away, limit 10"
    assert (unknown.broken, video.broken) == ((), ())
    assert video.distance_miles is None


async def test_a_provider_whose_place_is_not_known_is_near_everything(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    nowhere: dict[str, Any] = {
        "latitude": None,
        "longitude": None,
        "postal_code": "?",
        "country": "FR",
    }
    provider = await add_provider(crowd, service, **nowhere)
    await add_booking(crowd, customer, service, address=TOO_FAR)
    await add_booking(crowd, customer, service, address=an_address(point=None))
    assert len((await asked(crowd, by=provider)).passed_by) == 2


async def test_whoever_has_blocked_them_is_not_given_away(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    await add_booking(crowd, customer, service)
    block = {"id": new_id(), "customer_id": customer.user_id, "blocked_at": NOW}
    block |= {"provider_id": provider.user_id, "blocked_by": customer.user_id}
    async with crowd.begin() as tx:
        await tx.execute(insert(provider_blocks).values(block))

    found = await asked(crowd, by=provider)

    assert found.passed_by == ()
    assert found.answer == "Nothing stands in the way; there was no work in the last 7 days."


async def test_of_much_that_passed_by_the_newest_twenty_are_told(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    at = await now(crowd)
    starts = [at + timedelta(days=1, hours=n) for n in range(MOST_PASSED + 2)]
    for one in starts:
        await add_booking(crowd, customer, service, starts_at=one)
    before = await count_rows(crowd, bookings_table, providers_table)
    statements: list[str] = []

    def count(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(crowd.engine.sync_engine, "before_cursor_execute", count)
    found = await asked(crowd, by=provider)
    event.remove(crowd.engine.sync_engine, "before_cursor_execute", count)

    assert [one.starts_at for one in found.passed_by] == starts[:1:-1]
    assert not any("FOR " in one for one in statements if one.startswith("SELECT"))
    assert len(statements) == 17
    assert await count_rows(crowd, bookings_table, providers_table) == before


async def test_what_is_told_of_open_work_is_what_matching_then_does(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    fit = await add_provider(crowd, service)
    unfit = await add_provider(crowd, service, radius_miles=2)
    booking = await add_booking(crowd, customer, service, address=FOUR_MILES)
    (open_to_fit,) = (await asked(crowd, by=fit)).passed_by
    assert (await asked(crowd, by=unfit)).passed_by == ()

    await act(crowd, partial(matching.advance, booking_id=booking.id))

    assert open_to_fit.broken == ()
    made = await read_offers(crowd, booking.id)
    assert set(made) == {fit.user_id}
    found = await asked(crowd, by=fit)
    assert (found.passed_by, found.offers_made) == ((), 1)
    assert found.answer.startswith("Nothing stands in the way: you had all offers there were")
    await act(
        crowd, partial(offers.reject, offer_id=made[fit.user_id].id, by=fit.user_id, reason="")
    )
    assert (await asked(crowd, by=fit)).passed_by == ()


async def test_staff_ask_for_whom_they_name_and_providers_for_themselves(crowd: Database) -> None:
    service, staff = await add_service(crowd), await add_dispatcher(crowd)
    provider, other = await add_provider(crowd, service), await add_provider(crowd, service)
    uid = provider.user_id
    assert (await asked(crowd, uid, by=staff)).provider_id == uid
    assert (await asked(crowd, uid, by=provider)).provider_id == uid
    with pytest.raises(NotFound):
        await asked(crowd, other.user_id, by=provider)
    with pytest.raises(NotFound):
        await asked(crowd, uuid4(), by=staff)
    with pytest.raises(InvalidInput):
        await asked(crowd, by=staff)


async def test_who_has_only_signed_up_is_told_to_write_a_profile(crowd: Database) -> None:
    user = await add_customer(crowd)
    new = a_viewer(user_id=user.user_id, role=Role.PROVIDER)
    assert hindrances(await asked(crowd, by=new)) == [(Hindrance.NO_PROFILE, Extent.ALL)]


@pytest.mark.parametrize(("north", "west"), [(1, 0), (0, 1), (1, 1)])
async def test_who_moves_about_is_shown_all_work_of_a_field_or_none(
    crowd: Database, north: int, west: int
) -> None:
    """Else what appears, and what is gone, would lead to the door."""
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service, radius_miles=2)
    starts_at = await now(crowd) + timedelta(days=1)
    for home in (
        Point(latitude=51.4960, longitude=-0.1249),
        Point(latitude=51.5099, longitude=-0.1001),
    ):
        await add_booking(
            crowd, customer, service, starts_at=starts_at, address=an_address(point=home)
        )
    mine = update(providers_table).where(providers_table.c.id == provider.user_id)
    many = set()
    for step in range(30):
        away = step / 500
        there = {"latitude": 51.5020 + north * away, "longitude": -0.1120 - west * away}
        async with crowd.begin() as tx:
            await tx.execute(mine.values(there))
        found = (await asked(crowd, by=provider)).passed_by
        assert len(set(found)) <= 1
        many.add(len(found))
    assert many == {0, 2}


async def test_the_database_and_the_domain_know_the_same_fields(crowd: Database) -> None:
    at = [
        *((51.5010, -0.1246), (43.6446, -79.3952), (-33.9, 151.2), (0.0, 0.0), (0.015, 0.025)),
        *((90.0, 180.0), (-90.0, -180.0), (51.495, -0.125), (51.51, -0.1), (-0.0149, -0.0249)),
    ]
    high, wide = column("high", Double), column("wide", Double)
    rows = values(high, wide, name="places").data(at)
    middles = (no_offers.middle(high, FIELD[0], 90), no_offers.middle(wide, FIELD[1], 180))
    async with crowd.read() as connection:
        found = (await connection.execute(select(high, wide, *middles).select_from(rows))).all()

    assert len(found) == len(at)
    for latitude, longitude, *middle in found:
        said = rough(Point(latitude=latitude, longitude=longitude))
        assert said is not None
        assert (said.latitude, said.longitude) == tuple(middle)
