"""What does it cost to give work to somebody, and who has still time for more?"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.matching import Work
from domain.matching.pairs import CostRules, Diary, Pair, priced
from domain.places import Point
from domain.services import Requirements
from tests.domain.matching.factories import NOW, TORONTO, a_candidate, some_work

HOUR = timedelta(hours=1)
TEN = NOW + 2 * HOUR


def work(booking: int, start: float = 0, **changes: Any) -> Work:
    """Two hours, so many hours after ten."""
    starts_at = TEN + start * HOUR
    return some_work(
        booking_id=UUID(int=booking), starts_at=starts_at, ends_at=starts_at + 2 * HOUR, **changes
    )


def pair(booking: int, start: float = 0, **changes: Any) -> Pair:
    return priced(work(booking, start), a_candidate(**changes))


@pytest.mark.parametrize(
    ("rating", "jobs", "cost"),
    [
        (5.0, 50, 0.0),
        (5.0, 80, 0.0),
        (4.0, 50, 5.0),
        (3.5, 50, 7.5),
        # Never reviewed, as if with four stars; the first job.
        (None, 0, 10.0),
        (5.0, 10, 4.0),
    ],
)
def test_missing_stars_and_missing_experience_cost_as_much_as_a_way(
    rating: float | None, jobs: int, cost: float
) -> None:
    assert pair(1, rating=rating, completed_jobs=jobs).cost == pytest.approx(cost)


def test_a_way_costs_its_miles_and_an_unknown_one_as_much_as_the_longest() -> None:
    best: dict[str, Any] = {"rating": 5.0, "completed_jobs": 50}
    north = Point(latitude=TORONTO.latitude + 7 / 69.0934, longitude=TORONTO.longitude)
    assert pair(1, **best, point=north).cost == pytest.approx(7, abs=0.001)
    assert pair(1, **best, point=None, postal_code="").cost == 15.0


def test_where_nobody_travels_no_way_is_counted() -> None:
    online = work(1, requirements=Requirements(on_site=False))
    found = priced(online, a_candidate(rating=5.0, completed_jobs=50))
    assert (found.distance_miles, found.cost) == (None, 0.0)


def test_the_numbers_are_the_houses() -> None:
    rules = CostRules(unknown_distance=3, star=2, inexperience=8, experienced=4)
    candidate = a_candidate(rating=4.5, completed_jobs=1, point=None, postal_code="")
    assert priced(work(1), candidate, rules=rules).cost == 3 + 1 + 6


class TestADiary:
    def test_has_room_for_all_who_are_eligible_while_nothing_is_given(self) -> None:
        assert Diary(NOW).fits(pair(1))
        assert not Diary(NOW).fits(pair(1, approved=False))

    @pytest.mark.parametrize(
        ("later", "fits"), [(0, False), (2, False), (2.2, False), (2.25, True)]
    )
    def test_keeps_what_was_given_apart_by_the_gap_that_work_needs(
        self, later: float, fits: bool
    ) -> None:
        diary = Diary(NOW)
        diary.give(pair(1))
        assert diary.fits(pair(2, later)) is fits

    def test_counts_what_was_given_towards_the_daily_cap(self) -> None:
        diary = Diary(NOW)
        diary.give(pair(1, daily_cap=1))
        assert not diary.fits(pair(2, 3, daily_cap=1))
        assert diary.fits(pair(3, 3, daily_cap=2))
        assert diary.fits(pair(2, 3, daily_cap=1, provider_id=UUID(int=9)))

    def test_counts_it_beside_the_work_that_was_there(self) -> None:
        busy = [(TEN + 3 * HOUR, TEN + 4 * HOUR)]
        diary = Diary(NOW)
        diary.give(pair(1, busy=busy, daily_cap=2))
        assert not diary.fits(pair(2, 4.5, busy=busy, daily_cap=2))
        assert diary.fits(pair(3, 4.5, busy=busy, daily_cap=3))

    def test_has_room_again_for_what_is_taken_back(self) -> None:
        diary = Diary(NOW)
        first, second = pair(1), pair(2, 1)
        diary.give(first)
        assert not diary.fits(second)
        diary.take_back(first)
        assert diary.fits(second)
        diary.give(second)
        assert not diary.fits(first)

    def test_gives_nothing_to_who_was_not_eligible_before(self) -> None:
        diary = Diary(NOW)
        diary.give(pair(1))
        assert not diary.fits(pair(2, 3, suspended=True))

    def test_knows_what_another_of_the_same_batch_has_found_out(self) -> None:
        known: dict[tuple[UUID, UUID], bool] = {}
        one = pair(1)
        assert Diary(NOW, known).fits(one)
        assert known == {(one.booking_id, one.provider_id): True}
        known[one.booking_id, one.provider_id] = False
        assert not Diary(NOW, known).fits(one)
