"""A whole calendar of starts against the rules asked of each start alone, in many zones and weeks.

Every start that the calendar offers breaks no rule, and every start of the grid that it leaves out
breaks one: for random hours, overrides, holidays, time off, stays in other zones, work, buffers,
ways, caps, capacities and rules, around every odd night of the clocks.
"""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.availability import (
    Availability,
    Block,
    DateOverride,
    TemporaryZone,
    obstacles,
)
from domain.booking_rules import (
    Advance,
    BookingRule,
    BookingRules,
    SameDay,
    broken_by_start,
    over_capacity,
)
from domain.hours import Interval, WeeklyHours, WeeklyInterval, grid, most_at_once
from domain.places import Point
from domain.slot_search import Calendar, Diary, Search

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

#: Noon before an odd night (or a plain one), and the zone in which it is odd.
NIGHTS = st.sampled_from(
    [
        ("America/New_York", datetime(2026, 3, 7, 17, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 10, 31, 16, tzinfo=UTC)),
        ("Europe/London", datetime(2027, 3, 27, 12, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 10, 24, 12, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 3, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 3, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 4, 23, 10, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 10, 29, 10, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 6, 1, 6, tzinfo=UTC)),
    ]
)
ZONES = st.sampled_from(
    ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu")
).map(ZoneInfo)
#: Places at most half an hour of travel apart, or unknown.
POINTS = st.one_of(
    st.none(),
    st.builds(Point, latitude=st.floats(51.4, 51.55), longitude=st.floats(-0.2, 0.0)),
)
NEVER = st.just(value=False)
#: From all of the way in a few minutes to more than the way of any buffer.
SPEEDS = st.sampled_from([7, 20, 60])
BUFFERS = st.sampled_from([0, 10, 15, 60]).map(lambda minutes: minutes * MINUTE)


@st.composite
def stretches(draw: st.DrawFn) -> list[Interval]:
    found = []
    for opens, length in draw(
        st.lists(st.tuples(st.integers(0, 47), st.integers(2, 48)), max_size=3)
    ):
        closes = min(opens + length, 48) % 48
        hours = time(opens // 2, opens % 2 * 30), time(closes // 2, closes % 2 * 30)
        found.append(Interval(opens=hours[0], closes=hours[1]))
    return found


@st.composite
def availabilities(draw: st.DrawFn, zone: ZoneInfo, noon: datetime) -> Availability:
    """A few days of somebody's life around a noon."""
    days = [(noon + number * DAY).date() for number in range(-2, 4)]
    some_days = st.lists(st.sampled_from(days), max_size=2, unique=True)
    weekly = [
        WeeklyInterval(weekday=day, opens=one.opens, closes=one.closes)
        for day in range(1, 8)
        for one in draw(stretches())
    ]
    stays = draw(st.lists(st.tuples(some_days, ZONES), max_size=1))
    return Availability(
        zone=draw(st.one_of(st.just(zone), ZONES)),
        hours=WeeklyHours(intervals=tuple(weekly)),
        overrides=tuple(
            DateOverride(day=day, intervals=tuple(draw(stretches()))) for day in draw(some_days)
        ),
        zones=tuple(
            TemporaryZone(first=min(of), last=max(of), zone=other) for of, other in stays if of
        ),
        time_off=tuple(block.span for block in draw(st.lists(blocks(noon), max_size=1))),
        holidays=frozenset(draw(some_days)),
        daily_cap=draw(st.integers(1, 4)),
    )


@st.composite
def blocks(draw: st.DrawFn, noon: datetime, done: st.SearchStrategy[bool] = NEVER) -> Block:
    starts_at = noon + draw(st.integers(-600, 2400)) * MINUTE
    return Block(
        starts_at=starts_at,
        ends_at=starts_at + draw(st.integers(5, 300)) * MINUTE,
        before=draw(BUFFERS),
        after=draw(BUFFERS),
        point=draw(POINTS),
        travel_mph=draw(SPEEDS),
        done=draw(done),
    )


@st.composite
def rules(draw: st.DrawFn, noon: datetime) -> BookingRules:
    same_day, advance = draw(st.sampled_from(SameDay)), draw(st.sampled_from(Advance))
    first = noon.date() + draw(st.integers(-1, 2)) * DAY if advance is Advance.DATES else None
    return BookingRules(
        same_day=same_day,
        same_day_cutoff=time(12) if same_day is SameDay.UNTIL_CUTOFF else None,
        notice_minutes=draw(st.sampled_from([0, 1, 120, 1000])),
        advance=advance,
        advance_days=draw(st.integers(1, 3)),
        first_date=first,
        last_date=first + draw(st.integers(0, 2)) * DAY if first else None,
        slot_interval_minutes=draw(st.sampled_from([15, 20, 30, 60, 100])),
        buffer_before_minutes=draw(st.sampled_from([0, 15, 25])),
        buffer_after_minutes=draw(st.sampled_from([0, 15, 45])),
        travel_mph=draw(SPEEDS),
        capacity=draw(st.sampled_from([None, None, 1, 2])),
    )


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    name, noon = draw(NIGHTS)
    zone = ZoneInfo(name)
    search = Search(
        rules=draw(rules(noon)),
        duration=draw(st.sampled_from([20, 60, 120, 600])) * MINUTE,
        zone=zone,
        earliest=noon,
        latest=noon + draw(st.sampled_from([20, 36])) * timedelta(hours=1),
        at=noon + draw(st.integers(-2000, 700)) * MINUTE,
        immediate=False,
        point=draw(POINTS),
    )
    diaries = [
        Diary(
            provider_id=UUID(int=number),
            availability=draw(availabilities(zone, noon)),
            taken=draw(st.lists(blocks(noon, st.booleans()), max_size=3)),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    return Calendar(
        search=search,
        diaries=diaries,
        alike=[block.span for block in draw(st.lists(blocks(noon), max_size=3))],
        waiting=draw(st.lists(blocks(noon), max_size=2)),
    )


def against(calendar: Calendar, diary: Diary, starts_at: datetime) -> set[BookingRule]:
    """Which rules a start breaks with one provider, each rule asked as a booking would ask it."""
    search, wanted = calendar.search, calendar.search.wanted(starts_at)
    broken = (
        *broken_by_start(
            search.rules,
            starts_at=starts_at,
            immediate=search.immediate,
            zone=search.zone,
            at=search.at,
        ),
        *over_capacity(search.rules, most_at_once(calendar.alike, wanted.span)),
        *obstacles(diary.availability, diary.taken, wanted, rules=search.rules, at=search.at),
    )
    return {one.rule for one in broken}


def check(calendar: Calendar, starts: list[datetime]) -> None:
    found = {
        starts_at: {d.provider_id: against(calendar, d, starts_at) for d in calendar.diaries}
        for starts_at in starts
    }
    free = {
        starts_at: [uid for uid, broken in of.items() if not broken]
        for starts_at, of in found.items()
    }
    needed = {
        starts_at: sum(
            block.is_too_near(calendar.search.wanted(starts_at)) for block in calendar.waiting
        )
        for starts_at in starts
    }
    for diary in calendar.diaries:
        uid = diary.provider_id
        by_name = [slot.starts_at for slot in calendar.slots_of(uid, len(starts))]
        assert by_name == [starts_at for starts_at in starts if uid in free[starts_at]]
    offered = {slot.starts_at: slot.provider_count for slot in calendar.slots(len(starts))}
    assert offered == {
        starts_at: len(free[starts_at]) - needed[starts_at]
        for starts_at in starts
        if len(free[starts_at]) > needed[starts_at]
    }
    told = set(calendar.reasons())
    if offered:
        assert told == set()
    else:
        every = {rule for of in found.values() for broken in of.values() for rule in broken}
        if any(free.values()):
            every.add(BookingRule.SLOT_TAKEN)
        assert told <= every
        assert bool(told) is bool(every)


@settings(max_examples=120, deadline=None, database=None)
@given(calendar=calendars())
def test_a_start_is_offered_if_and_only_if_no_rule_forbids_it(calendar: Calendar) -> None:
    search = calendar.search
    starts = list(
        grid(
            search.zone,
            earliest=search.earliest,
            latest=search.latest,
            step=search.rules.interval,
        )
    )

    check(calendar, starts)


@settings(max_examples=120, deadline=None, database=None)
@given(calendar=calendars(), minutes=st.integers(0, 2000), immediate=st.booleans())
def test_one_instant_is_looked_at_as_it_is_on_the_grid_or_not(
    calendar: Calendar, minutes: int, immediate: bool
) -> None:
    starts_at = calendar.search.earliest + minutes * MINUTE
    search = Search(
        rules=calendar.search.rules,
        duration=calendar.search.duration,
        zone=calendar.search.zone,
        earliest=starts_at,
        latest=starts_at,
        at=calendar.search.at,
        immediate=immediate,
        point=calendar.search.point,
    )
    one = Calendar(
        search=search, diaries=calendar.diaries, alike=calendar.alike, waiting=calendar.waiting
    )

    check(one, [starts_at])


@settings(max_examples=60, deadline=None, database=None)
@given(data=st.data())
def test_a_provider_has_the_same_days_wherever_they_are(data: st.DataObject) -> None:
    name, noon = data.draw(NIGHTS)
    zone = ZoneInfo(name)
    availability = data.draw(availabilities(zone, noon))
    search = Search(
        rules=BookingRules(slot_interval_minutes=15),
        duration=MINUTE,
        zone=zone,
        earliest=noon - DAY,
        latest=noon + DAY,
        at=noon,
    )
    starts = Calendar(search=search, diaries=[]).starts

    for number in range(-3, 4):
        day: date = noon.date() + number * DAY
        bits = starts.on(availability, day)
        on_it = [at for n, at in enumerate(starts.all) if bits >> n & 1]
        assert on_it == [at for at in starts.all if availability.local_day(at) == day]
