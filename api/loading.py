"""How is what several fields need read once, in batches, within one operation?"""

from __future__ import annotations

from asyncio import shield
from typing import TYPE_CHECKING, Any, TypeVar, cast

from strawberry.dataloader import DataLoader

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable

Key = TypeVar("Key")
Value = TypeVar("Value")


class Loader(DataLoader[Key, Value]):
    """A loader whose readers cannot take from one another what they wait for.

    All who ask for one key wait for one future. When a field fails, the fields beside it are
    cancelled, and with them would be what they wait for, also for everybody else who does: one
    field that may not be seen would end the whole operation. And where all who wait are gone just
    before their batch is read it never is, and whoever joins it then would wait for ever.
    """

    def load(self, key: Key) -> Awaitable[Value]:
        """The value of a key; read with those of all who ask in the same step."""
        shared = cast("Future[Value]", super().load(key))
        shared.add_done_callback(_taken_note_of)
        return shield(shared)


def _taken_note_of(shared: Future[Any]) -> None:
    # Whoever waits is told; when nobody does any more, there is nobody to tell.
    if not shared.cancelled():
        shared.exception()
