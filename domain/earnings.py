"""What has a provider earned, day by day, and where is the money now?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.ledger import LineKind
from domain.money import Money
from domain.people import STAFF, Role, whose
from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from uuid import UUID

    from domain.people import Viewer

#: The most days that can be asked for at a time.
LONGEST: Final = 366
#: No days but these: clocks cannot be read at either end of time.
EARLIEST: Final = date(1970, 1, 1)
LATEST: Final = date(9998, 12, 31)

_DAY: Final = timedelta(days=1)


class EarningsBy(StrEnum):
    """What stretch of days a bucket is of."""

    DAY = "DAY"
    #: From Monday to Sunday.
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLine:
    """What a provider's lines of one kind and currency come to on one of their days."""

    day: date
    kind: LineKind
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a provider's money in one currency is, of all that there ever was, in minor units."""

    #: Their share of what is held for work that they have, and that is not done yet.
    pending: int = 0
    #: Earned, and in no payout yet.
    payable: int = 0
    #: In a payout that is on its way, or has failed.
    in_payout: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What came of a stretch of days, the first and the last included."""

    first_day: date
    last_day: date
    earned: Money
    tips: Money
    fees: Money
    clawbacks: Money
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyEarnings:
    """What came of it in one currency."""

    currency: str
    buckets: tuple[Bucket, ...]
    total: Money
    pending: Money
    payable: Money
    in_payout: Money
    paid: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Earnings:
    """What a provider has earned, by the dates of their own zone."""

    provider_id: UUID
    time_zone: str
    #: In the order of their codes; those that neither the days nor the balances know are left out.
    currencies: tuple[CurrencyEarnings, ...]


def of_whom(viewer: Viewer, provider_id: UUID | None) -> UUID:
    """Whose earnings the viewer reads: a provider their own, staff and analysts anybody's.

    Raises NotFound for somebody else's, or InvalidInput where those do not say whose.
    """
    return whose(viewer, provider_id, open_to={*STAFF, Role.ANALYST})


def check_days(first: date, last: date) -> None:
    """Are these days that can be asked for? Raises InvalidInput."""
    if last < first:
        message, name = "End on the first day, or later.", "to"
    elif last - first >= LONGEST * _DAY:
        message, name = f"Ask for at most {LONGEST} days at a time.", "to"
    elif first < EARLIEST or last > LATEST:
        message, name = f"Ask for days from {EARLIEST} to {LATEST}.", "from"
    else:
        return
    raise InvalidInput(FieldError(path=(name,), message=message))


def told(
    lines: Iterable[DayLine],
    whereabouts: Mapping[str, Whereabouts],
    *,
    first: date,
    last: date,
    by: EarningsBy,
) -> tuple[CurrencyEarnings, ...]:
    """What came of it in each currency, bucket by bucket, with those in which nothing did."""
    stretches = tuple(_stretches(first, last, by))
    summed: dict[str, dict[tuple[date, LineKind], int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        begun = max(first, _begun(line.day, by))
        summed[line.amount.currency][begun, line.kind] += line.amount.amount_minor
    return tuple(
        _of_currency(
            currency, stretches, summed[currency], whereabouts.get(currency, Whereabouts())
        )
        for currency in sorted(summed.keys() | whereabouts.keys())
    )


def _of_currency(
    currency: str,
    stretches: Iterable[tuple[date, date]],
    summed: Mapping[tuple[date, LineKind], int],
    where: Whereabouts,
) -> CurrencyEarnings:
    def money(minor: int) -> Money:
        return Money(amount_minor=minor, currency=currency)

    def bucket(first_day: date, last_day: date) -> Bucket:
        by_kind = {kind: summed.get((first_day, kind), 0) for kind in LineKind}
        return Bucket(
            first_day=first_day,
            last_day=last_day,
            earned=money(by_kind[LineKind.EARNING]),
            tips=money(by_kind[LineKind.TIP]),
            fees=money(by_kind[LineKind.FEE]),
            clawbacks=money(by_kind[LineKind.CLAWBACK]),
            total=money(sum(by_kind.values())),
        )

    return CurrencyEarnings(
        currency=currency,
        buckets=tuple(bucket(*one) for one in stretches),
        total=money(sum(summed.values())),
        pending=money(where.pending),
        payable=money(where.payable),
        in_payout=money(where.in_payout),
        paid=money(where.paid),
    )


def _stretches(first: date, last: date, by: EarningsBy) -> Iterator[tuple[date, date]]:
    """The stretches that touch the days, cut off at both ends."""
    begin = first
    for day in (first + number * _DAY for number in range(1, (last - first).days + 1)):
        if _begun(day, by) == day:
            yield begin, day - _DAY
            begin = day
    yield begin, last


def _begun(day: date, by: EarningsBy) -> date:
    """The first day of the stretch that a day lies in."""
    if by is EarningsBy.DAY:
        return day
    return day.replace(day=1) if by is EarningsBy.MONTH else day - day.weekday() * _DAY
