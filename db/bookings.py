"""Bookings: how one is locked, read, saved and listed.

Lock order everywhere: booking, then providers by id, then offers.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import bindparam, false, insert, select, update

from db import addresses, booking_rules, pages, reservations
from db.tables import bookings, history, services
from domain.booking_steps import Act, BookingStatus
from domain.bookings import Booking, BookingKind, Party
from domain.history import HistoryEntry, Source, source
from domain.money import Money
from domain.offers import Wave
from domain.people import Role, Viewer
from domain.refusals import NotFound
from domain.series import SeriesPlace
from domain.services import Requirements
from domain.vehicles import Vehicle
from domain.work import ChecklistItem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.availability import Block
    from domain.bookings import BookingFilter
    from domain.pages import Page, PageRequest

_LOCK: Final = select(bookings).where(bookings.c.id == bindparam("booking")).with_for_update()
_NEWEST_FIRST = pages.Order(columns=(bookings.c.id,), parse=(UUID,), descending=True)


async def lock(tx: AsyncConnection, booking_id: UUID) -> Booking:
    """One booking, kept from every other writer until this transaction ends. Raises NotFound."""
    row = (await tx.execute(_LOCK, {"booking": booking_id})).one_or_none()
    if row is None:
        raise NotFound("Booking")
    return booking(row)


async def lock_for(tx: AsyncConnection, booking_id: UUID, viewer: Viewer) -> Booking:
    """A booking that the viewer is a party to, locked. Raises NotFound."""
    found = await lock(tx, booking_id)
    if not found.is_party(viewer):
        raise NotFound("Booking")
    return found


async def get(connection: AsyncConnection, booking_id: UUID) -> Booking:
    """One booking. Raises NotFound."""
    found = await by_ids(connection, [booking_id])
    if not found:
        raise NotFound("Booking")
    return found[0]


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Booking]:
    """The bookings with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(bookings).where(bookings.c.id.in_(ids)))
    return [booking(row) for row in rows]


async def add(tx: AsyncConnection, new: Booking, *, actor: UUID, reason: str | None = None) -> None:
    """Keep a new booking, its history's first line, and its provider's time if it takes any.

    The caller holds the provider's lock when there is a provider. Raises SlotTaken.
    """
    await tx.execute(insert(bookings), _columns(new))
    at = new.requested_at
    await _remember(tx, None, new, act="REQUEST", actor=actor, reason=reason, at=at)
    if new.provider_id is not None and new.takes_time:
        await reservations.reserve(tx, new.provider_id, new.block)


async def save(
    tx: AsyncConnection,
    before: Booking,
    after: Booking,
    *,
    at: datetime,
    act: Act | str | None = None,
    actor: UUID | None = None,
    reason: str | None = None,
) -> None:
    """Keep what changed, write it into the history, and keep the provider's time in step.

    The caller holds the booking's lock, and the provider's when one is being assigned.
    Raises SlotTaken.
    """
    if after == before:
        return
    new, old = _columns(after), _columns(before)
    changed = {name: value for name, value in new.items() if value != old[name]}
    await tx.execute(update(bookings).where(bookings.c.id == after.id).values(changed))
    if after.version != before.version:
        await _remember(tx, before, after, act=str(act), actor=actor, reason=reason, at=at)
    if _time(before) == _time(after):
        return
    if before.takes_time:
        done = after.completed_at is not None
        await reservations.release(tx, before.id, at=at, done=done)
    if after.provider_id is not None and after.takes_time:
        await reservations.reserve(tx, after.provider_id, after.block)


async def save_searched(
    tx: AsyncConnection,
    changes: Sequence[tuple[Booking, Booking]],
    *,
    at: datetime,
    act: Act | str,
    actor: UUID | None = None,
) -> None:
    """Keep what became of many searches for a provider, as `save` would keep each of them.

    None of the bookings had a provider before. The caller holds all their locks, and those of the
    providers who are being assigned. Raises SlotTaken, after which nothing can be saved.
    """
    changed = [(before, after) for before, after in changes if before != after]
    if not changed:
        return
    rows = [(_columns(before), _columns(after)) for before, after in changed]
    differing = sorted({name for old, new in rows for name in new if old[name] != new[name]})
    own = bookings.c.id == bindparam("saved")
    columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in differing}
    values = [
        {"saved": row["id"]} | {f"new_{name}": row[name] for name in differing} for _, row in rows
    ]
    await tx.execute(update(bookings).where(own).values(columns), values)
    lines = [
        _line(before, after, act=str(act), actor=actor, reason=None, at=at)
        for before, after in changed
        if after.version != before.version
    ]
    if lines:
        await tx.execute(insert(history), lines)
    taken = [
        (after.provider_id, after.block)
        for _, after in changed
        if after.provider_id is not None and after.takes_time
    ]
    await reservations.reserve_all(tx, taken)


def _time(booking: Booking) -> tuple[UUID | None, Block] | None:
    """Whose time a booking takes, and which; None when it takes none."""
    return (booking.provider_id, booking.block) if booking.takes_time else None


async def page(
    connection: AsyncConnection, request: PageRequest, *, viewer: Viewer, only: BookingFilter
) -> Page[Booking]:
    """A page of the bookings that the viewer may see, newest first."""
    return await pages.fetch(connection, _visible(viewer, only), _NEWEST_FIRST, request, booking)


async def count(connection: AsyncConnection, *, viewer: Viewer, only: BookingFilter) -> int:
    """How many bookings the viewer may see."""
    return await pages.count(connection, _visible(viewer, only))


async def in_progress(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, UUID]:
    """The booking each of these providers is working on, for those who are."""
    b = bookings.c
    working = b.provider_id.in_(provider_ids) & (b.status == BookingStatus.IN_PROGRESS)
    rows = await connection.execute(select(b.provider_id, b.id).where(working))
    return {row.provider_id: row.id for row in rows}


async def histories(
    connection: AsyncConnection, booking_ids: Sequence[UUID]
) -> dict[UUID, list[HistoryEntry]]:
    """The history of each booking, oldest first."""
    query = select(history).where(history.c.booking_id.in_(booking_ids)).order_by(history.c.version)
    entries: dict[UUID, list[HistoryEntry]] = {uid: [] for uid in booking_ids}
    for row in await connection.execute(query):
        entries[row.booking_id].append(_entry(row))
    return entries


def _visible(viewer: Viewer, only: BookingFilter) -> Select[Any]:
    query = _filtered(only)
    if viewer.is_staff or viewer.role is Role.ANALYST:
        return query
    if viewer.role is Role.CUSTOMER:
        return query.where(bookings.c.customer_id == viewer.user_id)
    if viewer.role is Role.PROVIDER:
        return query.where(bookings.c.provider_id == viewer.user_id)
    return query.where(false())


def _filtered(only: BookingFilter) -> Select[Any]:
    query = select(bookings)
    if only.statuses is not None:
        query = query.where(bookings.c.status.in_(only.statuses))
    if only.kind is not None:
        query = query.where(bookings.c.kind == only.kind)
    if only.trade is not None:
        of_trade = select(services.c.id).where(services.c.trade == only.trade)
        query = query.where(bookings.c.service_id.in_(of_trade))
    if only.starts_from is not None:
        query = query.where(bookings.c.starts_at >= only.starts_from)
    if only.starts_before is not None:
        query = query.where(bookings.c.starts_at < only.starts_before)
    return query


async def _remember(
    tx: AsyncConnection,
    before: Booking | None,
    after: Booking,
    *,
    act: str,
    actor: UUID | None,
    reason: str | None,
    at: datetime,
) -> None:
    line = _line(before, after, act=act, actor=actor, reason=reason, at=at)
    await tx.execute(insert(history), line)


def _line(
    before: Booking | None,
    after: Booking,
    *,
    act: str,
    actor: UUID | None,
    reason: str | None,
    at: datetime,
) -> dict[str, Any]:
    return {
        "booking_id": after.id,
        "version": after.version,
        "at": at,
        "act": act,
        "actor_id": actor,
        "source": source(before, after, actor),
        "before": before.status if before else None,
        "after": after.status,
        "reason": reason,
    }


#: Facts that a booking and its row call by the same name.
_PLAIN = (
    *("id", "customer_id", "service_id", "provider_id", "starts_at", "ends_at"),
    *("access_instructions", "special_requirements", "concern", "requested_brand"),
    *("preferred_provider_id", "needs_approval", "needs_terms", "requested_at", "approved_at"),
    *("terms_accepted_at", "paid_at", "assigned_at", "started_at", "completed_at"),
    *(
        "cancelled_at",
        "declined_at",
        "no_show_at",
        "unfilled_at",
        "lapsed_at",
        "version",
        "cancel_reason",
    ),
    *(
        "fee_minor",
        "least_fee_percent",
        "evidence",
        "reschedules",
        "completion_notes",
        "match_since",
        "round",
    ),
    *("rounds_before", "broadcasts", "match_due_at", "auto_due_at", "auto_tries"),
    *("signed_by", "signature_url", "late_minutes", "late_reason", "late_reported_at"),
)


def _columns(value: Booking) -> dict[str, Any]:
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        **addresses.columns(value.address),
        "kind": value.kind,
        "status": value.status,
        "wave": value.wave,
        "absent": value.absent,
        "vehicle": asdict(value.vehicle) if value.vehicle else None,
        "series_id": value.series.series_id if value.series else None,
        "original_start": value.series.original_start if value.series else None,
        "rules": booking_rules.columns(value.rules),
        "price_minor": value.price.amount_minor,
        "currency": value.price.currency,
        "keywords": list(value.keywords),
        "requirements": asdict(value.requirements),
        "photo_urls": list(value.photo_urls),
        "checklist": [asdict(item) for item in value.checklist],
    }


def booking(row: Row[Any]) -> Booking:
    """The booking in a row."""
    return Booking(
        **{name: getattr(row, name) for name in _PLAIN},
        kind=BookingKind(row.kind),
        wave=Wave(row.wave) if row.wave else None,
        absent=Party(row.absent) if row.absent else None,
        vehicle=Vehicle(**row.vehicle) if row.vehicle else None,
        series=_series(row),
        address=addresses.address(row),
        rules=booking_rules.rules(row.rules),
        price=Money(amount_minor=row.price_minor, currency=row.currency),
        keywords=tuple(row.keywords),
        requirements=_requirements(row.requirements),
        photo_urls=tuple(row.photo_urls),
        checklist=tuple(ChecklistItem(**item) for item in row.checklist),
    )


def _requirements(kept: dict[str, Any]) -> Requirements:
    # Work that was booked before there were any has none of them.
    return Requirements(
        skills=tuple(kept.get("skills", ())),
        certifications=tuple(kept.get("certifications", ())),
        on_site=kept.get("on_site", True),
    )


def _series(row: Row[Any]) -> SeriesPlace | None:
    if row.series_id is None:
        return None
    return SeriesPlace(series_id=row.series_id, original_start=row.original_start)


def _entry(row: Row[Any]) -> HistoryEntry:
    return HistoryEntry(
        booking_id=row.booking_id,
        version=row.version,
        at=row.at,
        act=row.act,
        actor_id=row.actor_id,
        source=Source(row.source),
        before=BookingStatus(row.before) if row.before else None,
        after=BookingStatus(row.after),
        reason=row.reason,
    )
