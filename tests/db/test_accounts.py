"""Is there one account for each address, whoever asks at once?"""

import asyncio
from typing import Any

import pytest

from db import accounts
from db.engine import Database
from domain.people import EmailTaken, Registration, Role


def ada(**changes: Any) -> Registration:
    facts: dict[str, Any] = {
        "email": "ada@example.com",
        "role": Role.CUSTOMER,
        "given_name": "Ada",
        "family_name": "Lovelace",
        "phone": "+442071838750",
        "time_zone": "Europe/London",
    }
    return Registration(**{**facts, **changes})


async def test_an_account_is_found_by_its_address_and_by_its_id(database: Database) -> None:
    async with database.begin() as tx:
        user = await accounts.create(tx, ada(), password_hash="h")
    async with database.read() as connection:
        by_email = await accounts.credentials_by_email(connection, "ada@example.com")
        by_id = await accounts.credentials_of(connection, user.id)
        assert await accounts.by_ids(connection, [user.id]) == {user.id: user}
    assert by_email is not None
    assert by_email == by_id
    assert (by_email.user, by_email.password_hash) == (user, "h")
    assert (user.email, user.role, user.phone) == (
        "ada@example.com",
        Role.CUSTOMER,
        "+442071838750",
    )
    assert "password_hash" not in repr(by_email)


async def test_there_is_nobody_by_an_unknown_address(database: Database) -> None:
    async with database.read() as connection:
        assert await accounts.credentials_by_email(connection, "nobody@example.com") is None


async def test_a_second_account_with_the_address_is_refused_and_leaves_the_first_alone(
    database: Database,
) -> None:
    async with database.begin() as tx:
        first = await accounts.create(tx, ada(), password_hash="first")
    with pytest.raises(EmailTaken):
        async with database.begin() as tx:
            await accounts.create(tx, ada(given_name="Eve"), password_hash="second")
    async with database.read() as connection:
        kept = await accounts.credentials_by_email(connection, "ada@example.com")
    assert kept is not None
    assert (kept.user, kept.password_hash) == (first, "first")


async def test_of_ten_sign_ups_at_once_with_one_address_one_succeeds(database: Database) -> None:
    async def sign_up(number: int) -> str:
        try:
            async with database.begin() as tx:
                await accounts.create(tx, ada(), password_hash=str(number))
        except EmailTaken:
            return "taken"
        return "made"

    outcomes = await asyncio.gather(*(sign_up(number) for number in range(10)))
    assert sorted(outcomes) == ["made", *["taken"] * 9]
