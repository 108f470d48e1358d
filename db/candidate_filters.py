"""Who of all providers is worth a closer look? Hard rules as far as an index or a row answers them.

What is asked here is never stricter than the rule itself: whoever is left out could not have done
the work. The best by a rough score come first (candidate_points).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Date,
    Double,
    Integer,
    Interval,
    Text,
    Time,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    extract,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from db import candidate_facts, candidate_points, coverage, reservations
from db.tables import (
    date_overrides,
    holidays,
    job_offers,
    provider_services,
    providers,
    shifts,
    temporary_zones,
    time_off,
    working_hours,
)
from db.tables import reservations as reservations_table
from db.tables.base import Instant
from domain.matching import DEFAULT_RULES, plain
from domain.offers import OfferState
from domain.places import box, postal_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import CTE, ColumnElement, Select

    from domain.matching import Policy, Work

_P = providers.c
_START: Final[ColumnElement[Any]] = bindparam("starts_at", type_=Instant)
_END: Final[ColumnElement[Any]] = bindparam("ends_at", type_=Instant)
_LATITUDE: Final[ColumnElement[Any]] = bindparam("work_latitude", type_=Double)
_LONGITUDE: Final[ColumnElement[Any]] = bindparam("work_longitude", type_=Double)
#: No two clocks on earth are further apart.
_MARGIN: Final = literal(timedelta(hours=26), Interval)
_INSTANT: Final = literal(timedelta(microseconds=1), Interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The shape of a question: which conditions it has, whatever their values."""

    immediate: bool
    #: Are the coordinates of the work known, and has anybody to go there?
    located: bool
    #: On how many stretches of longitude the reach of the wave lies; none where nothing limits it.
    stretches: int
    branded: bool
    skilled: bool
    certified: bool
    #: How many keywords the work has.
    keywords: int

    @classmethod
    def of(cls, work: Work) -> Filters:
        """The shape of the question about this work."""
        located = work.requirements.on_site and work.point is not None
        return cls(
            immediate=work.immediate,
            located=located,
            stretches=len(_reach(work)) if located else 0,
            branded=bool(plain(work.requested_brand)),
            skilled=bool(work.requirements.skills),
            certified=bool(work.requirements.certifications),
            keywords=len(work.keywords),
        )


def parameters(work: Work, *, at: datetime) -> dict[str, Any]:
    """The values that fill in the shape."""
    start, end = work.block.span
    point = work.point
    values = {
        "starts_at": start,
        "ends_at": end,
        "heard_since": at - DEFAULT_RULES.heartbeat_fresh,
        "country": work.country,
        "city": plain(work.city),
        "prefix": postal_prefix(work.country, work.postal_code),
        "brand": plain(work.requested_brand),
        "skills": [plain(skill) for skill in work.requirements.skills],
        "needed": list(work.requirements.certifications),
        **{f"keyword{number}": word for number, word in enumerate(work.keywords)},
        "work_latitude": point.latitude if point else None,
        "work_longitude": point.longitude if point else None,
        "narrowing": math.cos(math.radians(point.latitude)) if point else None,
    }
    for number, (south, north, west, east) in enumerate(_reach(work)):
        values |= {"south": south, "north": north, f"west{number}": west, f"east{number}": east}
    return values


def best(filters: Filters, policy: Policy) -> Select[Any]:
    """Ids with the points of the rough score and a rough distance, the best first, from `skip` on
    and at most `limit`. The parameters are those of the facts and of `parameters`."""
    near = _near(filters, policy)
    found = union_all(*_streams(filters, policy, near)).subquery("found")
    query = select(found).add_cte(near, nest_here=True).order_by(*_in_order(found.c))
    return query.limit(bindparam("limit", type_=Integer)).offset(bindparam("skip", type_=Integer))


def _near(filters: Filters, policy: Policy) -> CTE:
    """Whom the row of the provider alone does not rule out, with the points that it alone gives."""
    points = candidate_points.of_row(policy, keywords=filters.keywords)
    far = candidate_points.far(located=filters.located)
    query = (
        select(
            *(_P.id, _P.time_zone, _P.country, _P.brands, _P.skills),
            *(points.label("points"), far.label("far")),
        )
        .select_from(providers)
        .where(_P.approved_at.is_not(None), _P.suspended_at.is_(None))
        .where(_P.profile_percent >= DEFAULT_RULES.profile_percent)
    )
    if filters.located:
        query = query.where(_covers(filters))
    return query.cte("near")


def _streams(filters: Filters, policy: Policy, near: CTE) -> Iterator[Select[Any]]:
    """Those near who are on shift, and those who are not, each in the order of all their points.

    Whether somebody is on shift, offers the service and has time costs a look at other rows each.
    So everyone is put into both streams, and is asked only when they come to the front: the streams
    are merged by points until enough are found.
    """
    ways = [("on_shift", policy.on_shift)]
    if not filters.immediate:
        ways.append(("off_shift", policy.off_shift))
    for name, more in ways:
        points = (near.c.points + candidate_points.constant(more)).label("points")
        facts = (near.c.id, near.c.time_zone, near.c.country, near.c.brands, near.c.skills)
        whole = select(*facts, points, near.c.far)
        one = whole.order_by(points.desc(), near.c.far.nulls_last(), near.c.id).subquery(name).c
        on_shift = _is_on_shift(filters, one)
        so = on_shift if name == "on_shift" else ~on_shift
        able = func.coalesce(and_(*_closer_look(filters, one, so)), false())
        yield select(one.id, one.points, one.far).where(able).order_by(*_in_order(one))


def _in_order(one: Any) -> tuple[ColumnElement[Any], ...]:
    return one.points.desc(), one.far.nulls_last(), one.id


def _closer_look(
    filters: Filters, near: Any, so: ColumnElement[bool]
) -> Iterator[ColumnElement[bool]]:
    if filters.branded:
        brand = func.unnest(near.brands).column_valued("brand")
        named = exists(select(brand).where(_plain(brand) == bindparam("brand", type_=Text)))
        yield or_(named, _is_beyond_ascii(near.brands))
    if filters.skilled:
        skill = func.unnest(near.skills).column_valued("skill")
        known = func.array(select(_plain(skill)).scalar_subquery(), type_=ARRAY(Text))
        enough = known.contains(bindparam("skills", type_=ARRAY(Text)))
        yield or_(enough, _is_beyond_ascii(near.skills))
    yield so
    yield _offers(near.id)
    if filters.certified:
        held = candidate_facts.valid_certifications(near).scalar_subquery()
        needed = bindparam("needed", type_=ARRAY(Text))
        yield func.array(held, type_=ARRAY(Text)).contains(needed)
    start, end = func.timezone(near.time_zone, _START), func.timezone(near.time_zone, _END)
    usual = and_(_works(near.id, start), _works(near.id, end - _INSTANT), ~_is_holiday(near, start))
    yield or_(usual, _is_exceptional(near))
    yield ~_off(near.id)
    yield _free(near.id)
    yield ~_answered(near.id)
    yield ~candidate_facts.withdrew(near.id)
    yield ~candidate_facts.blocked(near.id)


def _covers(filters: Filters) -> ColumnElement[bool]:
    """Does the provider come that far, and the wave reach them? An unknown distance never
    disqualifies by itself."""
    covered = coverage.covers_at(_LONGITUDE, _LATITUDE)
    if not filters.stretches:
        return covered
    stretches = (
        _P.longitude.between(bindparam(f"west{n}"), bindparam(f"east{n}"))
        for n in range(filters.stretches)
    )
    within = _P.latitude.between(bindparam("south"), bindparam("north"))
    return and_(covered, or_(_P.coverage.is_(None), and_(within, or_(*stretches))))


def _reach(work: Work) -> list[tuple[float, float, float, float]]:
    if work.point is None or work.reach_miles is None:
        return []
    around = box(work.point, work.reach_miles)
    return [(around.south, around.north, west, east) for west, east in around.longitudes]


def _plain(words: ColumnElement[Any]) -> ColumnElement[Any]:
    spaced = func.regexp_replace(words, literal(r"\s+"), literal(" "), literal("g"))
    return func.lower(func.btrim(spaced))


def _is_beyond_ascii(words: ColumnElement[Any]) -> ColumnElement[bool]:
    """Has any of the words a letter whose case the database may not know? The domain will say."""
    text = func.array_to_string(words, "")
    return func.octet_length(text) != func.char_length(text)


def _offers(provider_id: ColumnElement[Any]) -> ColumnElement[bool]:
    s = provider_services.c
    wanted = bindparam("service_id", type_=Uuid)
    theirs = select(s.provider_id).where(s.provider_id == provider_id, s.service_id == wanted)
    return exists(_one_by_one(theirs))


def _answered(provider_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Is the provider thinking about an offer of this work, or has said no to one?"""
    o = job_offers.c
    mine = and_(o.booking_id == bindparam("booking_id"), o.provider_id == provider_id)
    # Not IN: a list of parameters would be put into this long statement anew each time.
    said = or_(o.state == OfferState.OFFERED, o.state == OfferState.REJECTED)
    return exists().where(mine, said)


def _off(provider_id: ColumnElement[Any]) -> ColumnElement[bool]:
    t = time_off.c
    theirs = select(t.id).where(t.provider_id == provider_id, t.cancelled_at.is_(None))
    then = theirs.where(t.starts_at < _END, t.ends_at > _START)
    return exists(_one_by_one(then))


def _free(provider_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Is no time of the window taken? (The gaps to the neighbours are asked for in the domain.)"""
    r = reservations_table.c
    overlapping = r.during.op("&&")(func.tstzrange(_START, _END))
    other = r.booking_id.is_distinct_from(bindparam("booking_id", type_=Uuid))
    taken = and_(r.provider_id == provider_id, reservations.is_taken(), other)
    return ~exists().where(taken, overlapping)


def _works(provider_id: ColumnElement[Any], wall: ColumnElement[Any]) -> ColumnElement[bool]:
    """Is a wall time in the provider's usual week?"""
    h = working_hours.c
    clock = cast(wall, Time)
    open_then = and_(h.opens <= clock, or_(h.closes > clock, h.closes == literal(time(), Time)))
    day = h.weekday == cast(extract("isodow", wall), Integer)
    return exists().where(h.provider_id == provider_id, day, open_then)


def _is_holiday(near: Any, wall: ColumnElement[Any]) -> ColumnElement[bool]:
    h = holidays.c
    here = or_(h.country.is_(None), h.country == near.country)
    return exists().where(h.day == cast(wall, Date), here)


def _is_exceptional(near: Any) -> ColumnElement[bool]:
    """Does another rule than the usual week's count around then? The domain will say."""
    o, z = date_overrides.c, temporary_zones.c
    before = func.timezone(near.time_zone, _START - _MARGIN)
    after = func.timezone(near.time_zone, _END + _MARGIN)
    first, last = cast(before, Date), cast(after, Date)
    other_hours = exists().where(o.provider_id == near.id, o.day.between(first, last))
    other_zone = exists().where(z.provider_id == near.id, z.first_day <= last, z.last_day >= first)
    clocks_change = (after - before) != (_END + _MARGIN) - (_START - _MARGIN)
    return or_(clocks_change, other_hours, other_zone)


def _is_on_shift(filters: Filters, near: Any) -> ColumnElement[bool]:
    s = shifts.c
    theirs = select(s.provider_id).where(s.provider_id == near.id, s.ended_at.is_(None))
    if filters.immediate:
        theirs = theirs.where(s.heartbeat_at >= bindparam("heard_since", type_=Instant))
    return exists(_one_by_one(theirs))


def _one_by_one(theirs: Select[Any]) -> Select[Any]:
    """Looked up for each provider: without an offset the planner may read everybody's at once."""
    return theirs.offset(literal_column("0"))
