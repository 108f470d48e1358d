"""Do the variables of the environment make the house's rules, and are senseless ones refused?"""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from callout.environment import BadEnvironment, read_settings
from domain.booking_rules import BookingRules, SameDay
from domain.house import DEFAULT, HouseRules
from domain.matching import V1, V2, Policy
from domain.waves import WaveRules
from gateways.house import HouseSettings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that is right and says nothing of the house."""
    for name in HouseSettings.model_fields:
        monkeypatch.delenv(f"CALLOUT_{name.upper()}", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres@127.0.0.1/callout")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1")
    monkeypatch.setenv("CALLOUT_SECRET", "0123456789abcdef0123456789abcdef")
    return monkeypatch


def test_an_environment_that_says_nothing_makes_the_usual_rules() -> None:
    assert read_settings().house == DEFAULT


def test_every_rule_of_the_house_has_a_variable(environment: pytest.MonkeyPatch) -> None:
    said = {
        "SAME_DAY": "UNTIL_CUTOFF",
        "SAME_DAY_CUTOFF": "16:30",
        "NOTICE_MINUTES": "61",
        "MAX_ADVANCE_DAYS": "62",
        "SLOT_INTERVAL_MINUTES": "65",
        "BUFFER_MINUTES": "64",
        "TRAVEL_MPH": "63",
        "CANCEL_FREE_MINUTES": "67",
        "CANCEL_PART_PERCENT": "68",
        "CANCEL_PART_MINUTES": "66",
        "CANCEL_WHOLE_PERCENT": "69",
        "CANCEL_NOTICE_MINUTES": "70",
        "RESCHEDULE_NOTICE_MINUTES": "71",
        "MAX_RESCHEDULES": "72",
        "DEPOSIT_PERCENT": "25",
        "PROVIDER_SHARE_PERCENT": "85",
        "CUSTOMER_LIMIT": "73",
        "AUTO_START": "true",
        "HOLD_MINUTES": "74",
        "GRANT_SAME_DAY_MINUTES": "75",
        "GRANT_MINUTES": "76",
        "MATCHING_POLICY": "v2",
        "SHADOW_POLICY": "v1",
        "AUTO_AFTER_MINUTES": "77",
        "AUTO_AFTER_IMMEDIATE_MINUTES": "7",
        "PAYMENT_PATIENCE_MINUTES": "78",
        "LEAST_PAYOUT_MINOR": "7900",
        "BUSINESS_TIME_ZONE": "Asia/Kathmandu",
    }
    assert set(said) == {name.upper() for name in HouseSettings.model_fields}
    for name, value in said.items():
        environment.setenv(f"CALLOUT_{name}", value)

    assert read_settings().house == HouseRules(
        service=BookingRules(
            same_day=SameDay.UNTIL_CUTOFF,
            same_day_cutoff=time(16, 30),
            notice_minutes=61,
            advance_days=62,
            slot_interval_minutes=65,
            buffer_before_minutes=64,
            buffer_after_minutes=64,
            travel_mph=63,
            cancel_free_minutes=67,
            cancel_part_percent=68,
            cancel_part_minutes=66,
            cancel_whole_percent=69,
            cancel_notice_minutes=70,
            reschedule_notice_minutes=71,
            max_reschedules=72,
            deposit_percent=25,
            provider_share_percent=85,
        ),
        customer_limit=73,
        auto_start=True,
        hold=timedelta(minutes=74),
        grant_same_day=timedelta(minutes=75),
        grant=timedelta(minutes=76),
        policy=V2,
        shadow=V1,
        waves=WaveRules(
            auto_after=timedelta(minutes=77), auto_after_immediate=timedelta(minutes=7)
        ),
        payment_patience=timedelta(minutes=78),
        least_payout_minor=7900,
        zone_name="Asia/Kathmandu",
    )


def test_candidates_are_scored_by_v1_and_given_away_after_two_hours_unless_it_says_otherwise() -> (
    None
):
    house = read_settings().house

    assert (house.policy, house.shadow) == (V1, None)
    assert house.waves.auto_after == timedelta(hours=2)
    assert house.waves.auto_after_immediate == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("policy", "shadow", "expected"),
    [("v1", "v2", (V1, V2)), ("v2", "v2", (V2, V2)), ("v1", None, (V1, None))],
)
def test_any_policy_can_score_and_any_can_be_asked_beside_it(
    environment: pytest.MonkeyPatch,
    policy: str,
    shadow: str | None,
    expected: tuple[Policy, Policy | None],
) -> None:
    environment.setenv("CALLOUT_MATCHING_POLICY", policy)
    if shadow is not None:
        environment.setenv("CALLOUT_SHADOW_POLICY", shadow)

    house = read_settings().house

    assert (house.policy, house.shadow) == expected


@pytest.mark.parametrize("minutes", [1, 72 * 60])
def test_the_time_after_which_work_is_given_away_may_be_short_or_long(
    environment: pytest.MonkeyPatch, minutes: int
) -> None:
    environment.setenv("CALLOUT_AUTO_AFTER_MINUTES", str(minutes))
    environment.setenv("CALLOUT_AUTO_AFTER_IMMEDIATE_MINUTES", str(minutes))

    waves = read_settings().house.waves

    assert waves.auto_after == waves.auto_after_immediate == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NOTICE_MINUTES", "-1", "CALLOUT_NOTICE_MINUTES: Give 0 to 129600."),
        ("MAX_ADVANCE_DAYS", "731", "CALLOUT_MAX_ADVANCE_DAYS: Give 1 to 730."),
        ("SLOT_INTERVAL_MINUTES", "7", "CALLOUT_SLOT_INTERVAL_MINUTES: Give a multiple of 5."),
        ("TRAVEL_MPH", "0", "CALLOUT_TRAVEL_MPH: Give 1 to 100."),
        ("SAME_DAY_CUTOFF", "16:00", "CALLOUT_SAME_DAY_CUTOFF: Give a time with UNTIL_CUTOFF"),
        ("SAME_DAY_CUTOFF", "16:00Z", "CALLOUT_SAME_DAY_CUTOFF: write a time of the day without"),
        ("CUSTOMER_LIMIT", "0", "CALLOUT_CUSTOMER_LIMIT: input should be greater than"),
        ("HOLD_MINUTES", "0", "CALLOUT_HOLD_MINUTES: input should be greater than"),
        ("HOLD_MINUTES", "1441", "CALLOUT_HOLD_MINUTES: input should be less than"),
        ("GRANT_SAME_DAY_MINUTES", "0", "CALLOUT_GRANT_SAME_DAY_MINUTES: input should be greater"),
        ("GRANT_MINUTES", "43201", "CALLOUT_GRANT_MINUTES: input should be less than"),
        ("MATCHING_POLICY", "v3", "CALLOUT_MATCHING_POLICY: name a scoring policy: v1, v2"),
        ("MATCHING_POLICY", "V1", "CALLOUT_MATCHING_POLICY: name a scoring policy: v1, v2"),
        ("SHADOW_POLICY", "v3", "CALLOUT_SHADOW_POLICY: name a scoring policy: v1, v2"),
        ("AUTO_AFTER_MINUTES", "0", "CALLOUT_AUTO_AFTER_MINUTES: input should be greater than"),
        ("AUTO_AFTER_MINUTES", "-1", "CALLOUT_AUTO_AFTER_MINUTES: input should be greater than"),
        ("AUTO_AFTER_MINUTES", "4321", "CALLOUT_AUTO_AFTER_MINUTES: input should be less than"),
        ("AUTO_AFTER_MINUTES", "soon", "CALLOUT_AUTO_AFTER_MINUTES: input should be a valid int"),
        (
            "AUTO_AFTER_IMMEDIATE_MINUTES",
            "0",
            "CALLOUT_AUTO_AFTER_IMMEDIATE_MINUTES: input should be greater than",
        ),
        (
            "AUTO_AFTER_IMMEDIATE_MINUTES",
            "4321",
            "CALLOUT_AUTO_AFTER_IMMEDIATE_MINUTES: input should be less than",
        ),
        ("DEPOSIT_PERCENT", "100", "CALLOUT_DEPOSIT_PERCENT: Give 0 to 99."),
        ("PROVIDER_SHARE_PERCENT", "101", "CALLOUT_PROVIDER_SHARE_PERCENT: Give 0 to 100."),
        ("PAYMENT_PATIENCE_MINUTES", "-1", "CALLOUT_PAYMENT_PATIENCE_MINUTES: input should be"),
        ("PAYMENT_PATIENCE_MINUTES", "1441", "CALLOUT_PAYMENT_PATIENCE_MINUTES: input should be"),
        ("LEAST_PAYOUT_MINOR", "0", "CALLOUT_LEAST_PAYOUT_MINOR: input should be greater than"),
        ("BUSINESS_TIME_ZONE", "Europe/Londres", "CALLOUT_BUSINESS_TIME_ZONE: write an IANA time"),
    ],
)
def test_a_senseless_value_keeps_callout_from_starting_and_its_variable_is_named(
    environment: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    environment.setenv(f"CALLOUT_{name}", value)
    with pytest.raises(BadEnvironment) as refused:
        read_settings()
    assert said in str(refused.value)


def test_a_variable_that_sets_two_rules_is_complained_of_once(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("CALLOUT_BUFFER_MINUTES", "481")
    environment.setenv("CALLOUT_MAX_RESCHEDULES", "101")
    with pytest.raises(BadEnvironment) as refused:
        read_settings()
    assert (
        "  CALLOUT_BUFFER_MINUTES: Give 0 to 480. CALLOUT_MAX_RESCHEDULES: Give 0 to 100.\n"
        in str(refused.value)
    )
