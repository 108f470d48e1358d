"""Do admins keep the catalogue over the wire, and does everyone see of it what is theirs to see?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from babel.numbers import list_currencies

from api import ids
from db.engine import Database
from db.ids import new_id
from db.tables import services
from domain.money import CURRENCIES
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House, service
from tests.factories import count_rows

RULES = """rules {
  sameDay sameDayCutoff noticeMinutes advance advanceDays firstDate lastDate slotIntervalMinutes
  bufferBeforeMinutes bufferAfterMinutes travelMph capacity cancelFreeMinutes cancelPartPercent
  cancelPartMinutes cancelWholePercent cancelNoticeMinutes rescheduleNoticeMinutes maxReschedules
  depositPercent
}"""
SERVICE = f"""
  code trade name description mode durationMinutes price {{ amountMinor currency }} approval
  terms requiresVehicle requiredSkills requiredCertifications active version {RULES}
"""
REFUSED = """
  ... on Problem { code message path }
  ... on InvalidInput { errors { path message } }
  ... on VersionConflict { currentVersion }
"""
CREATE = f"""
mutation($input: CreateServiceInput!) {{ createService(input: $input) {{
  __typename ... on CreateServiceSuccess {{ service {{ id {SERVICE} }} }}
  ... on Problem {{ code message path }}
  ... on InvalidInput {{ errors {{ path message }} }}
}} }}"""
UPDATE = f"""
mutation($input: UpdateServiceInput!) {{ updateService(input: $input) {{
  __typename ... on UpdateServiceSuccess {{ service {{ id {SERVICE} }} }} {REFUSED}
}} }}"""
ONE = f"query($id: ID!) {{ service(id: $id) {{ id {SERVICE} }} }}"
CODES = """query($inactive: Boolean, $trade: Trade) {
  services(includeInactive: $inactive, trade: $trade, first: 100) { nodes { code } totalCount }
}"""
GUTTERS: dict[str, Any] = {
    "code": "gutters",
    "trade": "CLEANING",
    "name": " Gutters ",
    "durationMinutes": 45,
    "price": {"amountMinor": 9000, "currency": "eur"},
}
#: The defaults of the house as the tests set them up.
DEFAULTS = {
    "sameDay": "ALLOWED",
    "sameDayCutoff": None,
    "noticeMinutes": 90,
    "advance": "DAYS",
    "advanceDays": 60,
    "firstDate": None,
    "lastDate": None,
    "slotIntervalMinutes": 15,
    "bufferBeforeMinutes": 15,
    "bufferAfterMinutes": 15,
    "travelMph": 35,
    "capacity": None,
    "cancelFreeMinutes": 1440,
    "cancelPartPercent": 50,
    "cancelPartMinutes": 120,
    "cancelWholePercent": 100,
    "cancelNoticeMinutes": 0,
    "rescheduleNoticeMinutes": 120,
    "maxReschedules": 3,
    "depositPercent": 0,
}


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    """The house, with defaults of its own."""
    own = dict(settings) | {"notice_minutes": 90, "max_advance_days": 60, "travel_mph": 35}
    async with house.running(Settings.model_validate(own), database) as opened:
        yield opened


async def create(home: House, **changes: Any) -> Any:
    return await home.act("Adam", CREATE, input=GUTTERS | changes)


async def update(home: House, service_id: str, **changes: Any) -> Any:
    return await home.act("Adam", UPDATE, input={"serviceId": service_id} | changes)


async def seen(home: House, name: str | None, service_id: str) -> Any:
    return await home.act(name, ONE, id=service_id)


async def test_a_new_service_has_the_houses_rules_and_is_in_the_catalogue(home: House) -> None:
    made = (await create(home))["service"]
    uid = made.pop("id")
    assert made == {
        "code": "gutters",
        "trade": "CLEANING",
        "name": "Gutters",
        "description": "",
        "mode": "ON_SITE",
        "durationMinutes": 45,
        "price": {"amountMinor": 9000, "currency": "EUR"},
        "approval": "INSTANT",
        "terms": "",
        "requiresVehicle": False,
        "requiredSkills": [],
        "requiredCertifications": [],
        "active": True,
        "version": 1,
        "rules": DEFAULTS,
    }
    assert await seen(home, None, uid) == made | {"id": uid}
    listed = await home.act(None, CODES, trade="CLEANING")
    assert listed == {
        "nodes": [
            {"code": code} for code in ("end-of-tenancy", "gutters", "home-clean", "oven-clean")
        ],
        "totalCount": 4,
    }


async def test_a_new_service_can_say_everything_itself(home: House) -> None:
    said = {
        "code": "engine-swap",
        "trade": "MECHANICAL",
        "name": "Engine swap",
        "description": "Out with the old.",
        "mode": "VIDEO",
        "durationMinutes": 1440,
        "price": {"amountMinor": 0, "currency": "JPY"},
        "approval": "MANUAL",
        "terms": "The old engine stays with us.",
        "requiresVehicle": True,
        "requiredSkills": ["Engines", "Welding"],
        "requiredCertifications": ["nvq-3"],
        "active": False,
        "rules": {
            "sameDay": "UNTIL_CUTOFF",
            "sameDayCutoff": "16:30:00",
            "noticeMinutes": 1,
            "advance": "DATES",
            "advanceDays": 2,
            "firstDate": "2026-08-01",
            "lastDate": "2026-08-31",
            "slotIntervalMinutes": 20,
            "bufferBeforeMinutes": 3,
            "bufferAfterMinutes": 4,
            "travelMph": 13,
            "capacity": 5,
            "cancelFreeMinutes": 7,
            "cancelPartPercent": 8,
            "cancelPartMinutes": 6,
            "cancelWholePercent": 9,
            "cancelNoticeMinutes": 10,
            "rescheduleNoticeMinutes": 11,
            "maxReschedules": 12,
            "depositPercent": 13,
        },
    }
    made = (await create(home, **said))["service"]
    assert made == said | {"id": made["id"], "version": 1}
    assert await seen(home, "Dora", made["id"]) == made


async def test_what_the_provider_has_of_the_price_is_no_business_of_customers(home: House) -> None:
    shares = """query($id: ID!) { service(id: $id) { rules { providerSharePercent } } }"""
    uid = (await create(home, rules={"providerSharePercent": 85}))["service"]["id"]
    for name in ("Adam", "Dora", "Anna", "Chloe"):
        shown = await home.act(name, shares, id=uid)
        assert shown == {"rules": {"providerSharePercent": 85}}
    for stranger in ("Carla", None):
        answer = await home.ask(stranger, shares, id=uid)
        code = "FORBIDDEN" if stranger else "UNAUTHENTICATED"
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
        assert "data" not in answer


async def test_a_code_is_one_services_alone(home: House) -> None:
    before = await count_rows(home.database, services)
    refused = await create(home, code="oven-clean")
    assert refused == {
        "__typename": "CodeTaken",
        "code": "CODE_TAKEN",
        "message": 'There is a service "oven-clean" already; choose another code.',
        "path": ["code"],
    }
    assert await count_rows(home.database, services) == before


async def test_everything_wrong_with_a_new_service_is_told_at_once(home: House) -> None:
    before = await count_rows(home.database, services)
    refused = await create(
        home,
        code="Oven Clean",
        name=" ",
        description="x" * 2001,
        terms="x" * 10_001,
        durationMinutes=4,
        price={"amountMinor": -1, "currency": "XXX"},
        requiresVehicle=True,
        rules={"noticeMinutes": -1, "sameDay": "UNTIL_CUTOFF", "firstDate": "2026-08-01"},
    )
    assert refused["__typename"] == "InvalidInput"
    assert [error["path"] for error in refused["errors"]] == [
        ["code"],
        ["name"],
        ["description"],
        ["terms"],
        ["durationMinutes"],
        ["price", "amountMinor"],
        ["price", "currency"],
        ["requiresVehicle"],
        ["rules", "noticeMinutes"],
        ["rules", "sameDayCutoff"],
        ["rules", "firstDate"],
    ]
    assert await count_rows(home.database, services) == before


async def test_an_edit_changes_what_it_speaks_of_and_nothing_else(home: House) -> None:
    made = (await create(home, rules={"capacity": 2, "noticeMinutes": 30}))["service"]
    uid = made["id"]
    edited = await update(
        home,
        uid,
        expectedVersion=1,
        name="Clean gutters",
        mode=None,
        rules={"maxReschedules": 1, "capacity": None, "noticeMinutes": None},
    )
    rules = DEFAULTS | {"maxReschedules": 1, "noticeMinutes": 30}
    after = made | {"name": "Clean gutters", "rules": rules, "version": 2}
    assert edited == {"__typename": "UpdateServiceSuccess", "service": after}
    assert await seen(home, None, uid) == after


async def test_an_edit_can_change_everything_but_code_and_trade(home: House) -> None:
    uid = service("diagnostic")
    said = {
        "name": "Full diagnostic",
        "description": "Every system.",
        "mode": "VIDEO",
        "durationMinutes": 90,
        "price": {"amountMinor": 100, "currency": "USD"},
        "approval": "MANUAL",
        "terms": "Bring the keys.",
        "requiresVehicle": True,
        "requiredSkills": ["Coding"],
        "requiredCertifications": ["nvq-3"],
        "active": False,
    }
    edited = (await update(home, uid, **said))["service"]
    assert {name: edited[name] for name in said} == said
    assert (edited["code"], edited["trade"], edited["version"]) == ("diagnostic", "MECHANICAL", 2)
    nothing: dict[str, Any] = {"terms": "", "description": "", "requiresVehicle": False}
    nothing |= {"requiredSkills": [], "requiredCertifications": []}
    emptied = (await update(home, uid, **nothing))["service"]
    assert {name: emptied[name] for name in nothing} == nothing


async def test_what_is_asked_of_a_provider_is_kept_tidily_and_checked(home: House) -> None:
    asked = {
        "requiredSkills": [" Gas  fitting", "gas fitting"],
        "requiredCertifications": ["Gas Safe", "gas-safe"],
    }
    made = (await create(home, **asked))["service"]
    assert made["requiredSkills"] == ["Gas fitting"]
    assert made["requiredCertifications"] == ["gas-safe"]
    wrong = {
        "requiredSkills": ["ok", "nul\x00l", ""],
        "requiredCertifications": ["\u00e4", "gas-safe", "nul\x00l"],
    }
    for refused in (
        await create(home, code="x2", **wrong),
        await update(home, made["id"], **wrong),
    ):
        assert [error["path"] for error in refused["errors"]] == [
            ["requiredSkills", "1"],
            ["requiredSkills", "2"],
            ["requiredCertifications", "0"],
            ["requiredCertifications", "2"],
        ]
    assert await seen(home, None, made["id"]) == made


async def test_somebody_elses_edit_is_not_overwritten(home: House) -> None:
    uid = service("oven-clean")
    await update(home, uid, expectedVersion=1, name="Ovens")
    refused = await update(home, uid, expectedVersion=1, name="Cookers", terms="Mine.")
    assert refused == {
        "__typename": "VersionConflict",
        "code": "VERSION_CONFLICT",
        "message": "It was changed since you read it and has version 2 now; read it again.",
        "path": ["expectedVersion"],
        "currentVersion": 2,
    }
    now = await seen(home, None, uid)
    assert (now["name"], now["terms"], now["version"]) == ("Ovens", "", 2)


async def test_a_wrong_edit_leaves_no_trace(home: House) -> None:
    uid = service("oven-clean")
    before = await seen(home, None, uid)
    refused = await update(home, uid, name="", requiresVehicle=True, rules={"advance": "DATES"})
    assert [error["path"] for error in refused["errors"]] == [
        ["name"],
        ["requiresVehicle"],
        ["rules", "firstDate"],
        ["rules", "lastDate"],
    ]
    assert await seen(home, None, uid) == before


async def test_only_a_service_that_is_there_can_be_edited(home: House) -> None:
    unknown = await update(home, ids.encode("Service", new_id()), name="Mine")
    assert (unknown["__typename"], unknown["code"]) == ("NotFound", "NOT_FOUND")
    other = await update(home, house.provider("Chloe"), name="Mine")
    assert (other["__typename"], other["path"]) == ("InvalidInput", ["serviceId"])


@pytest.mark.parametrize("name", ["Carla", "Chloe", "Dora", "Anna", None])
async def test_only_admins_keep_the_catalogue(home: House, name: str | None) -> None:
    before = await seen(home, None, service("oven-clean"))
    for document, asked in (
        (CREATE, GUTTERS),
        (UPDATE, {"serviceId": service("oven-clean"), "name": "Mine"}),
    ):
        errors = (await home.ask(name, document, input=asked))["errors"]
        said = {error["extensions"]["code"] for error in errors}
        assert said == {"FORBIDDEN" if name else "UNAUTHENTICATED"}
    assert await seen(home, None, service("oven-clean")) == before
    codes = (await home.act(None, CODES))["nodes"]
    assert {"code": "gutters"} not in codes


async def test_what_cannot_be_booked_is_for_staff_to_see(home: House) -> None:
    uid = service("oven-clean")
    await update(home, uid, active=False)
    node = "query($id: ID!) { node(id: $id) { id } }"
    for name in ("Adam", "Dora"):
        assert (await seen(home, name, uid))["active"] is False
        assert await home.act(name, node, id=uid) == {"id": uid}
        everything = await home.act(name, CODES, inactive=True, trade="CLEANING")
        assert {"code": "oven-clean"} in everything["nodes"]
        assert everything["totalCount"] == 3
    for name in ("Carla", "Chloe", "Anna"):
        assert await seen(home, name, uid) is None
        assert await home.act(name, node, id=uid) is None
        (error,) = (await home.ask(name, CODES, inactive=True))["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
    assert await seen(home, None, uid) is None
    (error,) = (await home.ask(None, CODES, inactive=True))["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    for anybody in ("Adam", None):
        catalogue = await home.act(anybody, CODES, trade="CLEANING")
        assert catalogue == {
            "nodes": [{"code": "end-of-tenancy"}, {"code": "home-clean"}],
            "totalCount": 2,
        }


async def test_a_service_that_was_taken_out_can_be_put_back(home: House) -> None:
    uid = service("home-clean")
    await update(home, uid, active=False)
    assert (await home.book())["__typename"] == "ServiceInactive"
    await update(home, uid, active=True)
    assert (await home.book())["__typename"] == "CreateBookingSuccess"


async def test_an_unknown_service_is_null_and_another_kind_of_id_is_wrong(home: House) -> None:
    assert await seen(home, None, ids.encode("Service", new_id())) is None
    (error,) = (await home.ask(None, ONE, id=house.provider("Chloe")))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_setting_changed_later_changes_no_service(
    home: House, settings: Settings, database: Database
) -> None:
    uid = (await create(home))["service"]["id"]
    changed = dict(settings) | {"notice_minutes": 5, "max_advance_days": 6}
    async with house.running(Settings.model_validate(changed), database) as later:
        assert (await seen(later, None, uid))["rules"] == DEFAULTS
        newer = (await create(later, code="newer"))["service"]["rules"]
        assert newer == DEFAULTS | {"noticeMinutes": 5, "advanceDays": 6, "travelMph": 20}


async def test_the_demo_services_have_rules_of_their_own(home: House) -> None:
    asked = "{ services(first: 100) { nodes { code terms requiresVehicle rules { capacity "
    asked += "sameDay sameDayCutoff noticeMinutes } } } }"
    found = {one["code"]: one for one in (await home.act("Carla", asked))["nodes"]}
    assert found["end-of-tenancy"]["rules"]["noticeMinutes"] == 1440
    assert found["oven-clean"]["rules"]["capacity"] == 3
    assert found["boiler-check"]["rules"]["sameDayCutoff"] == "12:00:00"
    assert found["brake-service"]["requiresVehicle"] is True
    assert found["brake-service"]["terms"] != ""
    plain = {"terms": "", "requiresVehicle": False}
    for code in ("home-clean", "diagnostic"):
        rules = {
            "capacity": None,
            "sameDay": "ALLOWED",
            "sameDayCutoff": None,
            "noticeMinutes": 120,
        }
        assert found[code] == plain | {"code": code, "rules": rules}


def test_every_currency_of_the_catalogue_can_be_written_out() -> None:
    assert CURRENCIES - set(list_currencies()) == set()


async def test_an_edit_alters_no_booking_that_was_made(home: House) -> None:
    uid = service("home-clean")
    asked = f"""query($id: ID!) {{ booking(id: $id) {{
      startsAt endsAt price {{ amountMinor currency }} status version {RULES}
      service {{ version }} }} }}"""

    async def booked() -> str:
        booking_id: str = (await home.book())["booking"]["id"]
        return booking_id

    first = await booked()
    before = await home.act("Carla", asked, id=first)
    rules = {"noticeMinutes": 0, "cancelFreeMinutes": 600, "bufferAfterMinutes": 45, "travelMph": 9}
    await update(
        home,
        uid,
        durationMinutes=180,
        price={"amountMinor": 100, "currency": "EUR"},
        approval="MANUAL",
        terms="Mind the cat.",
        rules=rules,
    )

    assert await home.act("Carla", asked, id=first) == before | {"service": {"version": 2}}
    assert before["rules"]["cancelFreeMinutes"] == 1440
    after = await home.act("Carla", asked, id=await booked())
    assert after["rules"] == before["rules"] | rules
    assert after["price"] == {"amountMinor": 100, "currency": "EUR"}
    assert after["status"] == "AWAITING_APPROVAL"
