"""What somebody has been told, through the public door: the list, what is new, and the stream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import count
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import select, update

from api import ids
from db import clock, notifications, telling
from db.engine import Database
from db.seed import ACCOUNTS
from db.tables import events, users
from db.tables import notifications as notifications_table
from domain.events import EventType
from domain.messages import Message
from domain.notifications import Draft
from gateways.settings import Settings
from tests.api import house
from tests.api.door import hear, say
from tests.api.house import House, provider

NODES = "nodes { id message title body createdAt readAt booking { id } }"
LIST = f"""query($unreadOnly: Boolean, $first: Int, $after: String, $last: Int) {{
  notifications(unreadOnly: $unreadOnly, first: $first, after: $after, last: $last) {{
    {NODES} totalCount pageInfo {{ endCursor hasNextPage }}
  }} }}"""
UNREAD = "{ unreadNotifications }"
READ = """mutation($input: MarkNotificationsReadInput!) { markNotificationsRead(input: $input) {
  __typename
  ... on MarkNotificationsReadSuccess { notifications { id readAt } unread }
  ... on Problem { code }
  ... on InvalidInput { errors { path } }
} }"""
NODE = "query($id: ID!) { node(id: $id) { id ... on Notification { message } } }"
FOLLOW = """subscription($after: String) { notificationReceived(after: $after) {
  cursor type unread notification { id message title readAt } } }"""
CANCEL = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }"

_numbers: Final = count()


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


def user(given_name: str) -> UUID:
    return next(one.id for one in ACCOUNTS if one.given_name == given_name)


async def tell(
    home: House,
    name: str = "Carla",
    message: Message = Message.BOOKING_CONFIRMED,
    *,
    listed: bool = True,
    **subject: UUID,
) -> str:
    """Tell somebody something; its id."""
    draft = Draft(recipient_id=user(name), message=message, listed=listed, planned=())
    cause = f"test:{next(_numbers)}"
    async with home.database.begin() as tx:
        at = await clock.now(tx)
        await notifications.add(tx, [draft], cause=cause, subject=subject, at=at)
    async with home.database.read() as connection:
        n = notifications_table.c
        uid = await connection.scalar(select(n.id).where(n.cause == cause))
    assert uid is not None
    return ids.encode("Notification", uid)


async def told(home: House, name: str = "Carla", **arguments: Any) -> list[str]:
    """The ids in somebody's list."""
    return [one["id"] for one in (await home.act(name, LIST, **arguments))["nodes"]]


async def read(home: House, name: str = "Carla", **said: Any) -> Any:
    return await home.act(name, READ, input=said)


async def booked(home: House, name: str = "Carla") -> tuple[str, UUID]:
    """A booking that a provider has; its global id and its own."""
    made = (await home.book(name, providerId=provider("Chloe")))["booking"]["id"]
    decoded = ids.decode(made)
    assert decoded
    return made, decoded[1]


async def test_what_somebody_is_told_of_an_event_is_in_their_list_in_words(home: House) -> None:
    uid, booking_id = await booked(home)
    async with home.database.begin() as tx:
        about = events.c.subject["booking"].astext == str(booking_id)
        happened = select(events.c.id).where(about, events.c.type == EventType.BOOKING_ASSIGNED)
        await telling.tell(tx, (await tx.execute(happened)).scalar_one())
    mine = await home.act("Carla", LIST)
    (one,) = mine["nodes"]
    assert (one["message"], one["readAt"], one["booking"]) == (
        "BOOKING_CONFIRMED",
        None,
        {"id": uid},
    )
    assert one["title"]
    assert "Chloe" in one["title"] + one["body"]
    (theirs,) = (await home.act("Chloe", LIST))["nodes"]
    assert (theirs["message"], theirs["booking"]) == ("JOB_ASSIGNED", {"id": uid})
    assert theirs["id"] != one["id"]


async def test_the_words_are_of_how_things_stand_when_they_are_read(home: House) -> None:
    uid, booking_id = await booked(home)
    await tell(home, booking=booking_id, customer=user("Carla"))
    await tell(home, "Chloe", Message.JOB_ASSIGNED, booking=booking_id, provider=user("Chloe"))

    async def words(name: str) -> Any:
        (one,) = (await home.act(name, LIST))["nodes"]
        return one["title"] + " " + one["body"]

    before = [await words(name) for name in ("Carla", "Chloe")]
    async with home.database.begin() as tx:
        await tx.execute(update(users).values(locale="de-DE", time_zone="Asia/Tokyo"))
    after = [await words(name) for name in ("Carla", "Chloe")]
    assert all(one != other for one, other in zip(before, after, strict=True))
    await home.act("Carla", CANCEL, id=uid)
    shown = (await home.act("Chloe", LIST))["nodes"]
    assert len(shown) == 1


async def test_a_booking_that_somebody_may_see_no_longer_is_linked_no_longer(home: House) -> None:
    uid, booking_id = await booked(home)
    await tell(home, "Chloe", Message.JOB_ASSIGNED, booking=booking_id, provider=user("Chloe"))
    assert (await home.act("Chloe", LIST))["nodes"][0]["booking"] == {"id": uid}
    assign = """mutation($id: ID!, $to: ID!) {
      assignBooking(input: { bookingId: $id, providerId: $to }) { __typename } }"""
    given = await home.act("Dora", assign, id=uid, to=provider("Callum"))
    assert given == {"__typename": "AssignBookingSuccess"}
    (one,) = (await home.act("Chloe", LIST))["nodes"]
    assert one["booking"] is None
    assert "Downing" not in json.dumps(one)


async def test_the_list_is_paged_newest_first_and_tells_what_is_new(home: House) -> None:
    made = [await tell(home) for _ in range(5)]
    await tell(home, listed=False)
    await tell(home, "Chloe")
    assert await told(home) == made[::-1]
    first = await home.act("Carla", LIST, first=2)
    assert [one["id"] for one in first["nodes"]] == [made[4], made[3]]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (5, True)
    assert await told(home, after=first["pageInfo"]["endCursor"]) == made[2::-1]
    assert await told(home, last=2) == [made[1], made[0]]
    await read(home, ids=[made[3], made[1]])
    assert await told(home, unreadOnly=True) == [made[4], made[2], made[0]]
    assert (await home.act("Carla", LIST, unreadOnly=True))["totalCount"] == 3
    assert await home.act("Carla", UNREAD) == 3


async def test_these_are_read_once(home: House) -> None:
    made = [await tell(home) for _ in range(3)]
    answer = await read(home, ids=[made[0], made[2], made[0]])
    assert answer["__typename"] == "MarkNotificationsReadSuccess"
    assert [one["id"] for one in answer["notifications"]] == [made[2], made[0]]
    assert all(one["readAt"] for one in answer["notifications"])
    assert answer["unread"] == await home.act("Carla", UNREAD) == 1
    assert await read(home, ids=[made[0], made[2]]) == answer
    assert (await read(home, ids=[]))["unread"] == 1


async def test_all_up_to_one_are_read(home: House) -> None:
    made = [await tell(home) for _ in range(4)]
    answer = await read(home, upTo=made[2])
    assert [one["id"] for one in answer["notifications"]] == [made[2]]
    assert answer["unread"] == 1
    assert await told(home, unreadOnly=True) == [made[3]]


async def test_all_are_read(home: House) -> None:
    for _ in range(3):
        await tell(home)
    await tell(home, "Chloe")
    for _ in range(2):
        answer = await read(home, all=True)
        assert (answer["notifications"], answer["unread"]) == ([], 0)
    assert await home.act("Chloe", UNREAD) == 1


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({}, ["ids"]),
        ({"ids": [], "all": True}, ["ids"]),
        ({"upTo": "x", "all": True}, ["ids"]),
        ({"ids": [], "upTo": "x"}, ["ids"]),
        ({"ids": ["x"] * 101}, ["ids"]),
        ({"ids": ["nonsense"]}, ["ids", "0"]),
        ({"upTo": ids.encode("Booking", UUID(int=1))}, ["upTo"]),
    ],
)
async def test_what_was_read_has_to_be_said_one_way(
    home: House, said: dict[str, Any], path: list[str]
) -> None:
    await tell(home)
    answer = await read(home, **said)
    assert answer == {
        "__typename": "InvalidInput",
        "code": "INVALID_INPUT",
        "errors": [{"path": path}],
    }
    assert await home.act("Carla", UNREAD) == 1


async def test_nobody_sees_or_reads_what_others_are_told(home: House) -> None:
    mine, unlisted = await tell(home), await tell(home, listed=False)
    unknown = ids.encode("Notification", uuid4())
    for stranger in ("Chloe", "Dora", "Adam", "Anna"):
        assert await told(home, stranger) == []
        assert await home.act(stranger, UNREAD) == 0
        for which in (mine, unlisted, unknown):
            assert await home.act(stranger, NODE, id=which) is None
            for said in ({"ids": [which]}, {"upTo": which}):
                answer = await read(home, stranger, **said)
                assert answer == {"__typename": "NotFound", "code": "NOT_FOUND"}
        await read(home, stranger, all=True)
    own = await tell(home, "Chloe")
    assert (await read(home, "Chloe", ids=[own, mine]))["code"] == "NOT_FOUND"
    assert [await home.act(name, UNREAD) for name in ("Carla", "Chloe")] == [1, 1]
    assert await home.act("Carla", NODE, id=mine) == {"id": mine, "message": "BOOKING_CONFIRMED"}
    assert await home.act("Carla", NODE, id=unlisted) is None


async def test_nobody_is_told_anything_who_is_not_signed_in(home: House) -> None:
    for document, variables in ((LIST, {}), (UNREAD, {}), (READ, {"input": {"all": True}})):
        answer = await home.ask(None, document, **variables)
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}


async def test_a_page_is_put_into_words_by_a_few_statements(home: House) -> None:
    _, booking_id = await booked(home)

    async def cost() -> int:
        statements: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        engine = home.door.services.database.engine.sync_engine
        sql_event.listen(engine, "before_cursor_execute", note)
        await home.act("Carla", LIST, first=100)
        sql_event.remove(engine, "before_cursor_execute", note)
        return sum(one.lstrip().upper().startswith(("SELECT", "WITH")) for one in statements)

    await tell(home, booking=booking_id)
    one = await cost()
    for _ in range(20):
        await tell(home, booking=booking_id)
    assert await cost() <= one + 1


# The stream.


async def test_what_somebody_is_told_comes_at_once_and_only_to_them(home: House) -> None:
    async with home.follow("Carla", FOLLOW) as mine, home.follow("Chloe", FOLLOW) as theirs:
        first, other, second = [await tell(home, name) for name in ("Carla", "Chloe", "Carla")]
        items = [await mine.next() for _ in range(2)]
        heard = await theirs.next()
    assert [(item["type"], item["notification"]["id"]) for item in items] == [
        ("RECEIVED", first),
        ("RECEIVED", second),
    ]
    assert items[-1]["unread"] == 2
    assert items[0]["notification"]["title"]
    assert (heard["notification"]["id"], heard["unread"]) == (other, 1)


async def test_what_is_read_on_one_device_is_told_to_the_others(home: House) -> None:
    made = [await tell(home) for _ in range(3)]
    async with home.follow("Carla", FOLLOW) as stream:
        await read(home, upTo=made[1])
        item = await stream.next()
        await read(home, all=True)
        last = await stream.next()
    assert (item["type"], item["unread"]) == ("READ", 1)
    assert item["notification"]["id"] == made[1]
    assert item["notification"]["readAt"] is not None
    assert (last["type"], last["unread"], last["notification"]["id"]) == ("READ", 0, made[2])


async def test_what_is_sent_and_not_listed_is_on_no_stream(home: House) -> None:
    async with home.follow("Carla", FOLLOW) as stream:
        await tell(home, message=Message.OFFER, listed=False)
        shown = await tell(home)
        assert (await stream.next())["notification"]["id"] == shown


async def test_a_cut_stream_resumes_after_its_cursor_with_each_item_once(home: House) -> None:
    async with home.follow("Carla", FOLLOW) as stream:
        made = [await tell(home)]
        seen = [await stream.next()]
    made += [await tell(home), await tell(home)]
    await read(home, ids=[made[1]])
    async with home.follow("Carla", FOLLOW, after=seen[0]["cursor"]) as stream:
        seen += [await stream.next() for _ in range(3)]
        made.append(await tell(home))
        seen.append(await stream.next())
    assert [(item["type"], item["notification"]["id"]) for item in seen] == [
        ("RECEIVED", made[0]),
        ("RECEIVED", made[1]),
        ("RECEIVED", made[2]),
        ("READ", made[1]),
        ("RECEIVED", made[3]),
    ]
    cursors = [item["cursor"] for item in seen]
    assert len(set(cursors)) == 5


async def test_it_can_be_followed_and_resumed_without_a_websocket(home: House) -> None:
    async def follow(after: str | None, wanted: int) -> list[Any]:
        headers = {
            "accept": "text/event-stream",
            "authorization": f"Bearer {home.tokens['Carla']}",
        }
        body = {"query": FOLLOW, "variables": {"after": after}}
        found: list[Any] = []
        async with home.door.http.stream("POST", "/graphql", json=body, headers=headers) as reply:
            assert reply.headers["content-type"].startswith("text/event-stream")
            async for line in reply.aiter_lines():
                if line.startswith("data:") and line.partition(":")[2].strip():
                    payload = json.loads(line.partition(":")[2])
                    assert "errors" not in payload, payload
                    found.append(payload["data"]["notificationReceived"])
                if len(found) == wanted:
                    break
        return found

    async with home.follow("Carla", FOLLOW) as stream:
        made = [await tell(home)]
        cursor = (await stream.next())["cursor"]
    made += [await tell(home), await tell(home)]
    found = await follow(cursor, 2)
    assert [item["notification"]["id"] for item in found] == made[1:]
    (again,) = await follow(found[0]["cursor"], 1)
    assert again == found[1]


async def test_nobody_resumes_anothers_stream(home: House) -> None:
    async with home.follow("Carla", FOLLOW) as stream:
        await tell(home)
        cursor = (await stream.next())["cursor"]
    await tell(home)
    async with home.follow("Chloe", FOLLOW, after=cursor) as stream:
        own = await tell(home, "Chloe")
        assert (await stream.next())["notification"]["id"] == own


async def test_the_stream_is_closed_to_strangers_and_to_nonsense(home: House) -> None:
    async with home.door.conversation(home.tokens["Carla"]) as socket:
        payload = {"query": FOLLOW, "variables": {"after": "nonsense"}}
        await say(socket, id="1", type="subscribe", payload=payload)
        message = await hear(socket)
    given = message["payload"]
    errors = given if message["type"] == "error" else given["errors"]
    assert errors[0]["extensions"]["code"] == "BAD_USER_INPUT"
    answer = await home.ask(None, FOLLOW)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}


async def test_a_row_that_turns_out_to_be_anothers_is_not_passed_on(home: House) -> None:
    """The right is looked at again for each item: nobody's row is passed on to somebody else."""
    async with home.follow("Carla", FOLLOW) as stream:
        first = await tell(home)
        assert (await stream.next())["notification"]["id"] == first
        # It turns out to be another's by the time that its event comes.
        async with home.database.begin() as tx:
            draft = Draft(
                recipient_id=user("Carla"),
                message=Message.COMPLETED,
                listed=True,
                planned=(),
            )
            at = await clock.now(tx)
            await notifications.add(tx, [draft], cause="test:moved", subject={}, at=at)
            moved = update(notifications_table).where(notifications_table.c.cause == "test:moved")
            await tx.execute(moved.values(recipient_id=user("Chloe")))
        own = await tell(home)
        assert (await stream.next())["notification"]["id"] == own
