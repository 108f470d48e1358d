"""Does work that was put to a provider still fit them?

Between an offer and its answer much may change. What a provider is kept from by their own profile,
or by the house, is withdrawn where that changes; and whoever accepts is asked once more, as the
last word.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from domain.availability import obstacles
from domain.booking_rules import BookingRule
from domain.bookings import SlotTaken
from domain.matching.rules import HardRule, broken
from domain.matching.told import as_told
from domain.offers import Gone, OfferGone
from domain.places import FIELD_MILES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from domain.matching.rules import Candidate, Work

#: The rules that nothing breaks but somebody's act: the provider's own, the house's or the
#: customer's. Whoever kept them when the offer was made keeps them until then, so that to ask again
#: refuses no honest acceptance.
#:
#: Those about time have answers of their own, below. The others are not asked again:
#: - NOT_REJECTED: the offer's own state says it.
#: - ON_SHIFT and HEARTBEAT: clocking out withdraws offers of work that is wanted now; and a device
#:   that was silent for a minute says nothing against whoever is accepting on it.
#: - How far a wave reaches says whom to ask next. Whoever was asked may answer: RADIUS means the
#:   provider's own, so it is asked of work without a reach.
#:
#: RADIUS is asked as far as a provider may know where the work is, with the benefit of the doubt:
#: if an offer went at the very yard, a radius drawn in step by step would find the customer's door.
LASTING: Final = frozenset(
    {
        HardRule.APPROVED,
        HardRule.PROFILE_80,
        HardRule.CERTIFICATION,
        HardRule.SERVICE,
        HardRule.SKILLS,
        HardRule.BRAND,
        HardRule.RADIUS,
        HardRule.NOT_BLOCKED,
    }
)


def misfits(put: Iterable[tuple[Work, Candidate]], *, at: datetime) -> tuple[UUID, ...]:
    """The bookings, of those put to somebody, that do not fit them any more; time aside, which is
    asked when availability changes and other work is taken."""
    return tuple(work.booking_id for work, who in put if not _fits(work, who, at))


def check_fits(work: Work, who: Candidate, *, at: datetime) -> None:
    """May the provider have the work that was put to them? Raises SlotTaken where their time is
    taken by now, or OfferGone where they could not be offered it."""
    against = obstacles(who.availability, who.taken, work.block, rules=work.rules, at=at)
    in_the_way = {one.rule for one in against}
    if in_the_way & {BookingRule.SLOT_TAKEN, BookingRule.BUFFER}:
        raise SlotTaken
    if in_the_way or not _fits(work, who, at):
        raise OfferGone(Gone.UNAVAILABLE)


def _fits(work: Work, who: Candidate, at: datetime) -> bool:
    doubtless = replace(who, radius_miles=who.radius_miles + FIELD_MILES)
    return not any(one.rule in LASTING for one in broken(as_told(work), doubtless, at=at))
