"""Do sessions rotate, end and refuse as they should when things happen at once?"""

import asyncio
import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from db import accounts, sessions
from db.engine import Database
from db.tables import events, refresh_tokens, users
from db.tables import sessions as sessions_table
from domain.events import EventType
from domain.people import Credentials, InvalidCredentials, Registration, Role, Viewer
from domain.sessions import Ending, OpenSession
from gateways.tokens import fingerprint, new_refresh_token

MONTH = timedelta(days=30)
numbers = itertools.count()


@dataclass(kw_only=True)
class Client:
    """A signed-in client as the database sees it: its person, session and present token."""

    database: Database
    credentials: Credentials
    session_id: UUID
    token: bytes

    async def refresh(self, token: bytes | None = None) -> OpenSession | None:
        shown = self.token if token is None else token
        successor = fingerprint(new_refresh_token())
        async with self.database.begin() as tx:
            opened = await sessions.refresh(tx, shown=shown, successor=successor)
        if opened is not None:
            self.token = successor
        return opened

    async def viewer(self) -> Viewer | None:
        async with self.database.read() as connection:
            return await sessions.viewer(
                connection, session_id=self.session_id, user_id=self.credentials.user.id
            )


async def an_account(database: Database) -> Credentials:
    registration = Registration(
        email=f"person{next(numbers)}@example.com",
        role=Role.CUSTOMER,
        given_name="Ada",
        family_name="Lovelace",
        phone=None,
        time_zone="Europe/London",
    )
    async with database.begin() as tx:
        user = await accounts.create(tx, registration, password_hash="old hash")
    return Credentials(user=user, password_hash="old hash")


async def signed_in(
    database: Database, credentials: Credentials | None = None, *, lifetime: timedelta = MONTH
) -> Client:
    account = credentials or await an_account(database)
    token = fingerprint(new_refresh_token())
    async with database.begin() as tx:
        opened = await sessions.sign_in(tx, account, token_hash=token, lifetime=lifetime)
    return Client(database=database, credentials=account, session_id=opened.session.id, token=token)


async def change_user(database: Database, client: Client, **values: Any) -> None:
    async with database.begin() as tx:
        await tx.execute(
            update(users).where(users.c.id == client.credentials.user.id).values(**values)
        )


async def change_session(database: Database, client: Client, **values: Any) -> None:
    async with database.begin() as tx:
        await tx.execute(
            update(sessions_table).where(sessions_table.c.id == client.session_id).values(**values)
        )


async def ending(client: Client) -> str | None:
    async with client.database.read() as connection:
        found = await connection.execute(
            select(sessions_table.c.revoked_because).where(sessions_table.c.id == client.session_id)
        )
    because: str | None = found.scalar_one()
    return because


async def announced(database: Database) -> list[tuple[str, dict[str, str]]]:
    """What sockets are told, in order: the type and subject of every event."""
    async with database.read() as connection:
        rows = await connection.execute(
            select(events.c.type, events.c.subject).order_by(events.c.position)
        )
    return [(row.type, row.subject) for row in rows]


def told(client: Client) -> tuple[str, dict[str, str]]:
    """What sockets hear when the session of this client ends."""
    subject = {"session": str(client.session_id), "user": str(client.credentials.user.id)}
    return (EventType.SESSION_REVOKED, subject)


async def until_waiting(database: Database) -> None:
    """Return once a statement in this database waits for another's lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(20), database.read() as connection:
        while not (await connection.execute(waiting)).scalar_one():
            await connection.execute(text("SELECT pg_sleep(0.005)"))


async def tokens_of(client: Client) -> int:
    async with client.database.read() as connection:
        count = await connection.execute(
            select(func.count()).where(refresh_tokens.c.session_id == client.session_id)
        )
    return count.scalar_one()


async def test_a_sign_in_gives_a_session_of_its_lifetime_and_its_viewer(
    database: Database,
) -> None:
    account = await an_account(database)
    async with database.begin() as tx:
        opened = await sessions.sign_in(tx, account, token_hash=b"t" * 32, lifetime=MONTH)
    assert opened.user == account.user
    assert opened.session.expires_at - opened.session.created_at == MONTH
    client = await signed_in(database, account)
    assert await client.viewer() == Viewer(
        user_id=account.user.id, role=Role.CUSTOMER, session_id=client.session_id
    )


async def test_each_refresh_gives_the_next_token_of_the_same_session(database: Database) -> None:
    client = await signed_in(database)
    for _ in range(3):
        opened = await client.refresh()
        assert opened is not None
        assert opened.session.id == client.session_id
        assert opened.user == client.credentials.user
    assert await tokens_of(client) == 4
    assert await announced(database) == []


async def test_refreshing_does_not_lengthen_the_session(database: Database) -> None:
    client = await signed_in(database)
    first, second = await client.refresh(), await client.refresh()
    assert first is not None
    assert second is not None
    assert first.session.expires_at == second.session.expires_at
    assert first.session.expires_at - first.session.created_at == MONTH


async def test_a_used_token_ends_the_whole_family_and_tells_its_sockets(
    database: Database,
) -> None:
    client = await signed_in(database)
    stolen = client.token
    assert await client.refresh() is not None
    assert await client.refresh(stolen) is None
    assert await ending(client) == Ending.TOKEN_REUSED
    assert await client.viewer() is None
    # The successor, whoever holds it, is worth nothing any more; and this is told once only.
    assert await client.refresh() is None
    assert await client.refresh(stolen) is None
    assert await announced(database) == [told(client)]


async def test_reuse_leaves_other_sessions_of_the_person_alone(database: Database) -> None:
    account = await an_account(database)
    phone, laptop = await signed_in(database, account), await signed_in(database, account)
    stolen = phone.token
    await phone.refresh()
    await phone.refresh(stolen)
    assert await phone.viewer() is None
    assert await laptop.viewer() is not None
    assert await laptop.refresh() is not None


@pytest.mark.parametrize("repeat", range(20))
async def test_of_two_refreshes_at_once_with_one_token_exactly_one_wins(
    database: Database, repeat: int
) -> None:
    client = await signed_in(database)
    token = client.token
    outcomes = await asyncio.gather(client.refresh(token), client.refresh(token))
    assert sum(outcome is not None for outcome in outcomes) == 1, repeat
    assert await tokens_of(client) == 2
    assert await ending(client) == Ending.TOKEN_REUSED
    assert await announced(database) == [told(client)]


async def test_a_refresh_that_waited_for_another_sees_its_token_used(database: Database) -> None:
    client = await signed_in(database)
    successor = fingerprint(new_refresh_token())
    async with database.begin() as tx:
        first = await sessions.refresh(tx, shown=client.token, successor=successor)
        second = asyncio.create_task(client.refresh())
        await until_waiting(database)
    assert first is not None
    assert await second is None
    assert await ending(client) == Ending.TOKEN_REUSED


async def test_a_refresh_that_waited_for_a_sign_out_is_refused(database: Database) -> None:
    client = await signed_in(database)
    viewer = await client.viewer()
    assert viewer is not None
    async with database.begin() as tx:
        assert await sessions.sign_out(tx, viewer, everywhere=False) == 1
        refresh = asyncio.create_task(client.refresh())
        await until_waiting(database)
    assert await refresh is None
    assert await tokens_of(client) == 1
    assert await announced(database) == [told(client)]


async def test_an_unknown_token_is_refused_without_a_trace(database: Database) -> None:
    client = await signed_in(database)
    assert await client.refresh(fingerprint("never given")) is None
    assert await tokens_of(client) == 1
    assert await client.viewer() is not None
    assert await announced(database) == []


async def test_a_lapsed_session_has_no_viewer_and_no_refresh(database: Database) -> None:
    client = await signed_in(database)
    await change_session(
        database,
        client,
        created_at=text("now() - interval '31 days'"),
        expires_at=text("now() - interval '1 second'"),
    )
    assert await client.viewer() is None
    assert await client.refresh() is None
    assert await ending(client) is None


async def test_signing_out_ends_this_session_only_and_once(database: Database) -> None:
    account = await an_account(database)
    phone, laptop = await signed_in(database, account), await signed_in(database, account)
    viewer = await phone.viewer()
    assert viewer is not None
    async with database.begin() as tx:
        assert await sessions.sign_out(tx, viewer, everywhere=False) == 1
    async with database.begin() as tx:
        assert await sessions.sign_out(tx, viewer, everywhere=False) == 0
    assert await ending(phone) == Ending.SIGNED_OUT
    assert await phone.viewer() is None
    assert await phone.refresh() is None
    assert await laptop.viewer() is not None
    assert await announced(database) == [told(phone)]


async def test_signing_out_everywhere_ends_every_session_of_this_person_only(
    database: Database,
) -> None:
    account = await an_account(database)
    phone, laptop = await signed_in(database, account), await signed_in(database, account)
    stranger = await signed_in(database)
    viewer = await phone.viewer()
    assert viewer is not None
    async with database.begin() as tx:
        assert await sessions.sign_out(tx, viewer, everywhere=True) == 2
    assert await phone.viewer() is None
    assert await laptop.viewer() is None
    assert await stranger.viewer() is not None
    assert sorted(await announced(database), key=str) == sorted(
        [told(phone), told(laptop)], key=str
    )


async def test_a_sign_in_that_waited_for_signing_out_everywhere_stands(
    database: Database,
) -> None:
    account = await an_account(database)
    phone = await signed_in(database, account)
    viewer = await phone.viewer()
    assert viewer is not None
    async with database.begin() as tx:
        assert await sessions.sign_out(tx, viewer, everywhere=True) == 1
        sign_in = asyncio.create_task(signed_in(database, account))
        await until_waiting(database)
    assert await (await sign_in).viewer() is not None


async def test_a_new_password_ends_every_other_session(database: Database) -> None:
    account = await an_account(database)
    phone, laptop = await signed_in(database, account), await signed_in(database, account)
    async with database.begin() as tx:
        ended = await sessions.change_password(
            tx, account, new_hash="new hash", keep=phone.session_id
        )
    assert ended == 1
    assert await phone.viewer() is not None
    assert await laptop.viewer() is None
    assert await ending(laptop) == Ending.PASSWORD_CHANGED
    assert await announced(database) == [told(laptop)]
    async with database.read() as connection:
        kept = await accounts.credentials_of(connection, account.user.id)
    assert kept is not None
    assert kept.password_hash == "new hash"


async def test_a_sign_in_with_the_old_password_that_waited_for_the_change_is_refused(
    database: Database,
) -> None:
    account = await an_account(database)
    phone = await signed_in(database, account)
    async with database.begin() as tx:
        await sessions.change_password(tx, account, new_hash="new hash", keep=phone.session_id)
        thief = asyncio.create_task(signed_in(database, account))
        await until_waiting(database)
    with pytest.raises(InvalidCredentials):
        await thief
    async with database.read() as connection:
        rows = await connection.execute(select(sessions_table.c.id))
    assert list(rows.scalars()) == [phone.session_id]


async def test_a_password_change_that_waited_for_another_is_refused(database: Database) -> None:
    account = await an_account(database)
    phone = await signed_in(database, account)

    async def change(new_hash: str) -> None:
        async with database.begin() as tx:
            await sessions.change_password(tx, account, new_hash=new_hash, keep=phone.session_id)

    async with database.begin() as tx:
        await sessions.change_password(tx, account, new_hash="first", keep=phone.session_id)
        second = asyncio.create_task(change("second"))
        await until_waiting(database)
    with pytest.raises(InvalidCredentials):
        await second
    async with database.read() as connection:
        kept = await accounts.credentials_of(connection, account.user.id)
    assert kept is not None
    assert kept.password_hash == "first"


async def test_a_disabled_person_is_refused_at_once_everywhere(database: Database) -> None:
    client = await signed_in(database)
    await change_user(database, client, disabled_at=func.now())
    assert await client.viewer() is None
    assert await client.refresh() is None
    assert await tokens_of(client) == 1
    with pytest.raises(InvalidCredentials):
        await signed_in(database, client.credentials)


async def test_a_changed_role_holds_at_once(database: Database) -> None:
    client = await signed_in(database)
    await change_user(database, client, role=Role.ANALYST)
    viewer = await client.viewer()
    assert viewer is not None
    assert viewer.role is Role.ANALYST


async def test_nobody_speaks_through_the_session_of_another(database: Database) -> None:
    ada, eve = await signed_in(database), await signed_in(database)
    async with database.read() as connection:
        for session_id, user_id in [
            (ada.session_id, eve.credentials.user.id),
            (ada.session_id, uuid4()),
            (uuid4(), ada.credentials.user.id),
        ]:
            assert await sessions.viewer(connection, session_id=session_id, user_id=user_id) is None


async def test_only_hashes_of_refresh_tokens_are_stored(database: Database) -> None:
    account, token = await an_account(database), new_refresh_token()
    async with database.begin() as tx:
        await sessions.sign_in(tx, account, token_hash=fingerprint(token), lifetime=MONTH)
    async with database.read() as connection:
        stored = (await connection.execute(select(refresh_tokens.c.hash))).scalar_one()
    assert stored == fingerprint(token)
    assert token.encode() not in stored
