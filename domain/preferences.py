"""On which channels does somebody want to hear of a thing, and when are they not to be disturbed?

What is usual for a message comes from its rule; a person's own choices override it, but for mails
that nobody can do without. Quiet hours are wall times in the person's own zone: they are over when
the clock on their wall says so, which settles the nights in which clocks are changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from domain.hours import open_spans, utc
from domain.messages import Category, Channel
from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date
    from uuid import UUID
    from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
#: The only waking minutes of a day may be among those that clocks skip; the next day has them.
_FAR: Final = 3 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """When somebody is not to be disturbed, every day. Raises InvalidInput if that is all day.

    It may span midnight: from 22:00 to 07:00.
    """

    starts: time
    ends: time

    def __post_init__(self) -> None:
        if self.starts == self.ends:
            message = "Leave a part of the day in which you may be reached."
            raise InvalidInput(FieldError(path=("ends",), message=message))

    def on(self, day: date) -> list[tuple[datetime, datetime]]:
        """The wall times at which somebody may be reached on a day, earliest first."""
        starts, ends = datetime.combine(day, self.starts), datetime.combine(day, self.ends)
        if starts > ends:
            return [(ends, starts)]
        midnight = datetime.combine(day, time())
        return [(midnight, starts), (ends, midnight + _DAY)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What somebody wants otherwise than is usual."""

    category: Category
    channel: Channel
    wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How somebody can be reached, and how they want to be. E-mail reaches everybody."""

    user_id: UUID
    zone: ZoneInfo
    phone: str | None = None
    has_device: bool = False
    choices: Mapping[tuple[Category, Channel], bool] = field(default_factory=dict)
    quiet: QuietHours | None = None

    def is_reached_by(self, channel: Channel) -> bool:
        """Is there a mailbox, a number or a device to send to?"""
        if channel is Channel.SMS:
            return bool(self.phone)
        return channel is not Channel.PUSH or self.has_device


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A message on one channel, and from when on it may go out."""

    channel: Channel
    due_at: datetime
    #: May it disturb its recipient's night, also when it has to be tried again?
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Whether somebody hears of a category on a channel, as they may see and change it."""

    category: Category
    channel: Channel
    wanted: bool
    #: What the house does for who has not chosen.
    usual: bool
    #: All of it is what nobody can do without, so it cannot be switched off.
    fixed: bool
    #: Is there anywhere to send it to?
    reachable: bool

    @property
    def may_change(self) -> bool:
        """Is it theirs to choose?"""
        return not self.fixed


def next_allowed(
    at: datetime, quiet: QuietHours | None, zone: ZoneInfo, *, urgent: bool
) -> datetime:
    """The first instant from `at` on at which somebody may be disturbed, in UTC.

    An end that clocks skip comes when they have skipped it; of one that they show twice the first
    counts, and what they show again before it is quiet again.
    """
    at = utc(at)
    if urgent or quiet is None:
        return at
    waking, _ = next(open_spans(quiet, zone, at, at + _FAR))
    return waking


def wants(
    reach: Reach,
    channel: Channel,
    *,
    category: Category,
    usual: Collection[Channel],
    transactional: bool,
) -> bool:
    """Does somebody want a message on a channel? Nobody can do without a transactional mail."""
    if transactional and channel is Channel.EMAIL and channel in usual:
        return True
    return reach.choices.get((category, channel), channel in usual)


def plan(
    reach: Reach,
    *,
    category: Category,
    usual: Collection[Channel],
    transactional: bool,
    urgent: bool,
    at: datetime,
) -> tuple[Planned, ...]:
    """On which channels a message goes to somebody, and not before when."""
    due_at = next_allowed(at, reach.quiet, reach.zone, urgent=urgent)
    return tuple(
        Planned(channel=channel, due_at=due_at, urgent=urgent)
        for channel in Channel
        if reach.is_reached_by(channel)
        and wants(reach, channel, category=category, usual=usual, transactional=transactional)
    )


def preferences(
    reach: Reach,
    usual: Mapping[Category, Collection[Channel]],
    fixed: Collection[Category],
) -> tuple[Preference, ...]:
    """All that somebody may choose: the categories of `usual`, on every channel.

    The mails of a category that is `fixed` are all transactional.
    """
    return tuple(
        Preference(
            category=category,
            channel=channel,
            wanted=wants(
                reach,
                channel,
                category=category,
                usual=channels,
                transactional=category in fixed,
            ),
            usual=channel in channels,
            fixed=channel is Channel.EMAIL and channel in channels and category in fixed,
            reachable=reach.is_reached_by(channel),
        )
        for category, channels in usual.items()
        for channel in Channel
    )


def check_told(choices: Sequence[Choice], told: Collection[Category]) -> None:
    """Raises InvalidInput, with the place of each choice of what somebody is never told of."""
    message = "You are told of nothing of this kind."
    wrong = [
        FieldError(path=("choices", str(place), "category"), message=message)
        for place, choice in enumerate(choices)
        if choice.category not in told
    ]
    if wrong:
        raise InvalidInput(*wrong)


def check_choices(choices: Sequence[Choice], fixed: Collection[Category]) -> None:
    """Raises InvalidInput, with the place of each choice that nobody has."""
    message = "You cannot do without these mails; switch off the other channels."
    wrong = [
        FieldError(path=("choices", str(place), "wanted"), message=message)
        for place, choice in enumerate(choices)
        if not choice.wanted and choice.channel is Channel.EMAIL and choice.category in fixed
    ]
    if wrong:
        raise InvalidInput(*wrong)
