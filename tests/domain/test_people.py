"""Which registrations are refused, with every wrong field named at once; and who means whom?"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.people import (
    OPEN_TO_ALL,
    EmailTaken,
    InvalidCredentials,
    Registration,
    Role,
    User,
    Viewer,
    whose,
    wrong_password,
)
from domain.refusals import FieldError, InvalidInput, NotFound
from tests.factories import PROVIDER, a_viewer

OTHER = UUID(int=32)


def a_registration(**changes: Any) -> Registration:
    facts: dict[str, Any] = {
        "email": "ada@example.com",
        "role": Role.CUSTOMER,
        "given_name": "Ada",
        "family_name": "Lovelace",
        "phone": None,
        "time_zone": "Europe/London",
    }
    return Registration(**{**facts, **changes})


def a_person(**changes: Any) -> User:
    facts: dict[str, Any] = {
        "id": UUID(int=1),
        "email": "john@example.com",
        "role": Role.CUSTOMER,
        "given_name": "John",
        "family_name": "Doe",
        "phone": None,
        "time_zone": "Europe/London",
        "created_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return User(**{**facts, **changes})


def paths(errors: tuple[Any, ...]) -> list[tuple[str, ...]]:
    return [error.path for error in errors]


@pytest.mark.parametrize("role", OPEN_TO_ALL)
def test_customers_and_providers_may_sign_up(role: Role) -> None:
    assert a_registration(role=role).wrong_fields() == ()


@pytest.mark.parametrize("role", sorted(set(Role) - set(OPEN_TO_ALL)))
def test_no_other_role_may_sign_up(role: Role) -> None:
    (error,) = a_registration(role=role).wrong_fields()
    assert error.path == ("role",)
    assert error.message == (
        f"Nobody signs up as {role}; choose CUSTOMER or PROVIDER, or ask an admin."
    )


def test_every_wrong_field_is_named_at_once() -> None:
    registration = a_registration(given_name="", family_name="x" * 101, role=Role.ADMIN)
    assert paths(registration.wrong_fields()) == [("givenName",), ("familyName",), ("role",)]


@pytest.mark.parametrize("name", ["", " ", " Ada", "Ada\n", "A\x00da", "A\ud800", "x" * 101])
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    assert paths(a_registration(given_name=name).wrong_fields()) == [("givenName",)]


@pytest.mark.parametrize("name", ["A", "x" * 100, "Ngọc Anh", "O'Neill", "Jean-Luc", "李"])
def test_a_name_as_people_write_it_is_taken(name: str) -> None:
    assert a_registration(given_name=name).wrong_fields() == ()


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("x" * 9, "Use 10 to 200 characters."),
        ("x" * 201, "Use 10 to 200 characters."),
        ("ADA@example.com", "Use something other than your e-mail address."),
        ("0123456789\ud800", "Use whole characters only; this text is not valid Unicode."),
    ],
)
def test_a_weak_or_broken_password_is_refused_with_the_remedy(password: str, message: str) -> None:
    (error,) = wrong_password("newPassword", password, email="ada@example.com")
    assert error.path == ("newPassword",)
    assert error.message == message


@pytest.mark.parametrize("password", ["x" * 10, "x" * 200, "correct horse battery"])
def test_any_other_password_is_taken(password: str) -> None:
    assert wrong_password("password", password, email="ada@example.com") == ()


def test_strangers_see_a_first_name_and_an_initial() -> None:
    assert a_person().public_name == "John D."
    assert a_person().name == "John Doe"


@pytest.mark.parametrize("role", Role)
def test_dispatchers_and_admins_are_staff(role: Role) -> None:
    viewer = Viewer(user_id=UUID(int=1), role=role, session_id=UUID(int=2))
    assert viewer.is_staff is (role in {Role.DISPATCHER, Role.ADMIN})


def test_a_taken_address_is_a_fact_for_us_and_not_part_of_the_message() -> None:
    refusal = EmailTaken("ada@example.com")
    assert refusal.email == "ada@example.com"
    assert str(refusal) == "There is an account with this e-mail address; sign in instead."


def test_a_refused_sign_in_does_not_say_what_was_wrong() -> None:
    assert str(InvalidCredentials()) == "The e-mail address or the password is wrong."


def test_who_is_not_staff_means_themselves_and_nobody_else() -> None:
    provider = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    assert whose(provider, None) == whose(provider, PROVIDER) == PROVIDER
    with pytest.raises(NotFound) as refused:
        whose(provider, OTHER)
    assert refused.value.kind == "Provider"
    with pytest.raises(NotFound) as refused:
        whose(a_viewer(role=Role.CUSTOMER), OTHER, kind="User")
    assert refused.value.kind == "User"


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMIN])
def test_staff_say_whom_they_mean(role: Role) -> None:
    staff = a_viewer(role=role)
    assert whose(staff, OTHER) == OTHER
    with pytest.raises(InvalidInput) as refused:
        whose(staff, None)
    message = "Say whose you mean."
    assert refused.value.errors == (FieldError(path=("providerId",), message=message),)
    with pytest.raises(InvalidInput) as refused:
        whose(staff, None, field_name="customerId")
    assert [error.path for error in refused.value.errors] == [("customerId",)]


def test_what_is_open_to_another_role_is_open_to_that_alone() -> None:
    analyst = a_viewer(role=Role.ANALYST)
    assert whose(analyst, OTHER, open_to={Role.ANALYST}) == OTHER
    with pytest.raises(NotFound):
        whose(analyst, OTHER)
    with pytest.raises(NotFound):
        whose(a_viewer(role=Role.ADMIN), OTHER, open_to={Role.ANALYST})
