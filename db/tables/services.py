"""The service catalogue."""

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.tables.base import metadata, one_of
from domain.services import ApprovalPolicy, ServiceMode, Trade

services = Table(
    "services",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("trade", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("duration_minutes", Integer, nullable=False),
    Column("price_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("approval", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("terms", Text, nullable=False, server_default=""),
    Column("requires_vehicle", Boolean, nullable=False, server_default="false"),
    # Every booking rule, as db/booking_rules.py keeps them. The defaults of the installation are
    # written out when the service is made, so that a setting changed later changes no service.
    Column("rules", JSONB, nullable=False, server_default="{}"),
    # What a provider has to know and to have shown; booked work keeps its own copy.
    Column("required_skills", ARRAY(Text), nullable=False, server_default="{}"),
    Column("required_certifications", ARRAY(Text), nullable=False, server_default="{}"),
    Column("version", Integer, nullable=False, server_default="1"),
    one_of("trade", Trade),
    one_of("mode", ServiceMode),
    one_of("approval", ApprovalPolicy),
    CheckConstraint("duration_minutes BETWEEN 5 AND 1440", name="duration"),
    CheckConstraint("price_minor >= 0", name="price"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    CheckConstraint("jsonb_typeof(rules) = 'object'", name="rules"),
    CheckConstraint("NOT requires_vehicle OR trade = 'MECHANICAL'", name="vehicle"),
)
