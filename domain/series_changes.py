"""What becomes of a series and its occurrences when it is changed?

One occurrence is changed by itself and stays the one it is. A change of all of them, or of one and
those that follow, matches the old rule's starts with the new one's: by as much later or earlier as
the time moves on the wall clock. An occurrence that was moved by itself stays where it was put.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from enum import StrEnum
from itertools import takewhile
from typing import TYPE_CHECKING

from domain.lifecycle import Details
from domain.refusals import FieldError, InvalidInput
from domain.series import check_rule, check_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.recurrence import Expand, Rule
    from domain.requests import BookingRequest
    from domain.series import Series


class SeriesScope(StrEnum):
    """Which occurrences a change is about."""

    THIS = "THIS"
    THIS_AND_FOLLOWING = "THIS_AND_FOLLOWING"
    ALL = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different, and for which occurrences. None leaves a thing as it is."""

    scope: SeriesScope
    #: The occurrence it is about; with ALL only needed to say by how much the time moves.
    original_start: datetime | None = None
    #: Where that occurrence goes. The others move by as much, on the wall clock.
    new_start: datetime | None = None
    rule: Rule | None = None
    provider_id: UUID | None = None
    details: Details = field(default_factory=Details)
    allow_partial: bool = False
    expected_version: int | None = None

    def __post_init__(self) -> None:
        """Raises InvalidInput for what does not go together."""
        if wrong := tuple(self._wrong()):
            raise InvalidInput(*wrong)

    def _wrong(self) -> Iterator[FieldError]:
        if self.original_start is None and self.scope is not SeriesScope.ALL:
            message = "Say which occurrence, by its original start."
            yield FieldError(path=("originalStart",), message=message)
        if self.original_start is None and self.new_start is not None:
            message = "Say which occurrence goes there, by its original start."
            yield FieldError(path=("originalStart",), message=message)
        if self.scope is SeriesScope.THIS and self.rule is not None:
            message = "One occurrence has no rule; leave it out."
            yield FieldError(path=("rrule",), message=message)

    @property
    def start(self) -> datetime:
        """The occurrence it is about. Raises ValueError when it is about all of them."""
        if self.original_start is None:
            raise ValueError("A change of all occurrences need not name one.")
        return self.original_start

    @property
    def shift(self) -> timedelta:
        """By how much starts move on the wall clock."""
        if self.original_start is None or self.new_start is None:
            return timedelta()
        return self.new_start - self.original_start

    def applied(self, asked: BookingRequest) -> BookingRequest:
        """What is asked for after the change. A provider who is named is no longer preferred."""
        said = {
            name: text
            for name in (f.name for f in fields(self.details))
            if (text := getattr(self.details, name)) is not None
        }
        if self.provider_id is None:
            return replace(asked, **said)
        return replace(asked, **said, provider_id=self.provider_id, preferred_provider_id=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A series cut in two before a start: what stays as it was, and what goes on from there."""

    head: Rule
    tail: Rule


def split(series: Series, start: datetime, expand: Expand) -> Split | None:
    """Cut a series before one of its starts; None where that is the first, so that all is meant.

    Raises InvalidInput for a time that is no start of the series.
    """
    check_start(series, start, expand)
    starts = expand(series.rule, series.first_local_start)
    before = sum(1 for _ in takewhile(lambda one: one < start, starts))
    if before == 0:
        return None
    if series.rule.count is None:
        until = start - timedelta(seconds=1)
        return Split(head=replace(series.rule, until=until), tail=series.rule)
    left = series.rule.count - before
    return Split(head=replace(series.rule, count=before), tail=replace(series.rule, count=left))


def all_of(series: Series, change: Change, expand: Expand) -> Series:
    """The series with every occurrence to come changed. Raises InvalidInput."""
    return _changed(series, series.rule, series.first_local_start, change, expand)


def tail_of(
    series: Series, rule: Rule, change: Change, expand: Expand, *, series_id: UUID, at: datetime
) -> Series:
    """The series that goes on with `rule` from the occurrence that a change begins with.

    Raises InvalidInput.
    """
    new = replace(
        series,
        id=series_id,
        version=0,
        created_at=at,
        done_until=None,
        next_due_at=None,
        follows_id=series.id,
    )
    return _changed(new, rule, change.start, change, expand)


def _changed(series: Series, rule: Rule, first: datetime, change: Change, expand: Expand) -> Series:
    """The series with what a change says of it, from its start `first` on."""
    if change.rule is not None:
        rule = change.rule
    elif rule.until is not None:
        # Else the last occurrence would be lost when all of them move a little later.
        rule = replace(rule, until=rule.until + change.shift)
    begins = first + change.shift
    check_rule(rule, begins, expand, path="rrule")
    return replace(
        series,
        asked=change.applied(series.asked),
        first_local_start=begins,
        rule=rule,
        version=series.version + 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of occurrences when their series is changed."""

    #: Each one that stays one, under its new original start. In an order in which none of them
    #: moves to where another one still is.
    kept: tuple[tuple[datetime, datetime], ...]
    #: Those that the new rule does not have.
    dropped: tuple[datetime, ...]
    #: Starts of the new rule that none of them becomes.
    fresh: tuple[datetime, ...]


def plan(known: Iterable[datetime], starts: Sequence[datetime], shift: timedelta) -> Plan:
    """Match the occurrences of the old rule with the starts of the new one, `shift` later."""
    wanted, old = set(starts), sorted(known, reverse=shift > timedelta())
    kept = tuple((start, start + shift) for start in old if start + shift in wanted)
    taken = {new for _, new in kept}
    return Plan(
        kept=kept,
        dropped=tuple(start for start in old if start + shift not in wanted),
        fresh=tuple(start for start in starts if start not in taken),
    )
