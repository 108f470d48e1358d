"""A booking through the public door, from its request to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update

from api import ids
from db import engine
from db.engine import Database
from db.tables import bookings, events
from gateways.settings import Settings
from tests.api import house
from tests.api.house import ACCEPT, House, on_the_hour, provider, service

STATUS = "query($id: ID!) { booking(id: $id) { status version } }"
CANCEL = """
mutation($id: ID!) { cancelBooking(input: { bookingId: $id, reason: "Changed my mind" }) {
  __typename
  ... on CancelBookingSuccess { booking { status cancelReason } }
  ... on WrongStatus { status }
} }
"""
PAY = """
mutation($id: ID!) { payBooking(input: { bookingId: $id }) {
  __typename
  ... on PayBookingSuccess { booking { status } }
  ... on Problem { code }
} }
"""


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def rows(database: Database) -> int:
    async with database.read() as connection:
        found = await connection.scalar(select(func.count()).select_from(bookings))
        return int(found or 0)


async def an_offer(home: House, name: str) -> str:
    """The id of the open offer that reaches this provider."""
    document = "subscription { offerFeed { type offer { id state } } }"
    async with home.follow(name, document) as feed:
        item = await feed.next()
        assert item["type"] == "OFFERED"
        offer: str = item["offer"]["id"]
        return offer


async def test_a_booking_is_offered_accepted_by_one_started_and_completed(home: House) -> None:
    await home.on_shift("Chloe", "Callum")
    booked = await home.book(kind="IMMEDIATE", startsAt=None)
    assert booked["booking"]["status"] == "PAID"
    offers = [await an_offer(home, name) for name in ("Chloe", "Callum")]
    won = await home.act("Chloe", ACCEPT, id=offers[0])
    assert won["booking"]["status"] == "CONFIRMED"
    assert won["booking"]["address"] == {"line1": "10 Downing Street"}
    assert won["booking"]["customer"] == {"name": "Carla Customer"}
    again = await home.act("Chloe", ACCEPT, id=offers[0])
    assert again == won
    lost = await home.act("Callum", ACCEPT, id=offers[1])
    assert lost == {
        "__typename": "OfferGone",
        "why": "TAKEN",
        "code": "OFFER_GONE",
        "message": "Another provider has taken this booking.",
    }
    booking = booked["booking"]["id"]
    started = await home.act(
        "Chloe",
        "mutation($id: ID!) { startBooking(input: { bookingId: $id }) {"
        " ... on StartBookingSuccess { booking { status provider { presence } } } } }",
        id=booking,
    )
    assert started == {"booking": {"status": "IN_PROGRESS", "provider": {"presence": "BUSY"}}}
    done = await home.act(
        "Chloe",
        'mutation($id: ID!) { completeBooking(input: { bookingId: $id, notes: "Sparkling" }) {'
        " ... on CompleteBookingSuccess { booking { status completionNotes"
        " history { act before after } } } } }",
        id=booking,
    )
    assert done["booking"] == {
        "status": "COMPLETED",
        "completionNotes": "Sparkling",
        "history": [
            {"act": "REQUEST", "before": None, "after": "PAID"},
            {"act": "ASSIGN", "before": "PAID", "after": "CONFIRMED"},
            {"act": "START", "before": "CONFIRMED", "after": "IN_PROGRESS"},
            {"act": "COMPLETE", "before": "IN_PROGRESS", "after": "COMPLETED"},
        ],
    }


async def test_a_provider_booked_directly_is_taken_and_the_alternatives_are_free(
    home: House,
) -> None:
    first = await home.book(providerId=provider("Chloe"))
    assert first["booking"]["status"] == "CONFIRMED"
    assert first["booking"]["provider"] == {"name": "Chloe C."}
    second = await home.book(providerId=provider("Chloe"))
    assert second["__typename"] == "SlotTaken"
    assert second["code"] == "SLOT_TAKEN"
    assert second["path"] == ["startsAt"]
    # Two hours of work, then a quarter of an hour between jobs.
    start = datetime.fromisoformat(first["booking"]["startsAt"])
    expected = [start + timedelta(minutes=135 + 15 * n) for n in range(3)]
    assert [datetime.fromisoformat(at) for at in second["alternatives"]] == expected
    third = await home.book(providerId=provider("Chloe"), startsAt=second["alternatives"][0])
    assert third["__typename"] == "CreateBookingSuccess"
    assert await rows(home.database) == 2


async def test_a_provider_who_may_not_do_the_work_is_not_booked_and_the_rules_are_named(
    home: House,
) -> None:
    refused = await home.book(providerId=provider("Maya"))
    assert refused["__typename"] == "ProviderNotEligible"
    assert refused["unmet"] == ["SERVICE"]
    assert await rows(home.database) == 0


async def test_every_wrong_field_is_named_at_once_and_nothing_is_written(home: House) -> None:
    address = {"line1": "", "city": "London", "postalCode": "SW1A 2AA", "country": "Britain"}
    refused = await home.book(
        address=address, startsAt=None, concern="x" * 2001, idempotencyKey="key"
    )
    assert refused["__typename"] == "InvalidInput"
    assert [error["path"] for error in refused["errors"]] == [
        ["address", "line1"],
        ["address", "country"],
        ["concern"],
        ["startsAt"],
    ]
    assert await rows(home.database) == 0
    async with home.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(events)) == 0


async def test_coordinates_off_the_globe_name_their_place_in_the_input(home: House) -> None:
    point = {"latitude": 91, "longitude": -181}
    refused = await home.book(address=house.ADDRESS | {"point": point})
    assert [error["path"] for error in refused["errors"]] == [
        ["address", "point", "latitude"],
        ["address", "point", "longitude"],
    ]


@pytest.mark.parametrize(
    ("ahead", "rules"),
    [
        ({"hours": -1}, ["PAST"]),
        ({"hours": 2}, ["NOTICE_TOO_SHORT"]),
        ({"days": 91, "hours": 1}, ["TOO_FAR_AHEAD"]),
    ],
)
async def test_a_start_outside_the_rules_is_refused_by_name(
    home: House, ahead: dict[str, float], rules: list[str]
) -> None:
    refused = await home.book(startsAt=on_the_hour(**ahead))
    assert refused["__typename"] == "RulesBroken"
    assert [one["rule"] for one in refused["broken"]] == rules


async def test_an_id_of_something_else_is_wrong_input_and_an_unknown_one_is_not_found(
    home: House,
) -> None:
    wrong = await home.book(serviceId=provider("Chloe"))
    assert wrong["errors"][0]["path"] == ["serviceId"]
    assert "this is the id of a Provider" in wrong["errors"][0]["message"]
    garbage = await home.book(serviceId="💥")
    assert garbage["errors"][0]["path"] == ["serviceId"]
    unknown = await home.book(serviceId=ids.encode("Service", uuid4()))
    assert unknown["__typename"] == "NotFound"


async def test_the_same_key_makes_one_booking_and_refuses_another_body(home: House) -> None:
    start = on_the_hour(hours=9)
    first = await home.book(idempotencyKey="mine", startsAt=start)
    assert await home.book(idempotencyKey="mine", startsAt=start) == first
    other = await home.book(idempotencyKey="mine", startsAt=start, concern="Other")
    assert other["__typename"] == "IdempotencyKeyReused"
    assert other["path"] == ["idempotencyKey"]
    assert await rows(home.database) == 1


async def test_unknown_and_forbidden_bookings_answer_alike(home: House) -> None:
    booked = (await home.book())["booking"]["id"]
    unknown = ids.encode("Booking", uuid4())
    await home.act("Dora", STATUS, id=booked)
    for name in ("Chloe", "Maya"):
        for document in (STATUS, "query($id: ID!) { node(id: $id) { id } }"):
            for uid in (booked, unknown):
                assert await home.act(name, document, id=uid) is None
    start = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
    for uid in (booked, unknown):
        assert await home.act("Chloe", start, id=uid) == {"__typename": "NotFound"}


async def test_an_offer_tells_no_more_of_the_customer_than_it_may(home: House) -> None:
    await home.on_shift("Chloe")
    booked = await home.book(kind="IMMEDIATE", startsAt=None, concern="The cat")
    offer = await an_offer(home, "Chloe")
    document = """query($id: ID!) { node(id: $id) { ... on JobOffer {
      booking { id }
      work { customerName area city distanceMiles concern service { code } price { formatted } }
    } } }"""
    assert await home.act("Chloe", document, id=offer) == {
        "booking": None,
        "work": {
            "customerName": "Carla C.",
            "area": "SW1A",
            "city": "London",
            "distanceMiles": 1,
            "concern": "The cat",
            "service": {"code": "home-clean"},
            "price": {"formatted": "£0.00"},
        },
    }
    assert await home.act("Callum", document, id=offer) is None
    assert await home.act("Carla", document, id=offer) is None
    await home.act("Chloe", ACCEPT, id=offer)
    won = await home.act("Chloe", document, id=offer)
    assert won["booking"] == {"id": booked["booking"]["id"]}


async def test_contact_and_address_close_to_the_provider_a_month_after_completion(
    home: House,
) -> None:
    booked = (await home.book(providerId=provider("Chloe")))["booking"]["id"]
    document = "query($id: ID!) { booking(id: $id) { customer { name phone } address { line1 } } }"
    open_to_all = {
        "customer": {"name": "Carla Customer", "phone": None},
        "address": {"line1": "10 Downing Street"},
    }
    assert await home.act("Chloe", document, id=booked) == open_to_all
    long_ago = datetime.now(UTC) - timedelta(days=31)
    async with home.database.begin() as tx:
        await tx.execute(
            update(bookings).values(started_at=long_ago, completed_at=long_ago, status="COMPLETED")
        )
    closed = {"customer": {"name": "Carla C.", "phone": None}, "address": None}
    assert await home.act("Chloe", document, id=booked) == closed
    assert await home.act("Carla", document, id=booked) == open_to_all
    assert await home.act("Dora", document, id=booked) == open_to_all


@pytest.mark.parametrize("pays_first", [True, False])
async def test_paying_and_accepting_in_either_order_end_confirmed(
    home: House, pays_first: bool
) -> None:
    await home.on_shift("Chloe")
    booked = await home.book(kind="IMMEDIATE", startsAt=None, serviceId=service("oven-clean"))
    assert booked["booking"]["status"] == "PENDING"
    offer = await an_offer(home, "Chloe")
    pay = ("Carla", PAY, booked["booking"]["id"])
    accept = ("Chloe", ACCEPT, offer)
    for name, document, uid in (pay, accept) if pays_first else (accept, pay):
        outcome = await home.act(name, document, id=uid)
    assert outcome["booking"]["status"] == "CONFIRMED"
    twice = await home.act("Carla", PAY, id=booked["booking"]["id"])
    assert twice == {"__typename": "NothingToPay", "code": "NOTHING_TO_PAY"}


async def test_a_booking_that_needs_a_yes_is_offered_only_after_it(home: House) -> None:
    booked = await home.book(serviceId=service("end-of-tenancy"), startsAt=on_the_hour(hours=30))
    uid = booked["booking"]["id"]
    assert booked["booking"]["status"] == "AWAITING_APPROVAL"
    approve = """mutation($id: ID!) { approveBooking(input: { bookingId: $id }) {
      __typename ... on ApproveBookingSuccess { booking { status } } } }"""
    assert (await home.act("Dora", approve, id=uid))["booking"] == {"status": "PENDING"}
    assert await an_offer(home, "Chloe")
    assert (await home.act("Dora", approve, id=uid))["__typename"] == "WrongStatus"


async def test_a_declined_booking_tells_its_customer_why(home: House) -> None:
    uid = (await home.book(serviceId=service("end-of-tenancy"), startsAt=on_the_hour(hours=30)))[
        "booking"
    ]["id"]
    decline = """mutation($id: ID!, $reason: String!) {
      declineBooking(input: { bookingId: $id, reason: $reason }) {
        __typename ... on InvalidInput { errors { path } } } }"""
    unexplained = await home.act("Dora", decline, id=uid, reason="")
    assert unexplained == {"__typename": "InvalidInput", "errors": [{"path": ["reason"]}]}
    await home.act("Dora", decline, id=uid, reason="Too far")
    asked = "query($id: ID!) { booking(id: $id) { status cancelReason } }"
    told = await home.act("Carla", asked, id=uid)
    assert told == {"status": "DECLINED", "cancelReason": "Too far"}


async def test_a_cancelled_booking_frees_its_provider_and_stays_cancelled(home: House) -> None:
    start = on_the_hour(hours=30)
    booked = await home.book(providerId=provider("Chloe"), startsAt=start)
    cancelled = await home.act("Carla", CANCEL, id=booked["booking"]["id"])
    assert cancelled["booking"] == {"status": "CANCELLED", "cancelReason": "Changed my mind"}
    again = await home.act("Carla", CANCEL, id=booked["booking"]["id"])
    assert again == {"__typename": "WrongStatus", "status": "CANCELLED"}
    rebooked = await home.book(providerId=provider("Chloe"), startsAt=start)
    assert rebooked["__typename"] == "CreateBookingSuccess"


async def test_lists_show_each_viewer_their_own(home: House) -> None:
    booked = await home.book(providerId=provider("Chloe"))
    document = "{ bookings { nodes { id } totalCount } }"
    everything = {"nodes": [{"id": booked["booking"]["id"]}], "totalCount": 1}
    nothing: dict[str, Any] = {"nodes": [], "totalCount": 0}
    for name in ("Carla", "Chloe", "Dora", "Adam", "Anna"):
        assert await home.act(name, document) == everything
    assert await home.act("Callum", document) == nothing


async def test_the_queue_puts_immediate_work_first_and_pages_without_repeating(
    home: House,
) -> None:
    await home.on_shift("Chloe")
    later = [
        (await home.book(startsAt=on_the_hour(days=2, hours=n)))["booking"]["id"] for n in range(3)
    ]
    now = (await home.book(kind="IMMEDIATE", startsAt=None))["booking"]["id"]
    document = """query($after: String) { queue(first: 2, after: $after) {
      nodes { id } totalCount pageInfo { hasNextPage endCursor } } }"""
    first = await home.act("Dora", document)
    assert [one["id"] for one in first["nodes"]] == [now, later[0]]
    assert first["totalCount"] == 4
    second = await home.act("Dora", document, after=first["pageInfo"]["endCursor"])
    assert [one["id"] for one in second["nodes"]] == later[1:]
    assert second["pageInfo"]["hasNextPage"] is False
    bad = await home.ask("Dora", document, after="nonsense")
    assert bad["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("Carla", "{ queue { nodes { id } } }"),
        ("Carla", "{ jobOffers { nodes { id } } }"),
        ("Dora", "mutation { clockIn(input: {}) { __typename } }"),
        ("Anna", 'mutation { cancelBooking(input: { bookingId: "x" }) { __typename } }'),
    ],
)
async def test_a_role_that_may_not_is_told_so_by_name(
    home: House, name: str, document: str
) -> None:
    answer = await home.ask(name, document)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert "data" not in answer


async def test_nobody_acts_without_signing_in(home: House) -> None:
    answer = await home.ask(None, "{ me { id } }")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for a tenth of a second, not three."""
    monkeypatch.setitem(engine._SESSION, "lock_timeout", "100ms")


@pytest.mark.usefixtures("impatient")
async def test_a_lock_that_is_held_too_long_answers_busy_and_changes_nothing(
    home: House,
) -> None:
    uid = (await home.book(providerId=provider("Chloe")))["booking"]["id"]
    async with home.database.begin() as holder:
        await holder.execute(text("SELECT * FROM bookings FOR UPDATE"))
        answer = await home.ask("Carla", CANCEL, id=uid)
    assert answer["errors"][0]["extensions"]["code"] == "BUSY"
    assert answer["errors"][0]["extensions"]["retryAfter"] >= 1
    assert (await home.act("Carla", STATUS, id=uid))["status"] == "CONFIRMED"
