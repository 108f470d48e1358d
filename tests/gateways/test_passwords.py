"""Is a password checked rightly, and an unknown account with the same work?"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import ARGON2_VERSION

from gateways.passwords import Passwords

CHEAP = Parameters(
    type=Type.ID,
    version=ARGON2_VERSION,
    salt_len=16,
    hash_len=32,
    time_cost=1,
    memory_cost=8,
    parallelism=1,
)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(CHEAP)
    yield made
    made.close()


async def test_the_password_matches_and_another_does_not(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse battery")
    assert await passwords.verify(stored, "correct horse battery") is True
    assert await passwords.verify(stored, "correct horse batterz") is False


async def test_one_password_is_stored_differently_each_time(passwords: Passwords) -> None:
    first, second = await passwords.hash("the same one"), await passwords.hash("the same one")
    assert first != second


async def test_it_is_argon2id_with_the_recommended_strength() -> None:
    passwords = Passwords()
    stored = await passwords.hash("correct horse battery")
    passwords.close()
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_no_account_is_refused_after_the_same_work(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = PasswordHasher.verify

    def recording(self: PasswordHasher, stored: Any, password: Any) -> bool:
        verified.append(stored)
        return real(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", recording)
    stored = await passwords.hash("correct horse battery")
    assert await passwords.verify(stored, "wrong password") is False
    assert await passwords.verify(None, "wrong password") is False
    known, unknown = (extract_parameters(text) for text in verified)
    assert known == unknown == CHEAP
    # It is refused for what it holds, when all the work is done, and not for how it is written.
    with pytest.raises(VerifyMismatchError):
        real(PasswordHasher.from_parameters(CHEAP), verified[1], "wrong password")


async def test_there_is_no_password_of_nobody_that_two_processes_share(
    passwords: Passwords,
) -> None:
    other = Passwords(CHEAP)
    other.close()
    assert passwords._nobody != other._nobody


@pytest.mark.parametrize("stored", ["", "!", "plain text", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
async def test_a_broken_hash_matches_nothing(passwords: Passwords, stored: str) -> None:
    assert await passwords.verify(stored, stored) is False


async def test_composed_and_decomposed_characters_are_one_password(passwords: Passwords) -> None:
    stored = await passwords.hash("caf\u00e9 au lait")
    assert await passwords.verify(stored, "cafe\u0301 au lait") is True


async def test_a_lone_surrogate_is_a_wrong_password_and_no_fault(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse battery")
    assert await passwords.verify(stored, "\ud800") is False


async def test_hashing_leaves_the_event_loop_free(passwords: Passwords) -> None:
    blocking = asyncio.Event()
    asyncio.get_running_loop().call_soon(blocking.set)
    hashing = asyncio.create_task(passwords.hash("correct horse battery"))
    await blocking.wait()
    assert not hashing.done()
    await hashing
