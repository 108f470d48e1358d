"""Booking and scheduling in full"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

#: Checks on tables that were there before; alembic does not see these by itself.
_CHECKS = (
    ('booking_history', 'source', "source IN ('CUSTOMER', 'PROVIDER', 'STAFF', 'CALLOUT')"),
    ('bookings', 'absent', "absent IN ('CUSTOMER', 'PROVIDER')"),
    ('bookings', 'fee', 'fee_minor BETWEEN 0 AND price_minor'),
    ('bookings', 'least_fee', 'least_fee_percent BETWEEN 0 AND 100'),
    ('bookings', 'series', '(series_id IS NULL) = (original_start IS NULL)'),
    ('providers', 'daily_cap', 'daily_cap BETWEEN 1 AND 50'),
    ('providers', 'stars', 'stars_sum BETWEEN review_count AND 5 * review_count'),
    ('reservations', 'done', 'NOT done OR released_at IS NOT NULL'),
    ('reservations', 'expiry', '(hold_id IS NULL) = (expires_at IS NULL)'),
    ('reservations', 'owner', 'num_nonnulls(booking_id, hold_id) = 1'),
    ('services', 'rules', "jsonb_typeof(rules) = 'object'"),
    ('services', 'vehicle', "NOT requires_vehicle OR trade = 'MECHANICAL'"),
)
_WAVES = "wave IN ('PREFERRED', 'TARGETED', 'BROADCAST')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table('holidays',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('country', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f('ck_holidays_country')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_holidays')),
    sa.UniqueConstraint('day', 'country', name=op.f('uq_holidays_day_country'), postgresql_nulls_not_distinct=True)
    )
    op.create_table('saved_addresses',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('line1', sa.Text(), nullable=False),
    sa.Column('line2', sa.Text(), server_default='', nullable=False),
    sa.Column('city', sa.Text(), nullable=False),
    sa.Column('state_province', sa.Text(), server_default='', nullable=False),
    sa.Column('postal_code', sa.Text(), nullable=False),
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('access_instructions', sa.Text(), server_default='', nullable=False),
    sa.Column('is_default', sa.Boolean(), nullable=False),
    sa.CheckConstraint('(latitude IS NULL) = (longitude IS NULL)', name=op.f('ck_saved_addresses_coordinates')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_saved_addresses_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_addresses'))
    )
    op.create_index('ix_saved_addresses_customer_id_id', 'saved_addresses', ['customer_id', 'id'], unique=False)
    op.create_index('uq_saved_addresses_default', 'saved_addresses', ['customer_id'], unique=True, postgresql_where=sa.text('is_default'))
    op.create_table('vehicles',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('make', sa.Text(), nullable=False),
    sa.Column('model', sa.Text(), nullable=False),
    sa.Column('vin', sa.Text(), nullable=True),
    sa.Column('plate', sa.Text(), nullable=True),
    sa.CheckConstraint("vin ~ '^[A-HJ-NPR-Z0-9]{17}$'", name=op.f('ck_vehicles_vin')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_vehicles_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vehicles'))
    )
    op.create_index('ix_vehicles_customer_id_id', 'vehicles', ['customer_id', 'id'], unique=False)
    op.create_table('calendar_links',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('octet_length(token_hash) = 32', name=op.f('ck_calendar_links_token_hash')),
    sa.CheckConstraint('revoked_at >= created_at', name=op.f('ck_calendar_links_order')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_calendar_links_created_by')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_calendar_links_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_links')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_calendar_links_token_hash'))
    )
    op.create_index('ix_calendar_links_provider_id_id', 'calendar_links', ['provider_id', 'id'], unique=False)
    op.create_table('date_overrides',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('opens', sa.Time(), nullable=True),
    sa.Column('closes', sa.Time(), nullable=True),
    postgresql.ExcludeConstraint((sa.column('provider_id'), '='), (sa.text("tsrange(day + coalesce(opens, '00:00'), CASE WHEN coalesce(closes, '00:00') = '00:00' THEN day + '1 day'::interval ELSE day + closes END)"), '&&'), using='gist', name='ex_date_overrides_one_set_a_day'),
    sa.CheckConstraint("closes > opens OR closes = '00:00'", name=op.f('ck_date_overrides_order')),
    sa.CheckConstraint('(opens IS NULL) = (closes IS NULL)', name=op.f('ck_date_overrides_times')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_date_overrides_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_date_overrides'))
    )
    op.create_index('ix_date_overrides_provider_id_day', 'date_overrides', ['provider_id', 'day'], unique=False)
    op.create_table('favourite_providers',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_favourite_providers_customer_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_favourite_providers_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_favourite_providers')),
    sa.UniqueConstraint('customer_id', 'provider_id', name=op.f('uq_favourite_providers_customer_id_provider_id'))
    )
    op.create_index('ix_favourite_providers_customer_id_id', 'favourite_providers', ['customer_id', 'id'], unique=False)
    op.create_table('holds',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('line1', sa.Text(), server_default='', nullable=False),
    sa.Column('line2', sa.Text(), server_default='', nullable=False),
    sa.Column('city', sa.Text(), nullable=False),
    sa.Column('state_province', sa.Text(), server_default='', nullable=False),
    sa.Column('postal_code', sa.Text(), nullable=False),
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('waitlist_entry_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ending', sa.Text(), nullable=True),
    sa.CheckConstraint("ending IN ('BOOKED', 'RELEASED', 'REPLACED', 'EXPIRED')", name=op.f('ck_holds_ending')),
    sa.CheckConstraint('(ended_at IS NULL) = (ending IS NULL)', name=op.f('ck_holds_ending_at')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_holds_window')),
    sa.CheckConstraint('expires_at > created_at', name=op.f('ck_holds_expiry')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_holds_customer_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_holds_provider_id')),
    sa.ForeignKeyConstraint(['service_id'], ['services.id'], name=op.f('fk_holds_service_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_holds'))
    )
    op.create_index('ix_holds_customer_id_id', 'holds', ['customer_id', 'id'], unique=False)
    op.create_index('ix_holds_expires_at', 'holds', ['expires_at'], unique=False, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('uq_holds_grant', 'holds', ['waitlist_entry_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL AND waitlist_entry_id IS NOT NULL'))
    op.create_index('uq_holds_open', 'holds', ['customer_id', 'service_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL AND waitlist_entry_id IS NULL'))
    op.create_table('series',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=True),
    sa.Column('preferred_provider_id', sa.Uuid(), nullable=True),
    sa.Column('asked', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('zone', sa.Text(), nullable=False),
    sa.Column('first_local_start', sa.DateTime(), nullable=False),
    sa.Column('rrule', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_until', sa.DateTime(), nullable=True),
    sa.Column('next_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('follows_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('ended_at IS NULL OR next_due_at IS NULL', name=op.f('ck_series_ended')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_series_customer_id')),
    sa.ForeignKeyConstraint(['follows_id'], ['series.id'], name=op.f('fk_series_follows_id')),
    sa.ForeignKeyConstraint(['preferred_provider_id'], ['providers.id'], name=op.f('fk_series_preferred_provider_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_series_provider_id')),
    sa.ForeignKeyConstraint(['service_id'], ['services.id'], name=op.f('fk_series_service_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_series'))
    )
    op.create_index('ix_series_customer_id_id', 'series', ['customer_id', 'id'], unique=False)
    op.create_index('ix_series_next_due_at', 'series', ['next_due_at'], unique=False, postgresql_where=sa.text('next_due_at IS NOT NULL'))
    op.create_table('temporary_zones',
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    postgresql.ExcludeConstraint((sa.column('provider_id'), '='), (sa.text("daterange(first_day, last_day, '[]')"), '&&'), using='gist', name='ex_temporary_zones_one_at_a_time'),
    sa.CheckConstraint('last_day >= first_day', name=op.f('ck_temporary_zones_order')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_temporary_zones_provider_id')),
    sa.PrimaryKeyConstraint('provider_id', 'first_day', name=op.f('pk_temporary_zones'))
    )
    op.create_table('time_off',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=False),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_time_off_window')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_time_off_provider_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['users.id'], name=op.f('fk_time_off_requested_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_time_off'))
    )
    op.create_index('ix_time_off_provider_id_ends_at', 'time_off', ['provider_id', 'ends_at'], unique=False, postgresql_where=sa.text('cancelled_at IS NULL'))
    op.create_index('ix_time_off_provider_id_id', 'time_off', ['provider_id', 'id'], unique=False)
    op.create_table('waitlist_entries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=True),
    sa.Column('line1', sa.Text(), nullable=False),
    sa.Column('line2', sa.Text(), server_default='', nullable=False),
    sa.Column('city', sa.Text(), nullable=False),
    sa.Column('state_province', sa.Text(), server_default='', nullable=False),
    sa.Column('postal_code', sa.Text(), nullable=False),
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('area', sa.Text(), nullable=False),
    sa.Column('earliest', sa.DateTime(timezone=True), nullable=False),
    sa.Column('latest', sa.DateTime(timezone=True), nullable=False),
    sa.Column('joined_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('hold_id', sa.Uuid(), nullable=True),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('latest >= earliest', name=op.f('ck_waitlist_entries_window')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_waitlist_entries_customer_id')),
    sa.ForeignKeyConstraint(['hold_id'], ['holds.id'], name=op.f('fk_waitlist_entries_hold_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_waitlist_entries_provider_id')),
    sa.ForeignKeyConstraint(['service_id'], ['services.id'], name=op.f('fk_waitlist_entries_service_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_waitlist_entries')),
    sa.UniqueConstraint('hold_id', name=op.f('uq_waitlist_entries_hold_id'))
    )
    op.create_index('ix_waitlist_entries_customer_id_joined_at', 'waitlist_entries', ['customer_id', 'joined_at', 'id'], unique=False)
    op.create_index('ix_waitlist_entries_line', 'waitlist_entries', ['service_id', 'area', 'joined_at', 'id'], unique=False, postgresql_where=sa.text('hold_id IS NULL AND left_at IS NULL'))
    op.create_index('ix_waitlist_entries_looked_at', 'waitlist_entries', ['looked_at'], unique=False, postgresql_where=sa.text('hold_id IS NULL AND left_at IS NULL'))
    op.create_index('uq_waitlist_entries_in_line', 'waitlist_entries', ['customer_id', 'service_id'], unique=True, postgresql_where=sa.text('hold_id IS NULL AND left_at IS NULL'))
    op.create_table('reviews',
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('stars', sa.SmallInteger(), nullable=False),
    sa.Column('comment', sa.Text(), server_default='', nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('stars BETWEEN 1 AND 5', name=op.f('ck_reviews_stars')),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_reviews_booking_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_reviews_customer_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_reviews_provider_id')),
    sa.PrimaryKeyConstraint('booking_id', name=op.f('pk_reviews')),
    sa.UniqueConstraint('id', name=op.f('uq_reviews_id'))
    )
    op.create_index('ix_reviews_provider_id_id', 'reviews', ['provider_id', 'id'], unique=False)
    op.create_table('series_occurrences',
    sa.Column('series_id', sa.Uuid(), nullable=False),
    sa.Column('original_start', sa.DateTime(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=True),
    sa.Column('conflict', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('noted_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'CONFLICT') = (conflict IS NOT NULL)", name=op.f('ck_series_occurrences_conflict')),
    sa.CheckConstraint("state <> 'BOOKED' OR booking_id IS NOT NULL", name=op.f('ck_series_occurrences_booking')),
    sa.CheckConstraint("state IN ('BOOKED', 'SKIPPED', 'CONFLICT')", name=op.f('ck_series_occurrences_state')),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_series_occurrences_booking_id')),
    sa.ForeignKeyConstraint(['series_id'], ['series.id'], name=op.f('fk_series_occurrences_series_id')),
    sa.PrimaryKeyConstraint('series_id', 'original_start', name=op.f('pk_series_occurrences')),
    sa.UniqueConstraint('booking_id', name=op.f('uq_series_occurrences_booking_id'))
    )
    op.add_column('booking_history', sa.Column('source', sa.Text(), nullable=True))
    # Through whom a change came, as far as an older line tells.
    op.execute('''
        UPDATE booking_history AS h SET source = CASE
            WHEN h.actor_id IS NULL THEN 'CALLOUT'
            WHEN h.actor_id = b.customer_id THEN 'CUSTOMER'
            WHEN h.actor_id = b.provider_id THEN 'PROVIDER'
            ELSE 'STAFF'
        END
        FROM bookings AS b WHERE b.id = h.booking_id
    ''')
    op.alter_column('booking_history', 'source', nullable=False)
    op.add_column('bookings', sa.Column('vehicle', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True))
    op.add_column('bookings', sa.Column('requested_brand', sa.Text(), server_default='', nullable=False))
    op.add_column('bookings', sa.Column('preferred_provider_id', sa.Uuid(), nullable=True))
    op.add_column('bookings', sa.Column('series_id', sa.Uuid(), nullable=True))
    op.add_column('bookings', sa.Column('original_start', sa.DateTime(), nullable=True))
    op.add_column('bookings', sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False))
    op.add_column('bookings', sa.Column('needs_terms', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('bookings', sa.Column('terms_accepted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('bookings', sa.Column('fee_minor', sa.Integer(), nullable=True))
    op.add_column('bookings', sa.Column('least_fee_percent', sa.Integer(), server_default='0', nullable=False))
    op.add_column('bookings', sa.Column('absent', sa.Text(), nullable=True))
    op.add_column('bookings', sa.Column('evidence', sa.Text(), nullable=True))
    op.add_column('bookings', sa.Column('reschedules', sa.Integer(), server_default='0', nullable=False))
    op.add_column('bookings', sa.Column('match_since', sa.DateTime(timezone=True), nullable=True))
    op.add_column('bookings', sa.Column('rounds_before', sa.Integer(), server_default='0', nullable=False))
    op.create_index('ix_bookings_during', 'bookings', [sa.literal_column('tstzrange(starts_at, ends_at)')], unique=False, postgresql_using='gist')
    op.create_index('ix_bookings_provider_during', 'bookings', ['provider_id', sa.literal_column('tstzrange(starts_at, ends_at)')], unique=False, postgresql_using='gist', postgresql_where=sa.text('provider_id IS NOT NULL'))
    op.create_index('ix_bookings_service_id_starts_at', 'bookings', ['service_id', 'starts_at'], unique=False)
    op.create_index('uq_bookings_occurrence', 'bookings', ['series_id', 'original_start'], unique=True, postgresql_where=sa.text('series_id IS NOT NULL'))
    op.create_foreign_key(op.f('fk_bookings_series_id'), 'bookings', 'series', ['series_id'], ['id'])
    op.create_foreign_key(op.f('fk_bookings_preferred_provider_id'), 'bookings', 'providers', ['preferred_provider_id'], ['id'])
    op.add_column('providers', sa.Column('review_count', sa.Integer(), server_default='0', nullable=False))
    op.add_column('providers', sa.Column('stars_sum', sa.Integer(), server_default='0', nullable=False))
    op.add_column('providers', sa.Column('daily_cap', sa.Integer(), server_default='3', nullable=False))
    op.add_column('providers', sa.Column('availability_version', sa.Integer(), server_default='1', nullable=False))
    op.add_column('reservations', sa.Column('hold_id', sa.Uuid(), nullable=True))
    op.add_column('reservations', sa.Column('before_minutes', sa.Integer(), server_default='0', nullable=False))
    op.add_column('reservations', sa.Column('after_minutes', sa.Integer(), server_default='0', nullable=False))
    op.add_column('reservations', sa.Column('latitude', sa.Double(), nullable=True))
    op.add_column('reservations', sa.Column('longitude', sa.Double(), nullable=True))
    op.add_column('reservations', sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('reservations', sa.Column('done', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.alter_column('reservations', 'booking_id',
               existing_type=sa.UUID(),
               nullable=True)
    op.create_index('ix_reservations_done', 'reservations', ['provider_id', 'starts_at'], unique=False, postgresql_where=sa.text('done'))
    op.create_index('ix_reservations_released', 'reservations', ['provider_id', 'released_at'], unique=False, postgresql_where=sa.text('released_at IS NOT NULL'))
    op.create_index('uq_reservations_live_hold', 'reservations', ['hold_id'], unique=True, postgresql_where=sa.text('live'))
    op.create_foreign_key(op.f('fk_reservations_hold_id'), 'reservations', 'holds', ['hold_id'], ['id'])
    op.add_column('services', sa.Column('terms', sa.Text(), server_default='', nullable=False))
    op.add_column('services', sa.Column('requires_vehicle', sa.Boolean(), server_default='false', nullable=False))
    op.add_column('services', sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False))
    op.add_column('services', sa.Column('version', sa.Integer(), server_default='1', nullable=False))
    # What took a provider's time before kept a quarter of an hour free on either side.
    op.execute('''
        UPDATE reservations AS r SET
            before_minutes = 15,
            after_minutes = 15,
            latitude = b.latitude,
            longitude = b.longitude,
            done = r.released_at IS NOT NULL AND b.completed_at IS NOT NULL
        FROM bookings AS b WHERE b.id = r.booking_id
    ''')
    op.execute('UPDATE bookings SET match_since = requested_at')
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)
    for table in ('bookings', 'job_offers'):
        op.drop_constraint(op.f(f'ck_{table}_wave'), table, type_='check')
        op.create_check_constraint(op.f(f'ck_{table}_wave'), table, _WAVES)


def downgrade() -> None:
    for table in ('bookings', 'job_offers'):
        op.drop_constraint(op.f(f'ck_{table}_wave'), table, type_='check')
        op.create_check_constraint(
            op.f(f'ck_{table}_wave'), table, "wave IN ('TARGETED', 'BROADCAST')"
        )
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column('services', 'version')
    op.drop_column('services', 'rules')
    op.drop_column('services', 'requires_vehicle')
    op.drop_column('services', 'terms')
    op.drop_constraint(op.f('fk_reservations_hold_id'), 'reservations', type_='foreignkey')
    op.drop_index('uq_reservations_live_hold', table_name='reservations', postgresql_where=sa.text('live'))
    op.drop_index('ix_reservations_released', table_name='reservations', postgresql_where=sa.text('released_at IS NOT NULL'))
    op.drop_index('ix_reservations_done', table_name='reservations', postgresql_where=sa.text('done'))
    op.alter_column('reservations', 'booking_id',
               existing_type=sa.UUID(),
               nullable=False)
    op.drop_column('reservations', 'done')
    op.drop_column('reservations', 'expires_at')
    op.drop_column('reservations', 'longitude')
    op.drop_column('reservations', 'latitude')
    op.drop_column('reservations', 'after_minutes')
    op.drop_column('reservations', 'before_minutes')
    op.drop_column('reservations', 'hold_id')
    op.drop_column('providers', 'availability_version')
    op.drop_column('providers', 'daily_cap')
    op.drop_column('providers', 'stars_sum')
    op.drop_column('providers', 'review_count')
    op.drop_constraint(op.f('fk_bookings_preferred_provider_id'), 'bookings', type_='foreignkey')
    op.drop_constraint(op.f('fk_bookings_series_id'), 'bookings', type_='foreignkey')
    op.drop_index('uq_bookings_occurrence', table_name='bookings', postgresql_where=sa.text('series_id IS NOT NULL'))
    op.drop_index('ix_bookings_service_id_starts_at', table_name='bookings')
    op.drop_index('ix_bookings_provider_during', table_name='bookings', postgresql_using='gist', postgresql_where=sa.text('provider_id IS NOT NULL'))
    op.drop_index('ix_bookings_during', table_name='bookings', postgresql_using='gist')
    op.drop_column('bookings', 'rounds_before')
    op.drop_column('bookings', 'match_since')
    op.drop_column('bookings', 'reschedules')
    op.drop_column('bookings', 'evidence')
    op.drop_column('bookings', 'absent')
    op.drop_column('bookings', 'least_fee_percent')
    op.drop_column('bookings', 'fee_minor')
    op.drop_column('bookings', 'terms_accepted_at')
    op.drop_column('bookings', 'needs_terms')
    op.drop_column('bookings', 'rules')
    op.drop_column('bookings', 'original_start')
    op.drop_column('bookings', 'series_id')
    op.drop_column('bookings', 'preferred_provider_id')
    op.drop_column('bookings', 'requested_brand')
    op.drop_column('bookings', 'vehicle')
    op.drop_column('booking_history', 'source')
    op.drop_table('series_occurrences')
    op.drop_index('ix_reviews_provider_id_id', table_name='reviews')
    op.drop_table('reviews')
    op.drop_index('uq_waitlist_entries_in_line', table_name='waitlist_entries', postgresql_where=sa.text('hold_id IS NULL AND left_at IS NULL'))
    op.drop_index('ix_waitlist_entries_looked_at', table_name='waitlist_entries', postgresql_where=sa.text('hold_id IS NULL AND left_at IS NULL'))
    op.drop_index('ix_waitlist_entries_line', table_name='waitlist_entries', postgresql_where=sa.text('hold_id IS NULL AND left_at IS NULL'))
    op.drop_index('ix_waitlist_entries_customer_id_joined_at', table_name='waitlist_entries')
    op.drop_table('waitlist_entries')
    op.drop_index('ix_time_off_provider_id_id', table_name='time_off')
    op.drop_index('ix_time_off_provider_id_ends_at', table_name='time_off', postgresql_where=sa.text('cancelled_at IS NULL'))
    op.drop_table('time_off')
    op.drop_table('temporary_zones')
    op.drop_index('ix_series_next_due_at', table_name='series', postgresql_where=sa.text('next_due_at IS NOT NULL'))
    op.drop_index('ix_series_customer_id_id', table_name='series')
    op.drop_table('series')
    op.drop_index('uq_holds_open', table_name='holds', postgresql_where=sa.text('ended_at IS NULL AND waitlist_entry_id IS NULL'))
    op.drop_index('uq_holds_grant', table_name='holds', postgresql_where=sa.text('ended_at IS NULL AND waitlist_entry_id IS NOT NULL'))
    op.drop_index('ix_holds_expires_at', table_name='holds', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index('ix_holds_customer_id_id', table_name='holds')
    op.drop_table('holds')
    op.drop_index('ix_favourite_providers_customer_id_id', table_name='favourite_providers')
    op.drop_table('favourite_providers')
    op.drop_index('ix_date_overrides_provider_id_day', table_name='date_overrides')
    op.drop_table('date_overrides')
    op.drop_index('ix_calendar_links_provider_id_id', table_name='calendar_links')
    op.drop_table('calendar_links')
    op.drop_index('ix_vehicles_customer_id_id', table_name='vehicles')
    op.drop_table('vehicles')
    op.drop_index('uq_saved_addresses_default', table_name='saved_addresses', postgresql_where=sa.text('is_default'))
    op.drop_index('ix_saved_addresses_customer_id_id', table_name='saved_addresses')
    op.drop_table('saved_addresses')
    op.drop_table('holidays')
