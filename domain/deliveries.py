"""What becomes of a message on a channel after a try: sent, tried again, dropped, or failed?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.messages import Channel, DeliveryStatus
from domain.preferences import next_allowed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.messages import Category
    from domain.preferences import Reach

#: Whoever takes a delivery up has it for themselves for so long. If they have said nothing by then,
#: it is anybody's again. A try is given up, and one that waited for its turn is handed back, well
#: before that.
LEASE: Final = timedelta(seconds=60)

_LONGEST_ERROR: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message to somebody on one channel."""

    id: UUID
    notification_id: UUID
    channel: Channel
    status: DeliveryStatus = DeliveryStatus.WAITING
    #: When to try (again). While somebody tries, the end of their lease.
    due_at: datetime
    tries: int = 0
    #: May it disturb its recipient's night?
    urgent: bool = False
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None
    #: What the service that took it calls it.
    remote_id: str | None = None

    @property
    def is_spent(self) -> bool:
        """Was it tried as often as it may be, and the last time ended without a word?"""
        return self.tries > PATIENCE[self.channel].tries

    def is_held_as(self, claimed: Delivery) -> bool:
        """Has nobody taken it up since it was claimed, after the claim's lease had passed?"""
        return (
            self.status is DeliveryStatus.WAITING
            and self.tries == claimed.tries
            and self.due_at == claimed.due_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The service took it."""

    remote_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """The service was not there, did not answer, or asked for patience."""

    error: str
    #: For how long it asked not to be asked again, if it said.
    retry_after: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The service will not take it, however often it is asked."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """There is nothing to send any more, or nowhere to send it to."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """It was not tried after all; it may be from then on."""

    until: datetime


Outcome: TypeAlias = Sent | Unavailable | Refused | Dropped | Postponed


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often something is tried, with pauses that grow."""

    tries: int
    longest: timedelta
    first: timedelta = timedelta(seconds=5)
    factor: int = 5

    def pause(self, tries: int, *, jitter: float) -> timedelta:
        """The pause after so many tries; `jitter` from 0 to 1 halves it at most.

        Without jitter, all that failed together would come back together.
        """
        full = min(self.first * int(self.factor ** min(tries - 1, 9)), self.longest)
        return full * (1 - jitter / 2)


#: A mail is worth having half a day late (eight tries in nine to seventeen hours); what is to be
#: read at once is not (six tries in half an hour to an hour).
PATIENCE: Final[Mapping[Channel, Patience]] = {
    Channel.EMAIL: Patience(tries=8, longest=timedelta(hours=12)),
    Channel.SMS: Patience(tries=6, longest=timedelta(hours=1)),
    Channel.PUSH: Patience(tries=6, longest=timedelta(hours=1)),
}


def settle(claimed: Delivery, outcome: Outcome, *, at: datetime, jitter: float) -> Delivery:
    """The delivery after a try, or after it turned out that there was none to be made."""
    match outcome:
        case Sent(remote_id=remote_id):
            sent = replace(claimed, status=DeliveryStatus.SENT, sent_at=at, error=None)
            return replace(sent, remote_id=remote_id)
        case Dropped(why=why):
            return replace(claimed, status=DeliveryStatus.DROPPED, error=why)
        case Postponed(until=until):
            return replace(claimed, due_at=until, tries=claimed.tries - 1)
        case Refused():
            pass
        case Unavailable() if claimed.tries < PATIENCE[claimed.channel].tries:
            patience = PATIENCE[claimed.channel]
            asked = min(outcome.retry_after, patience.longest)
            pause = max(patience.pause(claimed.tries, jitter=jitter), asked)
            return replace(claimed, due_at=at + pause, error=outcome.error[:_LONGEST_ERROR])
    failed = replace(claimed, status=DeliveryStatus.FAILED, failed_at=at)
    return replace(failed, error=outcome.error[:_LONGEST_ERROR])


def hindrance(
    claimed: Delivery, reach: Reach, *, unsubscribable: Category | None, at: datetime
) -> Outcome | None:
    """What keeps a delivery from being tried: it is night again where its recipient lives, or they
    want or can have no more of it by now.

    What is `unsubscribable` is of that category; what is not is sent whatever they wanted since.
    """
    if claimed.is_spent:
        return Unavailable(error="The last try ended without a word.")
    if not reach.is_reached_by(claimed.channel):
        return Dropped(why="There is nowhere to send it to any more.")
    if unsubscribable and reach.choices.get((unsubscribable, claimed.channel)) is False:
        return Dropped(why="Its recipient has chosen to hear no more of such things.")
    allowed = next_allowed(at, reach.quiet, reach.zone, urgent=claimed.urgent)
    return Postponed(until=allowed) if allowed > at else None


def again(failed: Delivery, *, at: datetime) -> Delivery:
    """A delivery that failed, to be tried as if it were new. Any other is as it was."""
    if failed.status is not DeliveryStatus.FAILED:
        return failed
    return replace(failed, status=DeliveryStatus.WAITING, due_at=at, tries=0, failed_at=None)
