"""Payouts, what they pay, and how they are sent, through the public door."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from api import ids, statement_files
from api.rate_limits import Limit
from api.statements import LIFETIME
from db.engine import Database
from db.tables import payouts as payouts_table
from db.tables import users
from domain.ledger import LineKind
from gateways.links import Links, Purpose
from gateways.settings import Settings
from tests.api import house, payday
from tests.api.house import House
from tests.api.market import Market, Person, uid_of, wire
from tests.api.payday import PAYOUT, PAYOUTS, WEEKLY, opened
from tests.earners import before, check, earn
from tests.factories import count_rows, now

NODE: Final = f"query($id: ID!) {{ node(id: $id) {{ ... on Payout {{ {PAYOUT} }} }} }}"
INSIDE: Final = """query($id: ID!) { node(id: $id) { ... on Payout {
  gateway gatewayId tries nextTryAt failure
} } }"""
STATEMENT: Final = """query($id: ID!, $first: Int, $after: String) { node(id: $id) {
  ... on Payout { statement {
    lines(first: $first, after: $after) {
      totalCount pageInfo { endCursor hasNextPage }
      nodes { kind amount { amountMinor currency } at service booking { id } }
    }
    totals { kind amount { amountMinor } lineCount }
    csvUrl
  } }
} }"""
RETRY: Final = f"""mutation($id: ID!) {{ retryPayout(input: {{ payoutId: $id }}) {{
  __typename
  ... on RetryPayoutSuccess {{ payout {{ {PAYOUT} }} }}
  ... on PayoutNotFailed {{ payout {{ {PAYOUT} }} }}
  ... on Problem {{ code message }}
}} }}"""


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened
        await check(database)


async def payout_of(home: House, who: Person) -> Any:
    (found,) = (await home.act(who.name, PAYOUTS))["nodes"]
    return found


async def test_providers_see_their_own_and_staff_and_analysts_everybodys(home: House) -> None:
    shop, period = await opened(home)
    one, other = [await payday.earner(shop, period, minor) for minor in (6000, 7000)]
    await payday.run(home)
    mine, theirs = [await payout_of(home, who) for who in (one, other)]
    assert mine == {
        "id": mine["id"],
        "cycle": "WEEKLY",
        "period": period.isoformat(),
        "amount": {"amountMinor": 6000, "currency": "GBP", "formatted": "£60.00"},
        "lineCount": 1,
        "status": "WAITING",
        "createdAt": mine["createdAt"],
        "paidAt": None,
        "failedAt": None,
        "provider": {"id": one.id},
    }
    assert await home.act(one.name, PAYOUTS, provider=one.id) == {
        "totalCount": 1,
        "nodes": [mine],
    }
    assert await home.act(one.name, NODE, id=mine["id"]) == mine
    assert await home.act(one.name, NODE, id=theirs["id"]) is None
    answer = await home.ask(one.name, PAYOUTS, provider=other.id)
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    both = sorted([mine["id"], theirs["id"]], key=lambda uid: uid_of({"id": uid}), reverse=True)
    for who in ("Adam", "Dora", "Anna"):
        found = await home.act(who, PAYOUTS)
        assert [node["id"] for node in found["nodes"]] == both
        assert (await home.act(who, PAYOUTS, provider=other.id))["nodes"] == [theirs]
        assert await home.act(who, NODE, id=mine["id"]) == mine
    answer = await home.ask("Carla", PAYOUTS)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await home.act("Carla", "query($id: ID!) { node(id: $id) { id } }", id=mine["id"]) is (
        None
    )


async def test_they_are_chosen_by_how_they_stand_and_of_which_payroll(home: House) -> None:
    shop, period = await opened(home)
    one = await payday.earner(shop, period, 6000)
    await payday.run(home)
    payout = await payout_of(home, one)
    found = {"status": "WAITING", "cycle": "WEEKLY", "period": period.isoformat()}
    assert (await home.act("Anna", PAYOUTS, **found))["nodes"] == [payout]
    for changed in ({"status": "PAID"}, {"cycle": "MONTHLY"}, {"period": "2020-01-06"}):
        assert (await home.act("Anna", PAYOUTS, **found | changed))["nodes"] == []


async def test_what_the_gateway_said_is_for_the_house(home: House) -> None:
    shop, period = await opened(home)
    one = await payday.earner(shop, period, 6000)
    await payday.run(home)
    payout = await payout_of(home, one)
    await payday.fail(home, payout)
    for who in ("Adam", "Dora", "Anna"):
        assert await home.act(who, INSIDE, id=payout["id"]) == {
            "gateway": None,
            "gatewayId": None,
            "tries": 1,
            "nextTryAt": None,
            "failure": "No such account.",
        }
    answer = await home.ask(one.name, INSIDE, id=payout["id"])
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await payout_of(home, one))["status"] == "FAILED"


async def test_an_admin_has_a_failed_one_tried_again(home: House) -> None:
    shop, period = await opened(home)
    one = await payday.earner(shop, period, 6000)
    await payday.run(home)
    payout = await payout_of(home, one)
    refused = await home.act("Adam", RETRY, id=payout["id"])
    assert (refused["__typename"], refused["code"]) == ("PayoutNotFailed", "PAYOUT_NOT_FAILED")
    assert refused["payout"] == payout
    await payday.fail(home, payout)
    for who in ("Dora", "Anna", one.name):
        answer = await home.ask(who, RETRY, id=payout["id"])
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    done = await home.act("Adam", RETRY, id=payout["id"])
    assert (done["__typename"], done["payout"]["status"]) == ("RetryPayoutSuccess", "WAITING")
    gone = await home.act("Adam", RETRY, id=ids.encode("Payout", uuid4()))
    assert gone["code"] == "NOT_FOUND"
    wrong = await home.act("Adam", RETRY, id=one.id)
    assert wrong["code"] == "INVALID_INPUT"


async def with_lines(home: House) -> tuple[Market, Person, Any, Any]:
    """Somebody in Tokyo who is paid for a booking of theirs, a tip, and less a clawback."""
    shop, period = await opened(home)
    one = await payday.earner(shop, period, 4000, time_zone="Asia/Tokyo")
    booking = await shop.booked(await shop.customer(), providerId=one.id)
    at = before(WEEKLY, period)
    uid = uid_of(booking)
    await earn(home.database, one.viewer, 3001, at=at, booking_id=uid)
    await earn(home.database, one.viewer, 500, at=at, kind=LineKind.TIP)
    await earn(home.database, one.viewer, -1200, at=at, kind=LineKind.CLAWBACK)
    await payday.run(home)
    return shop, one, await payout_of(home, one), booking


async def test_a_statement_has_every_line_and_comes_to_the_payout(home: House) -> None:
    _, one, payout, booking = await with_lines(home)
    assert payout["amount"]["amountMinor"] == 6301
    at = wire(before(WEEKLY, datetime.fromisoformat(payout["period"]).date()))

    def line(kind: str, minor: int, **facts: Any) -> dict[str, Any]:
        amount = {"amountMinor": minor, "currency": "GBP"}
        return {"kind": kind, "amount": amount, "at": at, "service": None, "booking": None} | facts

    expected = [
        line("EARNING", 4000),
        line("EARNING", 3001, service="=Deep clean", booking={"id": booking["id"]}),
        line("TIP", 500),
        line("CLAWBACK", -1200),
    ]
    for who in (one.name, "Adam", "Dora", "Anna"):
        first = (await home.act(who, STATEMENT, id=payout["id"], first=3))["statement"]
        assert first["lines"]["totalCount"] == payout["lineCount"] == 4
        assert first["lines"]["nodes"] == expected[:3]
        after = first["lines"]["pageInfo"]["endCursor"]
        rest = (await home.act(who, STATEMENT, id=payout["id"], after=after))["statement"]
        assert rest["lines"]["nodes"] == expected[3:]
        totals = {
            one["kind"]: (one["amount"]["amountMinor"], one["lineCount"]) for one in first["totals"]
        }
        assert totals == {"EARNING": (7001, 2), "TIP": (500, 1), "CLAWBACK": (-1200, 1)}


async def fetch(home: House, url: str) -> Any:
    parts = urlsplit(url)
    return await home.door.http.get(f"{parts.path}?{parts.query}")


async def csv_url(home: House, who: str, payout: Any) -> str:
    found = await home.act(who, STATEMENT, id=payout["id"])
    url: str = found["statement"]["csvUrl"]
    return url


async def test_the_file_holds_the_lines_by_the_providers_clocks_and_adds_up(
    home: House, settings: Settings
) -> None:
    _, one, payout, booking = await with_lines(home)
    url = await csv_url(home, one.name, payout)
    assert url.startswith(f"{settings.outside_url}/payouts/{uid_of(payout)}/statement.csv?token=")

    answer = await fetch(home, url)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = f"callout-payout-{payout['period']}-GBP.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    period = datetime.fromisoformat(payout["period"]).date()
    at = before(WEEKLY, period).astimezone(ZoneInfo("Asia/Tokyo")).isoformat()
    assert at.endswith("+09:00")
    assert rows == [
        ["at", "kind", "service", "booking", "amount", "currency"],
        [at, "EARNING", "", "", "40.00", "GBP"],
        # Nothing in a cell does anything.
        [at, "EARNING", "'=Deep clean", booking["id"], "30.01", "GBP"],
        [at, "TIP", "", "", "5.00", "GBP"],
        [at, "CLAWBACK", "", "", "-12.00", "GBP"],
        ["", "TOTAL EARNING", "", "", "70.01", "GBP"],
        ["", "TOTAL TIP", "", "", "5.00", "GBP"],
        ["", "TOTAL CLAWBACK", "", "", "-12.00", "GBP"],
        ["", "TOTAL", "", "", "63.01", "GBP"],
    ]
    amounts = [Decimal(row[4]) for row in rows[1:5]]
    assert 100 * sum(amounts) == payout["amount"]["amountMinor"]


async def test_the_file_is_only_for_who_has_its_address_and_for_minutes(
    home: House, settings: Settings
) -> None:
    shop, one, payout, _ = await with_lines(home)
    period = datetime.fromisoformat(payout["period"]).date()
    other = await payday.earner(shop, period, 9000)
    await payday.run(home)
    url = await csv_url(home, "Anna", payout)
    token = urlsplit(url).query.removeprefix("token=")
    theirs = uid_of(await payout_of(home, other))
    mine, links = uid_of(payout), Links(settings.secret.get_secret_value())
    soon, past = [datetime.now(UTC) + one for one in (LIFETIME, timedelta(seconds=-1))]
    for path in (
        f"/payouts/{mine}/statement.csv",
        f"/payouts/{mine}/statement.csv?token=",
        f"/payouts/{mine}/statement.csv?token={token[:-1]}",
        f"/payouts/{mine}/statement.csv?token=%00%ff",
        f"/payouts/{theirs}/statement.csv?token={token}",
        *(
            f"/payouts/{mine}/statement.csv?token={links.sign(purpose, str(mine), expires=expires)}"
            for purpose, expires in (
                (Purpose.STATEMENT, past),
                (Purpose.RECEIPT, soon),
                (Purpose.UNSUBSCRIBE, soon),
            )
        ),
        f"/payouts/{(unknown := uuid4())}/statement.csv?token="
        f"{links.sign(Purpose.STATEMENT, str(unknown), expires=soon)}",
    ):
        answer = await home.door.http.get(path)
        assert answer.status_code == 404, path
        assert answer.text == "There is no such statement, or its address has expired.\n"
        assert answer.headers["cache-control"] == "no-store"
    assert (await fetch(home, url)).status_code == 200
    # Nobody signs in to a closed account, and nobody reads it.
    async with home.database.begin() as tx:
        closed = update(users).where(users.c.id == one.uid)
        await tx.execute(closed.values(disabled_at=await now(home.database)))
    assert (await fetch(home, url)).status_code == 404


async def test_files_are_asked_for_so_often_and_no_more(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, one, payout, _ = await with_lines(home)
    window = timedelta(minutes=15)
    monkeypatch.setattr(statement_files, "_READS", Limit(act="r", amount=1, window=window))
    monkeypatch.setattr(statement_files, "_MISSES", Limit(act="m", amount=1, window=window))
    url = await csv_url(home, one.name, payout)
    for path in (url, url.replace("token=", "token=x")):
        first, second = [await fetch(home, path) for _ in range(2)]
        assert (first.status_code, second.status_code) == (200 if path == url else 404, 429)
        assert 0 < int(second.headers["retry-after"]) <= 900


async def test_a_file_says_when_to_come_back_while_the_database_is_away(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, one, payout, _ = await with_lines(home)
    url = await csv_url(home, one.name, payout)

    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("db.statements.whole", away)
    answer = await fetch(home, url)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert answer.text == "The statement cannot be read just now.\n"


async def test_a_payout_that_does_not_add_up_has_no_file(
    settings: Settings, database: Database
) -> None:
    async with house.running(settings, database) as home:
        _, one, payout, _ = await with_lines(home)
        url = await csv_url(home, one.name, payout)
        async with database.begin() as tx:
            await tx.execute(update(payouts_table).values(amount_minor=6300))
        assert (await fetch(home, url)).status_code == 500
        assert await count_rows(database, payouts_table) == (1,)
