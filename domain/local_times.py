"""Which instant is a wall time? One, none in the night it is skipped, two when it comes twice."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from domain.booking_rules import BookingRule, BrokenRule, RulesBroken

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo


class NonexistentLocalTime(RulesBroken):
    """Clocks skip this wall time. Carries the first instant that they show after it."""

    def __init__(self, local: datetime, zone: ZoneInfo, next_existing: datetime) -> None:
        there = shown(next_existing, zone)
        message = (
            f"{local:%Y-%m-%d %H:%M} does not exist in {zone.key}: clocks are put forward then. "
            f"The next time that does is {there:%Y-%m-%d %H:%M}."
        )
        rule = BrokenRule(
            rule=BookingRule.NONEXISTENT_LOCAL_TIME, message=message, earliest=next_existing
        )
        super().__init__((rule,), (next_existing,))
        self.local = local
        self.zone = zone
        self.next_existing = next_existing


class AmbiguousLocalTime(RulesBroken):
    """Clocks show this wall time twice. Carries both instants, the earlier first."""

    def __init__(
        self, local: datetime, zone: ZoneInfo, instants: tuple[datetime, datetime]
    ) -> None:
        message = (
            f"{local:%Y-%m-%d %H:%M} comes twice in {zone.key}: clocks are put back then. "
            "Give one of the two instants instead."
        )
        first, second = instants
        rule = BrokenRule(
            rule=BookingRule.AMBIGUOUS_LOCAL_TIME, message=message, earliest=first, latest=second
        )
        super().__init__((rule,), instants)
        self.local = local
        self.zone = zone
        self.instants = instants


def resolve(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clocks of a zone show a naive wall time.

    Raises NonexistentLocalTime or AmbiguousLocalTime where there is not exactly one.
    """
    before, after = _readings(local, zone)
    if before < after:
        raise AmbiguousLocalTime(local, zone, (before, after))
    return resolve_first(local, zone)


def resolve_first(local: datetime, zone: ZoneInfo) -> datetime:
    """As `resolve`, but a wall time that comes twice means its first coming.

    So a series that meets the odd night needs nobody to ask. Raises NonexistentLocalTime.
    """
    before, after = _readings(local, zone)
    if before > after:
        raise NonexistentLocalTime(local, zone, _change(zone, after, before))
    return before


def shown(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of a zone show at an instant: a naive wall time."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _readings(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A wall time as instants: by the offset before a change of clocks, and by the one after it.

    Alike where no change is near; in order where it comes twice; crossed where it is skipped.
    """
    there = local.replace(tzinfo=zone)
    return there.replace(fold=0).astimezone(UTC), there.replace(fold=1).astimezone(UTC)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """When clocks are changed between two instants. (It is done on a whole second.)"""
    was, base = before.astimezone(zone).utcoffset(), before.replace(microsecond=0)
    seconds = range(int((after - base).total_seconds()) + 1)

    def has_changed(second: int) -> bool:
        return (base + timedelta(seconds=second)).astimezone(zone).utcoffset() != was

    return base + timedelta(seconds=bisect_left(seconds, x=True, key=has_changed))
