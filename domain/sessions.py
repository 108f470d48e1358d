"""How long does a sign-in last, and what does it mean when a refresh token is shown twice?

A session is one sign-in and the family of refresh tokens that continue it. Each token is good for
one refresh. Reuse is judged strictly: a used token shown again means that two parties hold the
family, and since nobody can tell the thief from the owner, the whole session ends. That holds
for a retry after a lost reply too; signing in again is the price of not guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.events import Event, EventType
from domain.people import Viewer
from domain.refusals import Refusal

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from domain.people import User


class Ending(StrEnum):
    """Why a session was ended before its time."""

    SIGNED_OUT = "SIGNED_OUT"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    TOKEN_REUSED = "TOKEN_REUSED"


class SessionEnded(Refusal):
    """A refresh token is unknown, used or of a session that is over: they answer alike."""

    def __init__(self) -> None:
        super().__init__("This session has ended; sign in again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in, from its start to the instant it lapses whatever is refreshed."""

    id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_because: Ending | None = None

    def is_live(self, *, at: datetime) -> bool:
        """Does it still stand?"""
        return self.revoked_at is None and at < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A person and the session they act through."""

    user: User
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What comes of showing a refresh token: the session as it is then, and whether it goes on."""

    session: Session
    granted: bool
    events: tuple[Event, ...] = ()


def start(session_id: UUID, *, user_id: UUID, lifetime: timedelta, at: datetime) -> Session:
    """The session of a person who has just proved who they are."""
    return Session(id=session_id, user_id=user_id, created_at=at, expires_at=at + lifetime)


def refresh(session: Session, *, user: User, used_at: datetime | None, at: datetime) -> Refresh:
    """Decide what showing a token of this session, used before at `used_at`, comes to."""
    if not session.is_live(at=at):
        return Refresh(session=session, granted=False)
    if used_at is not None:
        over = replace(session, revoked_at=at, revoked_because=Ending.TOKEN_REUSED)
        return Refresh(session=over, granted=False, events=(revoked(session),))
    return Refresh(session=session, granted=not user.is_disabled)


def revoked(session: Session) -> Event:
    """The fact that a session was ended, for its open sockets to hear of."""
    return Event(
        type=EventType.SESSION_REVOKED,
        subject={"session": session.id, "user": session.user_id},
    )


def viewer(session: Session, *, user: User, at: datetime) -> Viewer | None:
    """Who speaks through this session now; None when nobody does any more."""
    if user.is_disabled or not session.is_live(at=at):
        return None
    return Viewer(user_id=user.id, role=user.role, session_id=session.id)
