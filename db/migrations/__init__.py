"""Every step the schema has taken, in order; alembic runs them."""
