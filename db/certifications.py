"""The papers that providers show: added, taken back, verified and listed.

Lock order: the provider, then their offers. So the same paper is not shown twice at once, and of a
paper taken back and an offer of work that asks for it, the later sees the earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, cast, func, insert, select, update

from db import clock, profiles, providers
from db.ids import new_id
from db.tables import certifications
from db.tables import providers as providers_table
from domain import certifications as rules
from domain.certifications import Certification
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.people import Viewer

_C, _P = certifications.c, providers_table.c


async def add(
    tx: AsyncConnection,
    *,
    by: Viewer,
    code: str,
    name: str,
    issuer: str,
    number: str,
    expires_on: date | None,
) -> Certification:
    """Show a paper, to be verified.

    Raises NotFound for somebody without a profile, InvalidInput, CertificationExists or
    TooManyCertifications.
    """
    await providers.lock(tx, [by.user_id])
    today = await tx.scalar(select(_today()).where(_P.id == by.user_id))
    if today is None:
        raise NotFound("Provider")
    asked = Certification(
        id=new_id(),
        provider_id=by.user_id,
        code=code,
        name=name,
        issuer=issuer,
        number=number,
        expires_on=expires_on,
        added_at=await clock.now(tx),
        today=today,
    )
    shown = (await of_providers(tx, [by.user_id]))[by.user_id]
    added = rules.add(asked, shown)
    await tx.execute(insert(certifications).values(_columns(added)))
    await profiles.changed(tx, by.user_id)
    return added


async def remove(tx: AsyncConnection, *, certification_id: UUID, by: Viewer) -> Certification:
    """Take a paper back: one's own, or as an admin anybody's. Open offers that no longer fit its
    provider without it are withdrawn. Raises NotFound."""
    found = await _locked(tx, certification_id)
    if not found.is_kept_by(by):
        raise NotFound("Certification")
    at = await clock.now(tx)
    await tx.execute(update(certifications).where(_C.id == found.id).values(removed_at=at))
    await profiles.changed(tx, found.provider_id)
    return found


async def verify(tx: AsyncConnection, *, certification_id: UUID, by: Viewer) -> Certification:
    """Find a paper genuine. Twice is the same as once. Raises NotFound."""
    found = await _locked(tx, certification_id)
    verified = rules.verify(found, by=by.user_id, at=await clock.now(tx))
    if verified != found:
        await tx.execute(update(certifications).where(_C.id == found.id).values(_columns(verified)))
        await profiles.changed(tx, found.provider_id)
    return verified


async def by_id(connection: AsyncConnection, certification_id: UUID) -> Certification | None:
    """One paper that is shown, if there is one."""
    row = (await connection.execute(_shown().where(_C.id == certification_id))).one_or_none()
    return certification(row) if row else None


async def of_providers(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, list[Certification]]:
    """The papers that each provider shows, in the order in which they were added."""
    found: dict[UUID, list[Certification]] = {uid: [] for uid in provider_ids}
    query = _shown().where(_C.provider_id.in_(provider_ids)).order_by(_C.id)
    for row in await connection.execute(query):
        found[row.provider_id].append(certification(row))
    return found


async def _locked(tx: AsyncConnection, certification_id: UUID) -> Certification:
    """A paper whose provider is locked. Raises NotFound."""
    seen = await by_id(tx, certification_id)
    if seen is None:
        raise NotFound("Certification")
    await providers.lock(tx, [seen.provider_id])
    # Read again under the lock: of two at once, the later finds what the earlier has done.
    found = await by_id(tx, certification_id)
    if found is None:
        raise NotFound("Certification")
    return found


def _shown() -> Select[Any]:
    own = select(certifications, _today().label("today"))
    return own.join(providers_table, _P.id == _C.provider_id).where(_C.removed_at.is_(None))


def _today() -> ColumnElement[date]:
    """The day it is by the provider's calendar."""
    return cast(func.timezone(_P.time_zone, func.clock_timestamp()), Date)


_PLAIN = (
    *("id", "provider_id", "code", "name", "issuer", "number", "expires_on", "added_at"),
    *("verified_at", "verified_by"),
)


def _columns(value: Certification) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _PLAIN}


def certification(row: Row[Any]) -> Certification:
    """The paper in a row that carries its provider's day too."""
    return Certification(**{name: getattr(row, name) for name in _PLAIN}, today=row.today)
