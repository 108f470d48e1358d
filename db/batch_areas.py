"""Who works where many bookings are, and who of them has nothing to do with which booking?"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, Double, Uuid, any_, bindparam, column, func, select, union_all
from sqlalchemy.dialects.postgresql import JSONB

from db.tables import job_offers, provider_blocks, provider_services, providers, withdrawals
from domain.matching import DEFAULT_RULES
from domain.offers import OfferState
from domain.places import box

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.matching import Work

#: Bookings of one service that lie in one square of so many degrees are looked for together.
_SQUARE: Final = 0.5

_P, _S = providers.c, provider_services.c
_BOX: Final = ("south", "north", "west", "east")
_ACTIVE: Final = (
    _P.approved_at.is_not(None)
    & _P.suspended_at.is_(None)
    & (_P.profile_percent >= DEFAULT_RULES.profile_percent)
)


async def people(connection: AsyncConnection, works: Sequence[Work]) -> list[UUID]:
    """The active providers of the services wanted, wherever these bookings' reach goes.

    Only for work that domain.matching.nearby can search.
    """
    given = func.jsonb_to_recordset(bindparam("areas", type_=JSONB))
    sides = (column(name, Double) for name in _BOX)
    area = given.table_valued(column("service_id", Uuid), *sides)
    area = area.render_derived(name="area", with_types=True)
    inside = _P.latitude.between(area.c.south, area.c.north) & _P.longitude.between(
        area.c.west, area.c.east
    )
    query = (
        select(_P.id)
        .join_from(area, providers, inside)
        .join(provider_services, (_S.provider_id == _P.id) & (_S.service_id == area.c.service_id))
        .where(_ACTIVE)
        .distinct()
    )
    return list(await connection.scalars(query, {"areas": _areas(works)}))


async def unlocated(connection: AsyncConnection, works: Sequence[Work]) -> set[UUID]:
    """The services, of those wanted, that some active provider without coordinates offers."""
    query = select(_S.service_id).join(providers, _P.id == _S.provider_id).distinct()
    wanted = _S.service_id == any_(bindparam("services", type_=ARRAY(Uuid)))
    nowhere = query.where(wanted, _ACTIVE, _P.latitude.is_(None))
    services = list({work.service_id for work in works})
    return set(await connection.scalars(nowhere, {"services": services}))


async def parted(connection: AsyncConnection, works: Sequence[Work]) -> set[tuple[UUID, UUID]]:
    """Bookings with the providers who have rejected them or given them back, and customers with the
    providers whom they are not to meet."""
    o, w, b = job_offers.c, withdrawals.c, provider_blocks.c
    of_booking = any_(bindparam("bookings", type_=ARRAY(Uuid)))
    of_customer = any_(bindparam("customers", type_=ARRAY(Uuid)))
    rejected: ColumnElement[bool] = (o.booking_id == of_booking) & (o.state == OfferState.REJECTED)
    query = union_all(
        select(o.booking_id.label("one"), o.provider_id.label("other")).where(rejected),
        select(w.booking_id, w.provider_id).where(w.booking_id == of_booking),
        select(b.customer_id, b.provider_id).where(b.customer_id == of_customer),
    )
    asked = {
        "bookings": [work.booking_id for work in works],
        "customers": list({work.customer_id for work in works}),
    }
    return {(one, other) for one, other in await connection.execute(query, asked)}


def _areas(works: Sequence[Work]) -> list[dict[str, Any]]:
    """A box around each square's bookings, with their reach."""
    squares: dict[tuple[UUID, int, int], list[tuple[float, float, float, float]]] = {}
    for work in works:
        assert work.point is not None
        assert work.reach_miles is not None
        square = floor(work.point.latitude / _SQUARE), floor(work.point.longitude / _SQUARE)
        around = box(work.point, work.reach_miles)
        ((west, east),) = around.longitudes
        sides = around.south, around.north, west, east
        squares.setdefault((work.service_id, *square), []).append(sides)
    return [
        {
            "service_id": str(service_id),
            "south": min(one[0] for one in sides),
            "north": max(one[1] for one in sides),
            "west": min(one[2] for one in sides),
            "east": max(one[3] for one in sides),
        }
        for (service_id, *_), sides in squares.items()
    ]
