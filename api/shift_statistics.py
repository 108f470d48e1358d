"""What has a provider done in a period?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from api import ids
from api.access import allow
from api.context import Info
from api.providers import Provider
from api.views import view_of
from db import shift_statistics
from domain import shift_statistics as domain
from domain.people import Role

_READERS = allow(Role.PROVIDER, Role.DISPATCHER, Role.ANALYST, Role.ADMIN)


@strawberry.type(
    directives=[_READERS],
    description="What a provider did in a period, its start included and its end not. Of a shift "
    "or a job that lies in it only partly, that part is counted as time.",
)
@view_of(domain.ShiftStatistics)
class ShiftStatistics:
    """What a provider did in a period."""

    starts_at: datetime = strawberry.field(description="When the period begins.")
    ends_at: datetime = strawberry.field(description="When it ends.")
    shifts: int = strawberry.field(description="How many shifts touch it.")
    minutes_on_shift: int = strawberry.field(description="Time on shift.")
    minutes_at_work: int = strawberry.field(
        description="Time between starting and completing jobs; what was started and forgotten "
        "counts until its window's end."
    )
    jobs_completed: int = strawberry.field(description="How many jobs were completed in it.")
    offers_received: int = strawberry.field(description="How many offers were made in it.")
    offers_accepted: int = strawberry.field(
        description="How many of these they accepted, and have not given back."
    )
    offers_rejected: int = strawberry.field(description="How many of these they rejected.")
    offers_expired: int = strawberry.field(description="How many of these they let pass.")
    acceptance_rate: float | None = strawberry.field(
        description="The part accepted of those accepted, rejected or expired; null without any. "
        "What was withdrawn before they could answer does not count."
    )
    median_response_seconds: float | None = strawberry.field(
        description="How soon they answer, in seconds: half of the answers came sooner. Null "
        "without any."
    )

    @strawberry.field(description="Whose they are.", graphql_type=Provider | None)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.type
class ShiftStatisticsQueries:
    """Reading statistics of shifts."""

    @strawberry.field(
        directives=[_READERS],
        description="What a provider did in a period of at most 366 days: you yourself, or "
        "anybody for staff and analysts.",
        graphql_type=ShiftStatistics,
    )
    async def shift_statistics(
        self,
        info: Info,
        from_: Annotated[
            datetime, strawberry.argument(name="from", description="When the period begins.")
        ],
        to: Annotated[datetime, strawberry.argument(description="When it ends.")],
        provider_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Whose; staff and analysts say it."),
        ] = None,
    ) -> Any:
        """The statistics."""
        named = None if provider_id is None else ids.parse("Provider", provider_id, "providerId")
        whose = domain.of_whom(info.context.user, named)
        async with info.context.read() as connection:
            return await shift_statistics.of_provider(
                connection, whose, starts_at=from_, ends_at=to
            )
