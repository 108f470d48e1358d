"""What does showing a refresh token come to, and who may still speak through a session?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.events import Event, EventType
from domain.people import Role, User, Viewer
from domain.sessions import Ending, Refresh, Session, SessionEnded, refresh, start, viewer

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
MONTH = timedelta(days=30)


def a_session(**changes: Any) -> Session:
    session = start(UUID(int=1), user_id=UUID(int=2), lifetime=MONTH, at=NOON)
    return replace(session, **changes)


def a_person(**changes: Any) -> User:
    user = User(
        id=UUID(int=2),
        email="ada@example.com",
        role=Role.CUSTOMER,
        given_name="Ada",
        family_name="Lovelace",
        phone=None,
        time_zone="Europe/London",
        created_at=NOON,
    )
    return replace(user, **changes)


def test_a_session_stands_until_its_lifetime_is_over() -> None:
    session = a_session()
    assert session.expires_at == NOON + MONTH
    assert session.is_live(at=NOON + MONTH - timedelta(microseconds=1))
    assert not session.is_live(at=NOON + MONTH)


def test_an_unused_token_continues_its_session() -> None:
    session = a_session()
    outcome = refresh(session, user=a_person(), used_at=None, at=LATER)
    assert outcome == Refresh(session=session, granted=True)


def test_a_used_token_ends_its_session_and_says_so() -> None:
    session = a_session()
    outcome = refresh(session, user=a_person(), used_at=NOON, at=LATER)
    ended = replace(session, revoked_at=LATER, revoked_because=Ending.TOKEN_REUSED)
    event = Event(
        type=EventType.SESSION_REVOKED, subject={"session": session.id, "user": session.user_id}
    )
    assert outcome == Refresh(session=ended, granted=False, events=(event,))


def test_a_used_token_ends_the_session_of_a_disabled_person_too() -> None:
    outcome = refresh(a_session(), user=a_person(disabled_at=NOON), used_at=NOON, at=LATER)
    assert outcome.session.revoked_because is Ending.TOKEN_REUSED


OVER = [
    a_session(revoked_at=NOON, revoked_because=Ending.SIGNED_OUT),
    a_session(expires_at=LATER),
]


@pytest.mark.parametrize("session", OVER, ids=["revoked", "lapsed"])
@pytest.mark.parametrize("used_at", [None, NOON], ids=["unused", "used"])
def test_no_token_continues_or_ends_again_a_session_that_is_over(
    session: Session, used_at: datetime | None
) -> None:
    outcome = refresh(session, user=a_person(), used_at=used_at, at=LATER)
    assert outcome == Refresh(session=session, granted=False)


def test_a_disabled_person_continues_nothing() -> None:
    session = a_session()
    outcome = refresh(session, user=a_person(disabled_at=NOON), used_at=None, at=LATER)
    assert outcome == Refresh(session=session, granted=False)


def test_the_viewer_has_the_role_that_the_person_has_now() -> None:
    session = a_session()
    assert viewer(session, user=a_person(role=Role.DISPATCHER), at=LATER) == Viewer(
        user_id=session.user_id, role=Role.DISPATCHER, session_id=session.id
    )


@pytest.mark.parametrize("session", OVER, ids=["revoked", "lapsed"])
def test_nobody_speaks_through_a_session_that_is_over(session: Session) -> None:
    assert viewer(session, user=a_person(), at=LATER) is None


def test_a_disabled_person_speaks_through_no_session() -> None:
    assert viewer(a_session(), user=a_person(disabled_at=NOON), at=LATER) is None


def test_an_ended_session_says_what_to_do() -> None:
    assert str(SessionEnded()) == "This session has ended; sign in again."
