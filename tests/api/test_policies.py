"""Policies beside each other: what there is, what was chosen in shadow, and how it compares."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from api import ids
from db import clock
from db.ids import new_id
from db.tables import shadow_choices
from domain.offers import Wave
from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, uid_of, wire

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICIES = "{ policies { name inForce inShadow } }"
COMPARE = """
query($policy: String!, $from: Instant!, $to: Instant!) {
  comparePolicies(policy: $policy, from: $from, to: $to) {
    policy livePolicies roundCount bookingCount complete sameFirstShare meanOverlap
    filledCount filledByShadowCount filledByLiveCount
    shadow { choices providerCount share most gini } live { choices providerCount share most gini }
  }
}
"""
CHOICES = """
query($booking: ID!, $first: Int, $after: String) {
  shadowChoices(bookingId: $booking, first: $first, after: $after) {
    nodes {
      policy livePolicy wave round at candidates sameFirst overlap
      chosen { provider { id } score } liveChosen { id }
    }
    totalCount pageInfo { hasNextPage endCursor }
  }
}
"""
INSIGHT = ("Dora", "Adam", "Anna")


async def note(home: House, booking: Any, at: datetime, number: int, **chosen: list[UUID]) -> None:
    """What matching notes when a policy is set in shadow."""
    row = {
        "id": new_id(),
        "booking_id": uid_of(booking),
        "round": number,
        "wave": Wave.TARGETED,
        "at": at,
        "policy": "v2",
        "live_policy": "v1",
        "scores": [120 - 5 * n for n, _ in enumerate(chosen["chosen"])],
        "candidates": 3,
    }
    async with home.database.begin() as tx:
        await tx.execute(insert(shadow_choices).values(row | chosen))


async def test_the_policies_and_their_parts_are_listed(home: House) -> None:
    for name in INSIGHT:
        assert await home.act(name, POLICIES) == [
            {"name": "v1", "inForce": True, "inShadow": False},
            {"name": "v2", "inForce": False, "inShadow": False},
        ]


async def test_what_was_chosen_in_shadow_is_listed_and_compared(home: House) -> None:
    shop = await market.opened(home)
    one, two, three = [await shop.provider() for _ in range(3)]
    booking = await shop.booked(await shop.customer())
    await shop.accept(one)
    async with home.database.read() as connection:
        # A time of its own: the other tests' choices are not in it.
        at = (await clock.now(connection)).replace(microsecond=0) - timedelta(days=400)
    await note(home, booking, at, 1, chosen=[two.uid, one.uid], live_chosen=[one.uid, two.uid])
    later = at + timedelta(minutes=5)
    await note(home, booking, later, 2, chosen=[three.uid], live_chosen=[three.uid])

    for name in INSIGHT:
        found = await home.act(
            name, COMPARE, policy="v2", **{"from": wire(at), "to": wire(at + HOUR)}
        )
        assert found == {
            "policy": "v2",
            "livePolicies": ["v1"],
            "roundCount": 2,
            "bookingCount": 1,
            "complete": True,
            "sameFirstShare": 0.5,
            "meanOverlap": 1.0,
            "filledCount": 1,
            "filledByShadowCount": 1,
            "filledByLiveCount": 1,
            "shadow": {"choices": 3, "providerCount": 3, "share": 1.0, "most": 1, "gini": 0.0},
            "live": {"choices": 3, "providerCount": 3, "share": 1.0, "most": 1, "gini": 0.0},
        }
        listed = await home.act(name, CHOICES, booking=booking["id"], first=1)
        assert (listed["totalCount"], listed["pageInfo"]["hasNextPage"]) == (2, True)
        assert listed["nodes"] == [
            {
                "policy": "v2",
                "livePolicy": "v1",
                "wave": "TARGETED",
                "round": 1,
                "at": wire(at),
                "candidates": 3,
                "sameFirst": False,
                "overlap": 1.0,
                "chosen": [
                    {"provider": {"id": two.id}, "score": 120},
                    {"provider": {"id": one.id}, "score": 115},
                ],
                "liveChosen": [{"id": one.id}, {"id": two.id}],
            }
        ]
        cursor = listed["pageInfo"]["endCursor"]
        rest = await home.act(name, CHOICES, booking=booking["id"], after=cursor)
        assert [node["round"] for node in rest["nodes"]] == [2]


async def test_where_nothing_was_noted_there_is_nothing_to_compare(home: House) -> None:
    times = {"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}
    found = await home.act("Anna", COMPARE, policy="v2", **times)
    assert (found["roundCount"], found["sameFirstShare"], found["meanOverlap"]) == (0, None, None)
    assert found["shadow"]["gini"] is None


@pytest.mark.parametrize(
    ("policy", "latest", "paths"),
    [
        ("v9", "2020-01-02T00:00:00Z", ["policy"]),
        ("v2\x00", "2020-01-02T00:00:00Z", ["policy"]),
        ("v2", "2019-12-31T00:00:00Z", ["to"]),
        ("v2", "2020-06-01T00:00:00Z", ["to"]),
        ("", "2020-01-01T00:00:00Z", ["policy", "to"]),
    ],
)
async def test_what_cannot_be_compared_is_refused(
    home: House, policy: str, latest: str, paths: list[str]
) -> None:
    times = {"from": "2020-01-01T00:00:00Z", "to": latest}
    answer = await home.ask("Anna", COMPARE, policy=policy, **times)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert all(path in str(error) for path in paths)


async def test_only_those_who_run_or_study_the_house_may_compare(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada)
    times = {"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}
    for document, asked in (
        (POLICIES, {}),
        (COMPARE, {"policy": "v2"} | times),
        (CHOICES, {"booking": booking["id"]}),
    ):
        for name in (provider.name, ada.name):
            answer = await home.ask(name, document, **asked)
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_choices_for_no_booking_are_not_found(home: House) -> None:
    answer = await home.ask("Dora", CHOICES, booking=ids.encode("Booking", uuid4()))
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    answer = await home.ask("Dora", CHOICES, booking=ids.encode("Provider", uuid4()))
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
