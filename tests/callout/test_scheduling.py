"""Does the scheduling play notice when times, reports and choices are not as they have to be?"""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest

from callout.client import Client
from callout.demo.cast import Act, Deviation, Player
from callout.demo.scheduling import Scheduling
from callout.demo.timeline import Timeline

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
#: The second Saturday before London puts its clocks forward, at nine.
FIRST = datetime(2026, 3, 14, 9)  # noqa: DTZ001  # a wall time
WEEK = timedelta(days=7)


def a_play(answer: Any = None) -> Scheduling:
    """The play on a server that answers everything with `answer`."""
    body = orjson.dumps({"data": {"field": answer}})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    client = Client("http://callout", httpx.AsyncClient(transport=transport))
    play = Scheduling(client=client, timeline=Timeline(), sockets=AsyncExitStack())
    play.customer, play.provider = (
        Player(name=name, role="", client=client, timeline=play.timeline, sockets=play.sockets)
        for name in ("Carla Customer", "Chloe Cleaner")
    )
    play.provider.id, play.zone = "chloe", ZoneInfo("Europe/London")
    return play


def slots(*starts: datetime) -> dict[str, Any]:
    found = [{"startsAt": one.isoformat(), "timeZone": "Europe/London"} for one in starts]
    return {"slots": found}


async def test_a_slot_is_free_or_taken_as_it_has_to_be() -> None:
    free, taken = a_play(slots(NOON)), a_play(slots())
    await free.is_free(free.customer, NOON, free=True)
    await taken.is_free(taken.customer, NOON, free=False)
    with pytest.raises(Deviation, match=r"Sat 14 Mar 12:00 is taken, .* that it is free"):
        await free.is_free(free.customer, NOON, free=False)
    with pytest.raises(Deviation, match=r"Sat 14 Mar 12:00 is free, .* that it is taken"):
        await taken.is_free(taken.customer, NOON, free=True)


async def test_full_diaries_end_the_play() -> None:
    play = a_play(slots())
    with pytest.raises(Deviation, match="Nothing is free"):
        await play.first_slot(play.customer, NOON, NOON)


async def test_the_provider_has_to_be_among_those_who_could_come() -> None:
    provider = {"id": "chidi", "name": "Chidi C.", "timeZone": "Europe/London"}
    play = a_play({"providers": [{"isFree": True, "distanceMiles": 1, "provider": provider}]})
    with pytest.raises(Deviation, match=r"Chloe C\. is not among those"):
        await play.choose(NOON)


@pytest.mark.parametrize(
    "found", [{"provider": {"id": "chidi"}}, {"startsAt": "2026-03-14T12:15Z"}]
)
def test_other_time_than_was_asked_for_deviates(found: dict[str, Any]) -> None:
    wanted = {"startsAt": "2026-03-14T12:00Z", "provider": {"id": "chloe"}}
    a_play().is_ours("booking", wanted, NOON)
    with pytest.raises(Deviation, match="of other time"):
        a_play().is_ours("booking", wanted | found, NOON)


def a_report(**third: Any) -> Act:
    """Eight weeks at nine by London's clock, across the night of 29 March; the third is taken."""
    lines = [
        {
            "originalStart": (FIRST + n * WEEK).isoformat(),
            "startsAt": f"{FIRST + n * WEEK:%Y-%m-%dT}{9 if n < 3 else 8:02}:00:00Z",
            "outcome": "BOOKED",
            "booking": {"id": str(n)},
            "conflict": None,
        }
        for n in range(8)
    ]
    conflict = {"code": "SLOT_TAKEN", "alternatives": ["2026-03-28T11:00:00Z"]}
    lines[2] |= {"outcome": "CONFLICT", "booking": None, "conflict": conflict} | third
    return Act(sent=1.0, answered=2.0, answer={"__typename": "Success", "report": lines})


def test_nine_stays_nine_across_the_change_of_clocks() -> None:
    play = a_play()
    play._check(a_report(), FIRST, made=True)
    assert play._row(a_report().answer["report"][3]) == "Sat 04 Apr 09:00 BST  BOOKED"

    late = a_report()
    late.answer["report"][3]["startsAt"] = "2026-04-04T09:00:00Z"
    with pytest.raises(Deviation, match="the report speaks of"):
        play._check(late, FIRST, made=True)


@pytest.mark.parametrize(
    "third",
    [
        {"conflict": None},
        {"conflict": {"code": "NOBODY_FREE", "alternatives": ["2026-03-28T11:00:00Z"]}},
        {"conflict": {"code": "SLOT_TAKEN", "alternatives": []}},
        {"booking": {"id": "2"}},
    ],
)
def test_a_report_that_hides_a_conflict_deviates(third: dict[str, Any]) -> None:
    with pytest.raises(Deviation):
        a_play()._check(a_report(**third), FIRST, made=True)


def test_a_refused_series_has_no_bookings() -> None:
    refused = a_report()
    with pytest.raises(Deviation, match="not as reported"):
        a_play()._check(refused, FIRST, made=False)
    for line in refused.answer["report"]:
        line["booking"] = None
    a_play()._check(refused, FIRST, made=False)
