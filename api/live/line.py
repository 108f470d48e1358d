"""How far has this process told what happens on a topic, and to whom?

A line is one set of topics that somebody listens to, nearly always a single one. All its
subscribers share its position, so that an event is checked, caught up and made ready once for all
of them. What a line tells is in delivery order, each event once: whatever is at or before its
position has been told.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.live.delivery import Delivery
    from api.live.subscription import Subscription
    from domain.feed import FeedEntry


class Line:
    """The subscribers of one set of topics, and how far they have been told."""

    __slots__ = ("listeners", "members", "opening", "position", "topics")

    def __init__(self, topics: tuple[str, ...]) -> None:
        self.topics = topics
        #: Everything up to here has been told, or was before anyone listened. None: not open yet.
        self.position: int | None = None
        #: Held by the first subscriber while it opens the line; the others wait for it.
        self.opening = asyncio.Lock()
        #: How many subscriptions keep the line open.
        self.members = 0
        #: Those of them that take what is told now, rather than read the feed at their own pace.
        self.listeners: set[Subscription] = set()

    def follows(self, entry: FeedEntry) -> bool:
        """Is this the very next entry, with none before it that we have not heard?

        Only its teller can know, and only about its own topic. Otherwise the feed has to be asked.
        """
        return (
            self.position is not None
            and len(self.topics) == 1
            and entry.previous is not None
            and entry.previous <= self.position
        )

    def has_told(self, seq: int) -> bool:
        """Has this place in delivery order been passed?"""
        return self.position is not None and seq <= self.position

    def tell(self, delivery: Delivery, *, at_once: bool) -> None:
        """Pass the next delivery on to all who listen; `at_once` if it has just happened."""
        self.position = delivery.seq
        for listener in tuple(self.listeners):
            listener.hear(delivery, at_once=at_once)
