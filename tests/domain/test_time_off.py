"""When may somebody be away?"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.people import Role
from domain.refusals import InvalidInput
from domain.time_off import MAX_AHEAD, TimeOff, cancel, take
from tests.domain.clocks import HOUR
from tests.factories import CUSTOMER, NOW, PROVIDER, a_viewer

DAY = timedelta(days=1)


def time_off(**changes: Any) -> TimeOff:
    facts: dict[str, Any] = {
        "id": UUID(int=1),
        "provider_id": PROVIDER,
        "starts_at": NOW + DAY,
        "ends_at": NOW + 2 * DAY,
        "reason": "Dentist",
        "requested_at": NOW,
        "requested_by": PROVIDER,
    }
    return TimeOff(**facts | changes)


def paths(asked: TimeOff, ahead: list[TimeOff]) -> list[tuple[str, ...]]:
    with pytest.raises(InvalidInput) as refused:
        take(asked, ahead, at=NOW)
    return [error.path for error in refused.value.errors]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        # Ill since this morning.
        {"starts_at": NOW - HOUR, "ends_at": NOW + HOUR},
        {"ends_at": NOW + 367 * DAY},
        {"reason": ""},
        {"reason": "x" * 500},
    ],
)
def test_time_off_is_taken_as_asked(changes: dict[str, Any]) -> None:
    asked = time_off(**changes)
    assert take(asked, [], at=NOW) == asked


@pytest.mark.parametrize(
    "changes",
    [
        {"ends_at": NOW + DAY},
        {"ends_at": NOW},
        {"starts_at": NOW - DAY, "ends_at": NOW},
        {"ends_at": NOW + 367 * DAY + timedelta(microseconds=1)},
    ],
)
def test_time_that_cannot_be_off_is_refused(changes: dict[str, Any]) -> None:
    assert paths(time_off(**changes), []) == [("endsAt",)]


def test_every_wrong_field_is_told_at_once() -> None:
    assert paths(time_off(ends_at=NOW, reason="x" * 501), []) == [("endsAt",), ("reason",)]


def test_asking_for_the_same_again_answers_with_the_first() -> None:
    first, again = time_off(), time_off(id=UUID(int=2), requested_at=NOW + HOUR)

    assert take(again, [time_off(id=UUID(int=3), reason="Else"), first], at=NOW) == first
    longer = time_off(id=UUID(int=2), ends_at=NOW + 3 * DAY)
    assert take(longer, [first], at=NOW) == longer


def test_there_is_an_end_to_what_lies_ahead() -> None:
    ahead = [time_off(ends_at=NOW + (n + 3) * DAY) for n in range(MAX_AHEAD)]

    assert MAX_AHEAD == 100
    assert paths(time_off(), ahead) == [("startsAt",)]
    assert take(time_off(), ahead[1:], at=NOW) == time_off()


def test_cancelling_twice_is_the_same_as_once() -> None:
    cancelled = cancel(time_off(), at=NOW)

    assert cancelled == time_off(cancelled_at=NOW)
    assert cancel(cancelled, at=NOW + HOUR) == cancelled


def test_nobody_but_the_provider_and_staff_sees_it() -> None:
    seen = [
        time_off().is_visible_to(a_viewer(user_id=user_id, role=role))
        for user_id, role in (
            (PROVIDER, Role.PROVIDER),
            (CUSTOMER, Role.DISPATCHER),
            (CUSTOMER, Role.PROVIDER),
            (CUSTOMER, Role.CUSTOMER),
            (CUSTOMER, Role.ANALYST),
        )
    ]
    assert seen == [True, True, False, False, False]
