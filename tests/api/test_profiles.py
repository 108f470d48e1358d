"""What a provider says of themselves, through the public door, and who may read which of it."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

import pytest
from sqlalchemy import update

from api import ids
from db.tables import events, provider_services
from db.tables import providers as providers_table
from domain.people import Role
from domain.services import Trade
from tests.api.house import House, provider, service
from tests.api.market import ACCEPT, Market, Person, opened
from tests.factories import NOW, add_account, count_rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPDATE: Final = """
mutation($input: UpdateProviderProfileInput!) { updateProviderProfile(input: $input) {
  __typename
  ... on UpdateProviderProfileSuccess { provider {
    __typename id name trade about photoUrl timeZone country stateProvince city area
    radiusMiles yearsExperience tier skills keywords
    hourlyRate { amountMinor currency }
    ... on Mechanic { brands } ... on Technician { brands }
    services { id }
    profileCompletion { percent missing { item weight remedy } }
    standing { approval approvedAt suspendedAt suspendedBecause }
  } }
  ... on Problem { code path }
  ... on InvalidInput { errors { path } }
} }
"""
ME: Final = "{ me { id provider { id name profileCompletion { percent } } } }"
PRIVATE: Final = """query($id: ID!) { provider(id: $id) {
  profileCompletion { percent missing { item } } standing { approval suspendedBecause }
} }"""
PUBLIC: Final = """query($id: ID!) { provider(id: $id) {
  id about photoUrl tier skills keywords hourlyRate { formatted }
} }"""
FIRST: Final[dict[str, Any]] = {
    "trade": "MECHANICAL",
    "country": "gb",
    "city": "London",
    "postalCode": "sw1a 2jr",
}
_names = count()


async def newcomer(home: House) -> Person:
    """Somebody who has signed up as a provider, and said nothing else."""
    viewer = await add_account(home.database, Role.PROVIDER)
    name = f"Newcomer {next(_names)}"
    home.sign_in(name, viewer)
    return Person(name=name, viewer=viewer, kind="Provider")


async def say(home: House, who: Person, **said: Any) -> Any:
    return await home.act(who.name, UPDATE, input=said)


async def a_mechanics(home: House) -> Market:
    return await opened(home, trade=Trade.MECHANICAL)


async def test_a_newcomer_becomes_a_provider_by_what_they_say(home: House) -> None:
    who = await newcomer(home)
    market = await a_mechanics(home)
    assert await home.act(who.name, ME) == {
        "id": ids.encode("User", who.uid),
        "provider": None,
    }

    said = {
        "timeZone": "America/Toronto",
        "about": "  I mend.  ",
        "photoUrl": "https://example.com/me.jpg",
        "hourlyRate": {"amountMinor": 5500, "currency": "gbp"},
        "tier": "BRAND_SPECIALIST",
        "brands": ["BMW ", "bmw", "Mini"],
        "skills": ["Coding"],
        "keywords": ["Brakes", "engine"],
        "serviceIds": [market.service_id],
        "stateProvince": "Greater London",
        "point": {"latitude": 51.5, "longitude": -0.13},
        "radiusMiles": 12.5,
        "yearsExperience": 7,
    }
    done = await say(home, who, **FIRST, **said)

    assert done["__typename"] == "UpdateProviderProfileSuccess"
    assert done["provider"] == {
        "__typename": "Mechanic",
        "id": who.id,
        "name": "John D.",
        "trade": "MECHANICAL",
        "about": "I mend.",
        "photoUrl": "https://example.com/me.jpg",
        "timeZone": "America/Toronto",
        "country": "GB",
        "stateProvince": "Greater London",
        "city": "London",
        "area": "SW1A",
        "radiusMiles": 12.5,
        "yearsExperience": 7,
        "tier": "BRAND_SPECIALIST",
        "brands": ["BMW", "Mini"],
        "skills": ["Coding"],
        "keywords": ["brakes", "engine"],
        "hourlyRate": {"amountMinor": 5500, "currency": "GBP"},
        "services": [{"id": market.service_id}],
        "profileCompletion": {
            "percent": 75,
            "missing": [
                {
                    "item": "WORKING_HOURS",
                    "weight": 15,
                    "remedy": "Say when you work, with `updateAvailability`.",
                },
                {
                    "item": "CERTIFICATIONS",
                    "weight": 10,
                    "remedy": "Show a certificate, a licence or an insurance, with "
                    "`addCertification`.",
                },
            ],
        },
        "standing": {
            "approval": "PENDING",
            "approvedAt": None,
            "suspendedAt": None,
            "suspendedBecause": None,
        },
    }
    assert await home.act(who.name, ME) == {
        "id": ids.encode("User", who.uid),
        "provider": {"id": who.id, "name": "John D.", "profileCompletion": {"percent": 75}},
    }
    hours = """mutation($input: UpdateAvailabilityInput!) { updateAvailability(input: $input) {
      ... on UpdateAvailabilitySuccess { provider { profileCompletion { percent } } }
    } }"""
    monday = {"weekday": 1, "opens": "09:00", "closes": "17:00"}
    assert await home.act(who.name, hours, input={"weeklyHours": [monday]}) == {
        "provider": {"profileCompletion": {"percent": 90}}
    }


async def test_what_is_left_out_stays_and_what_is_empty_clears(home: House) -> None:
    who = await newcomer(home)
    market = await a_mechanics(home)
    first = await say(
        home, who, **FIRST, about="Hello", skills=["Coding"], serviceIds=[market.service_id]
    )

    again = await say(home, who, about=None, city="Leeds")
    assert again["provider"] == first["provider"] | {"city": "Leeds"}

    cleared = await say(home, who, about="", skills=[], serviceIds=[])
    shown = cleared["provider"]
    assert (shown["about"], shown["skills"], shown["services"]) == ("", [], [])
    assert shown["profileCompletion"]["percent"] == 15


async def test_what_a_change_leaves_unfit_is_offered_no_more_and_goes_to_the_next(
    home: House,
) -> None:
    market = await opened(home)
    who, next_best = await market.provider(), await market.provider()
    near = await market.booked(await market.customer())
    assert set(await market.match(near)) == {who.uid, next_best.uid}
    (offer,) = await market.offers(who)

    assert (await say(home, who, radiusMiles=1.0))["__typename"] == "UpdateProviderProfileSuccess"
    assert await market.offers(who) == [offer]
    # As far away as Manchester, which is further than anybody goes.
    moved = await say(home, who, postalCode="M1 1AE", city="Manchester")

    assert moved["provider"]["area"] == "M1"
    assert await market.offers(who) == []
    assert (await market.told(near))[-2:] == ["offer.rescinded", "search.place_freed"]
    gone = await market.act(who, ACCEPT, id=offer["id"])
    assert gone == {"__typename": "OfferGone", "why": "RESCINDED", "code": "OFFER_GONE"}
    won = await market.accept(next_best)
    assert won["booking"]["provider"] == {"id": next_best.id}


async def test_every_wrong_field_is_named_at_once_and_nothing_is_kept(home: House) -> None:
    who = await newcomer(home)
    before = await count_rows(home.database, providers_table, provider_services, events)

    refused = await say(
        home,
        who,
        city="London",
        about="nul\x00l",
        photoUrl="http://example.com/me.jpg",
        keywords=["oven", "no such keyword"],
        hourlyRate={"amountMinor": -1, "currency": "GBP"},
        point={"latitude": 91, "longitude": 0},
        radiusMiles=100.1,
        yearsExperience=-1,
    )

    assert refused["__typename"] == "InvalidInput"
    assert sorted(".".join(error["path"]) for error in refused["errors"]) == [
        "about",
        "country",
        "hourlyRate.amountMinor",
        "keywords.1",
        "photoUrl",
        "point.latitude",
        "postalCode",
        "radiusMiles",
        "trade",
        "yearsExperience",
    ]
    after = await count_rows(home.database, providers_table, provider_services, events)
    assert after == before
    assert (await home.act(who.name, ME))["provider"] is None


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"about": "nul\x00l"}, ["about"]),
        ({"skills": ["ok", "nul\x00l"]}, ["skills", "1"]),
        ({"brands": ["x" * 51]}, ["brands", "0"]),
        ({"keywords": ["\x00"]}, ["keywords", "0"]),
        ({"city": "nul\x00l"}, ["city"]),
        ({"stateProvince": "nul\x00l"}, ["stateProvince"]),
        ({"postalCode": "nul\x00l"}, ["postalCode"]),
        ({"photoUrl": "https://nul\x00l"}, ["photoUrl"]),
        ({"country": "\x00\x00"}, ["country"]),
        ({"trade": "CLEANING"}, ["trade"]),
        ({"timeZone": "Asia/Tokyo"}, ["timeZone"]),
        ({"tier": "BRAND_SPECIALIST"}, ["tier"]),
        ({"serviceIds": ["nonsense"]}, ["serviceIds", "0"]),
    ],
)
async def test_a_wrong_part_is_refused_where_it_stands(
    home: House, said: dict[str, Any], path: list[str]
) -> None:
    who = await newcomer(home)
    before = (await say(home, who, **FIRST))["provider"]

    refused = await say(home, who, **said)

    assert (refused["code"], refused["errors"]) == ("INVALID_INPUT", [{"path": path}])
    assert (await say(home, who))["provider"] == before


async def test_only_services_of_ones_trade_that_can_be_booked_are_taken_up(home: House) -> None:
    who = await newcomer(home)
    fit, gone = await a_mechanics(home), await opened(home, trade=Trade.MECHANICAL, active=False)
    other = await opened(home)
    given = [fit.service_id, gone.service_id, other.service_id, fit.service_id]

    refused = await say(home, who, **FIRST, serviceIds=given)

    assert [error["path"] for error in refused["errors"]] == [
        ["serviceIds", "1"],
        ["serviceIds", "2"],
    ]
    done = await say(home, who, **FIRST, serviceIds=[fit.service_id, fit.service_id])
    assert done["provider"]["services"] == [{"id": fit.service_id}]


async def test_a_cleaner_and_a_technician_say_what_is_theirs_to_say(home: House) -> None:
    cleaner, technician = await newcomer(home), await newcomer(home)

    refused = await say(home, cleaner, **FIRST | {"trade": "CLEANING"}, brands=["Dyson"])
    assert [error["path"] for error in refused["errors"]] == [["brands"]]
    done = await say(home, cleaner, **FIRST | {"trade": "CLEANING"}, keywords=["oven"])
    assert done["provider"]["__typename"] == "Cleaner"
    assert "brands" not in done["provider"]
    done = await say(home, technician, **FIRST | {"trade": "FACILITIES"}, brands=["Vaillant"])
    assert (done["provider"]["__typename"], done["provider"]["brands"]) == (
        "Technician",
        ["Vaillant"],
    )


@pytest.mark.parametrize("name", ["Carla", "Dora", "Anna", "Adam"])
async def test_only_providers_say_it_of_themselves(home: House, name: str) -> None:
    answer = await home.ask(name, UPDATE, input={"about": "Hello"})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "data" not in answer


async def test_what_a_profile_lacks_and_how_it_stands_is_for_its_provider_and_staff(
    home: House,
) -> None:
    market = await opened(home)
    who = await market.provider(profile_floor=0)
    all_of_it = {
        "profileCompletion": {
            "percent": 45,
            "missing": [
                {"item": item}
                for item in (
                    *("ABOUT", "PHOTO", "HOURLY_RATE", "CERTIFICATIONS", "SPECIALITIES"),
                    "EXPERIENCE",
                )
            ],
        },
        "standing": {"approval": "APPROVED", "suspendedBecause": None},
    }

    for name in (who.name, "Dora", "Adam"):
        assert await home.act(name, PRIVATE, id=who.id) == all_of_it
    other = await market.provider()
    assert await home.act(other.name, PRIVATE, id=who.id) == {
        "profileCompletion": None,
        "standing": None,
    }
    for name in ("Carla", "Anna"):
        answer = await home.ask(name, PRIVATE, id=who.id)
        assert {one["extensions"]["code"] for one in answer["errors"]} == {"FORBIDDEN"}
    for name in ("Carla", "Anna", other.name):
        shown = await home.act(name, PUBLIC, id=who.id)
        assert shown == {
            "id": who.id,
            "about": "",
            "photoUrl": "",
            "tier": "GENERAL",
            "skills": [],
            "keywords": [],
            "hourlyRate": None,
        }


async def test_who_waits_or_is_suspended_is_seen_by_themselves_and_staff(home: House) -> None:
    who = await newcomer(home)
    await say(home, who, **FIRST)
    for suspended_at in (None, NOW):
        mine = update(providers_table).where(providers_table.c.id == who.uid)
        async with home.database.begin() as tx:
            await tx.execute(mine.values(suspended_at=suspended_at))
        for name, seen in (("Carla", False), ("Anna", False), ("Dora", True), (who.name, True)):
            assert bool(await home.act(name, PUBLIC, id=who.id)) is seen


async def test_staff_find_who_waits_for_approval(home: House) -> None:
    """In a market of a trade of its own there is nobody else."""
    market = await opened(home, trade=Trade.FACILITIES)
    waits = await market.provider(approved_at=None)
    active = await market.provider()
    suspended = await market.provider(suspended_at=NOW)
    asked = """query($approval: ProviderApproval) {
      providers(trade: FACILITIES, approval: $approval, first: 100) { nodes { id } totalCount }
    }"""

    async def found(name: str, approval: str | None) -> set[str]:
        page = await home.act(name, asked, approval=approval)
        assert page["totalCount"] == len(page["nodes"])
        return {one["id"] for one in page["nodes"]}

    mine = {waits.id, active.id, suspended.id}
    for name in ("Dora", "Adam"):
        assert mine & await found(name, "PENDING") == {waits.id}
        assert mine & await found(name, "APPROVED") == {active.id}
        assert mine & await found(name, "SUSPENDED") == {suspended.id}
        assert mine & await found(name, None) == mine
    for name in ("Carla", "Anna"):
        assert mine & await found(name, None) == {active.id}
        assert mine & await found(name, "APPROVED") == {active.id}
        for approval in ("PENDING", "SUSPENDED"):
            answer = await home.ask(name, asked, approval=approval)
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_provider_is_led_to_by_their_account_which_is_theirs_and_staffs(
    home: House,
) -> None:
    node = """query($id: ID!) { node(id: $id) { ... on User { provider { id } } } }"""
    chloe = ids.encode("User", _uid(provider("Chloe")))

    for name in ("Chloe", "Dora"):
        assert await home.act(name, node, id=chloe) == {"provider": {"id": provider("Chloe")}}
    for name in ("Carla", "Callum"):
        assert await home.act(name, node, id=chloe) is None
    assert await home.act("Carla", "{ me { provider { id } } }") == {"provider": None}


async def test_the_demo_providers_show_what_they_are_good_at(home: House) -> None:
    asked = """query($id: ID!) { provider(id: $id) {
      keywords tier ... on Mechanic { brands } services { id }
    } }"""
    shown = await home.act("Carla", asked, id=provider("Maya"))
    assert shown["keywords"] == ["bmw coding", "check engine", "brakes"]
    assert (shown["tier"], shown["brands"]) == ("BRAND_SPECIALIST", ["BMW", "Mini"])
    assert {"id": service("diagnostic")} in shown["services"]


def _uid(global_id: str) -> Any:
    decoded = ids.decode(global_id)
    assert decoded is not None
    return decoded[1]
