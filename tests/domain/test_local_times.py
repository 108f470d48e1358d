"""Is a wall time turned into the right instant, and refused where there is none or two?"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.booking_rules import BookingRule
from domain.local_times import (
    AmbiguousLocalTime,
    NonexistentLocalTime,
    resolve,
    resolve_first,
    shown,
)
from tests.domain.clocks import CAIRO, HOUR, KATHMANDU, LONDON, LORD_HOWE, NEW_YORK, z

APIA = ZoneInfo("Pacific/Apia")
ZONES = (NEW_YORK, LONDON, LORD_HOWE, CAIRO, KATHMANDU, APIA)


def wall(text: str) -> datetime:
    """A wall time in 2026 without a zone: wall("03-08 02:30")."""
    return datetime.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("local", "zone", "instant"),
    [
        ("03-08 01:59", NEW_YORK, "03-08 06:59"),
        ("03-08 03:00", NEW_YORK, "03-08 07:00"),
        ("11-01 00:59", NEW_YORK, "11-01 04:59"),
        ("11-01 02:00", NEW_YORK, "11-01 07:00"),
        ("07-01 09:00", LONDON, "07-01 08:00"),
        ("12-01 09:00", LONDON, "12-01 09:00"),
        ("04-05 01:29", LORD_HOWE, "04-04 14:29"),
        ("04-05 02:00", LORD_HOWE, "04-04 15:30"),
        ("10-04 01:59", LORD_HOWE, "10-03 15:29"),
        ("10-04 02:30", LORD_HOWE, "10-03 15:30"),
        ("04-23 23:59", CAIRO, "04-23 21:59"),
        ("04-24 01:00", CAIRO, "04-23 22:00"),
        ("06-01 09:00", KATHMANDU, "06-01 03:15"),
    ],
)
def test_a_wall_time_that_comes_once_is_one_instant(
    local: str, zone: ZoneInfo, instant: str
) -> None:
    assert resolve(wall(local), zone) == z(instant)
    assert resolve_first(wall(local), zone) == z(instant)
    assert shown(z(instant), zone) == wall(local)


@pytest.mark.parametrize(
    ("local", "zone", "next_existing"),
    [
        ("03-08 02:00", NEW_YORK, "03-08 07:00"),
        ("03-08 02:30", NEW_YORK, "03-08 07:00"),
        ("03-08 02:59", NEW_YORK, "03-08 07:00"),
        ("10-04 02:15", LORD_HOWE, "10-03 15:30"),
        ("04-24 00:00", CAIRO, "04-23 22:00"),
        ("04-24 00:30", CAIRO, "04-23 22:00"),
    ],
)
def test_a_wall_time_that_is_skipped_is_refused_with_the_next_that_exists(
    local: str, zone: ZoneInfo, next_existing: str
) -> None:
    for read in (resolve, resolve_first):
        with pytest.raises(NonexistentLocalTime) as refused:
            read(wall(local), zone)
        (broken,) = refused.value.broken
        assert broken.rule is BookingRule.NONEXISTENT_LOCAL_TIME
        assert broken.earliest == refused.value.next_existing == z(next_existing)
        assert refused.value.alternatives == (z(next_existing),)
        assert (refused.value.local, refused.value.zone) == (wall(local), zone)


@pytest.mark.parametrize(
    ("local", "zone", "first", "second"),
    [
        ("11-01 01:00", NEW_YORK, "11-01 05:00", "11-01 06:00"),
        ("11-01 01:30", NEW_YORK, "11-01 05:30", "11-01 06:30"),
        ("10-25 01:30", LONDON, "10-25 00:30", "10-25 01:30"),
        ("04-05 01:45", LORD_HOWE, "04-04 14:45", "04-04 15:15"),
    ],
)
def test_a_wall_time_that_comes_twice_is_refused_with_both_instants(
    local: str, zone: ZoneInfo, first: str, second: str
) -> None:
    with pytest.raises(AmbiguousLocalTime) as refused:
        resolve(wall(local), zone)
    (broken,) = refused.value.broken
    assert broken.rule is BookingRule.AMBIGUOUS_LOCAL_TIME
    assert (broken.earliest, broken.latest) == refused.value.instants == (z(first), z(second))
    assert refused.value.alternatives == (z(first), z(second))
    assert (refused.value.local, refused.value.zone) == (wall(local), zone)
    assert resolve_first(wall(local), zone) == z(first)


def test_a_message_names_the_time_the_zone_and_the_way_on() -> None:
    with pytest.raises(NonexistentLocalTime) as skipped:
        resolve(wall("03-08 02:30"), NEW_YORK)
    with pytest.raises(AmbiguousLocalTime) as twice:
        resolve(wall("11-01 01:30"), NEW_YORK)

    assert str(skipped.value) == (
        "2026-03-08 02:30 does not exist in America/New_York: clocks are put forward then. "
        "The next time that does is 2026-03-08 03:00."
    )
    assert str(twice.value) == (
        "2026-11-01 01:30 comes twice in America/New_York: clocks are put back then. "
        "Give one of the two instants instead."
    )


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2027, 3, 28), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_london_day_has_as_many_hours_as_its_clocks_make_of_it(day: date, hours: int) -> None:
    midnight = datetime.combine(day, datetime.min.time())

    length = resolve(midnight + timedelta(days=1), LONDON) - resolve(midnight, LONDON)

    assert length == hours * HOUR


def test_a_day_that_a_country_skips_leads_to_the_day_after() -> None:
    # Samoa went from 29 to 31 December 2011 across the date line.
    with pytest.raises(NonexistentLocalTime) as refused:
        resolve(datetime.fromisoformat("2011-12-30 12:00"), APIA)

    there = shown(refused.value.next_existing, APIA)
    assert there == datetime.fromisoformat("2011-12-31 00:00")


@given(
    local=st.integers(0, 13_000 * 24 * 60).map(
        lambda minutes: datetime.fromisoformat("2001-01-01 00:00") + timedelta(minutes=minutes)
    ),
    zone=st.sampled_from(ZONES),
)
def test_whatever_is_answered_the_clocks_show_it(local: datetime, zone: ZoneInfo) -> None:
    try:
        found: tuple[datetime, ...] = (resolve(local, zone),)
    except AmbiguousLocalTime as refused:
        found = refused.instants
        assert found[0] < found[1]
    except NonexistentLocalTime as refused:
        after = refused.next_existing
        assert shown(after, zone) > local > shown(after - timedelta(seconds=1), zone)
        return
    assert {shown(at, zone) for at in found} == {local}
    # No zone is further than a day from UTC: looking through all quarters finds no other.
    quarters = (local - timedelta(hours=27) + timedelta(minutes=15) * n for n in range(4 * 54))
    all_ = {at for q in quarters if shown(at := q.replace(tzinfo=UTC), zone) == local}
    assert all_ <= set(found)
