"""Where is the work done?"""

from __future__ import annotations

import strawberry

from api.access import SIGNED_IN
from api.views import view_of
from domain import places


@strawberry.type(directives=[SIGNED_IN], description="A place on the globe, in degrees.")
@view_of(places.Point)
class Point:
    """A place on the globe, in degrees."""

    latitude: float = strawberry.field(description="Degrees north, from -90 to 90.")
    longitude: float = strawberry.field(description="Degrees east, from -180 to 180.")


@strawberry.type(directives=[SIGNED_IN], description="Where the work is done.")
@view_of(places.Address)
class Address:
    """Where the work is done."""

    line1: str = strawberry.field(description="Street and number.")
    line2: str = strawberry.field(description="Flat, floor, building; may be empty.")
    city: str = strawberry.field(description="City.")
    state_province: str = strawberry.field(description="State, province or county; may be empty.")
    postal_code: str = strawberry.field(description="Postal code.")
    country: str = strawberry.field(description="Country, ISO 3166 alpha-2.")
    point: Point | None = strawberry.field(description="Coordinates, if known.")
