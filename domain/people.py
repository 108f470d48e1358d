"""Who is speaking to us, and as what?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.refusals import FieldError, InvalidInput, NotFound, Refusal

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime
    from uuid import UUID


class Role(StrEnum):
    """What a person may do. Everyone has exactly one role."""

    CUSTOMER = "CUSTOMER"
    PROVIDER = "PROVIDER"
    DISPATCHER = "DISPATCHER"
    ANALYST = "ANALYST"
    ADMIN = "ADMIN"
    SERVICE = "SERVICE"


#: Those who run the house: they see every booking and may act on it.
STAFF = frozenset({Role.DISPATCHER, Role.ADMIN})

#: The roles a stranger may take by signing up. Every other role is given by an admin.
OPEN_TO_ALL: Final = (Role.CUSTOMER, Role.PROVIDER)

MIN_PASSWORD: Final = 10
#: Long enough for any passphrase, short enough that hashing one stays cheap.
MAX_PASSWORD: Final = 200
MAX_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The signed-in person behind a request, re-read from the database at the door."""

    user_id: UUID
    role: Role
    session_id: UUID

    @property
    def is_staff(self) -> bool:
        """May this viewer see and act on everyone's bookings?"""
        return self.role in STAFF


def whose(
    viewer: Viewer,
    named: UUID | None,
    *,
    kind: str = "Provider",
    field_name: str = "providerId",
    open_to: Container[Role] = STAFF,
) -> UUID:
    """Whose things the viewer means: their own, or, where their role is `open_to` anybody's, those
    of whom they name.

    Raises NotFound for somebody else's, or InvalidInput where they have to name somebody.
    """
    if viewer.role not in open_to:
        if named not in {None, viewer.user_id}:
            raise NotFound(kind)
        return viewer.user_id
    if named is None:
        raise InvalidInput(FieldError(path=(field_name,), message="Say whose you mean."))
    return named


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with an account."""

    id: UUID
    email: str
    role: Role
    given_name: str
    family_name: str
    phone: str | None
    time_zone: str
    #: How dates and sums are written to them, as a BCP 47 tag such as "en-GB".
    locale: str = "en-GB"
    created_at: datetime
    disabled_at: datetime | None = None

    @property
    def is_disabled(self) -> bool:
        """Has the house closed this account?"""
        return self.disabled_at is not None

    @property
    def name(self) -> str:
        """The full name, as the person writes it."""
        return f"{self.given_name} {self.family_name}"

    @property
    def public_name(self) -> str:
        """The name shown to strangers, "John D." (rules.md, Privacy)."""
        return f"{self.given_name} {self.family_name[:1]}.".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a person says of themselves when signing up; the password is kept apart."""

    email: str
    role: Role
    given_name: str
    family_name: str
    phone: str | None
    time_zone: str

    def wrong_fields(self) -> tuple[FieldError, ...]:
        """Every field that a registration may not carry, with its remedy."""
        errors = [
            *_wrong_name("givenName", self.given_name),
            *_wrong_name("familyName", self.family_name),
        ]
        if self.role not in OPEN_TO_ALL:
            allowed = " or ".join(OPEN_TO_ALL)
            message = f"Nobody signs up as {self.role}; choose {allowed}, or ask an admin."
            errors.append(FieldError(path=("role",), message=message))
        return tuple(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A person and the stored proof of their password."""

    user: User
    password_hash: str = field(repr=False)


class EmailTaken(Refusal):
    """There is an account with this e-mail address already."""

    def __init__(self, email: str) -> None:
        super().__init__("There is an account with this e-mail address; sign in instead.")
        self.email = email


class InvalidCredentials(Refusal):
    """Wrong password, no such account or a disabled one: they answer alike."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


def wrong_password(field_name: str, password: str, *, email: str) -> tuple[FieldError, ...]:
    """What keeps this text from being the password of the account with this e-mail address."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        message = f"Use {MIN_PASSWORD} to {MAX_PASSWORD} characters."
    elif not _is_encodable(password):
        message = "Use whole characters only; this text is not valid Unicode."
    elif password.casefold() == email.casefold():
        message = "Use something other than your e-mail address."
    else:
        return ()
    return (FieldError(path=(field_name,), message=message),)


def _wrong_name(field_name: str, name: str) -> tuple[FieldError, ...]:
    if not 1 <= len(name) <= MAX_NAME or name != name.strip():
        message = f"Write 1 to {MAX_NAME} characters."
    elif not name.isprintable():
        message = "Leave out control characters and line breaks."
    else:
        return ()
    return (FieldError(path=(field_name,), message=message),)


def _is_encodable(text: str) -> bool:
    """Can this be written as UTF-8? A lone surrogate, which JSON can smuggle in, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
