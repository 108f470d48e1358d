"""The metadata every table hangs on, with one naming rule for constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

if TYPE_CHECKING:
    from enum import StrEnum

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: An instant. Always aware, always UTC on the way out.
Instant = DateTime(timezone=True)


class Box(UserDefinedType[str]):
    """PostgreSQL's box: two corners in a plane. It is only ever computed and searched."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Its name in SQL."""
        return "box"


# So that a database that is compared with these tables is understood.
ischema_names["box"] = Box


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """A text column holds one of an enum's values. (A check can shrink too; a PG enum cannot.)"""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


__all__ = ["Box", "Instant", "Text", "metadata", "one_of"]
