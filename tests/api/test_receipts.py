"""Does a receipt say what was paid and given back, to whoever holds its link and to nobody else?"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert, update

from api import app, ids
from api.receipts import address_of
from api.schema import whole
from db import payment_rows
from db.engine import Database
from db.ids import new_id
from db.seed import ACCOUNTS
from db.tables import payments, refunds
from domain.bookings import Booking
from domain.payments import Method, Purpose
from domain.refunds import RefundCause, RefundStatus
from gateways.letters.renderer import KINDS
from gateways.links import Links
from gateways.links import Purpose as LinkPurpose
from gateways.settings import Settings
from tests import money
from tests.api import house
from tests.factories import a_viewer, add_booking, add_customer, add_service

RECEIPTS = "query($id: ID!) { booking(id: $id) { payments { id receiptUrl } } }"
NOON = datetime(2026, 6, 1, 11, tzinfo=UTC)


@pytest.fixture
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    application = app.create(settings)
    async with (
        httpx.AsyncClient(
            transport=httpx.ASGITransport(application), base_url=settings.outside_url
        ) as client,
        application.router.lifespan_context(application),
    ):
        yield client


async def a_booking_of(database: Database, name: str = "Home clean", **columns: Any) -> Booking:
    customer = await add_customer(database, **columns)
    service = await add_service(database, name=name, price_minor=4050)
    starts_at = datetime(2030, 6, 3, 13, tzinfo=UTC)
    return await add_booking(
        database, customer, service, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2)
    )


async def paid(database: Database, booking: Booking, **changes: Any) -> UUID:
    facts = {
        "id": new_id(),
        "booking_id": booking.id,
        "customer_id": booking.customer_id,
        "paid_at": NOON,
    }
    async with database.begin() as tx:
        await payment_rows.add(tx, money.a_payment(4050, **facts | changes))
    return UUID(str((facts | changes)["id"]))


async def given_back(
    database: Database, booking: Booking, payment_id: UUID, **changes: Any
) -> None:
    row = {
        "id": new_id(),
        "payment_id": payment_id,
        "booking_id": booking.id,
        "customer_id": booking.customer_id,
        "amount_minor": 1000,
        "currency": "GBP",
        "cause": RefundCause.BY_HAND,
        "destination": Method.CARD,
        "status": RefundStatus.DONE,
        "created_at": NOON,
        "done_at": NOON + timedelta(days=1),
    } | changes
    async with database.begin() as tx:
        await tx.execute(insert(refunds).values(row))
        more = update(payments).where(payments.c.id == payment_id)
        again = payments.c.refunded_minor + row["amount_minor"]
        await tx.execute(more.values(refunded_minor=again))


def rows(page: str) -> list[tuple[str, str]]:
    """The lines of a receipt, without their markup."""
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page, re.DOTALL)
    return [(re.sub("<[^>]+>", "", a), re.sub("<[^>]+>", "", b)) for a, b in found]


async def test_it_says_what_was_paid_how_for_what_and_what_went_back(
    http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    booking = await a_booking_of(database, given_name="John", family_name="Doe")
    payment_id = await paid(database, booking)
    await given_back(database, booking, payment_id)
    await given_back(
        *(database, booking, payment_id),
        amount_minor=50,
        status=RefundStatus.WAITING,
        due_at=NOON,
        done_at=None,
        destination=Method.CREDITS,
    )
    await given_back(
        *(database, booking, payment_id),
        amount_minor=2000,
        status=RefundStatus.FAILED,
        done_at=None,
        failed_at=NOON,
    )
    answer = await http.get(address_of(settings, payment_id))
    assert answer.status_code == 200
    assert "<h1>£40.50</h1>" in answer.text
    assert "Paid on Monday, 1 June 2026, 12:00" in answer.text
    assert str(payment_id) in answer.text
    assert rows(answer.text) == [
        ("Receipt", f"{payment_id.hex[-8:-4]}-{payment_id.hex[-4:]}".upper()),
        ("For", "John Doe"),
        ("Service", "Home clean"),
        ("When", "Monday, 3 June 2030, 14:00\u201316:00"),
        ("Booking", f"{booking.id.hex[-8:-4]}-{booking.id.hex[-4:]}".upper()),
        ("Paid by", "Nothing: a development server takes no money"),
        ("Paid in full", "£40.50"),
        ("Refund to the card, Tuesday, 2 June 2026", "&minus;£10.00"),
        ("Refund as credit, on its way", "&minus;£0.50"),
        ("Paid after refunds", "£30.00"),
    ]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"gateway": "stripe"}, [("Paid by", "Card"), ("Paid in full", "£40.50")]),
        ({"gateway": "credits", "method": Method.CREDITS}, [("Paid by", "Credit with us")]),
        ({"purpose": Purpose.DEPOSIT}, [("Deposit", "£40.50")]),
        ({"purpose": Purpose.BALANCE}, [("The rest after a deposit", "£40.50")]),
    ],
)
async def test_it_says_how_and_what_for(
    http: httpx.AsyncClient,
    settings: Settings,
    database: Database,
    changes: dict[str, Any],
    shown: list[tuple[str, str]],
) -> None:
    booking = await a_booking_of(database)
    payment_id = await paid(database, booking, **changes)
    said = rows((await http.get(address_of(settings, payment_id))).text)
    assert [one for one in shown if one not in said] == []
    assert "Paid after refunds" not in dict(said)


async def test_it_is_written_for_its_customer(
    http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    booking = await a_booking_of(database, locale="de-DE", time_zone="America/New_York")
    text = (await http.get(address_of(settings, await paid(database, booking)))).text
    assert "<h1>40,50\u00a0£</h1>" in text
    assert "Paid on Montag, 1. Juni 2026, 07:00 (" in text


async def test_another_sum_than_was_asked_for_is_said_to_be(
    http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    booking = await a_booking_of(database)
    changes = {"received": money.gbp(4000), "mismatched_at": NOON}
    text = (await http.get(address_of(settings, await paid(database, booking, **changes)))).text
    assert "<h1>£40.00</h1>" in text
    assert "This is not the sum that was asked for." in text


async def test_nothing_in_it_becomes_markup_and_nothing_runs_that_is_not_ours(
    http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    evil = "<script>alert('x')</script>$house{{7*7}}"
    booking = await a_booking_of(database, evil, given_name=evil, family_name="عبد")
    answer = await http.get(address_of(settings, await paid(database, booking)))
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;$house{{7*7}}" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_it_opens_by_its_own_link_only(
    http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    booking = await a_booking_of(database)
    mine, other = await paid(database, booking), uuid4()
    links = Links(settings.secret.get_secret_value())
    good = address_of(settings, mine)
    for address in (
        good.partition("?")[0],
        good.replace(str(mine), str(other)),
        good[:-1],
        f"/receipts/{mine}?token={links.sign(LinkPurpose.STATEMENT, mine.hex)}",
        f"/receipts/{mine}?token={Links('x' * 40).sign(LinkPurpose.RECEIPT, mine.hex)}",
        "/receipts/x?token=y",
        # A link of ours to what there is not.
        address_of(settings, other),
    ):
        assert (await http.get(address)).status_code == 404
    assert (await http.get(good)).status_code == 200
    assert (await http.post(good)).status_code == 405


async def test_what_has_not_come_in_has_no_receipt(
    http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    booking = await a_booking_of(database)
    payment_id = await paid(database, booking, received=None, paid_at=None)
    assert (await http.get(address_of(settings, payment_id))).status_code == 404


async def test_who_tries_links_is_told_to_stop(
    http: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    booking = await a_booking_of(database)
    good = address_of(settings, await paid(database, booking))
    codes = [(await http.get(f"/receipts/{uuid4()}")).status_code for _ in range(31)]
    assert codes == [404] * 30 + [429]
    assert (await http.get(good)).status_code == 200


async def test_it_says_when_to_come_back_while_the_database_is_away(
    http: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("db.receipts.of_payment", away)
    answer = await http.get(address_of(settings, uuid4()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert answer.text == "The receipt cannot be read just now.\n"


async def test_a_payment_leads_to_its_receipt_once_it_came_in(
    settings: Settings, database: Database
) -> None:
    async with house.running(settings, database) as home:
        (carla,) = (one.id for one in ACCOUNTS if one.given_name == "Carla")
        service = await add_service(database, price_minor=4050)
        booking = await add_booking(database, a_viewer(user_id=carla), service)
        pending = await paid(database, booking, received=None, paid_at=None)
        done = await paid(database, booking)
        global_id = ids.encode("Booking", booking.id)
        answer = await home.act("Carla", RECEIPTS, id=global_id)
        urls = {ids.parse("Payment", one["id"]): one["receiptUrl"] for one in answer["payments"]}
        assert urls == {pending: None, done: address_of(settings, done)}
        path = urls[done].removeprefix(settings.outside_url)
        assert (await home.door.http.get(path)).status_code == 200


def test_messages_and_links_name_things_as_the_api_does() -> None:
    schema = whole().as_str()
    assert [kind for kind in KINDS.values() if f"type {kind} implements Node" not in schema] == []
