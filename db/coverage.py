"""Which providers would come to a place? The index on the boxes around their circles says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Double, bindparam, func, or_

from db.tables import providers

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from domain.places import Point

_COVERAGE: Final = providers.c.coverage


def covers(point: Point) -> ColumnElement[bool]:
    """Does the provider come that far, or is it not known? A box is wider than its circle, so the
    domain is asked again."""
    longitude = bindparam(None, point.longitude, type_=Double)
    return covers_at(longitude, bindparam(None, point.latitude, type_=Double))


def covers_at(longitude: ColumnElement[Any], latitude: ColumnElement[Any]) -> ColumnElement[bool]:
    """The same for a place that is told later."""
    # The box of somebody near the antimeridian goes past it, on the one side or the other.
    around = (longitude, longitude + 360.0, longitude - 360.0)
    places = (func.box(func.point(one, latitude)) for one in around)
    return or_(*(_COVERAGE.op("@>")(place) for place in places), _COVERAGE.is_(None))
