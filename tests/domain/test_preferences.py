"""What people want to hear of, and when they are not to be disturbed, also on odd nights."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messages import Category, Channel
from domain.preferences import (
    Choice,
    Planned,
    Preference,
    QuietHours,
    Reach,
    check_choices,
    check_told,
    next_allowed,
    plan,
    preferences,
)
from domain.refusals import InvalidInput
from tests.domain.clocks import CAIRO, KATHMANDU, LONDON, LORD_HOWE, NEW_YORK, z

if TYPE_CHECKING:
    from collections.abc import Collection

EMAIL, SMS, PUSH = Channel.EMAIL, Channel.SMS, Channel.PUSH
NIGHT = QuietHours(starts=time(22), ends=time(7))
NOON = z("06-01 12:00")


def quiet(starts: str, ends: str) -> QuietHours:
    return QuietHours(starts=time.fromisoformat(starts), ends=time.fromisoformat(ends))


def a_reach(**changes: Any) -> Reach:
    """Somebody in London with a phone and a device, who chose nothing."""
    facts: dict[str, Any] = {
        "user_id": UUID(int=1),
        "zone": LONDON,
        "phone": "+442079460000",
        "has_device": True,
    }
    return Reach(**facts | changes)


def channels(
    reach: Reach,
    usual: Collection[Channel],
    *,
    category: Category = Category.BOOKINGS,
    transactional: bool = False,
) -> list[Channel]:
    """Where a message goes."""
    planned = plan(
        reach,
        category=category,
        usual=usual,
        transactional=transactional,
        urgent=False,
        at=NOON,
    )
    assert {one.due_at for one in planned} <= {NOON}
    return [one.channel for one in planned]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # British summer time: 22:00 is 21:00 UTC.
        ("06-01 20:59", "06-01 20:59"),
        ("06-01 21:00", "06-02 06:00"),
        ("06-01 23:30", "06-02 06:00"),
        ("06-02 05:59", "06-02 06:00"),
        ("06-02 06:00", "06-02 06:00"),
        ("06-02 12:00", "06-02 12:00"),
        # Clocks are put forward on 2026-03-29: the night is an hour shorter.
        ("03-28 22:00", "03-29 06:00"),
        # And back on 2026-10-25: it is an hour longer.
        ("10-24 21:00", "10-25 07:00"),
    ],
)
def test_a_night_ends_in_the_morning_of_ones_own_clock(at: str, expected: str) -> None:
    assert next_allowed(z(at), NIGHT, LONDON, urgent=False) == z(expected)


def test_a_siesta_spans_no_midnight() -> None:
    siesta = quiet("13:00", "15:30")
    assert next_allowed(z("06-01 11:59"), siesta, LONDON, urgent=False) == z("06-01 11:59")
    assert next_allowed(z("06-01 12:00"), siesta, LONDON, urgent=False) == z("06-01 14:30")
    assert next_allowed(z("06-01 23:00"), siesta, LONDON, urgent=False) == z("06-01 23:00")


@pytest.mark.parametrize(
    ("starts", "ends", "at", "expected"),
    [
        ("00:00", "08:00", "06-01 23:00", "06-02 07:00"),
        ("00:00", "08:00", "06-01 22:59", "06-01 22:59"),
        ("20:00", "00:00", "06-01 19:00", "06-01 23:00"),
    ],
)
def test_quiet_may_begin_or_end_at_midnight(starts: str, ends: str, at: str, expected: str) -> None:
    assert next_allowed(z(at), quiet(starts, ends), LONDON, urgent=False) == z(expected)


def test_what_is_urgent_disturbs_and_so_may_all_where_nothing_was_said() -> None:
    at = z("06-01 23:30")
    assert next_allowed(at, NIGHT, LONDON, urgent=True) == at
    assert next_allowed(at, None, LONDON, urgent=False) == at


def test_an_instant_is_asked_and_answered_in_any_zone() -> None:
    at = datetime(2026, 6, 1, 23, 30, tzinfo=LONDON)
    allowed = next_allowed(at, NIGHT, LONDON, urgent=False)
    assert (allowed, allowed.tzinfo) == (z("06-02 06:00"), UTC)
    assert next_allowed(at, None, LONDON, urgent=False).tzinfo is UTC
    with pytest.raises(ValueError, match="no time zone"):
        next_allowed(datetime(2026, 6, 1), NIGHT, LONDON, urgent=False)  # noqa: DTZ001  # naive


@pytest.mark.parametrize(
    ("zone", "hours", "at", "expected"),
    [
        # 02:30 does not exist in New York on 2026-03-08: after 01:59 comes 03:00, at 07:00 UTC.
        (NEW_YORK, ("22:00", "02:30"), "03-08 04:00", "03-08 07:00"),
        # 01:30 comes twice there on 2026-11-01, and the first counts …
        (NEW_YORK, ("22:00", "01:30"), "11-01 03:00", "11-01 05:30"),
        # … but the clock then shows 01:00 once more, and it is quiet again.
        (NEW_YORK, ("22:00", "01:30"), "11-01 06:10", "11-01 06:30"),
        # Quiet from a time that is skipped begins with the next that is shown.
        (NEW_YORK, ("02:30", "07:00"), "03-08 06:59", "03-08 06:59"),
        (NEW_YORK, ("02:30", "07:00"), "03-08 07:00", "03-08 11:00"),
        # Lord Howe skips half an hour on 2026-10-04 at 02:00, which is 15:30 UTC the day before.
        (LORD_HOWE, ("23:00", "02:15"), "10-03 14:00", "10-03 15:30"),
        # Cairo has no midnight on 2026-04-24: 24:00 is 01:00, at 22:00 UTC.
        (CAIRO, ("20:00", "00:00"), "04-23 19:00", "04-23 22:00"),
        (CAIRO, ("20:00", "00:30"), "04-23 19:00", "04-23 22:00"),
        (KATHMANDU, ("22:00", "07:00"), "06-01 18:00", "06-02 01:15"),
    ],
)
def test_on_odd_nights_the_clock_on_the_wall_decides(
    zone: ZoneInfo, hours: tuple[str, str], at: str, expected: str
) -> None:
    assert next_allowed(z(at), quiet(*hours), zone, urgent=False) == z(expected)


def test_who_can_be_reached_in_a_skipped_minute_only_waits_for_the_next_day() -> None:
    nearly_always = quiet("02:31", "02:30")
    # The minute is over on the 7th, at 07:31 UTC; the 8th has none.
    after = next_allowed(z("03-07 07:31"), nearly_always, NEW_YORK, urgent=False)
    assert after == z("03-09 06:30")


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  # theirs
    starts=st.integers(0, 95),
    length=st.integers(1, 95),
    zone=st.sampled_from([NEW_YORK, LONDON, LORD_HOWE, CAIRO, KATHMANDU]),
)
def test_nobody_is_disturbed_and_nothing_waits_longer_than_it_must(
    at: datetime, starts: int, length: int, zone: ZoneInfo
) -> None:
    quarters = [time(n // 4, n % 4 * 15) for n in range(96)]
    hours = QuietHours(starts=quarters[starts], ends=quarters[(starts + length) % 96])

    def is_quiet(instant: datetime) -> bool:
        shown = instant.astimezone(zone).time()
        if hours.starts < hours.ends:
            return hours.starts <= shown < hours.ends
        return shown >= hours.starts or shown < hours.ends

    allowed = next_allowed(at, hours, zone, urgent=False)

    assert allowed >= at
    assert not is_quiet(allowed)
    assert (allowed == at) is not is_quiet(at)
    waited = int((allowed - at) / timedelta(minutes=5))
    assert all(is_quiet(allowed - timedelta(minutes=5 * n)) for n in range(1, waited + 1))


def test_quiet_hours_leave_some_of_the_day() -> None:
    with pytest.raises(InvalidInput) as refused:
        quiet("22:00", "22:00")
    assert [error.path for error in refused.value.errors] == [("ends",)]


def test_a_message_goes_where_it_usually_does() -> None:
    assert channels(a_reach(), {PUSH, EMAIL}) == [EMAIL, PUSH]
    assert channels(a_reach(), {SMS}) == [SMS]
    assert channels(a_reach(), set()) == []


def test_nothing_is_sent_where_nothing_arrives() -> None:
    everywhere = set(Channel)
    assert channels(a_reach(phone=None), everywhere) == [EMAIL, PUSH]
    assert channels(a_reach(has_device=False), everywhere) == [EMAIL, SMS]
    assert channels(a_reach(phone=None, has_device=False), everywhere) == [EMAIL]


def test_ones_own_choice_counts_for_its_category_and_channel_alone() -> None:
    choices = {(Category.OFFERS, PUSH): False, (Category.OFFERS, SMS): True}
    reach = a_reach(choices=choices)
    assert channels(reach, {PUSH, EMAIL}, category=Category.OFFERS) == [EMAIL, SMS]
    assert channels(reach, {PUSH, EMAIL}, category=Category.MONEY) == [EMAIL, PUSH]


def test_nobody_can_do_without_a_transactional_mail() -> None:
    never = a_reach(choices={(Category.MONEY, channel): False for channel in Channel})
    everywhere = set(Channel)
    assert channels(never, everywhere, category=Category.MONEY, transactional=True) == [EMAIL]
    assert channels(never, everywhere, category=Category.MONEY) == []
    # What is not usually mailed is not mailed to who does not want it.
    assert channels(never, {PUSH, SMS}, category=Category.MONEY, transactional=True) == []


def test_a_plan_keeps_the_night() -> None:
    def planned(*, urgent: bool) -> tuple[Planned, ...]:
        return plan(
            a_reach(quiet=NIGHT),
            category=Category.OFFERS,
            usual={PUSH},
            transactional=False,
            urgent=urgent,
            at=z("06-01 22:00"),
        )

    assert planned(urgent=False) == (Planned(channel=PUSH, due_at=z("06-02 06:00")),)
    assert planned(urgent=True) == (Planned(channel=PUSH, due_at=z("06-01 22:00"), urgent=True),)


def test_all_that_one_may_choose_is_listed_with_what_is_usual() -> None:
    reach = a_reach(
        has_device=False,
        choices={(Category.MONEY, EMAIL): False, (Category.SUGGESTIONS, EMAIL): False},
    )
    usual = {Category.MONEY: {EMAIL}, Category.SUGGESTIONS: {EMAIL, PUSH}}

    listed = preferences(reach, usual, fixed={Category.MONEY})

    facts = [
        (one.category, one.channel, one.wanted, one.usual, one.fixed, one.reachable)
        for one in listed
    ]
    assert facts == [
        (Category.MONEY, EMAIL, True, True, True, True),
        (Category.MONEY, SMS, False, False, False, True),
        (Category.MONEY, PUSH, False, False, False, False),
        (Category.SUGGESTIONS, EMAIL, False, True, False, True),
        (Category.SUGGESTIONS, SMS, False, False, False, True),
        (Category.SUGGESTIONS, PUSH, True, True, False, False),
    ]
    assert isinstance(listed[0], Preference)


def test_a_choice_that_nobody_has_is_refused_with_its_place() -> None:
    def choice(category: Category, channel: Channel, *, wanted: bool) -> Choice:
        return Choice(category=category, channel=channel, wanted=wanted)

    fine = [
        choice(Category.MONEY, EMAIL, wanted=True),
        choice(Category.MONEY, PUSH, wanted=False),
        choice(Category.SUGGESTIONS, EMAIL, wanted=False),
    ]
    check_choices(fine, fixed={Category.MONEY})
    with pytest.raises(InvalidInput) as refused:
        check_choices([*fine, choice(Category.MONEY, EMAIL, wanted=False)], fixed={Category.MONEY})
    assert [error.path for error in refused.value.errors] == [("choices", "3", "wanted")]


def test_a_choice_of_what_somebody_is_never_told_of_is_refused_with_its_place() -> None:
    choices = [
        Choice(category=category, channel=PUSH, wanted=True)
        for category in (Category.MONEY, Category.OFFERS, Category.OPERATIONS)
    ]
    check_told(choices[:1], told={Category.MONEY})
    with pytest.raises(InvalidInput) as refused:
        check_told(choices, told={Category.MONEY, Category.OFFERS})
    assert [error.path for error in refused.value.errors] == [("choices", "2", "category")]


@pytest.mark.parametrize("fixed", [True, False])
def test_what_is_fixed_is_nobodys_to_change(fixed: bool) -> None:
    preference = Preference(
        category=Category.MONEY,
        channel=EMAIL,
        wanted=True,
        usual=True,
        fixed=fixed,
        reachable=True,
    )
    assert preference.may_change is not fixed
