"""How promising is a provider by their own row? Rough points and a rough distance, to sort by.

They are reckoned with the numbers of the policy itself, which are part of the statement: everybody
in range is given points, and a constant is reckoned faster than a parameter. What other rows give
points for, but for a certification, is added by whoever looks at those.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Double,
    Integer,
    Numeric,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
)

from db import candidate_facts
from db.tables import providers

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from domain.matching import Policy
    from domain.matching.policies import Tiers

_P = providers.c


def of_row(policy: Policy, *, keywords: int) -> ColumnElement[Any]:
    """The points of a provider for work with so many keywords."""
    certified = exists(candidate_facts.valid_certifications(_P))
    parts = [
        _location(policy),
        _tiered(_P.years_experience, policy.experience),
        _tiered(_rating(policy), policy.rating),
        _tiered(_P.completed_jobs, policy.completed_jobs),
        _tiered(_P.profile_percent, policy.profile),
        case((certified, constant(policy.certified)), else_=constant(0)),
    ]
    if keywords:
        parts.append(_keywords(keywords, policy))
    return reduce(add, parts)


def far(*, located: bool) -> ColumnElement[Any]:
    """Squared degrees, unknown last: something to sort by."""
    if not located:
        return _P.rating * -1
    north = _P.latitude - bindparam("work_latitude", type_=Double)
    apart = func.abs(_P.longitude - bindparam("work_longitude", type_=Double))
    # The short way round, on meridians that lie closer together the further they are from the line.
    east = func.least(apart, 360 - apart) * bindparam("narrowing", type_=Double)
    return north * north + east * east


def constant(value: float) -> ColumnElement[Any]:
    """A number of the policy, as a constant."""
    return literal_column(str(value), Integer if isinstance(value, int) else Numeric)


def _rating(policy: Policy) -> ColumnElement[Any]:
    if policy.unrated is None:
        return _P.rating
    return func.coalesce(_P.rating, constant(policy.unrated))


def _location(policy: Policy) -> ColumnElement[Any]:
    code = func.replace(func.upper(_P.postal_code), " ", "")
    prefix = bindparam("prefix", type_=Text)
    return case(
        (_P.country != bindparam("country", type_=Text), constant(policy.other_country)),
        (and_(prefix != "", func.starts_with(code, prefix)), constant(policy.same_prefix)),
        (func.lower(_P.city) == bindparam("city", type_=Text), constant(policy.same_city)),
        else_=constant(policy.same_country),
    )


def _keywords(number: int, policy: Policy) -> ColumnElement[Any]:
    # One by one: that is several times as quick as counting what two lists share.
    words = (bindparam(f"keyword{one}", type_=Text) for one in range(number))
    matched = (cast(word == any_(_P.keywords), Integer) for word in words)
    counted = func.least(reduce(add, matched), constant(policy.keywords_counted))
    return counted * constant(policy.per_keyword)


def _tiered(value: ColumnElement[Any], tiers: Tiers) -> ColumnElement[Any]:
    if not tiers:
        return constant(0)
    steps = ((value >= constant(least), constant(points)) for least, points in tiers)
    return case(*steps, else_=constant(0))
