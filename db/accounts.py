"""How are people's accounts kept, found and changed?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from db.ids import new_id
from db.tables import users
from domain.people import Credentials, EmailTaken, InvalidCredentials, Role, User

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.people import Registration

#: Everything about a person but the password.
PUBLIC_COLUMNS = [column for column in users.c if column is not users.c.password_hash]


def user_of(row: Row[*tuple[Any, ...]]) -> User:
    """The person of a row that has the columns of PUBLIC_COLUMNS."""
    facts = row._mapping
    return User(
        id=facts[users.c.id],
        email=facts[users.c.email],
        role=Role(facts[users.c.role]),
        given_name=facts[users.c.given_name],
        family_name=facts[users.c.family_name],
        phone=facts[users.c.phone],
        time_zone=facts[users.c.time_zone],
        locale=facts[users.c.locale],
        created_at=facts[users.c.created_at],
        disabled_at=facts[users.c.disabled_at],
    )


async def create(tx: AsyncConnection, registration: Registration, *, password_hash: str) -> User:
    """Make an account. Raises EmailTaken when the address has one."""
    made = await tx.execute(
        insert(users)
        .values(
            id=new_id(),
            email=registration.email,
            password_hash=password_hash,
            role=registration.role,
            given_name=registration.given_name,
            family_name=registration.family_name,
            phone=registration.phone,
            time_zone=registration.time_zone,
        )
        .on_conflict_do_nothing(constraint="uq_users_email")
        .returning(*PUBLIC_COLUMNS)
    )
    row = made.one_or_none()
    if row is None:
        raise EmailTaken(registration.email)
    return user_of(row)


async def by_ids(connection: AsyncConnection, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """The people with these ids, as far as they exist."""
    rows = await connection.execute(select(*PUBLIC_COLUMNS).where(users.c.id.in_(user_ids)))
    return {user.id: user for user in map(user_of, rows)}


async def credentials_by_email(connection: AsyncConnection, email: str) -> Credentials | None:
    """The account with this normalised address."""
    return await _credentials(connection, users.c.email == email)


async def credentials_of(connection: AsyncConnection, user_id: UUID) -> Credentials | None:
    """The account of this person."""
    return await _credentials(connection, users.c.id == user_id)


async def _credentials(connection: AsyncConnection, which: Any) -> Credentials | None:
    row = (await connection.execute(select(users).where(which))).one_or_none()
    if row is None:
        return None
    return Credentials(user=user_of(row), password_hash=row.password_hash)


async def lock_verified(tx: AsyncConnection, verified: Credentials) -> User:
    """Lock the account whose password was verified, if the proof still holds.

    A password is verified outside any transaction, since hashing is slow. Whoever changes it in
    between must win, or a sign-in with the old one would outlive the change that ends all others.
    Raises InvalidCredentials when the password has changed or the account was disabled.
    """
    locked = await tx.execute(
        select(users).where(users.c.id == verified.user.id).with_for_update(key_share=True)
    )
    row = locked.one_or_none()
    if row is None or row.password_hash != verified.password_hash:
        raise InvalidCredentials
    user = user_of(row)
    if user.is_disabled:
        raise InvalidCredentials
    return user


async def localise(
    tx: AsyncConnection, user_id: UUID, *, time_zone: str | None, locale: str | None
) -> None:
    """Write to somebody by another clock, or in another country's way; None is as before."""
    said = {"time_zone": time_zone, "locale": locale}
    changed = {name: value for name, value in said.items() if value is not None}
    if changed:
        await tx.execute(update(users).where(users.c.id == user_id).values(changed))


async def set_password(tx: AsyncConnection, user_id: UUID, *, password_hash: str) -> None:
    """Replace the password of a locked account."""
    await tx.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))
