"""When is a failed job tried again, and when is it given up?"""

from __future__ import annotations

from workers.retry import RetryPolicy

POLICY = RetryPolicy(tries=8, first=0.5, longest=60)


def test_the_wait_doubles_up_to_a_limit() -> None:
    waits = [POLICY.delay(tries, jitter=0) for tries in range(1, 10)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_however_many_tries_there_were_the_wait_can_be_reckoned() -> None:
    assert POLICY.delay(1_000_000, jitter=0) == 60


def test_jitter_halves_the_wait_at_most() -> None:
    assert POLICY.delay(3, jitter=1) == 1


def test_the_eighth_try_is_the_last() -> None:
    assert not POLICY.is_over(7)
    assert POLICY.is_over(8)


def test_a_job_that_only_ever_begins_is_endless() -> None:
    assert not POLICY.is_endless(16)
    assert POLICY.is_endless(17)
