"""The house's word about a provider, through the public door."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import pytest

from api import ids
from tests.api.house import House, service
from tests.api.market import HOUR, Person, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PROVIDER: Final = """provider {
  id profileCompletion { percent }
  standing { approval approvedAt suspendedAt suspendedBecause }
}"""
_PROBLEMS: Final = """
  ... on WrongApproval { approval }
  ... on Problem { code message path }
  ... on InvalidInput { errors { path } }
"""
APPROVE: Final = f"""
mutation($input: ApproveProviderInput!) {{ approveProvider(input: $input) {{
  __typename ... on ApproveProviderSuccess {{ {_PROVIDER} }} {_PROBLEMS}
}} }}"""
SUSPEND: Final = f"""
mutation($input: SuspendProviderInput!) {{ suspendProvider(input: $input) {{
  __typename ... on SuspendProviderSuccess {{ {_PROVIDER} bookings {{ id status }} }} {_PROBLEMS}
}} }}"""
REINSTATE: Final = f"""
mutation($input: ReinstateProviderInput!) {{ reinstateProvider(input: $input) {{
  __typename ... on ReinstateProviderSuccess {{ {_PROVIDER} }} {_PROBLEMS}
}} }}"""


async def decide(
    home: House, document: str, about: Person | str, by: str = "Adam", **more: Any
) -> Any:
    uid = about if isinstance(about, str) else about.id
    return await home.act(by, document, input={"providerId": uid} | more)


async def suspend(home: House, about: Person | str, by: str = "Dora") -> Any:
    return await decide(home, SUSPEND, about, by, reason=" Late again. ")


async def test_a_provider_is_approved_suspended_and_reinstated(home: House) -> None:
    market = await opened(home)
    who = await market.provider(approved_at=None, profile_floor=0, profile_percent=45)

    approved = await decide(home, APPROVE, who)
    since = approved["provider"]["standing"]["approvedAt"]
    assert since is not None
    assert approved == {
        "__typename": "ApproveProviderSuccess",
        "provider": {
            "id": who.id,
            "profileCompletion": {"percent": 45},
            "standing": {
                "approval": "APPROVED",
                "approvedAt": since,
                "suspendedAt": None,
                "suspendedBecause": None,
            },
        },
    }

    suspended = await suspend(home, who)
    standing = suspended["provider"]["standing"]
    assert standing["suspendedAt"] is not None
    assert (standing["approval"], standing["approvedAt"]) == ("SUSPENDED", since)
    assert standing["suspendedBecause"] == "Late again."
    assert suspended["bookings"] == []

    reinstated = await decide(home, REINSTATE, who, by="Dora")
    assert reinstated["provider"] == approved["provider"]


async def test_suspending_withdraws_offers_and_lists_the_bookings_that_are_left(
    home: House,
) -> None:
    market = await opened(home)
    who, customer = await market.provider(), await market.customer()
    kept = await market.booked(customer, providerId=who.id)
    later = market.start + 5 * HOUR
    offered = await market.booked(await market.customer(), startsAt=later)
    await market.match(offered)
    assert await market.offers(who) != []

    suspended = await suspend(home, who)

    assert suspended["bookings"] == [{"id": kept["id"], "status": "CONFIRMED"}]
    assert await market.offers(who) == []
    assert (await market.told(offered))[-2:] == ["offer.rescinded", "search.place_freed"]
    assert (await market.read(kept))["status"] == "CONFIRMED"
    refused = await market.book(customer, providerId=who.id, startsAt=later)
    assert refused["__typename"] == "ProviderNotEligible"
    assert refused["unmet"] == ["APPROVED"]


@pytest.mark.parametrize(
    ("columns", "refusals"),
    [
        ({"approved_at": None}, {REINSTATE: "PENDING"}),
        ({}, {APPROVE: "APPROVED", REINSTATE: "APPROVED"}),
    ],
)
async def test_what_cannot_be_decided_says_where_the_provider_stands(
    home: House, columns: dict[str, Any], refusals: dict[str, str]
) -> None:
    who = await (await opened(home)).provider(**columns)

    for document, approval in refusals.items():
        refused = await decide(home, document, who)
        assert refused["__typename"] == "WrongApproval"
        assert (refused["code"], refused["approval"]) == ("WRONG_APPROVAL", approval)
    await suspend(home, who)
    assert (await decide(home, APPROVE, who))["approval"] == "SUSPENDED"
    assert (await suspend(home, who))["message"] == (
        "Suspending is not possible while the provider is SUSPENDED."
    )


async def test_a_suspension_needs_a_reason_that_can_be_kept(home: House) -> None:
    who = await (await opened(home)).provider()
    for reason in ("  ", "x" * 501, "nul\x00l"):
        refused = await decide(home, SUSPEND, who, reason=reason)
        assert refused["errors"] == [{"path": ["reason"]}]
    done = await decide(home, SUSPEND, who, reason="x" * 500)
    assert done["__typename"] == "SuspendProviderSuccess"


async def test_unknown_providers_and_ids_of_something_else(home: House) -> None:
    for document in (APPROVE, SUSPEND, REINSTATE):
        more = {"reason": "Late."} if document is SUSPEND else {}
        unknown = await decide(home, document, ids.encode("Provider", uuid4()), **more)
        assert (unknown["__typename"], unknown["code"]) == ("NotFound", "NOT_FOUND")
        for wrong in (service("home-clean"), "nonsense"):
            refused = await decide(home, document, wrong, **more)
            assert refused["errors"] == [{"path": ["providerId"]}]


async def test_admins_approve_and_staff_suspend_and_nobody_else_does(home: House) -> None:
    who = await (await opened(home)).provider(approved_at=None)
    allowed = {
        "approveProvider": {"Adam"},
        "suspendProvider": {"Adam", "Dora"},
        "reinstateProvider": {"Adam", "Dora"},
    }
    for act, names in allowed.items():
        # It is the act that is refused, whatever is asked of its answer.
        type_ = f"{act[0].upper()}{act[1:]}Input"
        document = f"mutation($input: {type_}!) {{ {act}(input: $input) {{ __typename }} }}"
        asked = {"providerId": who.id} | ({"reason": "x"} if act == "suspendProvider" else {})
        for name in {"Adam", "Dora", "Anna", "Carla", who.name} - names:
            answer = await home.ask(name, document, input=asked)
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await decide(home, REINSTATE, who))["approval"] == "PENDING"


async def test_presence_listeners_hear_of_it(home: House) -> None:
    who = await (await opened(home)).provider()
    document = "subscription { presenceChanged { provider { id standing { approval } } } }"

    async with home.follow("Dora", document) as stream:
        await suspend(home, who)
        while (heard := await stream.next())["provider"]["id"] != who.id:
            pass
    assert heard["provider"]["standing"] == {"approval": "SUSPENDED"}
