"""Dispatch in full"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from db.tables.base import Box

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

#: Checks on tables that were there before; alembic does not see these by itself.
_CHECKS = (
    ('bookings', 'late', 'late_minutes > 0'),
    ('bookings', 'lateness', '(late_minutes IS NULL) = (late_reported_at IS NULL)'),
    ('bookings', 'signature', '(signed_by IS NULL) = (signature_url IS NULL)'),
    ('providers', 'hourly_currency', '(hourly_rate_minor IS NULL) = (hourly_rate_currency IS NULL)'),
    ('providers', 'hourly_rate', 'hourly_rate_minor >= 0'),
    ('providers', 'profile_floor', 'profile_floor BETWEEN 0 AND 100'),
    ('providers', 'profile_percent', 'profile_percent BETWEEN 0 AND 100'),
    ('providers', 'tier', "tier IN ('GENERAL', 'SPECIALIST', 'BRAND_SPECIALIST')"),
)
_WAVES = "wave IN ('PREFERRED', 'TARGETED', 'BROADCAST', 'AUTO')"
_REACH = 'degrees(radius_miles::float8 / 3958.7613) + 0.00001'
_HALF = (
    f'CASE WHEN abs(latitude) + {_REACH} >= 85 THEN 180'
    f' ELSE degrees(asin(sin(radians({_REACH})) / cos(radians(latitude)))) + 0.00001 END'
)
_COVERAGE = (
    f'box(point(longitude - {_HALF}, latitude - ({_REACH})),'
    f' point(longitude + {_HALF}, latitude + ({_REACH})))'
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table('auto_runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', sa.Uuid(), nullable=True),
    sa.Column('waiting', sa.Integer(), nullable=False),
    sa.Column('assigned', sa.Integer(), nullable=False),
    sa.Column('cost', sa.Double(), nullable=False),
    sa.Column('greedy_assigned', sa.Integer(), nullable=False),
    sa.Column('greedy_cost', sa.Double(), nullable=False),
    sa.CheckConstraint('assigned BETWEEN 0 AND waiting', name=op.f('ck_auto_runs_assigned')),
    sa.ForeignKeyConstraint(['asked_by'], ['users.id'], name=op.f('fk_auto_runs_asked_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_auto_runs'))
    )
    op.create_index('ix_auto_runs_at', 'auto_runs', ['at'], unique=False)
    op.create_table('certifications',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('verified_by', sa.Uuid(), nullable=True),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(verified_at IS NULL) = (verified_by IS NULL)', name=op.f('ck_certifications_verification')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_certifications_provider_id')),
    sa.ForeignKeyConstraint(['verified_by'], ['users.id'], name=op.f('fk_certifications_verified_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certifications'))
    )
    op.create_index('ix_certifications_provider_id_id', 'certifications', ['provider_id', 'id'], unique=False)
    op.create_index('uq_certifications_number', 'certifications', ['provider_id', 'issuer', 'number'], unique=True, postgresql_where=sa.text('removed_at IS NULL'))
    op.create_table('provider_blocks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('blocked_by', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('blocked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['blocked_by'], ['users.id'], name=op.f('fk_provider_blocks_blocked_by')),
    sa.ForeignKeyConstraint(['customer_id'], ['users.id'], name=op.f('fk_provider_blocks_customer_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_provider_blocks_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provider_blocks')),
    sa.UniqueConstraint('customer_id', 'provider_id', name=op.f('uq_provider_blocks_customer_id_provider_id'))
    )
    op.create_index('ix_provider_blocks_customer_id_id', 'provider_blocks', ['customer_id', 'id'], unique=False)
    op.create_index('ix_provider_blocks_provider_id', 'provider_blocks', ['provider_id'], unique=False)
    op.create_table('shadow_choices',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('wave', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('policy', sa.Text(), nullable=False),
    sa.Column('live_policy', sa.Text(), nullable=False),
    sa.Column('chosen', postgresql.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('scores', postgresql.ARRAY(sa.Integer()), nullable=False),
    sa.Column('live_chosen', postgresql.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('candidates', sa.Integer(), nullable=False),
    sa.CheckConstraint("wave IN ('PREFERRED', 'TARGETED', 'BROADCAST', 'AUTO')", name=op.f('ck_shadow_choices_wave')),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_shadow_choices_booking_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shadow_choices')),
    sa.UniqueConstraint('booking_id', 'round', 'policy', name=op.f('uq_shadow_choices_booking_id_round_policy'))
    )
    op.create_index('ix_shadow_choices_policy_at', 'shadow_choices', ['policy', 'at'], unique=False)
    op.create_table('withdrawals',
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('provider_id', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['booking_id'], ['bookings.id'], name=op.f('fk_withdrawals_booking_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['providers.id'], name=op.f('fk_withdrawals_provider_id')),
    sa.PrimaryKeyConstraint('booking_id', 'provider_id', name=op.f('pk_withdrawals'))
    )
    op.create_index('ix_withdrawals_provider_id', 'withdrawals', ['provider_id'], unique=False)
    op.add_column('bookings', sa.Column('keywords', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False))
    op.add_column('bookings', sa.Column('requirements', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False))
    op.add_column('bookings', sa.Column('checklist', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('bookings', sa.Column('signed_by', sa.Text(), nullable=True))
    op.add_column('bookings', sa.Column('signature_url', sa.Text(), nullable=True))
    op.add_column('bookings', sa.Column('late_minutes', sa.Integer(), nullable=True))
    op.add_column('bookings', sa.Column('late_reason', sa.Text(), nullable=True))
    op.add_column('bookings', sa.Column('late_reported_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('bookings', sa.Column('broadcasts', sa.Integer(), server_default='0', nullable=False))
    op.add_column('bookings', sa.Column('auto_due_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('bookings', sa.Column('auto_tries', sa.Integer(), server_default='0', nullable=False))
    op.create_index('ix_bookings_auto_due_at', 'bookings', ['auto_due_at'], unique=False, postgresql_where=sa.text('auto_due_at IS NOT NULL'))
    op.create_index('ix_bookings_mine', 'bookings', ['provider_id', 'kind', 'id'], unique=False, postgresql_where=sa.text("provider_id IS NOT NULL AND status IN ('AWAITING_APPROVAL', 'PENDING', 'PAID', 'CONFIRMED', 'IN_PROGRESS')"))
    op.add_column('job_offers', sa.Column('reminders', sa.Integer(), server_default='0', nullable=False))
    op.add_column('job_offers', sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('providers', sa.Column('photo_url', sa.Text(), server_default='', nullable=False))
    op.add_column('providers', sa.Column('hourly_rate_minor', sa.Integer(), nullable=True))
    op.add_column('providers', sa.Column('hourly_rate_currency', sa.Text(), nullable=True))
    op.add_column('providers', sa.Column('tier', sa.Text(), server_default='GENERAL', nullable=False))
    op.add_column('providers', sa.Column('brands', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False))
    op.add_column('providers', sa.Column('skills', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False))
    op.add_column('providers', sa.Column('keywords', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False))
    op.add_column('providers', sa.Column('profile_percent', sa.Integer(), server_default='0', nullable=False))
    op.add_column('providers', sa.Column('profile_floor', sa.Integer(), server_default='0', nullable=False))
    op.add_column('providers', sa.Column('coverage', Box(), sa.Computed(_COVERAGE, persisted=True), nullable=True))
    op.add_column('providers', sa.Column('suspended_because', sa.Text(), nullable=True))
    op.drop_index('ix_provider_services_provider_id', table_name='provider_services')
    op.create_index('ix_provider_services_provider_id_service_id', 'provider_services', ['provider_id', 'service_id'], unique=False)
    op.create_index('ix_providers_unplaced', 'providers', ['id'], unique=False, postgresql_where=sa.text('coverage IS NULL AND approved_at IS NOT NULL AND suspended_at IS NULL'))
    op.create_index('ix_providers_coverage', 'providers', ['coverage'], unique=False, postgresql_using='gist', postgresql_where=sa.text('approved_at IS NOT NULL AND suspended_at IS NULL'))
    op.add_column('reservations', sa.Column('travel_mph', sa.Integer(), server_default='20', nullable=False))
    op.add_column('services', sa.Column('required_skills', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False))
    op.add_column('services', sa.Column('required_certifications', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False))

    # From now on only complete profiles get work, and half of what makes one could not be said
    # before. So those whom the house had approved count as complete enough for good: nobody loses
    # their work by the upgrade, nor by the next thing they say of themselves.
    op.execute('''
        UPDATE providers SET profile_floor = 80 WHERE approved_at IS NOT NULL
    ''')
    op.execute('''
        UPDATE providers AS p SET profile_percent = greatest(
            profile_floor,
            CASE WHEN about <> '' THEN 10 ELSE 0 END
            + CASE WHEN latitude IS NOT NULL THEN 15 ELSE 0 END
            + CASE WHEN years_experience > 0 THEN 5 ELSE 0 END
            + CASE WHEN EXISTS (
                SELECT FROM provider_services AS o WHERE o.provider_id = p.id
            ) THEN 15 ELSE 0 END
            + CASE WHEN EXISTS (
                SELECT FROM working_hours AS h WHERE h.provider_id = p.id
            ) THEN 15 ELSE 0 END
        )
    ''')
    # Work that was booked before asked for no skills; only where it is done is known.
    op.execute('''
        UPDATE bookings AS b SET requirements = '{"on_site": false}'
        FROM services AS s WHERE s.id = b.service_id AND s.mode <> 'ON_SITE'
    ''')
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)
    for table in ('bookings', 'job_offers'):
        op.drop_constraint(op.f(f'ck_{table}_wave'), table, type_='check')
        op.create_check_constraint(op.f(f'ck_{table}_wave'), table, _WAVES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in ('bookings', 'job_offers'):
        op.drop_constraint(op.f(f'ck_{table}_wave'), table, type_='check')
        op.create_check_constraint(
            op.f(f'ck_{table}_wave'), table, "wave IN ('PREFERRED', 'TARGETED', 'BROADCAST')"
        )
    for table, name, _ in _CHECKS:
        op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
    op.drop_column('services', 'required_certifications')
    op.drop_column('services', 'required_skills')
    op.drop_column('reservations', 'travel_mph')
    op.drop_index('ix_provider_services_provider_id_service_id', table_name='provider_services')
    op.create_index('ix_provider_services_provider_id', 'provider_services', ['provider_id'], unique=False)
    op.drop_index('ix_providers_unplaced', table_name='providers', postgresql_where=sa.text('coverage IS NULL AND approved_at IS NOT NULL AND suspended_at IS NULL'))
    op.drop_index('ix_providers_coverage', table_name='providers', postgresql_using='gist', postgresql_where=sa.text('approved_at IS NOT NULL AND suspended_at IS NULL'))
    op.drop_column('providers', 'suspended_because')
    op.drop_column('providers', 'coverage')
    op.drop_column('providers', 'profile_floor')
    op.drop_column('providers', 'profile_percent')
    op.drop_column('providers', 'keywords')
    op.drop_column('providers', 'skills')
    op.drop_column('providers', 'brands')
    op.drop_column('providers', 'tier')
    op.drop_column('providers', 'hourly_rate_currency')
    op.drop_column('providers', 'hourly_rate_minor')
    op.drop_column('providers', 'photo_url')
    op.drop_column('job_offers', 'reminded_at')
    op.drop_column('job_offers', 'reminders')
    op.drop_index('ix_bookings_mine', table_name='bookings', postgresql_where=sa.text("provider_id IS NOT NULL AND status IN ('AWAITING_APPROVAL', 'PENDING', 'PAID', 'CONFIRMED', 'IN_PROGRESS')"))
    op.drop_index('ix_bookings_auto_due_at', table_name='bookings', postgresql_where=sa.text('auto_due_at IS NOT NULL'))
    op.drop_column('bookings', 'auto_tries')
    op.drop_column('bookings', 'auto_due_at')
    op.drop_column('bookings', 'broadcasts')
    op.drop_column('bookings', 'late_reported_at')
    op.drop_column('bookings', 'late_reason')
    op.drop_column('bookings', 'late_minutes')
    op.drop_column('bookings', 'signature_url')
    op.drop_column('bookings', 'signed_by')
    op.drop_column('bookings', 'checklist')
    op.drop_column('bookings', 'requirements')
    op.drop_column('bookings', 'keywords')
    op.drop_index('ix_withdrawals_provider_id', table_name='withdrawals')
    op.drop_table('withdrawals')
    op.drop_index('ix_shadow_choices_policy_at', table_name='shadow_choices')
    op.drop_table('shadow_choices')
    op.drop_index('ix_provider_blocks_provider_id', table_name='provider_blocks')
    op.drop_index('ix_provider_blocks_customer_id_id', table_name='provider_blocks')
    op.drop_table('provider_blocks')
    op.drop_index('uq_certifications_number', table_name='certifications', postgresql_where=sa.text('removed_at IS NULL'))
    op.drop_index('ix_certifications_provider_id_id', table_name='certifications')
    op.drop_table('certifications')
    op.drop_index('ix_auto_runs_at', table_name='auto_runs')
    op.drop_table('auto_runs')
