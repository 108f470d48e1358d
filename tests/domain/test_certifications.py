"""When does a paper count, who may read what of it, and is none shown twice?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.certifications import (
    MAX_CERTIFICATIONS,
    Certification,
    CertificationExists,
    ShownCertification,
    TooManyCertifications,
    add,
    verify,
)
from domain.people import Role
from domain.refusals import InvalidInput
from tests.factories import NOW, PROVIDER, a_viewer

TODAY = date(2026, 6, 1)
DAY = timedelta(days=1)
STAFF = UUID(int=50)


def a_paper(**changes: Any) -> Certification:
    """Not verified; holds until the end of the month."""
    facts: dict[str, Any] = {
        "id": UUID(int=30),
        "provider_id": PROVIDER,
        "code": "gas-safe",
        "name": "Gas work",
        "issuer": "Gas Register",
        "number": "554021",
        "expires_on": date(2026, 6, 30),
        "added_at": NOW,
        "today": TODAY,
    }
    return Certification(**facts | changes)


VERIFIED: dict[str, Any] = {"verified_at": NOW, "verified_by": STAFF}


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        (VERIFIED, True),
        ({}, False),
        (VERIFIED | {"expires_on": None}, True),
        (VERIFIED | {"expires_on": TODAY}, True),
        (VERIFIED | {"expires_on": TODAY - DAY}, False),
        ({"expires_on": TODAY - DAY}, False),
    ],
)
def test_a_paper_counts_verified_and_until_its_last_day_is_over(
    changes: dict[str, Any],
    valid: bool,
) -> None:
    assert a_paper(**changes).is_valid is valid


def test_its_provider_and_staff_read_all_of_it_and_others_what_it_is() -> None:
    paper = a_paper(**VERIFIED)
    public: dict[str, Any] = {
        "id": paper.id,
        "code": "gas-safe",
        "name": "Gas work",
        "issuer": "Gas Register",
        "verified": True,
        "valid": True,
    }
    private: dict[str, Any] = {
        "number": "554021",
        "expires_on": date(2026, 6, 30),
        "added_at": NOW,
        "verified_at": NOW,
    }

    for viewer in (
        a_viewer(user_id=PROVIDER, role=Role.PROVIDER),
        a_viewer(role=Role.DISPATCHER),
        a_viewer(role=Role.ADMIN),
    ):
        assert paper.seen_by(viewer) == ShownCertification(**public, **private)
    for viewer in (a_viewer(), a_viewer(role=Role.PROVIDER), a_viewer(role=Role.ANALYST)):
        assert paper.seen_by(viewer) == ShownCertification(**public | dict.fromkeys(private))


def test_its_provider_and_admins_take_it_back() -> None:
    kept = {role: a_paper().is_kept_by(a_viewer(role=role)) for role in Role}

    assert [role for role, may in kept.items() if may] == [Role.ADMIN]
    assert a_paper().is_kept_by(a_viewer(user_id=PROVIDER, role=Role.PROVIDER))


def test_a_paper_is_shown_tidily_beside_others() -> None:
    other = a_paper(issuer="Another", id=UUID(int=31))
    new = a_paper(name="  Gas   work ", issuer=" Gas  Register", number=" 55  1 ")

    assert add(new, [other]) == a_paper(number="55 1")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"issuer": "GAS register", "code": "other", "name": "Other"}, True),
        ({"number": "554022"}, False),
        ({"issuer": "Oil Register"}, False),
    ],
)
def test_the_same_number_of_the_same_issuer_is_shown_once(
    changes: dict[str, Any],
    same: bool,
) -> None:
    there = a_paper(id=UUID(int=31))
    if not same:
        assert add(a_paper(**changes), [there]) == a_paper(**changes)
        return
    with pytest.raises(CertificationExists) as refused:
        add(a_paper(**changes), [there])
    assert refused.value.certification == there


def test_every_wrong_field_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        add(
            a_paper(
                code="Gas Safe", name=" ", issuer="x" * 101, number="1\x00", expires_on=TODAY - DAY
            ),
            [],
        )

    assert {".".join(e.path): e.message for e in refused.value.errors} == {
        "name": "Write 1 to 100 characters.",
        "issuer": "Write 1 to 100 characters.",
        "number": "Leave out null characters and halves of characters.",
        "code": 'Write 2 to 50 small letters, digits and single hyphens, such as "gas-safe".',
        "expiresOn": "It has run out; show the one that holds now.",
    }


def test_a_provider_shows_so_many_and_no_more() -> None:
    shown = [a_paper(number=str(n)) for n in range(MAX_CERTIFICATIONS)]

    assert add(a_paper(), shown[1:]) == a_paper()
    with pytest.raises(TooManyCertifications) as refused:
        add(a_paper(), shown)
    assert refused.value.limit == MAX_CERTIFICATIONS
    with pytest.raises(CertificationExists):
        add(a_paper(number="3"), shown)


def test_the_first_who_verifies_is_remembered() -> None:
    verified = verify(a_paper(), by=STAFF, at=NOW)

    assert verified == a_paper(**VERIFIED)
    assert verify(verified, by=UUID(int=51), at=NOW + DAY) == verified
