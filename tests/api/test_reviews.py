"""Reviews through the public door: given once, counted, and read by everyone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from api import ids
from db.engine import Database
from db.tables import providers, reviews
from domain.people import Viewer
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House, provider, service
from tests.factories import NOW, add_customer, count_rows

REVIEW = """
mutation($id: ID!, $stars: Int!, $comment: String) {
  reviewBooking(input: { bookingId: $id, stars: $stars, comment: $comment }) {
    __typename
    ... on ReviewBookingSuccess { review {
      id stars comment customerName provider { id rating reviewCount }
    } }
    ... on AlreadyReviewed { review { stars comment } }
    ... on WrongStatus { status }
    ... on Problem { code }
    ... on InvalidInput { errors { path } }
  }
}
"""
READ = """
query($id: ID!, $first: Int, $after: String) {
  reviews(providerId: $id, first: $first, after: $after) {
    nodes { stars comment customerName } totalCount pageInfo { endCursor }
  }
}
"""
NODE = "query($id: ID!) { node(id: $id) { id ... on Review { stars } } }"
RATING = "query($id: ID!) { provider(id: $id) { rating reviewCount } }"


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def booked(home: House, by: str = "Carla", *, hours: int = 5) -> str:
    """A booking of Chloe's time, as many hours ahead."""
    start = (datetime.now(UTC) + timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
    made = await home.book(by, providerId=provider("Chloe"), startsAt=start.isoformat())
    assert made["__typename"] == "CreateBookingSuccess", made
    uid: str = made["booking"]["id"]
    return uid


async def completed(home: House, by: str = "Carla", *, hours: int = 5) -> str:
    """A booking whose work Chloe has done."""
    uid = await booked(home, by, hours=hours)
    for act in ("startBooking", "completeBooking"):
        document = f"mutation($id: ID!) {{ {act}(input: {{ bookingId: $id }}) {{ __typename }} }}"
        done = await home.act("Chloe", document, id=uid)
        assert done["__typename"] == f"{act[0].upper()}{act[1:]}Success"
    return uid


async def a_customer(home: House, name: str, **columns: Any) -> Viewer:
    viewer = await add_customer(home.database, **columns)
    home.sign_in(name, viewer)
    return viewer


async def test_a_completed_booking_is_reviewed_once_and_moves_the_rating(home: House) -> None:
    uid = await completed(home)
    before = await home.act("Carla", RATING, id=provider("Chloe"))
    assert before == {"rating": 4.9, "reviewCount": 95}

    given = await home.act("Carla", REVIEW, id=uid, stars=1, comment=" Broke a vase. ")

    review = given["review"]
    assert given["__typename"] == "ReviewBookingSuccess"
    assert (review["stars"], review["comment"]) == (1, "Broke a vase.")
    assert review["customerName"] == "Carla C."
    # Of 95 reviews with 470 stars, and 20 stars of five that are assumed.
    assert review["provider"] == {"id": provider("Chloe"), "rating": 4.86, "reviewCount": 96}
    again = await home.act("Carla", REVIEW, id=uid, stars=1, comment="Broke a vase.")
    assert again == given
    other = await home.act("Carla", REVIEW, id=uid, stars=5)
    assert other == {
        "__typename": "AlreadyReviewed",
        "code": "ALREADY_REVIEWED",
        "review": {"stars": 1, "comment": "Broke a vase."},
    }
    after = await home.act("Dora", RATING, id=provider("Chloe"))
    assert after == {"rating": 4.86, "reviewCount": 96}
    assert await count_rows(home.database, reviews) == (1,)


async def test_reviews_given_at_once_all_count(home: House) -> None:
    names = ["Carla", "Second", "Third", "Fourth"]
    for name in names[1:]:
        await a_customer(home, name)
    done = [await completed(home, name, hours=5 + 24 * n) for n, name in enumerate(names)]
    given = await asyncio.gather(
        *(home.act(name, REVIEW, id=uid, stars=5) for name, uid in zip(names, done, strict=True))
    )
    assert {one["__typename"] for one in given} == {"ReviewBookingSuccess"}
    shown = await home.act("Carla", RATING, id=provider("Chloe"))
    assert shown == {"rating": 4.9, "reviewCount": 99}


async def test_only_completed_work_is_reviewed(home: House) -> None:
    uid = await booked(home)
    refused = await home.act("Carla", REVIEW, id=uid, stars=5)
    assert refused == {"__typename": "WrongStatus", "status": "CONFIRMED", "code": "WRONG_STATUS"}
    assert await count_rows(home.database, reviews) == (0,)
    shown = await home.act("Carla", RATING, id=provider("Chloe"))
    assert shown == {"rating": 4.9, "reviewCount": 95}


async def test_another_customers_booking_and_an_unknown_one_answer_alike(home: House) -> None:
    uid = await completed(home)
    await a_customer(home, "Stranger")
    for one in (uid, ids.encode("Booking", uuid4())):
        refused = await home.act("Stranger", REVIEW, id=one, stars=1)
        assert refused == {"__typename": "NotFound", "code": "NOT_FOUND"}
    assert await count_rows(home.database, reviews) == (0,)


@pytest.mark.parametrize("name", ["Chloe", "Dora", "Anna", "Adam"])
async def test_only_customers_review(home: House, name: str) -> None:
    answer = await home.ask(name, REVIEW, id=await completed(home), stars=5)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await count_rows(home.database, reviews) == (0,)


async def test_every_wrong_field_is_named_at_once(home: House) -> None:
    uid = await completed(home)
    refused = await home.act("Carla", REVIEW, id=uid, stars=6, comment="x" * 2001)
    assert refused["errors"] == [{"path": ["stars"]}, {"path": ["comment"]}]
    wrong = await home.act("Carla", REVIEW, id=provider("Chloe"), stars=5)
    assert wrong["errors"] == [{"path": ["bookingId"]}]
    assert await count_rows(home.database, reviews) == (0,)


async def test_everyone_signed_in_reads_reviews_and_no_more_than_the_public_name(
    home: House,
) -> None:
    await a_customer(home, "John", given_name="John", family_name="Doe")
    for n, (name, stars) in enumerate([("Carla", 4), ("John", 2)]):
        uid = await completed(home, name, hours=5 + 24 * n)
        await home.act(name, REVIEW, id=uid, stars=stars)
    newest = {"stars": 2, "comment": "", "customerName": "John D."}
    oldest = {"stars": 4, "comment": "", "customerName": "Carla C."}
    for name in ("Carla", "John", "Chloe", "Callum", "Dora", "Anna", "Adam"):
        read = await home.act(name, READ, id=provider("Chloe"))
        assert (read["nodes"], read["totalCount"]) == ([newest, oldest], 2)
    first = await home.act("Anna", READ, id=provider("Chloe"), first=1)
    assert first["nodes"] == [newest]
    cursor = first["pageInfo"]["endCursor"]
    rest = await home.act("Anna", READ, id=provider("Chloe"), after=cursor)
    assert rest["nodes"] == [oldest]
    none = await home.act("Anna", READ, id=provider("Callum"))
    assert (none["nodes"], none["totalCount"]) == ([], 0)
    stranger = await home.ask(None, READ, id=provider("Chloe"))
    assert stranger["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_reviews_are_seen_with_their_provider_and_by_who_wrote_them(home: House) -> None:
    uid = await completed(home)
    review = (await home.act("Carla", REVIEW, id=uid, stars=5))["review"]["id"]
    await a_customer(home, "Stranger")
    shown = {"id": review, "stars": 5}
    for name in ("Carla", "Stranger", "Chloe", "Dora"):
        assert await home.act(name, NODE, id=review) == shown
    async with home.database.begin() as tx:
        await tx.execute(update(providers).values(suspended_at=NOW))
    for name in ("Carla", "Chloe", "Dora"):
        assert await home.act(name, NODE, id=review) == shown
    for name in ("Stranger", "Callum", "Anna"):
        assert await home.act(name, NODE, id=review) is None
        assert await home.act(name, READ, id=provider("Chloe")) is None
    assert await home.act("Dora", NODE, id=ids.encode("Review", uuid4())) is None
    assert await home.act("Dora", READ, id=ids.encode("Provider", uuid4())) is None
    wrong = await home.ask("Dora", READ, id=service("home-clean"))
    assert wrong["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_review_tells_who_follows_the_booking(home: House) -> None:
    uid = await completed(home)
    document = "subscription($id: ID!) { bookingUpdated(id: $id) { type booking { id } } }"
    async with home.follow("Chloe", document, id=uid) as stream:
        assert (await stream.next())["type"] == "SNAPSHOT"
        await home.act("Carla", REVIEW, id=uid, stars=5)
        seen = await stream.next()
        while seen["type"] != "REVIEWED":
            seen = await stream.next()
    assert seen["booking"] == {"id": uid}


async def test_a_booking_shows_its_review_to_whoever_may_see_the_booking(home: House) -> None:
    uid = await completed(home)
    asked = "query($id: ID!) { booking(id: $id) { review { stars comment } } }"
    assert await home.act("Carla", asked, id=uid) == {"review": None}
    await home.act("Carla", REVIEW, id=uid, stars=3, comment="Late.")
    for name in ("Carla", "Chloe", "Dora", "Anna"):
        assert await home.act(name, asked, id=uid) == {"review": {"stars": 3, "comment": "Late."}}
    assert await home.act("Callum", asked, id=uid) is None
