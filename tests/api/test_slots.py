"""Can a front end find a time or a provider, and does it hear what else there is when it cannot?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, update

from api import ids
from db import booking_rules
from db.engine import Database
from db.ids import new_id
from db.tables import bookings, provider_services, services, working_hours
from domain.booking_rules import BookingRules
from domain.hours import day_bounds, utc
from domain.people import Viewer
from domain.services import Service, ServiceMode
from gateways.settings import Settings
from tests.api import house
from tests.api.house import ADDRESS, CREATE, House, provider, service
from tests.factories import add_provider, add_providers, add_service, count_rows

PLACE = {key: ADDRESS[key] for key in ("postalCode", "country", "city", "point")}
SLOTS = """
query(
  $service: ID!, $place: PlaceInput, $from: Instant, $to: Instant, $provider: ID, $first: Int! = 50
) {
  availableSlots(
    serviceId: $service, place: $place, from: $from, to: $to, providerId: $provider, first: $first
  ) {
    slots { startsAt endsAt localStart localEnd timeZone utcOffset providerCount }
    timeZone providerCount reasons
  }
}"""
PROVIDERS = """
query($service: ID!, $place: PlaceInput, $startsAt: Instant, $first: Int! = 25) {
  availableProviders(serviceId: $service, place: $place, startsAt: $startsAt, first: $first) {
    startsAt
    providers {
      isFree distanceMiles nextStarts { startsAt localStart timeZone }
      provider { id name presence rating }
    }
    waysOn { ...Ways }
  }
}
fragment Ways on WaysOn {
  laterSlots { startsAt providerCount }
  offlineProviders { id name }
  waitlist { serviceId earliest latest }
}"""
CREATE_OR_WAYS = """
mutation($input: CreateBookingInput!) { createBooking(input: $input) {
  __typename
  ... on Problem { code message path }
  ... on NobodyFree { waysOn {
    laterSlots { startsAt providerCount }
    offlineProviders { id name }
    waitlist { serviceId earliest latest }
  } }
} }"""
HOLD = "mutation($input: HoldSlotInput!) { holdSlot(input: $input) { __typename } }"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: The day after tomorrow. Read once, so that no test is cut in two by midnight.
NOON = datetime.combine(datetime.now(UTC).date() + 2 * DAY, time(12), UTC)


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def an_hour(database: Database, *, rules: Any = None, **columns: Any) -> Service:
    """A service of an hour that can be booked every full hour, two years ahead."""
    plain = {
        "slot_interval_minutes": 60,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "advance_days": 730,
    }
    kept = booking_rules.columns(BookingRules(**plain | (rules or {})))
    return await add_service(database, **{"duration_minutes": 60, "rules": kept} | columns)


def wire(kind: str, of: Service | Viewer) -> str:
    return ids.encode(kind, of.id if isinstance(of, Service) else of.user_id)


def z(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


async def slots(home: House, of: Service, **variables: Any) -> Any:
    """The slots of a service in the three hours from noon on, or as the variables say."""
    asked = {
        "service": wire("Service", of),
        "place": PLACE,
        "from": z(NOON),
        "to": z(NOON + 2 * HOUR),
    }
    return await home.act("Carla", SLOTS, **asked | variables)


def starts(found: Any) -> list[str]:
    return [slot["startsAt"] for slot in found["slots"]]


async def book(
    home: House, of: Service, start: datetime, document: str = CREATE, **also: Any
) -> Any:
    asked = {
        "serviceId": wire("Service", of),
        "kind": "SCHEDULED",
        "startsAt": z(start),
        "address": ADDRESS,
    }
    return await home.act("Carla", document, input=asked | also)


async def test_a_slot_is_an_instant_with_the_time_on_the_wall(home: House) -> None:
    of = await an_hour(home.database)
    await add_providers(home.database, of, count=2, time_zone="Asia/Kathmandu")
    local = NOON.astimezone(ZoneInfo("Asia/Kathmandu"))

    found = await slots(home, of)

    begins = NOON + timedelta(minutes=15)
    assert found["slots"][0] == {
        "startsAt": z(begins),
        "endsAt": z(begins + HOUR),
        "localStart": f"{local.date()}T18:00:00",
        "localEnd": f"{local.date()}T19:00:00",
        "timeZone": "Asia/Kathmandu",
        "utcOffset": "+05:45",
        "providerCount": 2,
    }
    assert starts(found) == [z(begins), z(begins + HOUR)]
    assert (found["timeZone"], found["providerCount"], found["reasons"]) == (
        "Asia/Kathmandu",
        2,
        [],
    )


async def test_a_slot_that_is_offered_can_be_booked_and_is_offered_no_more(home: House) -> None:
    of = await an_hour(home.database)
    one = await add_provider(home.database, of)
    mine = {"provider": wire("Provider", one)}
    before = await slots(home, of, **mine)

    made = await book(home, of, NOON + HOUR, providerId=mine["provider"])

    assert starts(before) == [z(NOON + n * HOUR) for n in range(3)]
    assert made["__typename"] == "CreateBookingSuccess"
    assert starts(await slots(home, of, **mine)) == [z(NOON), z(NOON + 2 * HOUR)]
    again = await book(home, of, NOON + HOUR, providerId=mine["provider"])
    assert again["__typename"] == "SlotTaken"
    assert again["alternatives"] == [z(NOON + n * HOUR) for n in (2, 3, 4)]


async def test_a_second_free_provider_means_a_second_booking_and_a_third_is_told_the_ways_on(
    home: House,
) -> None:
    of = await an_hour(home.database)
    await add_providers(home.database, of, count=2)
    for left in (1, 0):
        made = await book(home, of, NOON)
        assert made["__typename"] == "CreateBookingSuccess"
        found = await slots(home, of, to=z(NOON))
        assert [slot["providerCount"] for slot in found["slots"]] == [left][:left]
    before = await count_rows(home.database, bookings)

    refused = await book(home, of, NOON, CREATE_OR_WAYS)

    assert refused["__typename"] == "NobodyFree"
    assert (refused["code"], refused["path"]) == ("NOBODY_FREE", ["startsAt"])
    ways_on = refused["waysOn"]
    assert ways_on["laterSlots"] == [
        {"startsAt": z(NOON + n * HOUR), "providerCount": 2} for n in range(1, 6)
    ]
    assert len(ways_on["offlineProviders"]) == 2
    assert ways_on["waitlist"] == {
        "serviceId": wire("Service", of),
        "earliest": z(NOON),
        "latest": z(NOON + DAY),
    }
    assert await count_rows(home.database, bookings) == before


@pytest.mark.parametrize("act", ["book", "hold"])
@pytest.mark.parametrize(
    ("speed", "speed_there", "minutes"), [(40, 40, 15), (40, 10, 60), (10, 40, 60)]
)
async def test_the_way_from_other_work_takes_as_long_as_at_the_slower_of_the_two_speeds(
    home: House, speed: int, speed_there: int, minutes: int, act: str
) -> None:
    often = {"slot_interval_minutes": 15}
    of = await an_hour(home.database, rules=often | {"travel_mph": speed})
    elsewhere = await an_hour(home.database, rules=often | {"travel_mph": speed_there})
    one = await add_provider(home.database, of, radius_miles=15.0)
    async with home.database.begin() as tx:
        also = {"provider_id": one.user_id, "service_id": elsewhere.id}
        await tx.execute(insert(provider_services).values(also))
    named = wire("Provider", one)
    # Ten miles north, or a little less.
    far = ADDRESS | {"point": {"latitude": 51.5034 + 9.99 / 69.0934, "longitude": -0.1276}}
    if act == "book":
        made = await book(home, elsewhere, NOON, providerId=named, address=far)
        assert made["__typename"] == "CreateBookingSuccess"
    else:
        asked = {"serviceId": wire("Service", elsewhere), "startsAt": z(NOON), "address": far}
        made = await home.act("Carla", HOLD, input=asked | {"providerId": named})
        assert made["__typename"] == "HoldSlotSuccess"

    arrived = NOON + HOUR + timedelta(minutes=minutes)
    assert starts(await slots(home, of, provider=named))[0] == z(arrived)
    sooner = await book(home, of, arrived - timedelta(minutes=15), providerId=named)
    assert [one["rule"] for one in sooner["broken"]] == ["BUFFER"]
    in_time = await book(home, of, arrived, providerId=named)
    assert in_time["__typename"] == "CreateBookingSuccess"


async def test_every_start_of_the_grid_is_either_offered_and_bookable_or_refused_with_a_reason(
    home: House,
) -> None:
    of = await an_hour(home.database, rules={"buffer_after_minutes": 60})
    one = await add_provider(home.database, of, daily_cap=3)
    named = wire("Provider", one)
    async with home.database.begin() as tx:
        mine = working_hours.c.provider_id == one.user_id
        await tx.execute(delete(working_hours).where(mine))
        rows = [
            {"provider_id": one.user_id, "weekday": day, "opens": time(11), "closes": time(19)}
            for day in range(1, 8)
        ]
        await tx.execute(insert(working_hours), rows)
    await book(home, of, NOON + 3 * HOUR, providerId=named)
    day = {"from": z(NOON - 12 * HOUR), "to": z(NOON + 11 * HOUR), "provider": named}
    offered = starts(await slots(home, of, **day))

    came: dict[str, set[str]] = {}
    for hour in range(-12, 12):
        start = NOON + hour * HOUR
        made = await book(home, of, start, providerId=named)
        if made["__typename"] == "CreateBookingSuccess":
            assert z(start) in offered
            # It is offered beside others, so it makes room for them again.
            cancel = "mutation($id: ID!) { cancelBooking(input: {bookingId: $id}) { __typename } }"
            await home.act("Carla", cancel, id=made["booking"]["id"])
            came[z(start)] = set()
        elif made["__typename"] == "SlotTaken":
            came[z(start)] = {"SLOT_TAKEN"}
        else:
            came[z(start)] = {one["rule"] for one in made["broken"]}
    assert [start for start, broken in came.items() if not broken] == offered
    assert {rule for broken in came.values() for rule in broken} == {
        "OUTSIDE_HOURS",
        "BUFFER",
        "SLOT_TAKEN",
    }


async def test_a_held_slot_is_taken(home: House) -> None:
    of = await an_hour(home.database)
    await add_provider(home.database, of)
    hold = """mutation($input: HoldSlotInput!) { holdSlot(input: $input) { __typename } }"""
    asked = {"serviceId": wire("Service", of), "startsAt": z(NOON), "address": ADDRESS}

    held = await home.act("Carla", hold, input=asked)

    assert held == {"__typename": "HoldSlotSuccess"}
    assert starts(await slots(home, of)) == [z(NOON + HOUR), z(NOON + 2 * HOUR)]


async def test_the_first_slots_are_given_as_many_as_were_asked_for(home: House) -> None:
    of = await an_hour(home.database)
    await add_provider(home.database, of)
    month = {"to": z(NOON + 31 * DAY)}

    assert len(starts(await slots(home, of, **month))) == 50
    assert len(starts(await slots(home, of, **month, first=500))) == 500
    assert starts(await slots(home, of, **month, first=1)) == [z(NOON)]


async def test_says_why_there_is_no_slot(home: House) -> None:
    of = await an_hour(home.database)
    nobody = await slots(home, of)
    assert (nobody["slots"], nobody["providerCount"], nobody["reasons"]) == ([], 0, [])

    one = await add_provider(home.database, of)
    await book(home, of, NOON, providerId=wire("Provider", one))
    taken = await slots(home, of, to=z(NOON))
    assert (taken["slots"], taken["providerCount"], taken["reasons"]) == ([], 1, ["SLOT_TAKEN"])

    past = await slots(home, of, **{"from": z(NOON - 9 * DAY), "to": z(NOON - 8 * DAY)})
    assert (past["slots"], past["reasons"]) == ([], ["PAST"])


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"place": None}, "place: Say where"),
    ({"place": PLACE | {"country": "GBR"}}, "place.country: Write the ISO 3166 code"),
    ({"place": PLACE | {"postalCode": ""}}, "place.postalCode: Write 1 to 16 characters"),
    (
        {"place": PLACE | {"point": {"latitude": 91, "longitude": 0}}},
        "place.point.latitude: Give degrees from -90 to 90",
    ),
    ({"first": 0}, "first: Give 1 to 500"),
    ({"first": 501}, "first: Give 1 to 500"),
    ({"to": z(NOON - HOUR)}, "to: Give an instant from `from`"),
    ({"to": z(NOON + 31 * DAY + HOUR)}, "to: Give an instant from `from` to 31 days after"),
    ({"service": provider("Chloe")}, "serviceId: Expected the id of a Service"),
    ({"provider": service("home-clean")}, "providerId: Expected the id of a Provider"),
]


async def test_a_wrong_argument_is_named_with_its_remedy(home: House) -> None:
    asked = {
        "service": service("home-clean"),
        "place": PLACE,
        "from": z(NOON),
        "to": z(NOON + DAY),
    }
    for variables, says in WRONG:
        answer = await home.ask("Carla", SLOTS, **asked | variables)

        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert says in error["message"]


async def test_every_wrong_field_of_a_place_is_named_at_once(home: House) -> None:
    wrong = {"country": "", "postalCode": "", "point": {"latitude": 0, "longitude": 181}}

    answer = await home.ask("Carla", SLOTS, service=service("home-clean"), place=wrong)

    message = answer["errors"][0]["message"]
    assert all(field in message for field in ("place.country", "place.postalCode", "longitude"))


async def test_an_unknown_service_or_provider_is_not_there(home: House) -> None:
    gone = await an_hour(home.database)
    async with home.database.begin() as tx:
        await tx.execute(update(services).where(services.c.id == gone.id).values(active=False))
    shy = await add_provider(home.database, await an_hour(home.database), approved_at=None)
    for variables in (
        {"service": ids.encode("Service", new_id())},
        {"service": wire("Service", gone)},
        {"service": service("home-clean"), "provider": ids.encode("Provider", new_id())},
        {"service": service("home-clean"), "provider": wire("Provider", shy)},
    ):
        answer = await home.ask("Carla", SLOTS, place=PLACE, **variables)
        assert [e["extensions"]["code"] for e in answer["errors"]] == ["NOT_FOUND"]


async def test_who_is_not_signed_in_is_told_so(home: House) -> None:
    for document in (SLOTS, PROVIDERS):
        answer = await home.ask(None, document, service=service("home-clean"), place=PLACE)
        assert {e["extensions"]["code"] for e in answer["errors"]} == {"UNAUTHENTICATED"}


async def test_a_call_needs_no_place(home: House) -> None:
    of = await an_hour(home.database, mode=ServiceMode.VIDEO)
    await add_provider(home.database, of, latitude=-33.9, longitude=151.2)

    assert len(starts(await slots(home, of, place=None))) == 3


async def test_a_day_on_which_clocks_change_has_as_many_slots_as_half_hours(home: House) -> None:
    for zone_name in ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"):
        of = await an_hour(home.database, rules={"slot_interval_minutes": 30}, duration_minutes=30)
        await add_provider(home.database, of, time_zone=zone_name)
        days = [NOON.date() + n * DAY for n in range(400)]
        bounds = [day_bounds(ZoneInfo(zone_name), day) for day in days]
        short, long = sorted(
            [day for day in bounds if day[1] - day[0] != DAY][:2], key=lambda day: day[1] - day[0]
        )

        walls = [await check_day(home, of, *day) for day in (short, long)]

        # Where the clock goes back the wall shows some times twice, else each of them once.
        assert [len(set(shown)) == len(shown) for shown in walls] == [True, False]


async def check_day(home: House, of: Service, start: datetime, end: datetime) -> list[str]:
    """The wall times of the slots of a day, each an instant of its own and told rightly."""
    found = await slots(home, of, **{"from": z(start), "to": z(end - timedelta(seconds=1))})
    half_hours = (end - start) // timedelta(minutes=30)
    assert starts(found) == [z(start + n * timedelta(minutes=30)) for n in range(half_hours)]
    for slot in found["slots"]:
        wall = f"{slot['localStart']}{slot['utcOffset']}"
        assert utc(datetime.fromisoformat(wall)) == datetime.fromisoformat(slot["startsAt"])
    return [slot["localStart"] for slot in found["slots"]]


async def test_providers_are_offered_for_now_and_for_later(home: House) -> None:
    of = await an_hour(home.database)
    off, on = await add_providers(home.database, of, count=2, on_shift=False)
    wanted = {"service": wire("Service", of), "place": PLACE}

    nobody = await home.act("Carla", PROVIDERS, **wanted)

    assert [one["isFree"] for one in nobody["providers"]] == [False, False]
    assert nobody["providers"][0] == {
        "isFree": False,
        "distanceMiles": 1,
        "nextStarts": nobody["providers"][0]["nextStarts"],
        "provider": {
            "id": wire("Provider", off),
            "name": "John D.",
            "presence": "OFFLINE",
            "rating": None,
        },
    }
    assert [len(one["nextStarts"]) for one in nobody["providers"]] == [3, 3]
    assert [one["id"] for one in nobody["waysOn"]["offlineProviders"]] == [
        wire("Provider", off),
        wire("Provider", on),
    ]
    assert len(nobody["waysOn"]["laterSlots"]) == 5
    assert nobody["waysOn"]["waitlist"]["earliest"] == nobody["startsAt"]

    home.sign_in("Ona", on)
    await home.on_shift("Ona")
    somebody = await home.act("Carla", PROVIDERS, **wanted)
    assert [(one["isFree"], one["provider"]["presence"]) for one in somebody["providers"]] == [
        (True, "ONLINE"),
        (False, "OFFLINE"),
    ]
    assert somebody["waysOn"] is None
    later = await home.act("Carla", PROVIDERS, **wanted, startsAt=z(NOON), first=1)
    assert later["startsAt"] == z(NOON)
    (first,) = later["providers"]
    assert first["isFree"] is True
    assert [slot["startsAt"] for slot in first["nextStarts"]] == [
        z(NOON + n * HOUR) for n in range(3)
    ]


async def test_more_providers_than_a_page_are_not_given(home: House) -> None:
    answer = await home.ask(
        "Carla", PROVIDERS, service=service("home-clean"), place=PLACE, first=101
    )

    assert "first: Give 1 to 100" in answer["errors"][0]["message"]


async def test_an_answer_costs_what_it_can_hold(home: House) -> None:
    of = await an_hour(home.database)
    await add_provider(home.database, of)
    document = """query($of: ID!, $place: PlaceInput!) {
      availableSlots(serviceId: $of, place: $place, first: 500) { slots { startsAt } }
    }"""

    answer = await home.ask("Carla", document, of=wire("Service", of), place=PLACE)

    held = len(answer["data"]["availableSlots"]["slots"])
    assert held > 100
    assert answer["extensions"]["cost"]["requested"] == 1 + 500
    assert answer["extensions"]["cost"]["actual"] == 1 + held
