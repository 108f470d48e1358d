"""What a provider has earned, asked for through the public door."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import pytest

from api import ids
from domain.ledger import LineKind
from tests.api import market
from tests.api.house import House
from tests.earners import earn

pytestmark = pytest.mark.asyncio(loop_scope="module")

EARNINGS: Final = """query(
  $from: LocalDate!, $to: LocalDate!, $by: EarningsBy!, $provider: ID, $first: Int! = 31
) {
  earnings(from: $from, to: $to, by: $by, providerId: $provider) {
    timeZone provider { id }
    currencies {
      currency total { amountMinor } pending { amountMinor } payable { amountMinor }
      inPayout { amountMinor } paid { amountMinor }
      buckets(first: $first) {
        firstDay lastDay earned { amountMinor } tips { amountMinor } fees { amountMinor }
        clawbacks { amountMinor } total { amountMinor }
      }
    }
  }
}"""
NOVEMBER: Final = {"from": "2026-11-01", "to": "2026-11-30"}


def numbers(one: Any, *names: str) -> list[Any]:
    return [one[name]["amountMinor"] for name in names]


async def test_days_weeks_and_months_are_the_providers_own(home: House) -> None:
    shop = await market.opened(home)
    one = await shop.provider(time_zone="Asia/Tokyo")
    # The first of November there, and still October in UTC.
    at = datetime(2026, 10, 31, 16, tzinfo=UTC)
    await earn(home.database, one.viewer, 8000, at=at)
    await earn(home.database, one.viewer, 500, at=at, kind=LineKind.TIP)
    await earn(home.database, one.viewer, -2000, at=at, kind=LineKind.CLAWBACK)
    await earn(home.database, one.viewer, 300, at=at, kind=LineKind.FEE)
    kinds = ("earned", "tips", "fees", "clawbacks", "total")

    found = await home.act(one.name, EARNINGS, **NOVEMBER, by="WEEK")

    assert (found["timeZone"], found["provider"]) == ("Asia/Tokyo", {"id": one.id})
    (gbp,) = found["currencies"]
    assert gbp["currency"] == "GBP"
    assert numbers(gbp, "total", "pending", "payable", "inPayout", "paid") == [
        *(6800, 0, 6800, 0, 0),
    ]
    assert [(b["firstDay"], b["lastDay"]) for b in gbp["buckets"]] == [
        ("2026-11-01", "2026-11-01"),
        ("2026-11-02", "2026-11-08"),
        ("2026-11-09", "2026-11-15"),
        ("2026-11-16", "2026-11-22"),
        ("2026-11-23", "2026-11-29"),
        ("2026-11-30", "2026-11-30"),
    ]
    assert [numbers(b, *kinds) for b in gbp["buckets"]][:2] == [
        [8000, 500, 300, -2000, 6800],
        [0, 0, 0, 0, 0],
    ]
    (gbp,) = (await home.act(one.name, EARNINGS, **NOVEMBER, by="DAY"))["currencies"]
    assert len(gbp["buckets"]) == 30
    (gbp,) = (await home.act(one.name, EARNINGS, **NOVEMBER, by="DAY", first=2))["currencies"]
    assert [numbers(b, "total") for b in gbp["buckets"]] == [[6800], [0]]
    (gbp,) = (await home.act(one.name, EARNINGS, **NOVEMBER, by="MONTH"))["currencies"]
    assert [numbers(b, "total") for b in gbp["buckets"]] == [[6800]]


async def test_providers_read_their_own_and_staff_and_analysts_anybodys(home: House) -> None:
    shop = await market.opened(home)
    one, other = await shop.provider(), await shop.provider()
    asked = NOVEMBER | {"by": "MONTH"}
    own = {"timeZone": "Europe/London", "provider": {"id": one.id}, "currencies": []}
    assert await home.act(one.name, EARNINGS, **asked) == own
    for who in ("Dora", "Adam", "Anna"):
        assert await home.act(who, EARNINGS, **asked, provider=one.id) == own
    for who, more, code in (
        (other.name, {"provider": one.id}, "NOT_FOUND"),
        ("Dora", {}, "BAD_USER_INPUT"),
        ("Dora", {"provider": ids.encode("Booking", uuid4())}, "BAD_USER_INPUT"),
        ("Dora", {"provider": ids.encode("Provider", uuid4())}, "NOT_FOUND"),
        ("Carla", {"provider": one.id}, "FORBIDDEN"),
        (one.name, {"to": "2026-10-31"}, "BAD_USER_INPUT"),
        (one.name, {"from": "0001-01-01", "to": "0001-01-01"}, "BAD_USER_INPUT"),
        (one.name, {"from": "9999-12-31", "to": "9999-12-31"}, "BAD_USER_INPUT"),
    ):
        answer = await home.ask(who, EARNINGS, **asked | more)
        assert answer["errors"][0]["extensions"]["code"] == code, (who, more)


async def test_buckets_are_asked_for_by_the_dozen(home: House) -> None:
    shop = await market.opened(home)
    one = await shop.provider()
    await earn(home.database, one.viewer, 1, at=datetime(2026, 11, 2, tzinfo=UTC))
    for first in (0, 367):
        answer = await home.ask(one.name, EARNINGS, **NOVEMBER, by="DAY", first=first)
        assert answer["errors"][0]["extensions"]["code"] in {"BAD_USER_INPUT", "TOO_COMPLEX"}
