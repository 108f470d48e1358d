"""Do booking rules come out of their JSON column as they went in?"""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from db import booking_rules
from db.json import dumps, loads
from domain.booking_rules import Advance, BookingRules, SameDay
from domain.refusals import InvalidInput

CUTOFF = BookingRules(same_day=SameDay.UNTIL_CUTOFF, same_day_cutoff=time(16, 30), capacity=3)
DATES = BookingRules(
    advance=Advance.DATES, first_date=date(2026, 8, 1), last_date=date(2026, 8, 31)
)


def kept(rules: BookingRules) -> Any:
    """What the column gives back."""
    return loads(dumps(booking_rules.columns(rules)))


@pytest.mark.parametrize("rules", [BookingRules(), CUTOFF, DATES])
def test_rules_come_back_as_they_were(rules: BookingRules) -> None:
    back = booking_rules.rules(kept(rules))
    assert back == rules
    assert (type(back.same_day), type(back.advance)) == (SameDay, Advance)


def test_every_rule_is_written_out() -> None:
    assert kept(CUTOFF) == {
        "same_day": "UNTIL_CUTOFF",
        "same_day_cutoff": "16:30:00",
        "notice_minutes": 120,
        "advance": "DAYS",
        "advance_days": 90,
        "first_date": None,
        "last_date": None,
        "slot_interval_minutes": 15,
        "buffer_before_minutes": 15,
        "buffer_after_minutes": 15,
        "travel_mph": 20,
        "capacity": 3,
        "cancel_free_minutes": 1440,
        "cancel_part_percent": 50,
        "cancel_part_minutes": 120,
        "cancel_whole_percent": 100,
        "cancel_notice_minutes": 0,
        "reschedule_notice_minutes": 120,
        "max_reschedules": 3,
        "deposit_percent": 0,
        "provider_share_percent": 80,
    }


def test_a_rule_that_is_not_kept_has_its_default() -> None:
    assert booking_rules.rules({}) == BookingRules()
    assert booking_rules.rules({"notice_minutes": 0}) == BookingRules(notice_minutes=0)


def test_what_a_newer_release_keeps_is_passed_over() -> None:
    newer = kept(DATES) | {"moon_phase": ["FULL"]}
    assert booking_rules.rules(newer) == DATES


def test_rules_that_make_no_sense_are_not_read() -> None:
    with pytest.raises(InvalidInput):
        booking_rules.rules({"notice_minutes": -1})
