"""Who of thousands is worth a closer look for each of hundreds of bookings?

Everyone is kept in a grid, and looked for around the work from the middle outwards until enough are
found who might do it. What is asked of them is quick to answer and never stricter than the hard
rules.
"""

from __future__ import annotations

from math import cos, floor, radians
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.availability import is_inside_hours
from domain.places import EARTH_RADIUS_MILES, box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from domain.hours import Span
    from domain.matching.rules import Candidate, Work
    from domain.places import Point

#: A cell of the grid is so many degrees wide and high; so many go round the globe.
_CELL: Final = 0.02
_ROUND: Final = round(360 / _CELL)
_MILES_PER_DEGREE: Final = radians(1) * EARTH_RADIUS_MILES
#: Nearer to the poles than this the cells are too narrow to be counted.
_TEMPERATE: Final = 75.0

_Cell: TypeAlias = tuple[int, int]


def can_be_searched(work: Work) -> bool:
    """Is it known where the work is and how far anybody comes for it, and is that no odd place?"""
    if not work.requirements.on_site or work.point is None or work.reach_miles is None:
        return False
    around = box(work.point, work.reach_miles)
    return len(around.longitudes) == 1 and max(-around.south, around.north) < _TEMPERATE


class Grid:
    """People whose places are known, by where they are."""

    def __init__(self, people: Iterable[Candidate]) -> None:
        """Whoever has no coordinates is left out."""
        self._cells: dict[_Cell, list[Candidate]] = {}
        for one in people:
            if one.point is not None:
                self._cells.setdefault(_cell(one.point), []).append(one)
        #: Thousands keep the same hours; each is asked once for each window.
        self._open: dict[Span, dict[int, bool]] = {}

    def near(self, work: Work, *, enough: int, may: Callable[[Candidate], bool]) -> list[Candidate]:
        """The nearest who might do the work: so many at least, or all there are in its reach.

        `may` says of whom else it is not to be thought. Only for work that can be searched.
        """
        point, reach = work.point, work.reach_miles
        assert point is not None
        assert reach is not None
        widest = abs(point.latitude) + reach / _MILES_PER_DEGREE + _CELL
        side = _CELL * _MILES_PER_DEGREE * cos(radians(widest))
        open_ = self._open.setdefault(work.block.span, {})
        found: list[Candidate] = []
        for ring in range(floor(reach / side) + 2):
            found += (
                one
                for cell in _ring(_cell(point), ring)
                for one in self._cells.get(cell, ())
                if _might(work, one, open_) and may(one)
            )
            if len(found) >= enough:
                break
        return found


def _might(work: Work, one: Candidate, open_: dict[int, bool]) -> bool:
    if work.service_id not in one.service_ids or (work.immediate and not one.on_shift):
        return False
    hours = id(one.availability)
    if hours not in open_:
        open_[hours] = is_inside_hours(one.availability, work.block)
    return open_[hours] and not any(
        block.overlaps(work.block) and not block.done for block in one.taken
    )


def _cell(point: Point) -> _Cell:
    return floor(point.latitude / _CELL), floor(point.longitude / _CELL) % _ROUND


def _ring(middle: _Cell, ring: int) -> Iterator[_Cell]:
    """The cells that are so many steps away."""
    row, column = middle
    for down in range(-ring, ring + 1):
        edge = abs(down) == ring
        for right in range(-ring, ring + 1) if edge else (-ring, ring):
            yield row + down, (column + right) % _ROUND
