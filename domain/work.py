"""What is said about work by those who do it: photographs, what was done and who signed for it, and
by how much they will be late?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.refusals import FieldError, wrong_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

MAX_PHOTOS: Final = 20
MAX_CHECKLIST: Final = 50

_ADDRESS: Final = re.compile(r"https://[^\s\x00\ud800-\udfff]{1,492}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One point of what was to be done, and whether it was."""

    label: str
    done: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What a provider hands over when the work is done."""

    notes: str = ""
    photo_urls: tuple[str, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    #: Who signed for the work, and the address of a picture of the signature: both, or neither.
    signed_by: str | None = None
    signature_url: str | None = None

    def wrong_fields(self) -> tuple[FieldError, ...]:
        """Every field that cannot be kept, with its remedy."""
        return (
            *wrong_text(("notes",), self.notes, 0, 2000),
            *wrong_photos(self.photo_urls),
            *self._wrong_checklist(),
            *self._wrong_signature(),
        )

    def _wrong_checklist(self) -> Iterator[FieldError]:
        if len(self.checklist) > MAX_CHECKLIST:
            message = f"Give at most {MAX_CHECKLIST} points."
            yield FieldError(path=("checklist",), message=message)
            return
        for number, item in enumerate(self.checklist):
            yield from wrong_text(("checklist", str(number), "label"), item.label, 1, 200)

    def _wrong_signature(self) -> Iterator[FieldError]:
        if self.signed_by is None and self.signature_url is None:
            return
        if self.signed_by is None:
            yield FieldError(path=("signedBy",), message="Say who signed.")
        else:
            yield from wrong_text(("signedBy",), self.signed_by, 1, 200)
        if self.signature_url is None or not _ADDRESS.fullmatch(self.signature_url):
            message = "Give the https address of a picture of the signature, up to 500 characters."
            yield FieldError(path=("signatureUrl",), message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who signed for work that is done, and the address of a picture of the signature."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """By how much a provider has said that they will be late."""

    minutes: int
    reason: str
    reported_at: datetime
    #: When they mean to begin.
    expected_at: datetime


def wrong_photos(urls: tuple[str, ...]) -> tuple[FieldError, ...]:
    """What keeps these from being addresses of photographs."""
    if len(urls) <= MAX_PHOTOS and all(_ADDRESS.fullmatch(url) for url in urls):
        return ()
    message = f"Give at most {MAX_PHOTOS} https addresses of up to 500 characters."
    return (FieldError(path=("photoUrls",), message=message),)
