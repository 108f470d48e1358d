"""By which numbers are candidates scored? A policy is data, and has a name that offers keep.

The numbers of a policy that has scored an offer are never changed: other numbers are a new policy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Thresholds with points, highest first. Tiers are exclusive: the first that is reached counts.
Tiers: TypeAlias = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Every number of a score (rules.md, Matching). An ingredient without tiers gives nothing."""

    name: str
    on_shift: int
    #: For scheduled work only.
    off_shift: int
    same_prefix: int
    same_city: int
    same_country: int
    other_country: int
    #: By years.
    experience: Tiers
    #: By stars.
    rating: Tiers
    certified: int
    #: By jobs completed.
    completed_jobs: Tiers
    per_keyword: int
    keywords_counted: int
    #: By percent.
    profile: Tiers
    #: By hours without work.
    idle: Tiers = ()
    #: For those with fewer completed jobs than this, unless they were made an offer in the last
    #: day: so a newcomer gets a share of the work, and not all of it.
    newcomer: int = 0
    newcomer_jobs: int = 0
    #: What somebody without reviews is taken to deserve, in stars; None counts nothing.
    unrated: float | None = None
    #: By the share of offers accepted, as `assumed_answers` more at `assumed_acceptance` make it.
    acceptance: Tiers = ()
    assumed_answers: int = 5
    assumed_acceptance: float = 0.6

    @property
    def looks_at_records(self) -> bool:
        """Does it score what became of a provider's earlier offers, or when they last worked?"""
        return bool(self.idle or self.newcomer or self.acceptance)


V1: Final = Policy(
    name="v1",
    on_shift=50,
    off_shift=20,
    same_prefix=40,
    same_city=35,
    same_country=25,
    other_country=-20,
    experience=((10, 20), (5, 10)),
    rating=((4.5, 15), (4.0, 10)),
    certified=10,
    completed_jobs=((50, 12), (20, 8)),
    per_keyword=15,
    keywords_counted=3,
    profile=((95, 8),),
)

#: v1, and fairer: work for those who have long had none, a start for newcomers, and less for those
#: who seldom take what they are offered.
V2: Final = replace(
    V1,
    name="v2",
    idle=((72, 15), (24, 10), (8, 5)),
    newcomer=25,
    newcomer_jobs=5,
    unrated=4.0,
    acceptance=((0.8, 10), (0.5, 5), (0.2, 0), (0, -10)),
)

POLICIES: Final[Mapping[str, Policy]] = {policy.name: policy for policy in (V1, V2)}
