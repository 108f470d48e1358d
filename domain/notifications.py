"""What has somebody been told, and have they read it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.events import Event, EventType
from domain.preferences import plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.messages import Message
    from domain.people import Viewer
    from domain.preferences import Planned, Reach
    from domain.telling import Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one person, for one cause."""

    id: UUID
    recipient_id: UUID
    message: Message
    #: What it was told for: an event, or a reminder's due time. Nobody is told the same for it
    #: twice.
    cause: str
    #: Ids by name, as the event had them.
    subject: Mapping[str, UUID]
    #: Is it in the list that people read in the app?
    listed: bool
    created_at: datetime
    read_at: datetime | None = None

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Is it the viewer's own? Nobody reads what others are told."""
        return self.listed and viewer.user_id == self.recipient_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that somebody is to get, and where."""

    recipient_id: UUID
    message: Message
    listed: bool
    planned: tuple[Planned, ...]

    @property
    def is_told(self) -> bool:
        """Would anybody ever see it? What is neither listed nor sent is told to nobody."""
        return self.listed or bool(self.planned)


def draft(telling: Telling, reach: Reach, *, at: datetime) -> Draft:
    """What somebody is to be told, on the channels that reach them and that they want."""
    rule = telling.rule
    planned = plan(
        reach,
        category=rule.category,
        usual=rule.channels,
        transactional=rule.transactional,
        urgent=telling.urgent,
        at=at,
    )
    return Draft(
        recipient_id=telling.recipient_id,
        message=rule.message,
        listed=rule.listed,
        planned=planned,
    )


def created(notification: Notification) -> Event:
    """The event that says that somebody has been told something."""
    subject = {"notification": notification.id, "recipient": notification.recipient_id}
    return Event(type=EventType.NOTIFICATION_CREATED, subject=subject)


def read(recipient_id: UUID, last: UUID) -> Event:
    """The event that says that somebody has read notifications, of which `last` is the newest."""
    subject = {"notification": last, "recipient": recipient_id}
    return Event(type=EventType.NOTIFICATION_READ, subject=subject)
