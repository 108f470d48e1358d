"""What customers keep for their next booking: vehicles, addresses, favourite providers."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import metadata

vehicles = Table(
    "vehicles",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("year", Integer, nullable=False),
    Column("make", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("vin", Text),
    Column("plate", Text),
    CheckConstraint("vin ~ '^[A-HJ-NPR-Z0-9]{17}$'", name="vin"),
    Index("ix_vehicles_customer_id_id", "customer_id", "id"),
)

saved_addresses = Table(
    "saved_addresses",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("line1", Text, nullable=False),
    Column("line2", Text, nullable=False, server_default=""),
    Column("city", Text, nullable=False),
    Column("state_province", Text, nullable=False, server_default=""),
    Column("postal_code", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("access_instructions", Text, nullable=False, server_default=""),
    Column("is_default", Boolean, nullable=False),
    CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
    Index("ix_saved_addresses_customer_id_id", "customer_id", "id"),
    # At most one is the default, whatever the code above it does.
    Index(
        "uq_saved_addresses_default",
        "customer_id",
        unique=True,
        postgresql_where=text("is_default"),
    ),
)

favourite_providers = Table(
    "favourite_providers",
    metadata,
    # Ids grow with time: they keep the order in which providers became favourites.
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    UniqueConstraint("customer_id", "provider_id"),
    Index("ix_favourite_providers_customer_id_id", "customer_id", "id"),
)
