"""Which papers has a provider shown, does one hold, and who may read what of it?

A paper counts once somebody of the house has verified it, and until its last day is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from domain.people import Role
from domain.refusals import FieldError, InvalidInput, Refusal, wrong_text
from domain.words import WRONG_SLUG, is_slug, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from uuid import UUID

    from domain.people import Viewer

#: So many papers one provider may show.
MAX_CERTIFICATIONS: Final = 30
MAX_TEXT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Certification:
    """A trade card, a licence, an insurance, a manufacturer's training."""

    id: UUID
    provider_id: UUID
    #: What a service asks for, such as "gas-safe".
    code: str
    name: str
    issuer: str
    number: str
    #: The last day on which it holds; None for one that never runs out.
    expires_on: date | None = None
    added_at: datetime
    verified_at: datetime | None = None
    verified_by: UUID | None = None
    removed_at: datetime | None = None
    #: The day by its provider's calendar when it was read.
    today: date

    @property
    def is_verified(self) -> bool:
        """Has the house seen that it is genuine?"""
        return self.verified_at is not None

    @property
    def has_run_out(self) -> bool:
        """Is its last day over?"""
        return self.expires_on is not None and self.expires_on < self.today

    @property
    def is_valid(self) -> bool:
        """Does it count today?"""
        return self.is_verified and not self.has_run_out

    def is_kept_by(self, viewer: Viewer) -> bool:
        """May the viewer take it back? Its provider may, and an admin may, if it is not genuine."""
        return viewer.role is Role.ADMIN or viewer.user_id == self.provider_id

    def seen_by(self, viewer: Viewer) -> ShownCertification:
        """What the viewer may read of it. Number and dates are its provider's and the house's."""
        opened = viewer.is_staff or viewer.user_id == self.provider_id
        return ShownCertification(
            id=self.id,
            code=self.code,
            name=self.name,
            issuer=self.issuer,
            verified=self.is_verified,
            valid=self.is_valid,
            number=self.number if opened else None,
            expires_on=self.expires_on if opened else None,
            added_at=self.added_at if opened else None,
            verified_at=self.verified_at if opened else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCertification:
    """A certification as somebody sees it; None for what is not theirs to read."""

    id: UUID
    code: str
    name: str
    issuer: str
    verified: bool
    valid: bool
    number: str | None
    expires_on: date | None
    added_at: datetime | None
    verified_at: datetime | None


class CertificationExists(Refusal):
    """The provider has shown this paper already. Carries the one there is."""

    def __init__(self, certification: Certification) -> None:
        super().__init__("You have shown this one; remove it first to show it anew.")
        self.certification = certification


class TooManyCertifications(Refusal):
    """The provider shows as many papers as can be shown."""

    def __init__(self) -> None:
        super().__init__(
            f"You show {MAX_CERTIFICATIONS} papers; remove one before you add another."
        )
        self.limit = MAX_CERTIFICATIONS


def add(new: Certification, shown: Iterable[Certification]) -> Certification:
    """Show a paper beside those that are `shown`, to be verified.

    Raises InvalidInput with every wrong field, CertificationExists or TooManyCertifications.
    """
    new = replace(new, name=tidy(new.name), issuer=tidy(new.issuer), number=tidy(new.number))
    if wrong := _wrong_fields(new):
        raise InvalidInput(*wrong)
    others = list(shown)
    for other in others:
        if _same(other) == _same(new):
            raise CertificationExists(other)
    if len(others) >= MAX_CERTIFICATIONS:
        raise TooManyCertifications
    return new


def verify(certification: Certification, *, by: UUID, at: datetime) -> Certification:
    """The paper, found genuine. Verifying twice is the same as once: the first word counts."""
    if certification.is_verified:
        return certification
    return replace(certification, verified_at=at, verified_by=by)


def _same(certification: Certification) -> tuple[str, str]:
    return certification.issuer.casefold(), certification.number.casefold()


def _wrong_fields(new: Certification) -> tuple[FieldError, ...]:
    wrong = [
        error
        for name in ("name", "issuer", "number")
        for error in wrong_text((name,), getattr(new, name), 1, MAX_TEXT)
    ]
    if not is_slug(new.code):
        wrong.append(FieldError(path=("code",), message=f'{WRONG_SLUG} "gas-safe".'))
    if new.has_run_out:
        message = "It has run out; show the one that holds now."
        wrong.append(FieldError(path=("expiresOn",), message=message))
    return tuple(wrong)
