"""Who is near enough to be thought of?"""

import random
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.hours import WeeklyHours, WeeklyInterval
from domain.matching import Candidate, Work, distance_miles, is_eligible
from domain.matching.nearby import Grid, can_be_searched
from domain.places import Point
from domain.services import Requirements
from tests.domain.matching.factories import NOW, SERVICE, TORONTO, a_block, a_candidate, some_work

HOUR = timedelta(hours=1)
TEN = NOW + 2 * HOUR
MILE = 1 / 69.0934


def at(latitude: float, longitude: float) -> Point:
    return Point(latitude=latitude, longitude=longitude)


def north(miles: float) -> Point:
    return at(TORONTO.latitude + miles * MILE, TORONTO.longitude)


def work(**changes: Any) -> Work:
    return some_work(**{"reach_miles": 15.0} | changes)


def somebody(number: int, point: Point | None = TORONTO, **changes: Any) -> Candidate:
    facts: dict[str, Any] = {"point": point, "radius_miles": 100.0}
    return a_candidate(provider_id=UUID(int=number), **facts | changes)


def found(people: list[Candidate], wanted: Work, *, enough: int = 1000) -> list[int]:
    near = Grid(people).near(wanted, enough=enough, may=lambda _: True)
    return sorted(one.provider_id.int for one in near)


@pytest.mark.parametrize(
    ("place", "reach", "searched"),
    [
        (TORONTO, 15.0, True),
        (None, 15.0, False),
        (TORONTO, None, False),
        (at(51.5, 179.9), 15.0, False),
        (at(-33.9, 18.4), 15.0, True),
        (at(74.5, 20.0), 15.0, True),
        (at(74.9, 20.0), 15.0, False),
        (at(-74.9, 20.0), 15.0, False),
        (at(-90.0, 20.0), 15.0, False),
    ],
)
def test_what_lies_in_an_ordinary_place_with_a_reach_can_be_searched(
    place: Point | None, reach: float | None, searched: bool
) -> None:
    assert can_be_searched(work(point=place, reach_miles=reach)) is searched


def test_what_nobody_goes_to_cannot() -> None:
    assert not can_be_searched(work(requirements=Requirements(on_site=False)))


def test_everyone_in_reach_is_found_and_who_has_no_coordinates_is_not() -> None:
    people = [somebody(1, north(14.9)), somebody(2, north(-14.9)), somebody(3, None)]
    people.append(somebody(4, north(40)))
    assert found(people, work()) == [1, 2]


@pytest.mark.parametrize("latitude", [0.0, 51.5, -33.9, 74.5])
@pytest.mark.parametrize("longitude", [0.01, -0.01, 179.0, -79.4])
def test_nobody_in_reach_is_overlooked(latitude: float, longitude: float) -> None:
    chance = random.Random(7)
    wanted = work(point=at(latitude, longitude))
    people = [
        somebody(
            n + 1, at(latitude + chance.uniform(-0.4, 0.4), longitude + chance.uniform(-0.9, 0.9))
        )
        for n in range(300)
    ]
    distances = {one.provider_id.int: distance_miles(wanted, one) for one in people}
    in_reach = {number for number, miles in distances.items() if miles is not None and miles <= 15}
    assert in_reach
    assert in_reach <= set(found(people, wanted))


def test_the_nearest_are_enough() -> None:
    people = [somebody(n, north(n)) for n in range(1, 15)]
    three = found(people, work(), enough=3)
    assert len(three) >= 3
    assert three == list(range(1, len(three) + 1))


class TestIsNotThoughtOf:
    @pytest.mark.parametrize(
        "changes",
        [
            {"service_ids": frozenset({UUID(int=99)})},
            {"busy": [(TEN + HOUR, TEN + 3 * HOUR)]},
            {
                "hours": WeeklyHours(
                    intervals=(WeeklyInterval(weekday=2, opens=time(9), closes=time(17)),)
                )
            },
        ],
    )
    def test_who_could_not_do_it_whatever_else(self, changes: dict[str, Any]) -> None:
        assert found([somebody(1, **changes), somebody(2)], work()) == [2]

    def test_who_is_off_shift_for_what_is_wanted_now(self) -> None:
        people = [somebody(1), somebody(2, on_shift=True)]
        assert found(people, work(immediate=True)) == [2]
        assert found(people, work()) == [1, 2]

    def test_of_whom_the_caller_says_so(self) -> None:
        grid = Grid([somebody(1), somebody(2)])
        near = grid.near(work(), enough=5, may=lambda one: one.provider_id.int != 1)
        assert [one.provider_id.int for one in near] == [2]


def test_whose_work_is_done_or_before_or_after_is_thought_of() -> None:
    done = somebody(1, taken=(a_block(TEN, TEN + 2 * HOUR, done=True),))
    before = somebody(2, busy=[(TEN - HOUR, TEN)])
    assert found([done, before], work()) == [1, 2]


def test_hours_are_asked_for_each_window() -> None:
    office = somebody(1)
    grid = Grid([office])
    late = datetime(2026, 6, 1, 23, tzinfo=UTC)
    evening = work(starts_at=late, ends_at=late + HOUR)
    for _ in range(2):
        assert [len(grid.near(one, enough=1, may=lambda _: True)) for one in (work(), evening)] == [
            1,
            0,
        ]


def test_it_is_never_stricter_than_the_hard_rules() -> None:
    chance = random.Random(11)
    for _ in range(100):
        wanted = work(
            immediate=chance.random() < 0.5,
            point=north(chance.uniform(-9, 9)),
            starts_at=TEN + chance.randrange(5) * HOUR,
            ends_at=TEN + (5 + chance.randrange(3)) * HOUR,
        )
        people = [
            somebody(
                n + 1,
                north(chance.uniform(-20, 20)),
                on_shift=chance.random() < 0.7,
                heartbeat_at=NOW,
                service_ids=frozenset({SERVICE} if chance.random() < 0.9 else ()),
                busy=[(TEN + chance.randrange(9) * HOUR, TEN + 9 * HOUR)]
                if chance.random() < 0.3
                else [],
            )
            for n in range(8)
        ]
        able = {one.provider_id.int for one in people if is_eligible(wanted, one, at=NOW)}
        assert able <= set(found(people, wanted))
