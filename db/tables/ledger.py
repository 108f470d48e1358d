"""The ledger: append-only, and zero-sum in every transaction. And what a customer has in credit."""

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    Uuid,
    event,
    text,
)

from db.tables.base import Instant, metadata, one_of
from domain.ledger import Account, LineKind

ledger_postings = Table(
    "ledger_postings",
    metadata,
    Column("id", Uuid, primary_key=True),
    # What it is about, such as "payment:…": the same thing is posted once, whatever runs twice.
    Column("cause", Text, nullable=False, unique=True),
    Column("booking_id", Uuid, ForeignKey("bookings.id")),
    Column("at", Instant, nullable=False),
)

ledger_lines = Table(
    "ledger_lines",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("posting_id", Uuid, ForeignKey("ledger_postings.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("booking_id", Uuid, ForeignKey("bookings.id")),
    Column("provider_id", Uuid, ForeignKey("providers.id")),
    Column("customer_id", Uuid, ForeignKey("users.id")),
    Column("at", Instant, nullable=False),
    one_of("account", Account),
    one_of("kind", LineKind),
    CheckConstraint("amount_minor <> 0", name="amount"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    CheckConstraint("(account = 'PROVIDER') = (provider_id IS NOT NULL)", name="provider"),
    CheckConstraint("(account = 'CREDIT') = (customer_id IS NOT NULL)", name="customer"),
    Index("ix_ledger_lines_posting_id", "posting_id"),
    Index(
        "ix_ledger_lines_provider",
        "provider_id",
        "at",
        postgresql_where=text("account = 'PROVIDER'"),
    ),
    Index(
        "ix_ledger_lines_customer",
        "customer_id",
        "id",
        postgresql_where=text("account = 'CREDIT'"),
    ),
    Index(
        "ix_ledger_lines_booking_id",
        "booking_id",
        postgresql_where=text("booking_id IS NOT NULL"),
    ),
)

#: The sum of a customer's credit lines, kept so that no two acts spend the same credit.
credit_balances = Table(
    "credit_balances",
    metadata,
    Column("customer_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("balance_minor", BigInteger, nullable=False),
    CheckConstraint("balance_minor >= 0", name="balance"),
)

#: Credit that staff have given; the ledger has it under the same id.
credit_grants = Table(
    "credit_grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("granted_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount"),
)

#: What is written stays as it is written, and what does not balance is not written.
LEDGER_RULES = (
    """
    CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'The ledger is only ever added to; post a line that takes it back.'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_is_append_only';
    END $$
    """,
    """
    CREATE FUNCTION check_posting_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM ledger_lines WHERE posting_id = NEW.posting_id
            GROUP BY currency HAVING sum(amount_minor) <> 0
        ) THEN
            RAISE EXCEPTION 'Posting % does not sum to zero.', NEW.posting_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balances';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER ledger_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()
    """,
    """
    CREATE TRIGGER ledger_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()
    """,
    """
    CREATE CONSTRAINT TRIGGER ledger_balances
    AFTER INSERT ON ledger_lines DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_posting_balances()
    """,
)

for _rule in LEDGER_RULES:
    event.listen(ledger_lines, "after_create", DDL(_rule.replace("%", "%%")))  # type: ignore[no-untyped-call]  # theirs
