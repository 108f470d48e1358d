"""Is presence derived rightly, and are shifts opened, kept fresh and ended by the rules?"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.refusals import InvalidInput
from domain.shifts import (
    HEARTBEAT_FRESH,
    AlreadyOnShift,
    NotOnShift,
    Presence,
    Shift,
    WorkInProgress,
    beat,
    clock_in,
    clock_out,
    presence,
)
from tests.factories import NOW, PROVIDER, a_shift

TICK = timedelta(microseconds=1)
SHIFT, JOB = UUID(int=6), UUID(int=7)


@pytest.mark.parametrize(
    ("shift", "busy", "after", "expected"),
    [
        (None, False, timedelta(), Presence.OFFLINE),
        (None, True, timedelta(), Presence.OFFLINE),
        (a_shift(ended_at=NOW), False, timedelta(), Presence.OFFLINE),
        (a_shift(), False, timedelta(), Presence.ONLINE),
        (a_shift(), False, HEARTBEAT_FRESH, Presence.ONLINE),
        (a_shift(), False, HEARTBEAT_FRESH + TICK, Presence.AWAY),
        (a_shift(), True, timedelta(), Presence.BUSY),
        (a_shift(), True, HEARTBEAT_FRESH + TICK, Presence.BUSY),
    ],
)
def test_presence_follows_from_shift_work_and_heartbeat(
    shift: Shift | None, busy: bool, after: timedelta, expected: Presence
) -> None:
    assert presence(shift, busy=busy, at=NOW + after) is expected


def test_clocking_in_opens_a_fresh_shift() -> None:
    shift = clock_in(shift_id=SHIFT, provider_id=PROVIDER, place="Depot", note="Van 3", at=NOW)
    assert shift == a_shift(started_at=NOW, place="Depot", note="Van 3")
    assert shift.is_open


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ({"place": "x" * 201, "note": "x" * 501}, [("place",), ("note",)]),
        ({"place": "\x00", "note": ""}, [("place",)]),
    ],
)
def test_clocking_in_names_every_wrong_word(words: Any, wrong: list[tuple[str]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        clock_in(shift_id=SHIFT, provider_id=PROVIDER, at=NOW, **words)
    assert [error.path for error in refused.value.errors] == wrong


@pytest.mark.parametrize(("note", "kept"), [(None, "before"), ("", ""), ("Done.", "Done.")])
def test_clocking_out_ends_the_shift_and_keeps_the_note_unless_there_is_a_new_one(
    note: str | None, kept: str
) -> None:
    ended = clock_out(a_shift(note="before"), working_on=None, note=note, at=NOW)
    assert ended == a_shift(ended_at=NOW, note=kept)
    assert not ended.is_open


def test_nobody_clocks_out_who_is_not_on_shift() -> None:
    with pytest.raises(NotOnShift):
        clock_out(None, working_on=JOB, note=None, at=NOW)


def test_nobody_clocks_out_in_the_middle_of_a_job() -> None:
    with pytest.raises(WorkInProgress) as refused:
        clock_out(a_shift(), working_on=JOB, note=None, at=NOW)
    assert refused.value.booking_id == JOB


def test_a_note_of_more_than_five_hundred_characters_is_refused() -> None:
    with pytest.raises(InvalidInput):
        clock_out(a_shift(), working_on=None, note="x" * 501, at=NOW)


@pytest.mark.parametrize(("place", "kept"), [(None, "Depot"), ("", ""), ("Bridge", "Bridge")])
def test_a_heartbeat_freshens_the_shift_and_keeps_the_place_unless_there_is_a_new_one(
    place: str | None, kept: str
) -> None:
    later = NOW + timedelta(minutes=9)
    away = a_shift(place="Depot", away_announced_at=NOW)
    assert beat(away, place=place, at=later) == a_shift(heartbeat_at=later, place=kept)


def test_a_heartbeat_off_shift_is_refused() -> None:
    with pytest.raises(NotOnShift):
        beat(None, place=None, at=NOW)


def test_a_place_of_more_than_two_hundred_characters_is_refused() -> None:
    with pytest.raises(InvalidInput):
        beat(a_shift(), place="x" * 201, at=NOW)


def test_a_second_shift_is_refused_with_the_first() -> None:
    assert AlreadyOnShift(a_shift()).shift == a_shift()
