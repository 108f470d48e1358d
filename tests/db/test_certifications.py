"""Is each paper shown once, by its provider, and does it count by the right calendar?"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from db import certifications, providers
from db.engine import constraint
from db.ids import new_id
from db.tables import certifications as table
from db.tables import events
from domain.certifications import CertificationExists, TooManyCertifications
from domain.events import EventType
from domain.offers import OfferState
from domain.people import Role
from domain.refusals import InvalidInput, NotFound
from domain.services import Requirements
from tests.db.racing import act, race, waiting
from tests.factories import (
    NOW,
    add_account,
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    count_rows,
    now,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.certifications import Certification
    from domain.people import Viewer

DAY = timedelta(days=1)
LATER = date(2099, 12, 31)


def adding(by: Viewer, **changes: Any) -> Any:
    facts: dict[str, Any] = {
        "code": "gas-safe",
        "name": "Gas work",
        "issuer": "Gas Register",
        "number": "554021",
        "expires_on": LATER,
    }
    return partial(certifications.add, by=by, **facts | changes)


def removing(paper: Certification, by: Viewer) -> Any:
    return partial(certifications.remove, certification_id=paper.id, by=by)


def verifying(paper: Certification, by: Viewer) -> Any:
    return partial(certifications.verify, certification_id=paper.id, by=by)


async def shown(database: Database, *who: Viewer) -> list[list[Certification]]:
    ids = [one.user_id for one in who]
    async with database.read() as connection:
        found = await certifications.of_providers(connection, ids)
    return [found[uid] for uid in ids]


async def test_papers_are_kept_and_listed_by_provider_in_order(database: Database) -> None:
    one, two = await add_providers(database, await add_service(database), count=2)

    first = await act(database, adding(one))
    second = await act(database, adding(one, number="2", expires_on=None))
    third = await act(database, adding(two))

    assert await shown(database, one, two) == [[first, second], [third]]
    assert (first.provider_id, first.is_verified, first.expires_on) == (one.user_id, False, LATER)
    async with database.read() as connection:
        assert await certifications.by_id(connection, first.id) == first
        assert await certifications.by_id(connection, uuid4()) is None
    assert await read_events(database) == [EventType.PROVIDER_PROFILE_CHANGED] * 3


async def test_nobody_without_a_profile_shows_papers(database: Database) -> None:
    for who in (await add_account(database, Role.PROVIDER), await add_customer(database)):
        with pytest.raises(NotFound):
            await act(database, adding(who))
    assert await count_rows(database, table, events) == (0, 0)


async def test_a_refused_paper_leaves_no_trace(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    there = await act(database, adding(provider))

    with pytest.raises(CertificationExists) as refused:
        await act(database, adding(provider, issuer="gas register"))
    with pytest.raises(InvalidInput):
        await act(database, adding(provider, number="nul\x00l"))

    assert refused.value.certification == there
    assert await count_rows(database, table, events) == (1, 1)


async def test_the_same_paper_shown_at_once_is_shown_once(crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd))

    came = await race(crowd, [adding(provider)] * 8)

    exist = [one for one in came if isinstance(one, CertificationExists)]
    assert len(exist) == 7
    assert await count_rows(crowd, table) == (1,)


async def test_the_last_word_is_the_databases(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    there = await act(database, adding(provider))
    row = {
        "id": new_id(),
        "provider_id": provider.user_id,
        "code": "other",
        "name": "Other",
        "issuer": there.issuer,
        "number": there.number,
        "added_at": NOW,
    }

    with pytest.raises(IntegrityError) as refused:
        async with database.begin() as tx:
            await tx.execute(insert(table), [row])
    assert constraint(refused.value) == "uq_certifications_number"


async def test_as_many_are_shown_as_may_be(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    for number in range(30):
        await act(database, adding(provider, number=str(number)))

    with pytest.raises(TooManyCertifications):
        await act(database, adding(provider))
    assert await count_rows(database, table) == (30,)


async def test_what_is_taken_back_is_gone_and_may_be_shown_anew(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    paper = await act(database, adding(provider))

    assert await act(database, removing(paper, provider)) == paper

    assert await shown(database, provider) == [[]]
    async with database.read() as connection:
        assert await certifications.by_id(connection, paper.id) is None
    admin = await add_account(database, Role.ADMIN)
    for again in (removing(paper, provider), verifying(paper, admin)):
        with pytest.raises(NotFound):
            await act(database, again)
    anew = await act(database, adding(provider))
    assert anew.id != paper.id
    # The old one is kept: work was given for it.
    assert await count_rows(database, table, events) == (2, 3)


async def test_what_asks_for_a_paper_that_is_taken_back_is_offered_no_more(
    database: Database,
) -> None:
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    admin = await add_account(database, Role.ADMIN)
    first, second = [await act(database, adding(provider, number=number)) for number in "12"]
    for one in (first, second):
        await act(database, verifying(one, admin))
    needs = Requirements(certifications=("gas-safe",))
    asking = await add_booking(database, customer, service, requirements=needs)
    plain = await add_booking(database, customer, service)
    for booking in (asking, plain):
        await add_offers(database, booking, [provider])

    async def states() -> list[OfferState]:
        found = [await read_offers(database, one.id) for one in (asking, plain)]
        return [offered[provider.user_id].state for offered in found]

    await act(database, removing(first, admin))
    assert await states() == [OfferState.OFFERED, OfferState.OFFERED]
    await act(database, removing(second, admin))
    assert await states() == [OfferState.RESCINDED, OfferState.OFFERED]
    assert (await read_events(database))[-2:] == [
        EventType.OFFER_RESCINDED,
        EventType.SEARCH_PLACE_FREED,
    ]


async def test_only_its_provider_and_admins_take_a_paper_back(database: Database) -> None:
    provider, other = await add_providers(database, await add_service(database), count=2)
    paper = await act(database, adding(provider))

    for by in (other, await add_account(database, Role.DISPATCHER)):
        with pytest.raises(NotFound):
            await act(database, removing(paper, by))
    assert await shown(database, provider) == [[paper]]

    await act(database, removing(paper, await add_account(database, Role.ADMIN)))
    assert await shown(database, provider) == [[]]


async def test_verifying_twice_is_the_same_as_once(database: Database) -> None:
    provider = await add_provider(database, await add_service(database))
    first, second = [await add_account(database, Role.ADMIN) for _ in range(2)]
    paper = await act(database, adding(provider))
    at = await now(database)

    verified = await act(database, verifying(paper, first))
    again = await act(database, verifying(paper, second))

    assert (verified.verified_by, verified.is_valid) == (first.user_id, True)
    assert verified.verified_at >= at
    assert again == verified
    assert await shown(database, provider) == [[verified]]
    assert len(await read_events(database)) == 2
    with pytest.raises(NotFound):
        await act(database, partial(certifications.verify, certification_id=uuid4(), by=first))


async def test_a_paper_that_was_taken_back_meanwhile_is_not_verified(
    database: Database,
) -> None:
    provider = await add_provider(database, await add_service(database))
    admin = await add_account(database, Role.ADMIN)
    paper = await act(database, adding(provider))
    async with database.begin() as holder:
        await providers.lock(holder, [provider.user_id])
        late = await waiting(database, verifying(paper, admin))
        await certifications.remove(holder, certification_id=paper.id, by=provider)
    with pytest.raises(NotFound):
        await late
    async with database.read() as connection:
        (row,) = await connection.execute(table.select())
    assert row.verified_at is None


async def test_a_paper_runs_out_by_its_providers_calendar(database: Database) -> None:
    """Of these two zones the one is always a day ahead of the other, or two."""
    service = await add_service(database)
    early = await add_provider(database, service, time_zone="Pacific/Kiritimati")
    late = await add_provider(database, service, time_zone="Etc/GMT+12")
    paper = await act(database, adding(late))
    today = paper.today

    with pytest.raises(InvalidInput) as refused:
        await act(database, adding(early, expires_on=today))
    assert [error.path for error in refused.value.errors] == [("expiresOn",)]
    await act(database, adding(late, number="2", expires_on=today))
    with pytest.raises(InvalidInput):
        await act(database, adding(late, number="3", expires_on=today - DAY))

    admin = await add_account(database, Role.ADMIN)
    verified = await act(database, verifying(paper, admin))
    async with database.begin() as tx:
        mine = update(table).where(table.c.id == verified.id)
        await tx.execute(mine.values(expires_on=today - DAY))
    assert [one.is_valid for one in (await shown(database, late))[0]] == [False, False]
