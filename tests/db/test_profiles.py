"""Is a profile kept as it was said, once, and its completion always what the facts make it?"""

from __future__ import annotations

from datetime import date, time
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from db import availability_changes, certifications, profiles, providers
from db.tables import events, provider_services, users
from db.tables import providers as providers_table
from domain.availability_changes import (
    Said,
    SaidInterval,
    SaidOverride,
    SaidWeeklyInterval,
)
from domain.events import EventType
from domain.money import Money
from domain.people import Role, Viewer
from domain.places import Point
from domain.profile_changes import SaidPoint, SaidProfile
from domain.profiles import ProfileItem
from domain.providers import SpecialistTier
from domain.refusals import InvalidInput
from domain.services import Trade
from tests.db.racing import act, race, waiting
from tests.factories import (
    add_account,
    add_provider,
    add_service,
    count_rows,
    read_events,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.profiles import Completion
    from domain.providers import Provider

FIRST: dict[str, Any] = {
    "trade": Trade.MECHANICAL,
    "country": "GB",
    "city": "London",
    "postal_code": "SW1A 2JR",
}
NINE_TO_FIVE = SaidWeeklyInterval(weekday=1, opens=time(9), closes=time(17))


def saying(by: Viewer, **said: Any) -> Any:
    return partial(profiles.change, said=SaidProfile(**said), by=by)


async def read(database: Database, who: Viewer) -> tuple[Provider, Completion, list[UUID]]:
    """A provider, how complete their profile is, and what they offer."""
    uid = who.user_id
    async with database.read() as connection:
        provider = await providers.get(connection, uid)
        completion = (await profiles.completions(connection, [uid]))[uid]
        offered = (await providers.services_of(connection, [uid]))[uid]
    return provider, completion, sorted(offered)


async def percent(database: Database, who: Viewer) -> int:
    """What matching goes by, which is what the facts make it."""
    provider, completion, _ = await read(database, who)
    assert provider.profile_percent == completion.percent
    return completion.percent


async def test_a_first_profile_makes_a_provider_in_the_zone_of_their_account(
    database: Database,
) -> None:
    person = await add_account(database, Role.PROVIDER, time_zone="Asia/Tokyo")

    made = await act(database, saying(person, **FIRST))

    found, completion, offered = await read(database, person)
    assert made == found
    assert (found.id, found.name, found.time_zone) == (person.user_id, "John D.", "Asia/Tokyo")
    assert (found.trade, found.radius_miles, found.point) == (Trade.MECHANICAL, 10.0, None)
    assert (found.approved_at, found.suspended_at) == (None, None)
    assert offered == []
    # The postal code is known, and nothing else is.
    assert (found.profile_percent, completion.percent) == (15, 15)
    assert await read_events(database) == [EventType.PROVIDER_PROFILE_CHANGED]
    async with database.read() as connection:
        (subject,) = await connection.scalars(select(events.c.subject))
    assert subject == {"provider": str(person.user_id)}


async def test_all_that_is_said_is_kept(database: Database) -> None:
    person = await add_account(database, Role.PROVIDER)
    services = [await add_service(database, trade=Trade.MECHANICAL) for _ in range(2)]
    ids = sorted(service.id for service in services)
    said: dict[str, Any] = {
        "time_zone": "America/Toronto",
        "about": "I mend.",
        "photo_url": "https://example.com/me.jpg",
        "hourly_rate": Money(amount_minor=5500, currency="CAD"),
        "tier": SpecialistTier.BRAND_SPECIALIST,
        "brands": ("BMW", "Mini"),
        "skills": ("Coding",),
        "keywords": ("brakes", "engine"),
        "state_province": "Ontario",
        "radius_miles": 12.5,
        "years_experience": 7,
    }

    point = SaidPoint(latitude=43.65, longitude=-79.38)
    await act(database, saying(person, **FIRST, **said, point=point, service_ids=tuple(ids)))

    found, _, offered = await read(database, person)
    assert {name: getattr(found, name) for name in said} == said
    assert found.point == Point(latitude=43.65, longitude=-79.38)
    assert offered == ids
    assert await percent(database, person) == 75


async def test_a_part_that_is_said_takes_the_place_of_that_part(database: Database) -> None:
    person = await add_account(database, Role.PROVIDER)
    one, two = [await add_service(database, trade=Trade.MECHANICAL) for _ in range(2)]
    await act(database, saying(person, **FIRST, skills=("Coding",), service_ids=(one.id,)))
    before, _, _ = await read(database, person)

    await act(database, saying(person, service_ids=(two.id,), city="Leeds", postal_code="LS1 4DY"))

    after, _, offered = await read(database, person)
    assert (after.city, after.postal_code, after.skills) == ("Leeds", "LS1 4DY", before.skills)
    assert offered == [two.id]
    await act(database, saying(person, service_ids=()))
    assert (await read(database, person))[2] == []


async def test_to_say_the_same_again_is_told_to_nobody(database: Database) -> None:
    person = await add_account(database, Role.PROVIDER)
    made = await act(database, saying(person, **FIRST))

    assert await act(database, saying(person, **FIRST, about="")) == made

    assert await read_events(database) == [EventType.PROVIDER_PROFILE_CHANGED]


async def test_what_is_wrong_leaves_no_trace(database: Database) -> None:
    person = await add_account(database, Role.PROVIDER)
    service = await add_service(database, trade=Trade.CLEANING)

    for said in (
        FIRST | {"service_ids": (service.id,)},
        FIRST | {"about": "nul\x00l"},
        {"about": "Hello"},
    ):
        with pytest.raises(InvalidInput):
            await act(database, saying(person, **said))
    assert await count_rows(database, providers_table, provider_services, events) == (0, 0, 0)

    provider = await add_provider(database, service)
    before = await read(database, provider)
    with pytest.raises(InvalidInput):
        await act(database, saying(provider, about="Hello", service_ids=(), radius_miles=0.5))
    assert await read(database, provider) == before


async def test_two_first_profiles_at_once_make_one_provider(crowd: Database) -> None:
    person = await add_account(crowd, Role.PROVIDER)
    abouts = [f"Number {n}" for n in range(8)]

    made = await race(crowd, [saying(person, **FIRST, about=about) for about in abouts])

    assert {one.id for one in made} == {person.user_id}
    assert await count_rows(crowd, providers_table) == (1,)
    assert (await read(crowd, person))[0].about in abouts
    assert len(await read_events(crowd)) == len(abouts)


async def test_a_change_waits_for_who_holds_the_provider(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    async with database.begin() as holder:
        await providers.lock(holder, [provider.user_id])
        late = await waiting(database, saying(provider, about="Hello"))
        mine = update(providers_table).where(providers_table.c.id == provider.user_id)
        await holder.execute(mine.values(city="Leeds"))
    changed = await late

    # What was changed meanwhile is not overwritten by what was read before.
    assert (changed.about, changed.city) == ("Hello", "Leeds")


async def test_two_first_profiles_wait_for_one_another_at_the_account(
    database: Database,
) -> None:
    person = await add_account(database, Role.PROVIDER)
    async with database.begin() as holder:
        mine = select(users.c.id).where(users.c.id == person.user_id)
        await holder.execute(mine.with_for_update(key_share=True))
        late = await waiting(database, saying(person, **FIRST))
    assert (await late).id == person.user_id


class TestReckoned:
    """Each way to change what a profile is made of writes the percent down anew."""

    @pytest.fixture
    async def person(self, database: Database) -> Viewer:
        """A provider of whom only the place is known: 15."""
        person = await add_account(database, Role.PROVIDER)
        await act(database, saying(person, **FIRST))
        assert await percent(database, person) == 15
        return person

    @pytest.mark.parametrize(
        ("said", "reckoned"),
        [
            ({"about": "I mend."}, 25),
            ({"photo_url": "https://example.com/me.jpg"}, 25),
            ({"hourly_rate": Money(amount_minor=1, currency="GBP")}, 25),
            ({"years_experience": 1}, 20),
            ({"brands": ("BMW",)}, 25),
            ({"keywords": ("brakes",)}, 25),
            ({"country": "DE"}, 0),
            ({"skills": ("Coding",)}, 15),
        ],
    )
    async def test_by_what_is_said(
        self, database: Database, person: Viewer, said: dict[str, Any], reckoned: int
    ) -> None:
        await act(database, saying(person, **said))

        assert await percent(database, person) == reckoned

    async def test_by_services(self, database: Database, person: Viewer) -> None:
        service = await add_service(database, trade=Trade.MECHANICAL)
        await act(database, saying(person, service_ids=(service.id,)))
        assert await percent(database, person) == 30

        await act(database, saying(person, service_ids=()))
        assert await percent(database, person) == 15

    async def test_by_working_hours(self, database: Database, person: Viewer) -> None:
        async def change(**said: Any) -> int:
            await act(database, partial(availability_changes.change, said=Said(**said), by=person))
            return await percent(database, person)

        assert await change(weekly_hours=(NINE_TO_FIVE,)) == 30
        assert await change(daily_cap=2) == 30
        assert await change(weekly_hours=()) == 15
        assert await change(date_overrides=(SaidOverride(day=date(2020, 1, 1)),)) == 15
        some = SaidOverride(
            day=date(2020, 1, 1), intervals=(SaidInterval(opens=time(9), closes=time(10)),)
        )
        assert await change(date_overrides=(some,)) == 30

    async def test_by_certifications(self, database: Database, person: Viewer) -> None:
        facts: dict[str, Any] = {"code": "nvq", "name": "NVQ", "issuer": "City", "number": "1"}
        add = partial(certifications.add, by=person, expires_on=None, **facts)
        added = await act(database, add)
        assert await percent(database, person) == 25
        # Whether it counts for work makes no difference to how complete a profile is.
        staff = await add_account(database, Role.ADMIN)
        verify = partial(certifications.verify, certification_id=added.id, by=staff)
        await act(database, verify)
        assert await percent(database, person) == 25

        remove = partial(certifications.remove, certification_id=added.id, by=person)
        await act(database, remove)
        assert await percent(database, person) == 15

    async def test_not_by_a_dry_run(self, database: Database, person: Viewer) -> None:
        dry = partial(
            availability_changes.change,
            said=Said(weekly_hours=(NINE_TO_FIVE,)),
            by=person,
            dry_run=True,
        )
        await act(database, dry)
        assert await percent(database, person) == 15

    async def test_never_below_what_was_granted(self, database: Database, person: Viewer) -> None:
        mine = update(providers_table).where(providers_table.c.id == person.user_id)
        async with database.begin() as tx:
            await tx.execute(mine.values(profile_floor=80))

        await act(database, saying(person, about="Hello"))

        assert await percent(database, person) == 80

    async def test_for_one_provider_only(self, database: Database, person: Viewer) -> None:
        other = await add_account(database, Role.PROVIDER)
        await act(database, saying(other, **FIRST))
        service = await add_service(database, trade=Trade.MECHANICAL)
        offered = {"provider_id": other.user_id, "service_id": service.id}
        async with database.begin() as tx:
            await tx.execute(insert(provider_services), [offered])

        await act(database, saying(person, about="Hello"))

        assert await percent(database, person) == 25
        assert (await read(database, other))[0].profile_percent == 15


async def test_completions_of_many_are_their_own_and_unknown_ones_are_left_out(
    database: Database,
) -> None:
    full = await add_provider(database, await add_service(database), profile_floor=0)
    bare = await add_account(database, Role.PROVIDER)
    await act(database, saying(bare, **FIRST))
    unknown = UUID(int=1)

    async with database.read() as connection:
        ids = [full.user_id, bare.user_id, unknown]
        found = await profiles.completions(connection, ids)

    assert {uid: one.percent for uid, one in found.items()} == {full.user_id: 45, bare.user_id: 15}
    assert {gap.item for gap in found[full.user_id].missing} == set(ProfileItem) - {
        ProfileItem.SERVICES,
        ProfileItem.LOCATION,
        ProfileItem.WORKING_HOURS,
    }
