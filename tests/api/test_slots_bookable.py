"""Every slot that is offered can be had, and every other start is refused for the right reason.

Through the public door, for random hours, overrides, days off, stays, work, buffers, caps and
capacities, around every kind of odd night. What is right is said by looking at the wall (lives.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from string import ascii_uppercase
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from db.ids import new_id
from db.tables import holidays
from domain.booking_rules import BookingRules
from domain.places import Point
from domain.services import Service
from tests.api import lives, market
from tests.api.house import ADDRESS, House
from tests.api.lives import HOUR, MINUTE, STEP, Job, Life
from tests.api.market import Market, Person, instant, rules_of
from tests.api.nights import next_night
from tests.depth import DEPTH
from tests.factories import add_booking, add_service, an_address

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.soak]

ZONES: Final = (
    *("America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Cairo"),
    "Asia/Kathmandu",
)
#: A zone, and how its clock is changed in the night that is looked at.
NIGHTS: Final = [
    *((zone, way) for zone in ZONES[:4] for way in ("forward", "back")),
    (ZONES[4], None),
]
WINDOW: Final = 20 * HOUR
#: So many slots are held in one request, one after the other.
AT_A_TIME: Final = 30
HERE: Final = Point(latitude=51.5034, longitude=-0.1276)
FAR: Final = Point(latitude=51.5034 + 9.99 / 69.0934, longitude=-0.1276)
WORK: Final = market.mutation("updateAvailability", "version", "InvalidInput")
TAKE_OFF: Final = market.mutation("requestTimeOff", "timeOff { id }", "InvalidInput")
#: What is said of one hold; the next one takes its place, so that none is in another's way.
TOLD: Final = """
fragment told on HoldSlotResult {
  __typename
  ... on HoldSlotSuccess { hold { startsAt provider { id } } }
  ... on RulesBroken { broken { rule } }
}
"""
#: Always the same few examples; looking for a simpler one that fails too would take minutes.
QUICK: Final = settings(
    deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
_countries = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A service, those who do it and what is wanted of them, in a window of a day."""

    earliest: datetime
    rules: BookingRules
    duration: timedelta
    lives: tuple[Life, ...]
    #: Bookings of the service that wait for a provider.
    waiting: tuple[Job, ...]

    @property
    def latest(self) -> datetime:
        """The last start that is looked at."""
        return self.earliest + WINDOW

    @property
    def grid(self) -> list[datetime]:
        """Every start that there could be, by the clock of the nearest provider."""
        every = self.rules.slot_interval_minutes
        return lives.grid(self.earliest, self.latest, self.lives[0].zone, every)

    @property
    def beside(self) -> list[datetime]:
        """Some starts that lie beside the grid."""
        zone, every = self.lives[0].zone, self.rules.slot_interval_minutes
        near = (at + STEP for at in self.grid[::12])
        return [at for at in near if not lives.is_on_grid(at, zone, every)]

    def wanted(self, at: datetime) -> Job:
        """What a booking at that start takes."""
        return Job(
            starts_at=at,
            ends_at=at + self.duration,
            before=self.rules.buffer_before,
            after=self.rules.buffer_after,
        )

    def against(self, at: datetime) -> set[str]:
        """The rules that forbid a start whoever does the work."""
        off = not lives.is_on_grid(at, self.lives[0].zone, self.rules.slot_interval_minutes)
        limit = self.rules.capacity
        full = limit is not None and lives.most_at_once(self.waiting, self.wanted(at)) >= limit
        return {rule for rule, broken in (("OFF_GRID", off), ("CAPACITY", full)) if broken}

    def left(self, at: datetime) -> int:
        """How many of those who are free then nobody else needs."""
        wanted = self.wanted(at)
        free = sum(not life.against(wanted) for life in self.lives)
        return free - sum(job.is_too_near(wanted) for job in self.waiting)


@st.composite
def cases(draw: st.DrawFn, name: str, way: Any, *, providers: int) -> Case:
    zone = ZoneInfo(name)
    if way is None:
        now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        change = now + timedelta(days=10)
    else:
        change = next_night(zone, way).change
    earliest = change - draw(st.integers(4, 16)) * HOUR
    elsewhere = [ZoneInfo(other) for other in ZONES]
    rules = BookingRules(
        notice_minutes=0,
        advance_days=730,
        slot_interval_minutes=draw(st.sampled_from([50, 45, 60, 90])),
        buffer_before_minutes=draw(lives.BUFFERS) // MINUTE,
        buffer_after_minutes=draw(lives.BUFFERS) // MINUTE,
        capacity=draw(st.sampled_from([2, None, 1])),
    )
    several = draw(lives.jobs(earliest))
    return Case(
        earliest=earliest,
        rules=rules,
        duration=draw(st.sampled_from([60, 30, 90, 150])) * MINUTE,
        lives=tuple(
            draw(lives.lives(draw(st.sampled_from(homes)), earliest, elsewhere))
            for homes in [[zone], [elsewhere[-1], zone]][:providers]
        ),
        # They are of the same service, so they want the same room.
        waiting=tuple(
            Job(
                starts_at=job.starts_at,
                ends_at=job.ends_at,
                before=rules.buffer_before,
                after=rules.buffer_after,
            )
            for job in several
        ),
    )


async def opened(home: House, case: Case) -> tuple[Market, list[Person], Person]:
    """The case in a house: the service, those who do it, and somebody who wants it."""
    minutes = case.duration // MINUTE
    shop = await market.opened(home, rules=case.rules, duration_minutes=minutes)
    other = await add_service(home.database)
    ada, ben = await shop.customers(2)
    for job in case.waiting:
        await give(shop, shop.service, ben, job, rules=case.rules)
    providers = []
    for place, life in enumerate(case.lives):
        provider = await live(shop, life, latitude=51.5010 - place / 1000)
        providers.append(provider)
        for job in life.jobs:
            buffers = BookingRules(
                buffer_before_minutes=job.before // MINUTE,
                buffer_after_minutes=job.after // MINUTE,
            )
            await give(shop, other, ben, job, rules=buffers, to=provider)
    return shop, providers, ada


async def live(shop: Market, life: Life, **columns: Any) -> Person:
    """A provider who lives like this."""
    country = "".join(ascii_uppercase[n] for n in divmod(next(_countries), 26))
    provider = await shop.provider(
        time_zone=life.zone.key,
        country=country,
        radius_miles=50,
        daily_cap=life.daily_cap,
        **columns,
    )
    week = [interval | {"weekday": day} for day in range(1, 8) for interval in said(life.hours)]
    overrides = [
        {"day": f"{day}", "intervals": said(hours)} for day, hours in life.overrides.items()
    ]
    asked: dict[str, Any] = {"weeklyHours": week, "dateOverrides": overrides}
    if life.stay:
        first, last, zone = life.stay
        stay = {"firstDay": f"{first}", "lastDay": f"{last}", "timeZone": zone.key}
        asked |= {"temporaryZones": [stay]}
    made = await shop.act(provider, WORK, input=asked)
    assert made["__typename"] == "UpdateAvailabilitySuccess", made
    if life.time_off:
        starts_at, ends_at = life.time_off
        asked = market.plain({"startsAt": starts_at, "endsAt": ends_at})
        made = await shop.act(provider, TAKE_OFF, input=asked)
        assert made["__typename"] == "RequestTimeOffSuccess", made
    async with shop.home.database.begin() as tx:
        for day in life.holidays:
            row = {"id": new_id(), "day": day, "country": country, "name": "Nothing works"}
            await tx.execute(insert(holidays).values(row))
    return provider


def said(hours: Sequence[lives.Stretch]) -> list[dict[str, Any]]:
    """Hours as the wire takes them."""
    return [{"opens": f"{opens:%H:%M}", "closes": f"{closes:%H:%M}"} for opens, closes in hours]


async def give(
    shop: Market,
    service: Service,
    customer: Person,
    job: Job,
    *,
    rules: BookingRules,
    to: Person | None = None,
) -> None:
    """Make the booking of a job: a provider's, or one that waits for approval and for somebody."""
    staffed = {"provider_id": to.uid, "assigned_at": job.starts_at - WINDOW} if to else {}
    await add_booking(
        shop.home.database,
        customer.viewer,
        service,
        starts_at=job.starts_at,
        ends_at=job.ends_at,
        rules=rules,
        address=an_address(postal_code="SW1A 2AA", point=FAR if job.far else HERE),
        needs_approval=to is None,
        match_due_at=None,
        **staffed,
    )


async def tried(
    shop: Market, ada: Person, starts: Sequence[datetime], *, provider: Person | None = None
) -> list[Any]:
    """What comes of holding each of these starts, and no other at the same time."""
    answers: list[Any] = []
    for low in range(0, len(starts), AT_A_TIME):
        some = starts[low : low + AT_A_TIME]
        named = {"providerId": provider.id} if provider else {}
        asked = {"serviceId": shop.service_id, "address": ADDRESS, **named}
        inputs = {f"i{n}": asked | {"startsAt": at.isoformat()} for n, at in enumerate(some)}
        declared = ", ".join(f"${name}: HoldSlotInput!" for name in inputs)
        holds = " ".join(f"h{n}: holdSlot(input: $i{n}) {{ ...told }}" for n in range(len(some)))
        document = f"mutation({declared}) {{ {holds} }} {TOLD}"
        answer = await shop.home.ask(ada.name, document, **inputs)
        assert "errors" not in answer, answer
        answers += [answer["data"][f"h{n}"] for n in range(len(some))]
    return answers


def check_held(answer: Any, at: datetime) -> str:
    """The id of the provider whose time is held from then on."""
    assert answer["__typename"] == "HoldSlotSuccess", (at, answer)
    assert instant(answer["hold"]["startsAt"]) == at
    held: str = answer["hold"]["provider"]["id"]
    return held


@pytest.mark.parametrize(("zone", "way"), NIGHTS)
@settings(QUICK, max_examples=2 * DEPTH)
@given(data=st.data())
async def test_a_start_of_a_named_provider_is_offered_if_and_only_if_it_can_be_had(
    home: House, zone: str, way: str | None, data: st.DataObject
) -> None:
    case = data.draw(cases(zone, way, providers=1))
    (life,), grid = case.lives, case.grid
    shop, (provider,), ada = await opened(home, case)
    found = await shop.slots(ada, earliest=case.earliest, latest=case.latest, provider=provider)
    against = {at: case.against(at) | life.against(case.wanted(at)) for at in (*grid, *case.beside)}
    offered = [instant(slot["startsAt"]) for slot in found["slots"]]
    assert offered == [at for at in grid if not against[at]]
    assert bool(found["reasons"]) is not bool(offered)
    assert set(found["reasons"]) <= {rule for at in grid for rule in against[at]}
    for slot, at in zip(found["slots"], offered, strict=True):
        there = at.astimezone(life.zone)
        assert slot["localStart"] == there.replace(tzinfo=None, fold=0).isoformat()
        assert slot["utcOffset"] == there.isoformat(timespec="minutes")[16:]
    answers = await tried(shop, ada, list(against), provider=provider)
    for at, answer in zip(against, answers, strict=True):
        if against[at]:
            assert set(rules_of(answer)) == against[at], at
        else:
            assert check_held(answer, at) == provider.id


@pytest.mark.parametrize(("zone", "way"), NIGHTS)
@settings(QUICK, max_examples=DEPTH)
@given(data=st.data())
async def test_a_start_is_offered_if_and_only_if_somebody_can_be_had_whom_no_one_else_needs(
    home: House, zone: str, way: str | None, data: st.DataObject
) -> None:
    case = data.draw(cases(zone, way, providers=2))
    grid = case.grid
    shop, providers, ada = await opened(home, case)
    found = await shop.slots(ada, earliest=case.earliest, latest=case.latest)
    against = {at: case.against(at) for at in (*grid, *case.beside)}
    expected = [at for at in grid if not against[at] and case.left(at) > 0]
    offered = {instant(slot["startsAt"]): slot["providerCount"] for slot in found["slots"]}
    assert offered == {at: case.left(at) for at in expected}
    assert list(offered) == expected
    answers = await tried(shop, ada, list(against))
    for at, answer in zip(against, answers, strict=True):
        if against[at]:
            assert set(rules_of(answer)) == against[at], at
        elif at in offered:
            held = next(n for n, one in enumerate(providers) if one.id == check_held(answer, at))
            assert case.lives[held].against(case.wanted(at)) == set()
        else:
            assert answer["__typename"] == "NobodyFree", (at, answer)
