"""Is what was chosen in shadow found again, and only that of the time that is asked for?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select

from db import comparison, matching, offers
from db.ids import new_id
from db.tables import shadow_choices
from domain.house import DEFAULT
from domain.matching import V2
from domain.matching import comparison as rules
from domain.offers import OfferState, Wave
from domain.pages import PageRequest
from domain.refusals import InvalidInput
from tests.db.racing import act
from tests.factories import (
    add_booking,
    add_customer,
    add_provider,
    add_service,
    now,
    read_offers,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.matching.comparison import Comparison

HOUR = timedelta(hours=1)
SHADOWED = replace(DEFAULT, shadow=V2)


async def compared(
    database: Database, earliest: datetime, latest: datetime, policy: str = "v2"
) -> Comparison:
    async with database.read() as connection:
        return await comparison.compare(connection, policy, earliest=earliest, latest=latest)


async def note(database: Database, booking: Booking, **changes: Any) -> UUID:
    """Something that a policy chose in shadow, just now."""
    noted = new_id()
    row = {
        "id": noted,
        "booking_id": booking.id,
        "round": 1,
        "wave": Wave.TARGETED,
        "at": await now(database),
        "policy": "v2",
        "live_policy": "v1",
        "chosen": [],
        "scores": [],
        "live_chosen": [],
        "candidates": 4,
    } | changes
    async with database.begin() as tx:
        await tx.execute(insert(shadow_choices).values(row))
    return noted


async def test_what_matching_notes_is_what_is_compared(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    begun = await now(crowd)
    # By v1 whoever has done most comes first; v2 puts the newcomer before the second.
    old = [await add_provider(crowd, service, completed_jobs=60) for _ in range(3)]
    new = await add_provider(crowd, service, years_experience=5)
    booking = await add_booking(crowd, customer, service)
    await act(crowd, partial(matching.advance, booking_id=booking.id, house=SHADOWED))
    made = await read_offers(crowd, booking.id)
    assert set(made) == {one.user_id for one in old}
    winner = old[0].user_id
    await act(crowd, partial(offers.accept, offer_id=made[winner].id, by=winner))

    found = await compared(crowd, begun, await now(crowd))

    assert (found.policy, found.live_policies, found.complete) == ("v2", ("v1",), True)
    assert (found.rounds, found.bookings, found.filled) == (1, 1, 1)
    assert found.filled_by_live_chosen == 1
    async with crowd.read() as connection:
        page = await comparison.page(connection, PageRequest(limit=5), booking_id=booking.id)
        assert await comparison.count(connection, booking_id=booking.id) == 1
    (choice,) = page.items
    assert set(choice.live_chosen) == set(made)
    assert choice.chosen[0] == new.user_id
    assert (choice.booking_id, choice.round, choice.wave) == (booking.id, 1, Wave.TARGETED)
    assert (choice.policy, choice.live_policy, choice.candidates) == ("v2", "v1", 4)
    assert list(choice.scores) == sorted(choice.scores, reverse=True)
    assert len(choice.scores) == len(choice.chosen) == 3
    assert found == rules.compare("v2", [choice], {booking.id: winner})
    # What is chosen in shadow reaches nobody.
    assert {one.state for one in made.values()} == {OfferState.OFFERED}
    assert new.user_id not in await read_offers(crowd, booking.id)


async def test_only_the_policy_and_the_time_that_are_asked_for_count(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    someone = (await add_provider(crowd, service)).user_id
    booking = await add_booking(crowd, customer, service)
    at = await now(crowd)
    chose = {"chosen": [someone], "scores": [100]}
    for number, seconds in enumerate((-1, 0, 1800, 3600), start=1):
        await note(crowd, booking, round=number, at=at + timedelta(seconds=seconds), **chose)
    await note(crowd, booking, policy="v1", at=at, **chose)

    found = await compared(crowd, at, at + HOUR)

    # From the first instant on, until before the last.
    assert (found.rounds, found.shadow.choices, found.filled) == (2, 2, 0)
    assert (await compared(crowd, at, at + HOUR, "v1")).rounds == 1
    assert (await compared(crowd, at + 2 * HOUR, at + 3 * HOUR)).rounds == 0


async def test_of_too_much_the_newest_are_compared_and_that_is_said(
    crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    someone, other = [(await add_provider(crowd, service)).user_id for _ in range(2)]
    booking = await add_booking(crowd, customer, service)
    at = await now(crowd)
    for number, who in enumerate((other, someone, someone), start=1):
        when = at + timedelta(seconds=number)
        await note(crowd, booking, round=number, at=when, chosen=[who], scores=[1])

    monkeypatch.setattr(comparison, "MOST_ROUNDS", 3)
    assert (await compared(crowd, at, at + HOUR)).complete
    monkeypatch.setattr(comparison, "MOST_ROUNDS", 2)
    found = await compared(crowd, at, at + HOUR)

    assert (found.complete, found.rounds) == (False, 2)
    assert (found.shadow.providers, found.shadow.most) == (1, 2)


async def test_what_cannot_be_compared_is_refused(crowd: Database) -> None:
    at = await now(crowd)
    with pytest.raises(InvalidInput):
        await compared(crowd, at, at)
    with pytest.raises(InvalidInput):
        await compared(crowd, at, at + HOUR, "v9")


async def test_the_choices_for_a_booking_are_paged_oldest_first(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    booking = await add_booking(crowd, customer, service)
    other = await add_booking(crowd, customer, service)
    noted = [await note(crowd, booking, round=n) for n in (1, 2, 3)]
    await note(crowd, other)

    async with crowd.read() as connection:
        first = await comparison.page(connection, PageRequest(limit=2), booking_id=booking.id)
        after = PageRequest(limit=2, after=first.keys[-1])
        rest = await comparison.page(connection, after, booking_id=booking.id)
        total = await comparison.count(connection, booking_id=booking.id)
        kept = set(await connection.scalars(select(shadow_choices.c.id)))

    assert [one.id for one in (*first.items, *rest.items)] == noted
    assert (first.has_next, rest.has_next, total, len(kept)) == (True, False, 3, 4)
