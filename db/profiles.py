"""How do providers describe themselves, and how complete is what they have said?

Lock order: the account, then the provider, then their offers. Whatever a profile is made of is
changed under the provider's lock, and reckoned again in the same transaction. Whoever offers work
to a provider, and whoever accepts it, holds the same lock: of a change and an offer at once, the
later sees the earlier. So no booking has to be locked, which would have to come before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, func, insert, select, update

from db import accounts, batch_candidates, candidates, clock, events, offers, providers, services
from db.tables import certifications, date_overrides, provider_services, users, working_hours
from db.tables import providers as providers_table
from domain import profiles as rules
from domain.events import Event, EventType
from domain.matching import fitness
from domain.profile_changes import MAX_SERVICES, SaidProfile, written
from domain.profiles import Completion, Profile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.people import User, Viewer
    from domain.providers import Provider

_P = providers_table.c
_OFFERED = provider_services.c


async def change(tx: AsyncConnection, said: SaidProfile, *, by: Viewer) -> Provider:
    """Let what somebody says of themselves take the place of what they said before. The first that
    they say makes them a provider, who waits for approval. Open offers that no longer fit them are
    withdrawn.

    Raises InvalidInput with every wrong field.
    """
    # Before the provider, whom two first profiles at once would both make.
    person = await _account(tx, by.user_id)
    await providers.lock(tx, [person.id])
    before = next(iter(await providers.by_ids(tx, [person.id])), None)
    offered = frozenset((await providers.services_of(tx, [person.id]))[person.id])
    wanted = said.service_ids or ()
    # More than may be wanted need not be looked for.
    known = await services.by_ids(tx, wanted[: MAX_SERVICES + 1])
    after, chosen = written(before, said, person=person, offered=offered, known=known)
    if (after, chosen) == (before, offered):
        return after
    await _save(tx, before, after)
    await _offer(tx, after.id, offered, chosen)
    await changed(tx, after.id)
    return await providers.get(tx, after.id)


async def changed(tx: AsyncConnection, provider_id: UUID) -> Completion:
    """Reckon a profile again that was changed, tell of the change, and withdraw the open offers
    that no longer fit it.

    The caller holds the provider's lock.
    """
    reckoned = await reckon(tx, provider_id)
    about = {"provider": provider_id}
    await events.append(tx, [Event(type=EventType.PROVIDER_PROFILE_CHANGED, subject=about)])
    await _withdraw_misfits(tx, provider_id)
    return reckoned


async def _withdraw_misfits(tx: AsyncConnection, provider_id: UUID) -> None:
    at = await clock.now(tx)
    works = [candidates.work_of(booking) for booking in await offers.put_to(tx, provider_id)]
    pairs = [(work, provider_id) for work in works]
    facts = await batch_candidates.of_pairs(tx, pairs, at=at, record=False)
    lost = fitness.misfits(zip(works, facts, strict=True), at=at)
    if lost:
        await offers.rescind_to(tx, provider_id, lost, at=at)


async def reckon(tx: AsyncConnection, provider_id: UUID) -> Completion:
    """Write down how complete a profile is, for matching to read: after every change of what it is
    made of. The caller holds the provider's lock.
    """
    reckoned = (await completions(tx, [provider_id]))[provider_id]
    mine = update(providers_table).where(_P.id == provider_id)
    await tx.execute(mine.values(profile_percent=reckoned.percent))
    return reckoned


async def completions(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, Completion]:
    """How complete each of these providers' profiles is; an unknown one is left out."""
    c, d = certifications.c, date_overrides.c
    facts = select(
        _P.id,
        _P.profile_floor,
        _count(_OFFERED.provider_id == _P.id),
        _count(c.provider_id == _P.id, c.removed_at.is_(None)),
        exists().where(working_hours.c.provider_id == _P.id)
        | exists().where(d.provider_id == _P.id, d.opens.is_not(None)),
    )
    found = {one.id: one for one in await providers.by_ids(connection, provider_ids)}
    rows = await connection.execute(facts.where(_P.id.in_(found)))
    return {
        uid: rules.completion(
            Profile(
                provider=found[uid],
                services=offered,
                certifications=shown,
                has_hours=has_hours,
                floor=floor,
            )
        )
        for uid, floor, offered, shown, has_hours in rows
    }


def _count(*which: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).where(*which).scalar_subquery()


async def _account(tx: AsyncConnection, user_id: UUID) -> User:
    mine = select(*accounts.PUBLIC_COLUMNS).where(users.c.id == user_id)
    return accounts.user_of((await tx.execute(mine.with_for_update(key_share=True))).one())


async def _save(tx: AsyncConnection, before: Provider | None, after: Provider) -> None:
    columns = _columns(after)
    if before is None:
        await clock.check_zone(tx, after.time_zone)
        once = {"id": after.id, "trade": after.trade, "time_zone": after.time_zone}
        await tx.execute(insert(providers_table).values(columns | once))
    else:
        mine = update(providers_table).where(_P.id == after.id)
        await tx.execute(mine.values(columns))


async def _offer(
    tx: AsyncConnection, provider_id: UUID, before: frozenset[UUID], after: frozenset[UUID]
) -> None:
    gone = _OFFERED.service_id.in_(before - after)
    await tx.execute(
        delete(provider_services).where(_OFFERED.provider_id == provider_id).where(gone)
    )
    new = [{"provider_id": provider_id, "service_id": uid} for uid in after - before]
    if new:
        await tx.execute(insert(provider_services), new)


#: What providers write of themselves and a row calls by the same name.
_PLAIN = (
    *("about", "photo_url", "tier", "country", "state_province", "city", "postal_code"),
    *("radius_miles", "years_experience"),
)


def _columns(value: Provider) -> dict[str, Any]:
    rate, point = value.hourly_rate, value.point
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        "hourly_rate_minor": rate.amount_minor if rate else None,
        "hourly_rate_currency": rate.currency if rate else None,
        "brands": list(value.brands),
        "skills": list(value.skills),
        "keywords": list(value.keywords),
        "latitude": point.latitude if point else None,
        "longitude": point.longitude if point else None,
    }
