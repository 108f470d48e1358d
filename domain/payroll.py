"""When is payroll due, and whom does it pay?

Weekly on Monday at 08:00, monthly on the 1st at 00:00, by the house's clocks (rules.md, Schedules).
A period is called by the local date on which its payroll is due. Where clocks skip that time it is
due at the next one that they show; where they show it twice, the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from domain.local_times import NonexistentLocalTime, resolve_first
from domain.payouts import PayCycle
from domain.refusals import FieldError, InvalidInput, TooEarly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from domain.money import Money

#: When on its day each payroll is due, by the house's clocks.
TIMES: Final = {PayCycle.WEEKLY: time(8), PayCycle.MONTHLY: time()}
#: No payroll was before: clocks cannot be read at the beginning of time.
EARLIEST: Final = date(1970, 1, 1)

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
#: More than any month has days, and less than any two.
_LONG_MONTH: Final = timedelta(days=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a provider's unpaid lines in one currency come to; a clawback may make it negative."""

    provider_id: UUID
    amount: Money
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Whom a payroll pays, and whose lines wait for the next one."""

    cycle: PayCycle
    period: date
    #: Lines written before this are paid.
    due_at: datetime
    pay: tuple[Balance, ...]
    carried: tuple[Balance, ...]


def due_at(cycle: PayCycle, period: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which a period's payroll is due."""
    try:
        return resolve_first(datetime.combine(period, TIMES[cycle]), zone)
    except NonexistentLocalTime as skipped:
        return skipped.next_existing.astimezone(UTC)


def is_period(cycle: PayCycle, day: date) -> bool:
    """Is a payroll of this cycle due on that date?"""
    return day == _begun(cycle, day)


def following(cycle: PayCycle, period: date) -> date:
    """The period after this one."""
    return _begun(cycle, period + (_WEEK if cycle is PayCycle.WEEKLY else _LONG_MONTH))


def latest(cycle: PayCycle, *, at: datetime, zone: ZoneInfo) -> date:
    """The last period whose payroll has come due."""
    # From the one after, and back: clocks that are put back over midnight show a date again that
    # was over, and with it a period that was the last one before its successor came due.
    period = following(cycle, _begun(cycle, at.astimezone(zone).date()))
    while due_at(cycle, period, zone) > at:
        period = _begun(cycle, period - _DAY)
    return period


def missed(cycle: PayCycle, *, last: date | None, at: datetime, zone: ZoneInfo) -> tuple[date, ...]:
    """The periods that are due and have not been run, in order.

    `last` is the latest that has. Where there is none ever, only the latest is due: before the
    house paid anybody there was nothing to catch up on.
    """
    newest = latest(cycle, at=at, zone=zone)
    if last is None:
        return (newest,)
    return tuple(takewhile(lambda period: period <= newest, _after(cycle, last)))


def chosen(
    cycle: PayCycle, period: date | None, *, ahead: bool, at: datetime, zone: ZoneInfo
) -> date:
    """The period that somebody means: the latest that is due when they do not say.

    `ahead` lets them mean the next one, which is not due: to rehearse it, or to pay early. Raises
    InvalidInput or TooEarly.
    """
    newest = latest(cycle, at=at, zone=zone)
    if period is None:
        return newest
    if period < EARLIEST or not is_period(cycle, period):
        day = "a Monday" if cycle is PayCycle.WEEKLY else "the first of a month"
        message = f"Name {day}, from {EARLIEST} on."
        raise InvalidInput(FieldError(path=("period",), message=message))
    if period > (following(cycle, newest) if ahead else newest):
        raise TooEarly("This payroll is not due yet.", due_at(cycle, period, zone))
    return period


def early(cycle: PayCycle, period: date | None, *, at: datetime, zone: ZoneInfo) -> date:
    """The period that somebody means who pays ahead of its time: the next one when they do not say.

    Raises InvalidInput or TooEarly.
    """
    upcoming = following(cycle, latest(cycle, at=at, zone=zone))
    return chosen(cycle, upcoming if period is None else period, ahead=True, at=at, zone=zone)


def decide(
    balances: Iterable[Balance],
    *,
    least_minor: int,
    cycle: PayCycle,
    period: date,
    due_at: datetime,
) -> Sheet:
    """Who is paid, and whose sum is too small, or negative, and carries over."""
    every = tuple(balances)
    return Sheet(
        cycle=cycle,
        period=period,
        due_at=due_at,
        pay=tuple(one for one in every if one.amount.amount_minor >= least_minor),
        carried=tuple(one for one in every if one.amount.amount_minor < least_minor),
    )


def _begun(cycle: PayCycle, day: date) -> date:
    """The period that a date lies in."""
    if cycle is PayCycle.WEEKLY:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1)


def _after(cycle: PayCycle, period: date) -> Iterator[date]:
    while True:
        period = following(cycle, period)
        yield period
