"""Papers through the public door: shown, verified, taken back, and read by whom they may be."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import pytest

from api import ids
from db.tables import certifications, events
from domain.people import Role
from tests.api.house import House, provider, service
from tests.api.market import Person, opened
from tests.factories import add_account, count_rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SHOWN: Final = "id code name issuer verified valid"
_PROBLEMS: Final = """
  ... on Problem { code message path }
  ... on InvalidInput { errors { path } }
"""
ADD: Final = f"""
mutation($input: AddCertificationInput!) {{ addCertification(input: $input) {{
  __typename
  ... on AddCertificationSuccess {{
    certification {{ {_SHOWN} number expiresOn verifiedAt }}
    provider {{ id profileCompletion {{ percent }} certifications {{ id }} }}
  }}
  ... on CertificationExists {{ certificationId }}
  ... on TooManyCertifications {{ limit }}
  {_PROBLEMS}
}} }}"""
REMOVE: Final = f"""
mutation($id: ID!) {{ removeCertification(input: {{ certificationId: $id }}) {{
  __typename
  ... on RemoveCertificationSuccess {{
    certification {{ id }} provider {{ profileCompletion {{ percent }} certifications {{ id }} }}
  }}
  {_PROBLEMS}
}} }}"""
VERIFY: Final = f"""
mutation($id: ID!) {{ verifyCertification(input: {{ certificationId: $id }}) {{
  __typename
  ... on VerifyCertificationSuccess {{
    certification {{ {_SHOWN} verifiedAt }} provider {{ id }}
  }}
  {_PROBLEMS}
}} }}"""
READ: Final = f"query($id: ID!) {{ provider(id: $id) {{ certifications {{ {_SHOWN} }} }} }}"
READ_ALL: Final = READ.replace("valid", "valid number expiresOn addedAt verifiedAt")
NODE: Final = f"query($id: ID!) {{ node(id: $id) {{ id ... on Certification {{ {_SHOWN} }} }} }}"
GAS: Final[dict[str, Any]] = {
    "code": "Gas Safe",
    "name": " Gas work ",
    "issuer": "Gas Register",
    "number": "554021",
    "expiresOn": "2099-12-31",
}


async def a_provider(home: House) -> Person:
    """Somebody who can be seen, and has nothing but a place, a service and hours: 45."""
    return await (await opened(home)).provider(profile_floor=0)


async def add(home: House, who: Person, **changes: Any) -> Any:
    return await home.act(who.name, ADD, input=GAS | changes)


async def added(home: House, who: Person, **changes: Any) -> str:
    done = await add(home, who, **changes)
    assert done["__typename"] == "AddCertificationSuccess", done
    uid: str = done["certification"]["id"]
    return uid


async def test_a_paper_is_shown_verified_and_counts(home: House) -> None:
    who = await a_provider(home)

    done = await add(home, who)

    uid = done["certification"]["id"]
    public = {
        "id": uid,
        "code": "gas-safe",
        "name": "Gas work",
        "issuer": "Gas Register",
        "verified": False,
        "valid": False,
    }
    assert done == {
        "__typename": "AddCertificationSuccess",
        "certification": public
        | {"number": "554021", "expiresOn": "2099-12-31", "verifiedAt": None},
        "provider": {
            "id": who.id,
            "profileCompletion": {"percent": 55},
            "certifications": [{"id": uid}],
        },
    }
    assert await home.act("Carla", READ, id=who.id) == {"certifications": [public]}

    verified = await home.act("Adam", VERIFY, id=uid)
    public |= {"verified": True, "valid": True}
    at = verified["certification"].pop("verifiedAt")
    assert at is not None
    assert verified["certification"] == public
    assert verified["provider"] == {"id": who.id}
    again = await home.act("Adam", VERIFY, id=uid)
    assert again["certification"] == public | {"verifiedAt": at}
    assert await home.act("Carla", READ, id=who.id) == {"certifications": [public]}


async def test_number_and_dates_are_for_its_provider_and_staff(home: House) -> None:
    who, other = await a_provider(home), await a_provider(home)
    uid = await added(home, who)
    node = NODE.replace("valid", "valid number expiresOn")

    for name in (who.name, "Dora", "Adam"):
        (paper,) = (await home.act(name, READ_ALL, id=who.id))["certifications"]
        assert (paper["number"], paper["expiresOn"]) == ("554021", "2099-12-31")
        assert paper["addedAt"] is not None
        assert (await home.act(name, node, id=uid))["number"] == "554021"
    (paper,) = (await home.act(other.name, READ_ALL, id=who.id))["certifications"]
    hidden = ("number", "expiresOn", "addedAt", "verifiedAt")
    assert [paper[name] for name in hidden] == [None] * 4
    assert (await home.act(other.name, node, id=uid))["number"] is None
    for name in ("Carla", "Anna"):
        for document, asked in ((READ_ALL, who.id), (node, uid)):
            answer = await home.ask(name, document, id=asked)
            assert {one["extensions"]["code"] for one in answer["errors"]} == {"FORBIDDEN"}
        assert (await home.act(name, NODE, id=uid))["code"] == "gas-safe"


async def test_a_paper_of_somebody_unseen_is_unseen(home: House) -> None:
    waits = await (await opened(home)).provider(approved_at=None)
    uid = await added(home, waits)

    for name, seen in (("Carla", False), ("Anna", False), (waits.name, True), ("Dora", True)):
        assert bool(await home.act(name, NODE, id=uid)) is seen
    unknown = ids.encode("Certification", uuid4())
    assert await home.act("Dora", NODE, id=unknown) is None


async def test_the_same_paper_is_shown_once(home: House) -> None:
    who, other = await a_provider(home), await a_provider(home)
    uid = await added(home, who)

    refused = await add(home, who, issuer="GAS  register", code="other")

    assert refused == {
        "__typename": "CertificationExists",
        "certificationId": uid,
        "code": "CERTIFICATION_EXISTS",
        "message": "You have shown this one; remove it first to show it anew.",
        "path": ["number"],
    }
    assert await added(home, other) != uid


async def test_so_many_are_shown_and_no_more(home: House) -> None:
    who = await a_provider(home)
    for number in range(30):
        await added(home, who, number=str(number))

    refused = await add(home, who)

    assert (refused["__typename"], refused["limit"]) == ("TooManyCertifications", 30)
    assert refused["code"] == "TOO_MANY"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"code": "\u00e4"}, "code"),
        ({"name": " "}, "name"),
        ({"issuer": "x" * 101}, "issuer"),
        ({"number": "nul\x00l"}, "number"),
        ({"name": "nul\x00l"}, "name"),
        ({"expiresOn": "2020-01-01"}, "expiresOn"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_kept(
    home: House, changes: dict[str, Any], path: str
) -> None:
    who = await a_provider(home)
    before = await count_rows(home.database, certifications, events)

    refused = await add(home, who, **changes)

    assert (refused["code"], refused["errors"]) == ("INVALID_INPUT", [{"path": [path]}])
    assert await count_rows(home.database, certifications, events) == before


async def test_a_paper_is_taken_back_by_its_provider_or_an_admin(home: House) -> None:
    who, other = await a_provider(home), await a_provider(home)
    first, second = await added(home, who), await added(home, who, number="2")

    for uid in (first, ids.encode("Certification", uuid4())):
        refused = await home.act(other.name, REMOVE, id=uid)
        assert refused["code"] == "NOT_FOUND"
    done = await home.act(who.name, REMOVE, id=first)
    assert done == {
        "__typename": "RemoveCertificationSuccess",
        "certification": {"id": first},
        "provider": {"profileCompletion": {"percent": 55}, "certifications": [{"id": second}]},
    }
    done = await home.act("Adam", REMOVE, id=second)
    assert done["provider"] == {"profileCompletion": {"percent": 45}, "certifications": []}
    for name, document in ((who.name, REMOVE), ("Adam", VERIFY)):
        assert (await home.act(name, document, id=first))["code"] == "NOT_FOUND"
        wrong = await home.act(name, document, id=provider("Chloe"))
        assert (wrong["code"], wrong["errors"]) == (
            "INVALID_INPUT",
            [{"path": ["certificationId"]}],
        )


async def test_each_act_is_for_its_own_roles(home: House) -> None:
    who = await a_provider(home)
    uid = await added(home, who)
    wrong = {
        ADD: ("Carla", "Dora", "Anna", "Adam"),
        REMOVE: ("Carla", "Dora", "Anna"),
        VERIFY: ("Carla", "Dora", "Anna", who.name),
    }
    for document, names in wrong.items():
        for name in names:
            asked = {"input": GAS} if document is ADD else {"id": uid}
            answer = await home.ask(name, document, **asked)
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    (paper,) = (await home.act("Dora", READ, id=who.id))["certifications"]
    assert paper["verified"] is False


async def test_somebody_without_a_profile_has_nothing_to_show_papers_on(home: House) -> None:
    viewer = await add_account(home.database, Role.PROVIDER)
    home.sign_in("Nobody yet", viewer)
    refused = await home.act("Nobody yet", ADD, input=GAS)
    assert (refused["__typename"], refused["code"]) == ("NotFound", "NOT_FOUND")


async def test_the_demo_has_a_service_that_asks_for_a_paper_and_somebody_who_holds_it(
    home: House,
) -> None:
    asked = "query($id: ID!) { service(id: $id) { requiredCertifications requiredSkills } }"
    boiler = await home.act(None, asked, id=service("boiler-check"))
    assert boiler == {"requiredCertifications": ["gas-safe"], "requiredSkills": []}
    (paper,) = (await home.act("Carla", READ, id=provider("Tess")))["certifications"]
    assert (paper["code"], paper["valid"]) == ("gas-safe", True)
