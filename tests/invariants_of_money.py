"""Do the books keep the promises that no act, race or crash may break?

Reckoned here once more from the rows, so that a fault in the product's own reckoning shows.
"""

from __future__ import annotations

from typing import Final

#: Those about what is paid out.
PAYOUTS: Final = {
    "nobody is paid twice for a period, and a line is paid by one payout, in full (I9)": """
        SELECT p.id FROM payouts p LEFT JOIN payout_lines x ON x.payout_id = p.id
        LEFT JOIN ledger_lines l ON l.id = x.line_id
        GROUP BY p.id HAVING p.amount_minor <> coalesce(sum(l.amount_minor), 0)
        OR p.lines <> count(l.id)
        OR bool_or(l.provider_id <> p.provider_id OR l.currency <> p.currency)
        UNION ALL SELECT min(id::text)::uuid FROM payouts
        GROUP BY provider_id, cycle, period, currency HAVING count(*) > 1
    """,
    "a payout is booked when it was paid, and not before (I9)": """
        SELECT p.id FROM payouts p FULL JOIN
        (SELECT substr(cause, 8) AS payout, posting_id, l.amount_minor FROM ledger_postings s
            JOIN ledger_lines l ON l.posting_id = s.id
            WHERE cause LIKE 'payout:%' AND account = 'PROVIDER') booked
        ON booked.payout = p.id::text
        WHERE (p.paid_at IS NULL) <> (booked.payout IS NULL)
        OR p.amount_minor <> -booked.amount_minor
    """,
    "a line of a provider's is payable or in a payout, and not both (I9)": """
        SELECT l.id FROM ledger_lines l LEFT JOIN payout_lines x ON x.line_id = l.id
        LEFT JOIN payable_lines o ON o.line_id = l.id
        AND (o.provider_id, o.currency, o.amount_minor, o.at)
            = (l.provider_id, l.currency, l.amount_minor, l.at)
        WHERE (l.account = 'PROVIDER' AND l.kind <> 'PAYOUT')
            <> ((x.line_id IS NULL) <> (o.line_id IS NULL))
    """,
}

#: Each promise as the query that finds whatever breaks it.
MONEY: Final = {
    "every posting sums to zero, and so does the ledger (I9)": """
        SELECT posting_id FROM ledger_lines GROUP BY posting_id, currency
        HAVING sum(amount_minor) <> 0
        UNION ALL SELECT id FROM ledger_postings p
        WHERE NOT EXISTS (SELECT FROM ledger_lines l WHERE l.posting_id = p.id)
    """,
    "a customer has as much credit as its lines add up to (I9)": """
        SELECT customer_id, currency FROM
        (SELECT customer_id, currency, sum(amount_minor) AS total FROM ledger_lines
            WHERE account = 'CREDIT' GROUP BY customer_id, currency) lines
        FULL JOIN credit_balances USING (customer_id, currency)
        WHERE coalesce(total, 0) <> coalesce(balance_minor, 0)
    """,
    "what is given back of a payment is the sum of its refunds (I9)": """
        SELECT p.id FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id
        GROUP BY p.id HAVING p.refunded_minor <> coalesce(sum(r.amount_minor - r.excess_minor), 0)
    """,
    "what a booking's payments brought and its refunds took is what the ledger has of it (I9)": """
        WITH money AS (
            SELECT booking_id, received_currency AS currency,
                sum(received_minor - refunded_minor) AS kept,
                coalesce(sum(received_minor - refunded_minor)
                    FILTER (WHERE status = 'MISMATCHED'), 0) AS apart
            FROM payments WHERE received_minor IS NOT NULL
            GROUP BY booking_id, received_currency
        ), excess AS (
            SELECT booking_id, currency, sum(excess_minor) AS excess
            FROM refunds GROUP BY booking_id, currency
        ), booked AS (
            SELECT booking_id, currency,
                coalesce(sum(amount_minor) FILTER (
                    WHERE account IN ('HELD', 'PROVIDER', 'PLATFORM', 'UNALLOCATED')), 0) AS kept,
                coalesce(sum(amount_minor) FILTER (WHERE account = 'UNALLOCATED'), 0) AS apart
            FROM ledger_lines WHERE booking_id IS NOT NULL GROUP BY booking_id, currency
        )
        SELECT booking_id, currency FROM money FULL JOIN excess USING (booking_id, currency)
        FULL JOIN booked USING (booking_id, currency)
        WHERE (coalesce(money.kept, 0) - coalesce(excess, 0),
                coalesce(money.apart, 0) - coalesce(excess, 0))
            <> (coalesce(booked.kept, 0), coalesce(booked.apart, 0))
    """,
    "nothing is held for a booking that is over, and nothing less than nothing (I9)": """
        SELECT b.id FROM ledger_lines l JOIN bookings b ON b.id = l.booking_id
        WHERE l.account = 'HELD' GROUP BY b.id HAVING sum(l.amount_minor) < 0
        OR (sum(l.amount_minor) <> 0
            AND b.status IN ('COMPLETED', 'CANCELLED', 'DECLINED', 'NO_SHOW'))
    """,
    "a provider has the part that the booking says of what was earned, to the penny (I9)": """
        SELECT b.id FROM ledger_lines l JOIN bookings b ON b.id = l.booking_id
        WHERE l.account IN ('PROVIDER', 'PLATFORM')
        AND l.kind IN ('EARNING', 'COMMISSION', 'FEE', 'CLAWBACK')
        GROUP BY b.id HAVING coalesce(sum(l.amount_minor) FILTER (WHERE l.account = 'PROVIDER'), 0)
            <> floor((sum(l.amount_minor) * CASE
                WHEN b.provider_id IS NULL OR b.absent = 'PROVIDER' THEN 0
                ELSE coalesce((b.rules ->> 'provider_share_percent')::int, 80) END + 50) / 100)
    """,
    **PAYOUTS,
    "what Callout gives back to a card is waiting, done or looked at (I10)": """
        SELECT id FROM refunds WHERE (due_at IS NULL) = (status = 'WAITING')
        OR (destination = 'CREDITS' AND status <> 'DONE')
    """,
}
