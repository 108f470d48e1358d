"""Does the demo notice everything that is not as it has to be?"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, cast

import httpx
import orjson
import pytest

from callout.client import Client, Hung, Item, Refused, Socket, Stream
from callout.demo import cast as play
from callout.demo.cast import Act, Deviation, Feed, Player
from callout.demo.timeline import Line, Timeline

ACT = Act(sent=1.0, answered=2.0, answer={"__typename": "Success"})


def a_player(answer: dict[str, Any] | None = None) -> Player:
    """Somebody whose every act is answered with `answer`."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=orjson.dumps(answer)))
    return Player(
        name="Chloe",
        role="provider",
        client=Client("http://callout", httpx.AsyncClient(transport=transport)),
        timeline=Timeline(),
        sockets=AsyncExitStack(),
    )


def an_item(kind: str, *, cursor: str, whose: str = "ours", arrived: float = 2.5) -> Item:
    content = {"type": kind, "cursor": cursor, "whose": whose}
    return Item(data={"offerFeed": content}, arrived=arrived)


def a_feed(*items: Item | Hung | Refused) -> Feed:
    """A feed on which these have come."""
    stream = Stream()
    for item in items:
        stream.put(item)
    return Feed(
        player=a_player(),
        topic="offers",
        document="",
        ours=lambda content: content["whose"] == "ours",
        socket=cast("Socket", None),
        stream=stream,
    )


async def test_what_is_due_is_heard_and_timed_from_the_answer_that_caused_it() -> None:
    feed = a_feed(an_item("OFFERED", cursor="a", arrived=2.25))
    heard = await feed.expect("OFFERED", after=ACT)
    assert (heard.kind, heard.cursor, heard.ms) == ("OFFERED", "a", 250.0)
    feed.finish()


async def test_what_concerns_others_is_passed_over() -> None:
    feed = a_feed(an_item("OFFERED", cursor="a", whose="others"), an_item("EXPIRED", cursor="b"))
    assert (await feed.expect("EXPIRED", after=ACT)).cursor == "b"
    assert feed.cursors == ["b"]


async def test_something_else_than_what_is_due_deviates() -> None:
    feed = a_feed(an_item("EXPIRED", cursor="a"))
    with pytest.raises(Deviation, match="Chloe's offers said EXPIRED where RESCINDED was due"):
        await feed.expect("RESCINDED", after=ACT)


async def test_something_more_than_what_is_due_deviates() -> None:
    feed = a_feed(an_item("OFFERED", cursor="a"), an_item("RESCINDED", cursor="b"))
    await feed.expect("OFFERED", after=ACT)
    with pytest.raises(Deviation, match="said RESCINDED although nothing more was due"):
        feed.finish()


async def test_the_same_item_twice_deviates() -> None:
    feed = a_feed(an_item("OFFERED", cursor="a"), an_item("OFFERED", cursor="a"))
    for _ in range(2):
        await feed.expect("OFFERED", after=ACT)
    with pytest.raises(Deviation, match="said the same twice"):
        feed.finish()


async def test_silence_deviates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_PATIENCE", 0.01)
    with pytest.raises(Deviation, match="did not say OFFERED or EXPIRED"):
        await a_feed().expect("OFFERED", "EXPIRED", after=ACT)


@pytest.mark.parametrize("end", [Hung("the socket was cut"), Refused([{"message": "no"}])])
async def test_the_end_of_a_stream_deviates(end: Hung | Refused) -> None:
    with pytest.raises(Deviation, match="ended: "):
        await a_feed(end).expect("OFFERED", after=ACT)


async def test_a_refused_act_deviates_with_its_reason() -> None:
    problem = {"data": {"clockOut": {"__typename": "NotOnShift", "message": "Clock in first."}}}
    player = a_player(problem)
    assert (await player.act("clock out", "")).kind == "NotOnShift"
    with pytest.raises(Deviation, match="Chloe could not clock out: NotOnShift, Clock in first"):
        await player.succeed("clock out", "")


async def test_an_act_that_has_to_be_refused_and_is_not_deviates() -> None:
    player = a_player({"data": {"clockOut": {"__typename": "ClockOutSuccess"}}})
    with pytest.raises(Deviation, match="Chloe tried to leave and got ClockOutSuccess, not WorkIn"):
        await player.fail("leave", "WorkInProgress", "")
    assert (await player.fail("leave", "ClockOutSuccess", "")).kind == "ClockOutSuccess"


async def test_what_is_asked_is_answered_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    player = a_player({"data": {"quote": {"percent": 50}}})
    said: list[Line] = []
    monkeypatch.setattr(player.timeline, "add", said.append)
    found = await player.ask("ask", "", lambda answer: f"{answer['percent']} %")
    assert found.answer == {"percent": 50}
    assert [line.what for line in said] == ["ask: 50 %"]


async def test_a_rate_limit_says_when_to_try_again() -> None:
    error = {"message": "Too many.", "extensions": {"code": "RATE_LIMITED", "retryAfter": 7}}
    with pytest.raises(Deviation, match=r"Too many\. Try again in 7 s"):
        await a_player({"errors": [error]}).act("sign in", "")
