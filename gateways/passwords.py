"""How is a password kept and checked without telling anyone which accounts exist?

Argon2id, in a few threads of its own: hashing takes tens of milliseconds and as many megabytes,
so it must neither hold up the event loop nor run in more places at once than memory allows.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from secrets import token_bytes
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

if TYPE_CHECKING:
    from argon2 import Parameters

#: Hashes at once; each takes 64 MiB with the standard parameters.
_THREADS: Final = 4


class Passwords:
    """Makes and checks password hashes."""

    def __init__(self, parameters: Parameters = RFC_9106_LOW_MEMORY) -> None:
        """Hash with `parameters`; tests give cheaper ones."""
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        # Verified for accounts that do not exist, so that they take as long to refuse.
        self._nobody = _hash_of_nobody(parameters)

    async def hash(self, password: str) -> str:
        """The text to store for this password."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._hasher.hash, _canonical(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Is this the password of the stored hash? None, for no account, does the same work."""
        against = self._nobody if stored is None else stored
        loop = asyncio.get_running_loop()
        matches = await loop.run_in_executor(
            self._threads, self._matches, against, _canonical(password)
        )
        return matches and stored is not None

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _hash_of_nobody(parameters: Parameters) -> str:
    """A hash that is as dear to check as any other, and that no password is known to have."""
    salt, digest = (
        b64encode(token_bytes(size)).decode().rstrip("=")
        for size in (parameters.salt_len, parameters.hash_len)
    )
    dear = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v={parameters.version}${dear}${salt}${digest}"


def _canonical(password: str) -> bytes:
    """The same bytes for the same characters, however a keyboard composes them."""
    # A lone surrogate can be no account's password, but asking must not be an error.
    return normalize("NFKC", password).encode(errors="surrogatepass")
