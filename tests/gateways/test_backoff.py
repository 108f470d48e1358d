"""Waiting longer each time, and never in step."""

from __future__ import annotations

from itertools import islice

from gateways.backoff import pauses


def test_waits_double_up_to_a_bound_and_are_drawn_from_the_upper_half() -> None:
    bounds = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    for _ in range(50):
        waits = list(islice(pauses(first=0.1, most=1.0), len(bounds)))
        assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))


def test_no_two_wait_alike() -> None:
    assert len({next(pauses()) for _ in range(20)}) == 20
