"""Does the whole database keep the promises that no act, race or crash may break?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from db.bookings import booking
from db.tables import bookings
from domain.bookings import STEPS, Act, BookingStatus

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database

#: Each promise as the query that finds whatever breaks it.
_BREACHES: Final = {
    "one accepted offer for each booking (I1)": """
        SELECT booking_id FROM job_offers WHERE state = 'ACCEPTED'
        GROUP BY booking_id HAVING count(*) > 1
    """,
    "the winner of an offer has the booking (I1)": """
        SELECT o.id FROM job_offers o JOIN bookings b ON b.id = o.booking_id
        WHERE o.state = 'ACCEPTED' AND b.provider_id IS DISTINCT FROM o.provider_id
    """,
    "a booking that is taken or over has no open offer (I1)": """
        SELECT o.id FROM job_offers o JOIN bookings b ON b.id = o.booking_id
        WHERE o.state = 'OFFERED'
        AND (b.provider_id IS NOT NULL OR b.status NOT IN ('PENDING', 'PAID'))
    """,
    "no acceptance after expiry (I7)": """
        SELECT id FROM job_offers WHERE state = 'ACCEPTED' AND resolved_at >= expires_at
    """,
    "no overlapping live time of a provider (I2)": """
        SELECT a.id, b.id FROM reservations a JOIN reservations b
        ON a.provider_id = b.provider_id AND a.id < b.id
        AND a.released_at IS NULL AND b.released_at IS NULL
        AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
    """,
    "live time is that of a booking that takes it, and nothing else's (I2)": """
        SELECT b.id, r.id FROM bookings b FULL JOIN
        (SELECT * FROM reservations WHERE released_at IS NULL) r
        ON r.booking_id = b.id AND r.provider_id = b.provider_id
        AND r.starts_at = b.starts_at AND r.ends_at = b.ends_at
        WHERE (r.id IS NOT NULL) IS DISTINCT FROM (
            b.provider_id IS NOT NULL
            AND b.status NOT IN ('COMPLETED', 'CANCELLED', 'DECLINED', 'NO_SHOW')
        )
    """,
    "no open offer beside the winner's own work": """
        SELECT o.id FROM job_offers o JOIN bookings b ON b.id = o.booking_id
        JOIN reservations r ON r.provider_id = o.provider_id AND r.released_at IS NULL
        AND r.starts_at < b.ends_at + interval '15 minutes'
        AND b.starts_at < r.ends_at + interval '15 minutes'
        WHERE o.state = 'OFFERED'
    """,
    "immediate work is offered to nobody who is off shift": """
        SELECT o.id FROM job_offers o JOIN bookings b ON b.id = o.booking_id
        WHERE o.state = 'OFFERED' AND b.kind = 'IMMEDIATE' AND NOT EXISTS (
            SELECT FROM shifts s WHERE s.provider_id = o.provider_id AND s.ended_at IS NULL
        )
    """,
    "the history of a booking has no gap and ends where the booking stands (I5)": """
        SELECT b.id FROM bookings b LEFT JOIN booking_history h ON h.booking_id = b.id
        GROUP BY b.id HAVING count(h.version) <> b.version OR min(h.version) <> 1
        OR max(h.version) <> b.version
        OR (array_agg(h.after ORDER BY h.version DESC))[1] IS DISTINCT FROM b.status
    """,
    "each line of a history begins where the one before ended (I5)": """
        SELECT booking_id, version FROM (
            SELECT *, lag(after) OVER (PARTITION BY booking_id ORDER BY version) AS was
            FROM booking_history
        ) lines WHERE before IS DISTINCT FROM was
    """,
}


async def check(database: Database) -> None:
    """Assert every promise over all there is."""
    async with database.read() as connection:
        for promise, query in _BREACHES.items():
            found = (await connection.execute(text(query))).all()
            assert not found, f"Broken: {promise}: {found[:3]}"
        assert not await _illegal_steps(connection)
        assert not await _wrong_statuses(connection)


async def _illegal_steps(connection: AsyncConnection) -> list[Any]:
    lines = await connection.execute(
        text("SELECT DISTINCT act, before, after FROM booking_history WHERE act <> 'REQUEST'")
    )
    return [line for line in lines if not _is_legal(*line)]


def _is_legal(act: str, before: str, after: str) -> bool:
    if act == "MATCH":
        return before == after
    return BookingStatus(after) in STEPS[BookingStatus(before)].get(Act(act), frozenset())


async def _wrong_statuses(connection: AsyncConnection) -> list[Any]:
    """The bookings whose kept status is not what their facts say."""
    rows = await connection.execute(bookings.select())
    return [row.id for row in rows if booking(row).status != row.status]
