"""Who may hand out links to whose calendar, and how many?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.calendar_links import (
    MAX_LINKS,
    CalendarLink,
    CalendarLinkRevoked,
    TooManyCalendarLinks,
    create,
    revoke,
)
from domain.people import Role
from domain.refusals import InvalidInput
from tests.factories import NOW, PROVIDER, a_viewer

LINK, OTHER = UUID(int=71), UUID(int=72)
CHLOE = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)


def make(**changes: Any) -> CalendarLink:
    facts: dict[str, Any] = {
        "provider_id": PROVIDER,
        "name": "Phone",
        "live": 0,
        "by": CHLOE,
        "at": NOW,
    }
    return create(LINK, **facts | changes)


def test_a_new_link_is_good_and_says_who_made_it() -> None:
    assert make() == CalendarLink(
        id=LINK, provider_id=PROVIDER, name="Phone", created_at=NOW, created_by=PROVIDER
    )
    assert make().is_live


def test_there_are_only_so_many_good_links() -> None:
    assert make(live=MAX_LINKS - 1).is_live
    with pytest.raises(TooManyCalendarLinks) as refused:
        make(live=MAX_LINKS)
    assert refused.value.limit == 5


def test_a_name_may_be_empty_and_not_longer_than_a_hundred_characters() -> None:
    assert make(name="").name == ""
    with pytest.raises(InvalidInput) as refused:
        make(name="x" * 101)
    assert [error.path for error in refused.value.errors] == [("name",)]


def test_a_revoked_link_is_good_no_more_and_is_not_revoked_again() -> None:
    later = NOW + timedelta(days=1)
    revoked = revoke(make(), at=later)
    assert (revoked.is_live, revoked.revoked_at) == (False, later)
    with pytest.raises(CalendarLinkRevoked) as refused:
        revoke(revoked, at=later + timedelta(days=1))
    assert refused.value.link == revoked


def test_a_link_is_seen_by_its_provider_and_staff() -> None:
    assert make().is_visible_to(CHLOE)
    assert make().is_visible_to(a_viewer(role=Role.ADMIN))
    assert not make().is_visible_to(a_viewer(user_id=OTHER, role=Role.PROVIDER))
    assert not make().is_visible_to(a_viewer(user_id=OTHER, role=Role.ANALYST))
