"""Does the virtual clock do one thing after another, and never go back?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from callout.simulation.agenda import Agenda

DAWN = datetime(2026, 6, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_what_comes_first_is_done_first_and_of_two_at_once_what_was_put_first() -> None:
    agenda, done = Agenda(DAWN), list[tuple[datetime, str]]()

    def act(at: datetime, name: str) -> None:
        assert agenda.now == at
        done.append((at, name))

    for minutes, name in ((2, "late"), (1, "b"), (1, "a")):
        agenda.put(DAWN + minutes * MINUTE, act, name)
    agenda.run()

    assert done == [(DAWN + MINUTE, "b"), (DAWN + MINUTE, "a"), (DAWN + 2 * MINUTE, "late")]


def test_what_should_have_been_done_is_done_now_and_what_follows_after_it() -> None:
    agenda, done = Agenda(DAWN), list[datetime]()

    def again(at: datetime, times: int) -> None:
        done.append(at)
        if times:
            agenda.put(at - 5 * MINUTE, again, times - 1)

    agenda.put(DAWN + MINUTE, again, 2)
    agenda.run()

    assert done == [DAWN + MINUTE] * 3
