"""Who might do which of many bookings? Read for all of them in a few statements.

For one booking matching asks its questions with parameters. Here the same questions are asked for
each row of a list of bookings, so that no rule is written down a second time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    any_,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter

from db import (
    batch_areas,
    candidate_facts,
    candidate_filters,
    candidates,
    diaries,
)
from db.candidate_filters import Filters
from db.engine import planned_anew
from db.tables import job_offers, provider_services, providers
from domain.availability import MARGIN
from domain.booking_rules import Advance
from domain.matching import nearby
from domain.offers import OfferState

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import FromClause, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.matching import Candidate, Policy, Work
    from domain.slot_search import Diary

#: So many who might do it are looked for, for each booking: fewer where many bookings wait, so that
#: there are not more than so many to be weighed in all.
MOST: Final = 200
FEWEST: Final = 60
IN_ALL: Final = 20_000

_P, _O = providers.c, job_offers.c
#: Parameters that are the same for all bookings.
_SHARED: Final = frozenset({"at", "record_from", "heard_since", "skip", "limit"})
_NOTHING: Final = UUID(int=0)


async def of_works(
    connection: AsyncConnection, works: Sequence[Work], *, at: datetime, policy: Policy
) -> dict[UUID, tuple[Candidate, ...]]:
    """Who might do each of these bookings: so many at least, or all there are in its reach, and
    whoever has an open offer of it. Their record does not come with them.

    Where bookings lie among the same people, these are read once for all of them, and who is near
    which booking is found out here; for hundreds of bookings in one town the database would look at
    everybody hundreds of times. What asks for something special is asked of the database.
    """
    plain = [work for work in works if _is_plain(work)]
    enough = min(MOST, max(FEWEST, IN_ALL // len(works)))
    async with planned_anew(connection):
        around = await batch_areas.people(connection, plain)
        found = await _holders_of(connection, works, at=at)
        people = await _people(connection, works, {*around, *chain(*found.values())}, at=at)
        parted = await batch_areas.parted(connection, plain)
        nowhere = await batch_areas.unlocated(connection, plain)
        grid = nearby.Grid(people[uid] for uid in around)
        special = [work for work in works if not _is_plain(work)]
        for work in plain:
            near = grid.near(work, enough=enough, may=partial(_may, parted, work))
            found[work.booking_id] += [one.provider_id for one in near]
            if len(near) < enough and work.service_id in nowhere:
                special.append(work)
        best = await _best_of(connection, special, at=at, policy=policy, limit=enough)
        for booking_id, ids in best.items():
            found[booking_id] += ids
        missing = {uid for ids in found.values() for uid in ids if uid not in people}
        people |= await _people(connection, works, missing, at=at)
    return {work.booking_id: _for(work, found[work.booking_id], people) for work in works}


def _is_plain(work: Work) -> bool:
    """Does the work ask nothing but to be near somebody who offers the service?"""
    asks = work.requirements.skills or work.requirements.certifications or work.requested_brand
    return not asks and nearby.can_be_searched(work)


def _may(parted: Container[tuple[UUID, UUID]], work: Work, one: Candidate) -> bool:
    uid = one.provider_id
    return (work.booking_id, uid) not in parted and (work.customer_id, uid) not in parted


async def of_pairs(
    connection: AsyncConnection,
    pairs: Sequence[tuple[Work, UUID]],
    *,
    at: datetime,
    record: bool,
) -> list[Candidate]:
    """All facts about one provider for each booking, in the same order, whatever they are."""
    if not pairs:
        return []
    rows = [candidate_facts.parameters(work, at=at) | {"asked_id": uid} for work, uid in pairs]
    works, ids = [work for work, _ in pairs], [uid for _, uid in pairs]
    async with planned_anew(connection):
        found = await connection.execute(_each(record), _values(rows))
        facts = {(row.booking_id, row.id): row for row in found}
        kept = await _diaries(connection, works, ids, at=at)
    return [
        candidates.candidate(facts[work.booking_id, uid], work, kept[uid]) for work, uid in pairs
    ]


async def _best_of(
    connection: AsyncConnection,
    works: Sequence[Work],
    *,
    at: datetime,
    policy: Policy,
    limit: int,
) -> dict[UUID, list[UUID]]:
    """The most promising for each booking, by all that the database can say."""
    shapes: dict[Filters, list[dict[str, Any]]] = {}
    for work in works:
        shapes.setdefault(Filters.of(work), []).append(_asked(work, at))
    found = {}
    for filters, rows in shapes.items():
        values = _values(rows) | {"skip": 0, "limit": limit}
        for booking_id, ids in await connection.execute(_best(filters, policy), values):
            found[booking_id] = list(ids)
    return found


async def _holders_of(
    connection: AsyncConnection, works: Sequence[Work], *, at: datetime
) -> dict[UUID, list[UUID]]:
    """Who has an open offer of each booking."""
    found: dict[UUID, list[UUID]] = {work.booking_id: [] for work in works}
    values = _values([_asked(work, at) for work in works])
    for booking_id, ids in await connection.execute(_holders(), values):
        found[booking_id] += ids
    return found


def _asked(work: Work, at: datetime) -> dict[str, Any]:
    return candidate_facts.parameters(work, at=at) | candidate_filters.parameters(work, at=at)


async def _people(
    connection: AsyncConnection, works: Sequence[Work], wanted: Iterable[UUID], *, at: datetime
) -> dict[UUID, Candidate]:
    """What is true of the providers whatever the work: without what lies between them and one
    booking or customer, for those of whom that is true are not asked."""
    ids = list(wanted)
    if not ids:
        return {}
    nobodys = dict.fromkeys(("booking_id", "customer_id", "service_id"), _NOTHING)
    values = candidate_facts.parameters(works[0], at=at) | nobodys | {"ids": ids}
    rows = list(await connection.execute(_facts(), values))
    services = list({work.service_id for work in works})
    s = provider_services.c
    offered: dict[UUID, set[UUID]] = {}
    theirs = select(s.provider_id, s.service_id).where(
        s.service_id == any_(bindparam("services", type_=ARRAY(Uuid))),
        s.provider_id == any_(bindparam("ids", type_=ARRAY(Uuid))),
    )
    for provider_id, service_id in await connection.execute(
        theirs, {"services": services, "ids": ids}
    ):
        offered.setdefault(provider_id, set()).add(service_id)
    kept = await _diaries(connection, works, ids, at=at)
    return {
        row.id: replace(
            candidates.candidate(row, works[0], kept[row.id]),
            service_ids=frozenset(offered.get(row.id, ())),
        )
        for row in rows
    }


def _for(
    work: Work, ids: Iterable[UUID], people: Mapping[UUID, Candidate]
) -> tuple[Candidate, ...]:
    found = tuple(people[uid] for uid in dict.fromkeys(ids))
    needed = frozenset(work.requirements.certifications)
    # Who lacks one that the work needs, on the day that it is needed, was not found.
    return tuple(replace(one, certifications=needed) for one in found) if needed else found


async def _diaries(
    connection: AsyncConnection, works: Sequence[Work], ids: Sequence[UUID], *, at: datetime
) -> dict[UUID, Diary]:
    """When the providers work, and what of their time is taken, around all of the work."""
    first = min(work.block.span[0] for work in works)
    last = max(work.block.span[1] for work in works) + MARGIN
    # Where working days are counted from today on, all of them have to be known.
    counts = any(work.rules.advance is Advance.BOOKABLE_DAYS for work in works)
    known_from = min(at, first) if counts else first
    return await diaries.of_providers(
        connection, ids, hours=(known_from - MARGIN, last), work=(first - MARGIN, last)
    )


def _values(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Parameters of many bookings: what differs between them, and what they share."""
    shared = {name: value for name, value in rows[0].items() if name in _SHARED}
    own = [{name: _json(row[name]) for name in row if name not in _SHARED} for row in rows]
    return shared | {"works": own}


def _json(value: Any) -> Any:
    # Ids as the driver makes them are none to JSON.
    return str(value) if isinstance(value, UUID) else value


@lru_cache(maxsize=256)
def _best(filters: Filters, policy: Policy) -> Select[Any]:
    best = candidate_filters.best(filters, policy)
    found = _for_each(best).lateral("best")
    ids = func.array_agg(found.c.id, type_=ARRAY(Uuid))
    works = _works(best)
    booking_id = works.c.booking_id
    return select(booking_id, ids).join_from(works, found, true()).group_by(booking_id)


@cache
def _holders() -> Select[Any]:
    """Who has an open offer of each booking, and still holds what it needs."""
    held = func.array(candidate_facts.valid_certifications(_P).scalar_subquery())
    needed = bindparam("needed", type_=ARRAY(Text))
    asked = (
        select(func.array_agg(_O.provider_id, type_=ARRAY(Uuid)).label("ids"))
        .join(providers, _P.id == _O.provider_id)
        .where(_O.booking_id == bindparam("booking_id", type_=Uuid))
        .where(_O.state == OfferState.OFFERED, held.op("@>")(needed))
    )
    works, found = _works(asked), _for_each(asked).lateral("found")
    return select(works.c.booking_id, found.c.ids).join_from(works, found, found.c.ids.is_not(None))


@cache
def _facts() -> Select[Any]:
    ids = bindparam("ids", type_=ARRAY(Uuid))
    return candidate_facts.query(record=False).where(_P.id == any_(ids))


@cache
def _each(record: bool) -> Select[Any]:
    one = candidate_facts.query(record=record).where(_P.id == bindparam("asked_id", type_=Uuid))
    works, found = _works(one), _for_each(one).lateral("found")
    return select(works.c.booking_id, *found.c).join_from(works, found, true())


def _works(query: Select[Any]) -> FromClause:
    """The bookings that a query is asked for, as rows with what differs between them."""
    differing = {name: type_ for name, type_ in _parameters(query).items() if name not in _SHARED}
    columns = (column(name, type_) for name, type_ in sorted(differing.items()))
    given = func.jsonb_to_recordset(bindparam("works", type_=JSONB))
    return given.table_valued(*columns).render_derived(name="works", with_types=True)


def _for_each(query: Select[Any]) -> Select[Any]:
    """The query, asked for each row of the works instead of once."""

    def put(element: Any, **_: Any) -> Any:
        if isinstance(element, BindParameter) and element.key in own:
            return literal_column(f"works.{element.key}", element.type)
        return None

    own = _parameters(query).keys() - _SHARED
    return cast("Select[Any]", visitors.replacement_traverse(query, {}, put))


def _parameters(query: Select[Any]) -> dict[str, Any]:
    """The types of the parameters that have a name of their own."""
    found = (one for one in visitors.iterate(query) if isinstance(one, BindParameter))
    return {one.key: one.type for one in found if one.required and not one.unique}
