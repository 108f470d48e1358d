"""Payroll: its runs, what each pays out, and which ledger lines that settles."""

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    event,
    text,
)

from db.tables.base import Instant, metadata, one_of
from domain.payouts import PayCycle, PayoutStatus

payroll_runs = Table(
    "payroll_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("cycle", Text, nullable=False),
    Column("period", Date, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("asked_by", Uuid, ForeignKey("users.id")),
    one_of("cycle", PayCycle),
    UniqueConstraint("cycle", "period"),
)

payouts = Table(
    "payouts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("run_id", Uuid, ForeignKey("payroll_runs.id"), nullable=False),
    # Looked at when a payroll commits: its look holds the providers' rows, for which everybody who
    # takes work would have to wait until then.
    Column(
        "provider_id",
        Uuid,
        ForeignKey("providers.id", deferrable=True, initially="DEFERRED"),
        nullable=False,
    ),
    Column("cycle", Text, nullable=False),
    Column("period", Date, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("lines", Integer, nullable=False),
    # Computed by domain.payouts from the facts, written with them, kept for the indexes.
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("gateway", Text),
    Column("gateway_id", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("tries_before", Integer, nullable=False, server_default="0"),
    Column("refusals", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant),
    Column("paid_at", Instant),
    Column("failed_at", Instant),
    Column("failure", Text),
    one_of("cycle", PayCycle),
    one_of("status", PayoutStatus),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("(due_at IS NOT NULL) = (status = 'WAITING')", name="due"),
    # Nobody is paid twice for a period.
    UniqueConstraint("provider_id", "cycle", "period", "currency"),
    Index("ix_payouts_provider_id_id", "provider_id", "id"),
    Index("ix_payouts_run_id", "run_id"),
    Index("ix_payouts_status_id", "status", "id"),
    Index("ix_payouts_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

#: Which payout settles which line of a provider's: each line is paid once.
payout_lines = Table(
    "payout_lines",
    metadata,
    Column("line_id", Uuid, ForeignKey("ledger_lines.id"), primary_key=True),
    Column("payout_id", Uuid, ForeignKey("payouts.id"), nullable=False),
    Index("ix_payout_lines_payout_id_line_id", "payout_id", "line_id"),
)

#: The lines of providers' that no payout has taken yet, kept apart so that a payroll reads what is
#: open and not all that was ever paid. A line never changes, so its facts can be here as well.
payable_lines = Table(
    "payable_lines",
    metadata,
    Column("line_id", Uuid, ForeignKey("ledger_lines.id"), primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_payable_lines_provider_id_currency", "provider_id", "currency"),
)

#: Whoever writes a line, it is payable from then on.
PAYABLE_RULES = (
    """
    CREATE FUNCTION note_payable_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO payable_lines (line_id, provider_id, currency, amount_minor, at)
        SELECT id, provider_id, currency, amount_minor, at FROM new_lines
        WHERE account = 'PROVIDER' AND kind <> 'PAYOUT';
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER ledger_lines_payable
    AFTER INSERT ON ledger_lines REFERENCING NEW TABLE AS new_lines
    FOR EACH STATEMENT EXECUTE FUNCTION note_payable_lines()
    """,
)

for _rule in PAYABLE_RULES:
    event.listen(payable_lines, "after_create", DDL(_rule))  # type: ignore[no-untyped-call]  # theirs
