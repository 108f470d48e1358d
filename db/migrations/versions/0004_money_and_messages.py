"""Money and messages"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

#: Checks on tables that were there before; alembic does not see these by itself.
_CHECKS = (
    ('bookings', 'lapsed', 'lapsed_at IS NULL OR cancelled_at IS NOT NULL'),
    ('providers', 'pay_cycle', "pay_cycle IN ('WEEKLY', 'MONTHLY')"),
)
#: What is written stays as it is written, and what does not balance is not written.
_LEDGER_RULES = (
    '''
    CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'The ledger is only ever added to; post a line that takes it back.'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_is_append_only';
    END $$
    ''',
    '''
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
    ''',
    '''
    CREATE TRIGGER ledger_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()
    ''',
    '''
    CREATE TRIGGER ledger_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()
    ''',
    '''
    CREATE CONSTRAINT TRIGGER ledger_balances
    AFTER INSERT ON ledger_lines DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_posting_balances()
    ''',
)
#: Whoever writes a line, it is payable from then on.
_PAYABLE_RULES = (
    '''
    CREATE FUNCTION note_payable_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO payable_lines (line_id, provider_id, currency, amount_minor, at)
        SELECT id, provider_id, currency, amount_minor, at FROM new_lines
        WHERE account = 'PROVIDER' AND kind <> 'PAYOUT';
        RETURN NULL;
    END $$
    ''',
    '''
    CREATE TRIGGER ledger_lines_payable
    AFTER INSERT ON ledger_lines REFERENCING NEW TABLE AS new_lines
    FOR EACH STATEMENT EXECUTE FUNCTION note_payable_lines()
    ''',
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table('credit_balances',
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('balance_minor', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('balance_minor >= 0', name=op.f('ck_credit_balances_balance')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_credit_balances_customer_id')),
    sa.PrimaryKeyConstraint('customer_id', 'currency', name=op.f('pk_credit_balances'))
    )
    op.create_table('credit_grants',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('granted_by', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_credit_grants_amount')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_credit_grants_customer_id')),
    sa.ForeignKeyConstraint(['granted_by'], ['users.id'], name=op.f('fk_credit_grants_granted_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_grants'))
    )
    op.create_table('devices',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('platform', sa.Text(), nullable=False),
    sa.Column('token', sa.Text(), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("platform IN ('ANDROID', 'IOS', 'WEB')", name=op.f('ck_devices_platform')),
    sa.CheckConstraint('length(token) BETWEEN 1 AND 4096', name=op.f('ck_devices_token')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_devices_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_devices')),
    sa.UniqueConstraint('token', name=op.f('uq_devices_token'))
    )
    op.create_index('ix_devices_user_id', 'devices', ['user_id'], unique=False)
    op.create_table('notification_preferences',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('wanted', sa.Boolean(), nullable=False),
    sa.CheckConstraint("category IN ('BOOKINGS', 'OFFERS', 'REMINDERS', 'MONEY', 'SUGGESTIONS', 'OPERATIONS')", name=op.f('ck_notification_preferences_category')),
    sa.CheckConstraint("channel IN ('EMAIL', 'SMS', 'PUSH')", name=op.f('ck_notification_preferences_channel')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_notification_preferences_user_id')),
    sa.PrimaryKeyConstraint('user_id', 'category', 'channel', name=op.f('pk_notification_preferences'))
    )
    op.create_table('notifications',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('recipient_id', sa.Uuid(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('subject', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('listed', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("message IN ('BOOKING_REQUESTED', 'BOOKING_APPROVED', 'PROVIDER_ASSIGNED', 'JOB_ASSIGNED', 'BOOKING_CONFIRMED', 'BOOKING_DECLINED', 'BOOKING_RESCHEDULED', 'BOOKING_CANCELLED', 'JOB_CANCELLED', 'PROVIDER_LEFT', 'PREFERRED_LAPSED', 'SEARCH_ENDED', 'BOOKING_UNFILLED', 'PAYMENT_REMINDER', 'PAYMENT_RECEIPT', 'PAYMENT_FAILED', 'PAYMENT_MISMATCHED', 'REFUND_SENT', 'REFUND_FAILED', 'REFUND_MISMATCHED', 'CREDIT_GRANTED', 'BOOKING_REMINDER', 'STARTING_SOON', 'PROVIDER_LATE', 'NO_SHOW', 'COMPLETED', 'WAITLIST_GRANT', 'SERIES_CONFLICT', 'OFFER', 'PAYOUT_SENT', 'PAYOUT_FAILED')", name=op.f('ck_notifications_message')),
    sa.ForeignKeyConstraint(['recipient_id'], ['users.id'], name=op.f('fk_notifications_recipient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notifications')),
    sa.UniqueConstraint('recipient_id', 'message', 'cause', name=op.f('uq_notifications_recipient_id_message_cause'))
    )
    op.create_index('ix_notifications_listed', 'notifications', ['recipient_id', 'id'], unique=False, postgresql_where=sa.text('listed'))
    op.create_index('ix_notifications_unread', 'notifications', ['recipient_id', 'id'], unique=False, postgresql_where=sa.text('listed AND read_at IS NULL'))
    op.create_table('payroll_runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cycle', sa.Text(), nullable=False),
    sa.Column('period', sa.Date(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('asked_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint("cycle IN ('WEEKLY', 'MONTHLY')", name=op.f('ck_payroll_runs_cycle')),
    sa.ForeignKeyConstraint(['asked_by'], ['users.id'], name=op.f('fk_payroll_runs_asked_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payroll_runs')),
    sa.UniqueConstraint('cycle', 'period', name=op.f('uq_payroll_runs_cycle_period'))
    )
    op.create_table('quiet_hours',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('starts', sa.Time(), nullable=False),
    sa.Column('ends', sa.Time(), nullable=False),
    sa.CheckConstraint('starts <> ends', name=op.f('ck_quiet_hours_length')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_quiet_hours_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_quiet_hours'))
    )
    op.create_table('deliveries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('notification_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), server_default='WAITING', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('urgent', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('remote_id', sa.Text(), nullable=True),
    sa.CheckConstraint("(failed_at IS NOT NULL) = (status = 'FAILED')", name=op.f('ck_deliveries_failed')),
    sa.CheckConstraint("(sent_at IS NOT NULL) = (status = 'SENT')", name=op.f('ck_deliveries_sent')),
    sa.CheckConstraint("channel IN ('EMAIL', 'SMS', 'PUSH')", name=op.f('ck_deliveries_channel')),
    sa.CheckConstraint("status IN ('WAITING', 'SENT', 'FAILED', 'DROPPED')", name=op.f('ck_deliveries_status')),
    sa.ForeignKeyConstraint(['notification_id'], ['notifications.id'], name=op.f('fk_deliveries_notification_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('notification_id', 'channel', name=op.f('uq_deliveries_notification_id_channel'))
    )
    op.create_index('ix_deliveries_due_at', 'deliveries', ['channel', 'due_at'], unique=False, postgresql_where=sa.text("status = 'WAITING'"))
    op.create_index('ix_deliveries_failed_at', 'deliveries', ['failed_at'], unique=False, postgresql_where=sa.text("status = 'FAILED'"))
    op.create_table('payouts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('cycle', sa.Text(), nullable=False),
    sa.Column('period', sa.Date(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('lines', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('gateway', sa.Text(), nullable=True),
    sa.Column('gateway_id', sa.Text(), nullable=True),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('tries_before', sa.Integer(), server_default='0', nullable=False),
    sa.Column('refusals', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.CheckConstraint("(due_at IS NOT NULL) = (status = 'WAITING')", name=op.f('ck_payouts_due')),
    sa.CheckConstraint("cycle IN ('WEEKLY', 'MONTHLY')", name=op.f('ck_payouts_cycle')),
    sa.CheckConstraint("status IN ('WAITING', 'PAID', 'FAILED')", name=op.f('ck_payouts_status')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_payouts_amount')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_payouts_provider_id'), deferrable=True, initially='DEFERRED'),
    sa.ForeignKeyConstraint(['run_id'], ['payroll_runs.id'], name=op.f('fk_payouts_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payouts')),
    sa.UniqueConstraint('provider_id', 'cycle', 'period', 'currency', name=op.f('uq_payouts_provider_id_cycle_period_currency'))
    )
    op.create_index('ix_payouts_due_at', 'payouts', ['due_at'], unique=False, postgresql_where=sa.text('due_at IS NOT NULL'))
    op.create_index('ix_payouts_provider_id_id', 'payouts', ['provider_id', 'id'], unique=False)
    op.create_index('ix_payouts_run_id', 'payouts', ['run_id'], unique=False)
    op.create_index('ix_payouts_status_id', 'payouts', ['status', 'id'], unique=False)
    op.create_table('ledger_postings',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_ledger_postings_booking_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_postings')),
    sa.UniqueConstraint('cause', name=op.f('uq_ledger_postings_cause'))
    )
    op.create_table('payments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('method', sa.Text(), nullable=False),
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.Integer(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('gateway_id', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_minor', sa.Integer(), nullable=True),
    sa.Column('received_currency', sa.Text(), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('mismatched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refunded_minor', sa.Integer(), server_default='0', nullable=False),
    sa.CheckConstraint("method IN ('CARD', 'CREDITS')", name=op.f('ck_payments_method')),
    sa.CheckConstraint("purpose IN ('FULL', 'DEPOSIT', 'BALANCE', 'TIP')", name=op.f('ck_payments_purpose')),
    sa.CheckConstraint("status IN ('PENDING', 'PAID', 'MISMATCHED', 'CANCELLED')", name=op.f('ck_payments_status')),
    sa.CheckConstraint('(received_minor IS NULL) = (paid_at IS NULL)', name=op.f('ck_payments_paid')),
    sa.CheckConstraint('(received_minor IS NULL) = (received_currency IS NULL)', name=op.f('ck_payments_received')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_payments_amount')),
    sa.CheckConstraint('refunded_minor BETWEEN 0 AND coalesce(received_minor, 0)', name=op.f('ck_payments_refunded')),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_payments_booking_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_payments_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payments'))
    )
    op.create_index('ix_payments_booking_id_id', 'payments', ['booking_id', 'id'], unique=False)
    op.create_index('ix_payments_customer_id_id', 'payments', ['customer_id', 'id'], unique=False)
    op.create_index('uq_payments_gateway_id', 'payments', ['gateway', 'gateway_id'], unique=True)
    op.create_index('uq_payments_open', 'payments', ['booking_id'], unique=True, postgresql_where=sa.text("status = 'PENDING' AND purpose <> 'TIP'"))
    op.create_index('uq_payments_open_tip', 'payments', ['booking_id'], unique=True, postgresql_where=sa.text("status = 'PENDING' AND purpose = 'TIP'"))
    op.create_table('untold_events',
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('event_id', name=op.f('pk_untold_events'))
    )
    op.create_index('ix_untold_events_since', 'untold_events', ['since'], unique=False)
    op.create_table('reminders',
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('PAYMENT', 'DAY_BEFORE', 'HOUR_BEFORE')", name=op.f('ck_reminders_kind')),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_reminders_booking_id')),
    sa.PrimaryKeyConstraint('booking_id', 'kind', name=op.f('pk_reminders'))
    )
    op.create_index('ix_reminders_due_at', 'reminders', ['due_at'], unique=False, postgresql_where=sa.text('done_at IS NULL'))
    op.create_table('gateway_events',
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=True),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('said', sa.Text(), nullable=True),
    sa.Column('gateway_payment_id', sa.Text(), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.Column('gateway_refund_id', sa.Text(), nullable=True),
    sa.Column('refund_id', sa.Uuid(), nullable=True),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(amount_minor IS NULL) = (currency IS NULL)', name=op.f('ck_gateway_events_sum')),
    sa.CheckConstraint("said IN ('PAID', 'FAILED', 'PROCESSING', 'CANCELLED', 'REFUNDED', 'REFUND_MADE', 'REFUND_FAILED')", name=op.f('ck_gateway_events_said')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_gateway_events_payment_id')),
    sa.PrimaryKeyConstraint('gateway', 'id', name=op.f('pk_gateway_events'))
    )
    op.create_index('ix_gateway_events_payment_id', 'gateway_events', ['payment_id'], unique=False)
    op.create_index('ix_gateway_events_unhandled', 'gateway_events', ['received_at'], unique=False, postgresql_where=sa.text('handled_at IS NULL AND payment_id IS NOT NULL'))
    op.create_table('ledger_lines',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('posting_id', sa.Uuid(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=True),
    sa.Column('provider_id', sa.Uuid(), nullable=True),
    sa.Column('customer_id', sa.Uuid(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(account = 'CREDIT') = (customer_id IS NOT NULL)", name=op.f('ck_ledger_lines_customer')),
    sa.CheckConstraint("(account = 'PROVIDER') = (provider_id IS NOT NULL)", name=op.f('ck_ledger_lines_provider')),
    sa.CheckConstraint("account IN ('OUTSIDE', 'HELD', 'PROVIDER', 'PLATFORM', 'CREDIT', 'UNALLOCATED')", name=op.f('ck_ledger_lines_account')),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f('ck_ledger_lines_currency')),
    sa.CheckConstraint("kind IN ('PAYMENT', 'EARNING', 'COMMISSION', 'TIP', 'FEE', 'REFUND', 'CLAWBACK', 'CREDIT', 'PAYOUT')", name=op.f('ck_ledger_lines_kind')),
    sa.CheckConstraint('amount_minor <> 0', name=op.f('ck_ledger_lines_amount')),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_ledger_lines_booking_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_ledger_lines_customer_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['ledger_postings.id'], name=op.f('fk_ledger_lines_posting_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_ledger_lines_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_lines'))
    )
    op.create_index('ix_ledger_lines_booking_id', 'ledger_lines', ['booking_id'], unique=False, postgresql_where=sa.text('booking_id IS NOT NULL'))
    op.create_index('ix_ledger_lines_customer', 'ledger_lines', ['customer_id', 'id'], unique=False, postgresql_where=sa.text("account = 'CREDIT'"))
    op.create_index('ix_ledger_lines_posting_id', 'ledger_lines', ['posting_id'], unique=False)
    op.create_index('ix_ledger_lines_provider', 'ledger_lines', ['provider_id', 'at'], unique=False, postgresql_where=sa.text("account = 'PROVIDER'"))
    op.create_table('refunds',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('amount_minor', sa.Integer(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('destination', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('asked_by', sa.Uuid(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('gateway_id', sa.Text(), nullable=True),
    sa.Column('found_as', sa.Text(), nullable=True),
    sa.Column('excess_minor', sa.Integer(), server_default='0', nullable=False),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('refusals', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.CheckConstraint("(due_at IS NOT NULL) = (status = 'WAITING')", name=op.f('ck_refunds_due')),
    sa.CheckConstraint("cause IN ('CANCELLED', 'DECLINED', 'NO_SHOW', 'LATE_PAYMENT', 'OVERPAID', 'BY_HAND', 'AT_GATEWAY')", name=op.f('ck_refunds_cause')),
    sa.CheckConstraint("destination IN ('CARD', 'CREDITS')", name=op.f('ck_refunds_destination')),
    sa.CheckConstraint("status IN ('WAITING', 'DONE', 'FAILED')", name=op.f('ck_refunds_status')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_refunds_amount')),
    sa.CheckConstraint('excess_minor BETWEEN 0 AND amount_minor', name=op.f('ck_refunds_excess')),
    sa.CheckConstraint("cause <> 'AT_GATEWAY' OR found_as IS NOT NULL", name=op.f('ck_refunds_found')),
    sa.ForeignKeyConstraint(['asked_by'], ['users.id'], name=op.f('fk_refunds_asked_by')),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_refunds_booking_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_refunds_customer_id')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_refunds_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refunds'))
    )
    op.create_index('ix_refunds_booking_id_id', 'refunds', ['booking_id', 'id'], unique=False)
    op.create_index('ix_refunds_due_at', 'refunds', ['due_at'], unique=False, postgresql_where=sa.text('due_at IS NOT NULL'))
    op.create_index('ix_refunds_payment_id', 'refunds', ['payment_id'], unique=False)
    op.create_index('uq_refunds_gateway_id', 'refunds', ['gateway_id'], unique=True)
    op.create_index('uq_refunds_found_as', 'refunds', ['found_as'], unique=True)
    op.create_index('uq_refunds_cause', 'refunds', ['payment_id', 'cause'], unique=True, postgresql_where=sa.text("cause NOT IN ('BY_HAND', 'AT_GATEWAY')"))
    op.create_table('payout_lines',
    sa.Column('line_id', sa.Uuid(), nullable=False),
    sa.Column('payout_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['line_id'], ['ledger_lines.id'], name=op.f('fk_payout_lines_line_id')),
    sa.ForeignKeyConstraint(['payout_id'], ['payouts.id'], name=op.f('fk_payout_lines_payout_id')),
    sa.PrimaryKeyConstraint('line_id', name=op.f('pk_payout_lines'))
    )
    op.create_index('ix_payout_lines_payout_id_line_id', 'payout_lines', ['payout_id', 'line_id'], unique=False)
    op.create_table('payable_lines',
    sa.Column('line_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['line_id'], ['ledger_lines.id'], name=op.f('fk_payable_lines_line_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_payable_lines_provider_id')),
    sa.PrimaryKeyConstraint('line_id', name=op.f('pk_payable_lines'))
    )
    op.create_index('ix_payable_lines_provider_id_currency', 'payable_lines', ['provider_id', 'currency'], unique=False)
    op.add_column('bookings', sa.Column('lapsed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('providers', sa.Column('pay_cycle', sa.Text(), server_default='WEEKLY', nullable=False))
    op.add_column('providers', sa.Column('payout_account', sa.Text(), nullable=True))
    op.add_column('users', sa.Column('locale', sa.Text(), server_default='en-GB', nullable=False))
    for rule in _LEDGER_RULES + _PAYABLE_RULES:
        op.execute(rule)
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table, name, _ in _CHECKS:
        op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
    op.drop_column('users', 'locale')
    op.drop_column('providers', 'payout_account')
    op.drop_column('providers', 'pay_cycle')
    op.drop_column('bookings', 'lapsed_at')
    op.drop_index('ix_payable_lines_provider_id_currency', table_name='payable_lines')
    op.drop_table('payable_lines')
    op.drop_index('ix_payout_lines_payout_id_line_id', table_name='payout_lines')
    op.drop_table('payout_lines')
    op.drop_index('uq_refunds_found_as', table_name='refunds')
    op.drop_index('uq_refunds_gateway_id', table_name='refunds')
    op.drop_index('ix_refunds_payment_id', table_name='refunds')
    op.drop_index('uq_refunds_cause', table_name='refunds', postgresql_where=sa.text("cause NOT IN ('BY_HAND', 'AT_GATEWAY')"))
    op.drop_index('ix_refunds_due_at', table_name='refunds', postgresql_where=sa.text('due_at IS NOT NULL'))
    op.drop_index('ix_refunds_booking_id_id', table_name='refunds')
    op.drop_table('refunds')
    op.drop_index('ix_ledger_lines_provider', table_name='ledger_lines', postgresql_where=sa.text("account = 'PROVIDER'"))
    op.drop_index('ix_ledger_lines_posting_id', table_name='ledger_lines')
    op.drop_index('ix_ledger_lines_customer', table_name='ledger_lines', postgresql_where=sa.text("account = 'CREDIT'"))
    op.drop_index('ix_ledger_lines_booking_id', table_name='ledger_lines', postgresql_where=sa.text('booking_id IS NOT NULL'))
    op.drop_table('ledger_lines')
    op.drop_index('ix_gateway_events_unhandled', table_name='gateway_events', postgresql_where=sa.text('handled_at IS NULL AND payment_id IS NOT NULL'))
    op.drop_index('ix_gateway_events_payment_id', table_name='gateway_events')
    op.drop_table('gateway_events')
    op.drop_index('ix_reminders_due_at', table_name='reminders', postgresql_where=sa.text('done_at IS NULL'))
    op.drop_table('reminders')
    op.drop_index('ix_untold_events_since', table_name='untold_events')
    op.drop_table('untold_events')
    op.drop_index('uq_payments_open_tip', table_name='payments', postgresql_where=sa.text("status = 'PENDING' AND purpose = 'TIP'"))
    op.drop_index('uq_payments_open', table_name='payments', postgresql_where=sa.text("status = 'PENDING' AND purpose <> 'TIP'"))
    op.drop_index('uq_payments_gateway_id', table_name='payments')
    op.drop_index('ix_payments_customer_id_id', table_name='payments')
    op.drop_index('ix_payments_booking_id_id', table_name='payments')
    op.drop_table('payments')
    op.drop_table('ledger_postings')
    op.drop_index('ix_payouts_status_id', table_name='payouts')
    op.drop_index('ix_payouts_run_id', table_name='payouts')
    op.drop_index('ix_payouts_provider_id_id', table_name='payouts')
    op.drop_index('ix_payouts_due_at', table_name='payouts', postgresql_where=sa.text('due_at IS NOT NULL'))
    op.drop_table('payouts')
    op.drop_index('ix_deliveries_failed_at', table_name='deliveries', postgresql_where=sa.text("status = 'FAILED'"))
    op.drop_index('ix_deliveries_due_at', table_name='deliveries', postgresql_where=sa.text("status = 'WAITING'"))
    op.drop_table('deliveries')
    op.drop_table('quiet_hours')
    op.drop_table('payroll_runs')
    op.drop_index('ix_notifications_unread', table_name='notifications', postgresql_where=sa.text('listed AND read_at IS NULL'))
    op.drop_index('ix_notifications_listed', table_name='notifications', postgresql_where=sa.text('listed'))
    op.drop_table('notifications')
    op.drop_table('notification_preferences')
    op.drop_index('ix_devices_user_id', table_name='devices')
    op.drop_table('devices')
    op.drop_table('credit_grants')
    op.drop_table('credit_balances')
    op.execute('DROP FUNCTION note_payable_lines')
    op.execute('DROP FUNCTION check_posting_balances')
    op.execute('DROP FUNCTION refuse_ledger_change')
