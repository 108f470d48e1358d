"""Does the whole database keep the promises that no act, race or crash may break?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from db.bookings import booking
from db.tables import bookings
from domain.booking_steps import STEPS, Act, BookingStatus
from tests.invariants_of_money import MONEY

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database


def _too_near(one: str, other: str) -> str:
    """Do two stretches overlap, or leave less than the gap that one of them needs? Reckoned here
    once more, so that a fault in the product's own reckoning shows."""
    return (
        f"{one}.starts_at < {other}.ends_at + {_gap(other, one)}"
        f" AND {other}.starts_at < {one}.ends_at + {_gap(one, other)}"
    )


def _gap(earlier: str, later: str) -> str:
    """The larger buffer, or the way between them in whole minutes at the slower speed."""
    return (
        f"make_interval(mins => greatest({earlier}.after_minutes, {later}.before_minutes,"
        f" ceil({_miles(earlier, later)} * 60"
        f" / least({earlier}.travel_mph, {later}.travel_mph)))::int)"
    )


def _miles(here: str, there: str) -> str:
    """By the haversine; nothing where either place is not known (`greatest` leaves nulls out)."""
    north = f"sind(({there}.latitude - {here}.latitude) / 2) ^ 2"
    east = f"sind(({there}.longitude - {here}.longitude) / 2) ^ 2"
    widths = f"cosd({here}.latitude) * cosd({there}.latitude)"
    return f"2 * 6371.0088 / 1.609344 * asin(sqrt({north} + {widths} * {east}))"


#: Provider time that is taken at this moment. An expired hold takes none, swept or not.
_LIVE: Final = """
    live AS (
        SELECT * FROM reservations
        WHERE released_at IS NULL AND (expires_at IS NULL OR expires_at > now())
    )
"""

#: When time was last taken for a booking or a hold, and whether staff set rules aside for it.
_PLACED: Final = """
    placed AS (
        (SELECT DISTINCT ON (booking_id) booking_id AS owner, at,
            source = 'STAFF' AND reason IS NOT NULL AS overridden
        FROM booking_history WHERE act IN ('REQUEST', 'ASSIGN', 'REASSIGN', 'RESCHEDULE', 'RESTORE')
        ORDER BY booking_id, version DESC)
        UNION ALL SELECT id, created_at, FALSE FROM holds
    )
"""

#: Bookings with the room they want around them, as reservations have it.
_WANTED: Final = """
    wanted AS (
        SELECT *, coalesce((rules ->> 'buffer_before_minutes')::int, 15) AS before_minutes,
            coalesce((rules ->> 'buffer_after_minutes')::int, 15) AS after_minutes,
            coalesce((rules ->> 'travel_mph')::int, 20) AS travel_mph
        FROM bookings
    )
"""

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
    "a booking that is taken, over or not agreed to has no open offer (I1)": """
        SELECT o.id FROM job_offers o JOIN bookings b ON b.id = o.booking_id
        WHERE o.state = 'OFFERED'
        AND (b.provider_id IS NOT NULL OR b.status NOT IN ('PENDING', 'PAID')
        OR (b.needs_terms AND b.terms_accepted_at IS NULL))
    """,
    "no offer was accepted, and no work begun, before the terms were": """
        SELECT b.id FROM bookings b LEFT JOIN job_offers o
        ON o.booking_id = b.id AND o.state = 'ACCEPTED'
        WHERE b.needs_terms AND (b.started_at IS NOT NULL OR o.id IS NOT NULL)
        AND (b.terms_accepted_at IS NULL OR b.terms_accepted_at > b.started_at
        OR b.terms_accepted_at > o.resolved_at)
    """,
    "who is out of a booking has neither it nor an open offer of it": """
        SELECT w.booking_id FROM withdrawals w JOIN bookings b ON b.id = w.booking_id
        LEFT JOIN job_offers o ON o.booking_id = b.id AND o.provider_id = w.provider_id
        AND o.state = 'OFFERED'
        WHERE b.provider_id = w.provider_id OR o.id IS NOT NULL
    """,
    "no acceptance after expiry (I7)": """
        SELECT id FROM job_offers WHERE state = 'ACCEPTED' AND resolved_at >= expires_at
    """,
    "what is open to offers is looked after until it is given up": """
        SELECT id FROM bookings WHERE provider_id IS NULL AND status IN ('PENDING', 'PAID')
        AND NOT (needs_terms AND terms_accepted_at IS NULL)
        AND match_due_at IS NULL AND unfilled_at IS NULL
    """,
    "no overlapping live time of a provider (I2)": f"""
        WITH {_LIVE} SELECT a.id, b.id FROM live a JOIN live b
        ON a.provider_id = b.provider_id AND a.id < b.id
        WHERE a.starts_at < b.ends_at AND b.starts_at < a.ends_at
    """,
    "whoever came second keeps the gap to the neighbour, unless rules were set aside (I2)": f"""
        WITH {_LIVE}, {_PLACED} SELECT a.id, b.id FROM live a JOIN live b
        ON a.provider_id = b.provider_id AND a.id < b.id
        JOIN placed first ON first.owner = coalesce(a.booking_id, a.hold_id)
        JOIN placed second ON second.owner = coalesce(b.booking_id, b.hold_id)
        WHERE {_too_near("a", "b")}
        AND NOT CASE WHEN first.at > second.at THEN first.overridden ELSE second.overridden END
    """,
    "a booking that takes time has exactly its window, and no other time is taken (I2)": f"""
        WITH {_WANTED}, owed AS (
            SELECT id, provider_id, starts_at, ends_at, before_minutes, after_minutes,
                latitude, longitude, travel_mph
            FROM wanted WHERE provider_id IS NOT NULL
            AND status NOT IN ('COMPLETED', 'CANCELLED', 'DECLINED', 'NO_SHOW')
        ), kept AS (
            SELECT booking_id, provider_id, starts_at, ends_at, before_minutes, after_minutes,
                latitude, longitude, travel_mph
            FROM reservations WHERE booking_id IS NOT NULL AND released_at IS NULL
        )
        (SELECT 'not taken', * FROM (TABLE owed EXCEPT ALL TABLE kept) missing)
        UNION ALL (SELECT 'not owed', * FROM (TABLE kept EXCEPT ALL TABLE owed) extra)
    """,
    "an open hold has exactly its window, and no hold that is over has any (I2)": f"""
        WITH {_LIVE}, owed AS (
            SELECT id, provider_id, starts_at, ends_at, expires_at FROM holds
            WHERE ended_at IS NULL AND expires_at > now()
        ), kept AS (
            SELECT hold_id, provider_id, starts_at, ends_at, expires_at FROM live
            WHERE hold_id IS NOT NULL
        )
        (SELECT 'not taken', * FROM (TABLE owed EXCEPT ALL TABLE kept) missing)
        UNION ALL (SELECT 'not owed', * FROM (TABLE kept EXCEPT ALL TABLE owed) extra)
    """,
    "what counts as a job done was one": """
        SELECT r.id FROM reservations r LEFT JOIN bookings b ON b.id = r.booking_id
        AND b.provider_id = r.provider_id AND b.starts_at = r.starts_at
        WHERE r.done AND b.status IS DISTINCT FROM 'COMPLETED'
    """,
    "a hold that was booked became a booking while it was open": """
        SELECT h.id FROM holds h LEFT JOIN bookings b ON b.customer_id = h.customer_id
        AND b.service_id = h.service_id AND b.requested_at = h.ended_at
        WHERE h.ending = 'BOOKED' AND (b.id IS NULL OR h.ended_at >= h.expires_at)
    """,
    "neither an offer nor a hold outlives the window's start": """
        SELECT o.id FROM job_offers o JOIN bookings b ON b.id = o.booking_id
        WHERE o.state = 'OFFERED' AND o.expires_at > b.starts_at
        UNION ALL SELECT id FROM holds WHERE expires_at > starts_at
    """,
    "a grant and its entry in the waitlist know each other": """
        SELECT e.id, h.id FROM waitlist_entries e FULL JOIN
        (SELECT * FROM holds WHERE waitlist_entry_id IS NOT NULL) h
        ON h.id = e.hold_id AND h.waitlist_entry_id = e.id
        AND h.customer_id = e.customer_id AND h.service_id = e.service_id
        WHERE coalesce(e.hold_id, h.id) IS NOT NULL AND (e.id IS NULL OR h.id IS NULL
        OR h.provider_id <> coalesce(e.provider_id, h.provider_id)
        OR h.starts_at NOT BETWEEN e.earliest AND e.latest)
    """,
    "nothing is kept for who has left the waitlist": """
        SELECT e.id FROM waitlist_entries e JOIN holds h ON h.id = e.hold_id
        WHERE e.left_at IS NOT NULL AND h.ended_at IS NULL
    """,
    "no open offer beside the provider's own work": f"""
        WITH {_LIVE}, {_WANTED} SELECT o.id, r.id FROM job_offers o
        JOIN wanted b ON b.id = o.booking_id JOIN live r ON r.provider_id = o.provider_id
        WHERE o.state = 'OFFERED' AND {_too_near("b", "r")}
    """,
    "immediate work is offered to nobody who is off shift": """
        SELECT o.id FROM job_offers o JOIN bookings b ON b.id = o.booking_id
        WHERE o.state = 'OFFERED' AND b.kind = 'IMMEDIATE' AND NOT EXISTS (
            SELECT FROM shifts s WHERE s.provider_id = o.provider_id AND s.ended_at IS NULL
        )
    """,
    **MONEY,
    "the history of a booking has no gap and ends where the booking stands (I5)": """
        SELECT b.id FROM bookings b LEFT JOIN booking_history h ON h.booking_id = b.id
        GROUP BY b.id HAVING count(h.version) <> b.version OR min(h.version) <> 1
        OR max(h.version) <> b.version
        OR (array_agg(h.after ORDER BY h.version DESC))[1] IS DISTINCT FROM b.status
    """,
    "each line of a history begins where, and not before, the one before ended (I5)": """
        SELECT booking_id, version FROM (
            SELECT *, lag(after) OVER lines AS was, lag(at) OVER lines AS earlier
            FROM booking_history WINDOW lines AS (PARTITION BY booking_id ORDER BY version)
        ) lines WHERE before IS DISTINCT FROM was OR at < earlier
        OR (act = 'REQUEST') <> (version = 1)
    """,
}


async def check(database: Database) -> None:
    """Assert every promise over all there is."""
    async with database.read() as connection:
        for promise, query in _BREACHES.items():
            found = (await connection.execute(text(query))).all()
            assert not found, f"Broken: {promise}: {found[:3]}"
        illegal = await _illegal_steps(connection)
        assert not illegal, f"Broken: every status path is legal (I5): {illegal[:3]}"
        wrong = await _wrong_statuses(connection)
        assert not wrong, f"Broken: the kept status is the one from the facts: {wrong[:3]}"


async def _illegal_steps(connection: AsyncConnection) -> list[Any]:
    lines = await connection.execute(
        text("SELECT DISTINCT act, before, after FROM booking_history WHERE act <> 'REQUEST'")
    )
    return [line for line in lines if not _is_legal(*line)]


def _is_legal(act: str, before: str, after: str) -> bool:
    # What Callout does by itself (the next wave, giving up) changes no status.
    if act == "MATCH":
        return before == after
    return BookingStatus(after) in STEPS[BookingStatus(before)].get(Act(act), frozenset())


async def _wrong_statuses(connection: AsyncConnection) -> list[Any]:
    """The bookings whose kept status is not what their facts say."""
    rows = await connection.execute(bookings.select())
    return [row.id for row in rows if booking(row).status != row.status]
