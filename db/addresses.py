"""How is an address kept in the columns of a row?"""

from __future__ import annotations

from typing import Any, Final

from domain.places import Address, Point

_PLAIN: Final = ("line1", "line2", "city", "state_province", "postal_code", "country")


def columns(address: Address) -> dict[str, Any]:
    """The columns of an address."""
    return {**{name: getattr(address, name) for name in _PLAIN}, **point_columns(address.point)}


def point_columns(point: Point | None) -> dict[str, float | None]:
    """The columns of a place on the globe, or of none."""
    return {
        "latitude": point.latitude if point else None,
        "longitude": point.longitude if point else None,
    }


def address(row: Any) -> Address:
    """The address in a row."""
    return Address(**{name: getattr(row, name) for name in _PLAIN}, point=point(row))


def point(row: Any) -> Point | None:
    """The place on the globe in a row, if it has one."""
    if row.latitude is None:
        return None
    return Point(latitude=row.latitude, longitude=row.longitude)
