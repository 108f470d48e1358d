"""How is a session opened, continued, ended and looked up?

Lock order: the user, then the session. A refresh locks its session alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from db import accounts, clock, events
from db.ids import new_id
from db.tables import refresh_tokens, sessions, users
from domain import sessions as rules
from domain.sessions import Ending, OpenSession, Session

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.people import Credentials, User, Viewer


async def open_for(
    tx: AsyncConnection, user: User, *, token_hash: bytes, lifetime: timedelta
) -> OpenSession:
    """Open a session for a person, continued by the refresh token with this hash."""
    at = await clock.now(tx)
    session = rules.start(new_id(), user_id=user.id, lifetime=lifetime, at=at)
    values = {"user_id": user.id, "created_at": at, "expires_at": session.expires_at}
    await tx.execute(insert(sessions).values(id=session.id, **values))
    await _add_token(tx, session.id, token_hash, at=at)
    return OpenSession(user=user, session=session)


async def sign_in(
    tx: AsyncConnection, verified: Credentials, *, token_hash: bytes, lifetime: timedelta
) -> OpenSession:
    """Open a session for a person whose password was verified.

    Raises InvalidCredentials when that proof no longer holds.
    """
    user = await accounts.lock_verified(tx, verified)
    return await open_for(tx, user, token_hash=token_hash, lifetime=lifetime)


async def refresh(tx: AsyncConnection, *, shown: bytes, successor: bytes) -> OpenSession | None:
    """Continue the session of the refresh token with the hash `shown` by the one of `successor`.

    None means refused. Commit all the same: showing a used token ends its session.
    """
    if not await _lock_family(tx, shown):
        return None
    # Read in a statement of its own: one of two refreshes with the same token has waited for the
    # lock, and must see that the other has used the token meanwhile.
    facts = (await tx.execute(_FAMILY.where(refresh_tokens.c.hash == shown))).one()
    user, session = accounts.user_of(facts), session_of(facts)
    outcome = rules.refresh(session, user=user, used_at=facts.used_at, at=facts.at)
    if outcome.granted:
        await _rotate(tx, session.id, shown, successor, at=facts.at)
        return OpenSession(user=user, session=outcome.session)
    if outcome.session != session:
        await _save_ending(tx, outcome.session)
    await events.append(tx, outcome.events)
    return None


async def sign_out(tx: AsyncConnection, viewer: Viewer, *, everywhere: bool) -> int:
    """End the viewer's session, or all of theirs; the number that this ended."""
    if everywhere:
        await _lock_user(tx, viewer.user_id)
        which = sessions.c.user_id == viewer.user_id
    else:
        which = sessions.c.id == viewer.session_id
    return await _end(tx, which, Ending.SIGNED_OUT)


async def change_password(
    tx: AsyncConnection, verified: Credentials, *, new_hash: str, keep: UUID
) -> int:
    """Replace a verified password and end the person's sessions but `keep`; how many ended.

    Raises InvalidCredentials when the proof of the old password no longer holds.
    """
    user = await accounts.lock_verified(tx, verified)
    await accounts.set_password(tx, user.id, password_hash=new_hash)
    others = (sessions.c.user_id == user.id) & (sessions.c.id != keep)
    return await _end(tx, others, Ending.PASSWORD_CHANGED)


async def viewer(connection: AsyncConnection, *, session_id: UUID, user_id: UUID) -> Viewer | None:
    """Who speaks through this session of this person now, by one read; None for nobody."""
    found = await connection.execute(
        _STANDING.where(sessions.c.id == session_id, sessions.c.user_id == user_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    return rules.viewer(session_of(row), user=accounts.user_of(row), at=row.at)


def session_of(row: Row[*tuple[Any, ...]]) -> Session:
    """The session of a row that has the columns of the sessions table."""
    facts = row._mapping
    because = facts[sessions.c.revoked_because]
    return Session(
        id=facts[sessions.c.id],
        user_id=facts[sessions.c.user_id],
        created_at=facts[sessions.c.created_at],
        expires_at=facts[sessions.c.expires_at],
        revoked_at=facts[sessions.c.revoked_at],
        revoked_because=Ending(because) if because is not None else None,
    )


#: A session, its person and the instant they were read.
_STANDING = select(
    *sessions.c, *accounts.PUBLIC_COLUMNS, func.clock_timestamp().label("at")
).join_from(sessions, users)
_FAMILY = _STANDING.join(refresh_tokens, refresh_tokens.c.session_id == sessions.c.id).add_columns(
    refresh_tokens.c.used_at
)


async def _lock_family(tx: AsyncConnection, token_hash: bytes) -> bool:
    """Lock the session that a token belongs to. Is there one?"""
    family = select(refresh_tokens.c.session_id).where(refresh_tokens.c.hash == token_hash)
    locked = await tx.execute(
        select(sessions.c.id).where(sessions.c.id == family.scalar_subquery()).with_for_update()
    )
    return locked.one_or_none() is not None


async def _lock_user(tx: AsyncConnection, user_id: UUID) -> None:
    """Let no sign-in of this person begin or end beside what follows."""
    await tx.execute(
        select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True)
    )


async def _add_token(
    tx: AsyncConnection, session_id: UUID, token_hash: bytes, *, at: datetime
) -> None:
    await tx.execute(
        insert(refresh_tokens).values(hash=token_hash, session_id=session_id, issued_at=at)
    )


async def _rotate(
    tx: AsyncConnection, session_id: UUID, shown: bytes, successor: bytes, *, at: datetime
) -> None:
    await tx.execute(
        update(refresh_tokens).where(refresh_tokens.c.hash == shown).values(used_at=at)
    )
    await _add_token(tx, session_id, successor, at=at)


async def _save_ending(tx: AsyncConnection, session: Session) -> None:
    await tx.execute(
        update(sessions)
        .where(sessions.c.id == session.id)
        .values(revoked_at=session.revoked_at, revoked_because=session.revoked_because)
    )


async def _end(tx: AsyncConnection, which: ColumnElement[bool], because: Ending) -> int:
    """End the sessions that still stand among these, and say so to their sockets."""
    ended = await tx.execute(
        update(sessions)
        .where(which, sessions.c.revoked_at.is_(None))
        .where(sessions.c.expires_at > func.clock_timestamp())
        .values(revoked_at=func.clock_timestamp(), revoked_because=because)
        .returning(*sessions.c)
    )
    over = [session_of(row) for row in ended]
    await events.append(tx, map(rules.revoked, over))
    return len(over)
