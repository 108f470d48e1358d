"""When can a service be booked, and who could do it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import strawberry

from api import ids
from api.access import SIGNED_IN
from api.booking_inputs import PointInput
from api.booking_kinds import BookingRule
from api.context import Context, Info
from api.providers import Provider
from api.scalars import TimeZone
from api.slots import Slot, WaysOn
from api.views import view_of
from db import clock, slots
from db.slot_facts import Asking
from domain import booking_rules, places
from domain import providers as provider_domain
from domain import slots as domain
from domain.people import Role
from domain.refusals import FieldError, InvalidInput, NotFound
from domain.services import Service, ServiceMode

MAX_SLOTS: Final = 500
MAX_PROVIDERS: Final = 100
_USUAL: Final = timedelta(days=14)
_MOST: Final = timedelta(days=31)


@strawberry.type(directives=[SIGNED_IN], description="When a service can be booked.")
class AvailableSlots:
    """When a service can be booked."""

    slots: list[domain.Slot] = strawberry.field(
        graphql_type=list[Slot], description="The first starts, in order."
    )
    time_zone: TimeZone = strawberry.field(
        description="The zone that dates the work: the named provider's, else that of the nearest "
        "who offers the service there, else the house's. Starts lie on its wall clock."
    )
    provider_count: int = strawberry.field(
        description="How many active providers offer the service there, free or not."
    )
    reasons: list[booking_rules.BookingRule] = strawberry.field(
        graphql_type=list[BookingRule],
        description="Where there is no slot: the rules in the way, first those without which the "
        "most could be booked. Empty when nobody offers the service there.",
    )


@strawberry.type(directives=[SIGNED_IN], description="A provider to choose for a start.")
@view_of(domain.Bookable)
class AvailableProvider:
    """A provider to choose for a start."""

    is_free: bool = strawberry.field(
        description="Whether they can be booked for the start that is asked for; for now, whether "
        "they are on shift and have time."
    )
    distance_miles: int | None = strawberry.field(
        description="How far they are from the place, in whole miles; null if that is not known."
    )
    next_slots: list[Slot] = strawberry.field(
        name="nextStarts",
        description="The next three starts from then on at which they can be booked by name, on "
        "their own wall clock.",
    )

    @strawberry.field(description="Who it is.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.type(
    directives=[SIGNED_IN], description="Who there is to choose from for a start, or for now."
)
@view_of(domain.Choice)
class AvailableProviders:
    """Who there is to choose from."""

    starts_at: datetime = strawberry.field(
        description="The start that was looked at; for now, when somebody could be there."
    )
    providers: list[AvailableProvider] = strawberry.field(
        description="Those who are free first; nearest first among them and among the others."
    )
    ways_on: WaysOn | None = strawberry.field(
        description="What you can do instead; null while somebody is free."
    )


@strawberry.input(description="Where the work would be: as much of the address as is known.")
class PlaceInput:
    """Where the work would be."""

    postal_code: str = strawberry.field(description="Postal code; up to 16 characters.")
    country: str = strawberry.field(description='Country, ISO 3166 alpha-2, such as "GB".')
    city: str | None = strawberry.field(
        default=None, description="City; up to 100 characters. It helps where there is no point."
    )
    point: PointInput | None = strawberry.field(
        default=None,
        description="Coordinates, if known: without them nobody is too far away to be found.",
    )


ServiceId = Annotated[strawberry.ID, strawberry.argument(description="What is to be booked.")]
PlaceArgument = Annotated[
    PlaceInput | None,
    strawberry.argument(description="Where; needed for what is done ON_SITE, ignored otherwise."),
]
Brand = Annotated[
    str | None,
    strawberry.argument(description="Only providers who are specialised in this brand."),
]


@strawberry.type
class SlotQueries:
    """Looking for a time or for a provider."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="When a service can be booked at a place. What is booked, held, awaiting "
        "approval or waiting for a provider is taken.",
        graphql_type=AvailableSlots,
    )
    async def available_slots(
        self,
        info: Info,
        service_id: ServiceId,
        place: PlaceArgument = None,
        from_: Annotated[
            datetime | None,
            strawberry.argument(
                name="from", description="The first start to look at; now when left out."
            ),
        ] = None,
        to: Annotated[
            datetime | None,
            strawberry.argument(
                description="The last start to look at, at most 31 days later; 14 when left out."
            ),
        ] = None,
        provider_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only with this provider; with anybody when left out."),
        ] = None,
        brand: Brand = None,
        first: Annotated[
            int, strawberry.argument(description="How many slots; 50 when left out, at most 500.")
        ] = 50,
    ) -> Any:
        """The first slots."""
        _check_first(first, MAX_SLOTS)
        service = await _service(info.context, service_id)
        where = _place(service, place)
        named = await _provider(info.context, provider_id)
        async with info.context.read() as connection:
            at = await clock.now(connection)
            earliest, latest = _period(from_, to, at)
            found = await slots.calendar(
                connection,
                service,
                where,
                earliest=earliest,
                latest=latest,
                at=at,
                provider_id=named.id if named else None,
                asking=_asking(info.context, brand),
                house=info.context.house,
            )
        return AvailableSlots(
            slots=list(found.slots(first)),
            time_zone=TimeZone(found.search.zone.key),
            provider_count=len(found.diaries),
            reasons=list(found.reasons()),
        )

    @strawberry.field(
        directives=[SIGNED_IN],
        description="Who could do a service at a place, at a start or now, and when else. Where "
        "nobody is free `waysOn` says what can be done instead.",
        graphql_type=AvailableProviders,
    )
    async def available_providers(
        self,
        info: Info,
        service_id: ServiceId,
        place: PlaceArgument = None,
        starts_at: Annotated[
            datetime | None,
            strawberry.argument(description="When the work should start; now when left out."),
        ] = None,
        brand: Brand = None,
        first: Annotated[
            int,
            strawberry.argument(description="How many providers; 25 when left out, at most 100."),
        ] = 25,
    ) -> Any:
        """The first providers."""
        _check_first(first, MAX_PROVIDERS)
        service = await _service(info.context, service_id)
        where = _place(service, place)
        async with info.context.read() as connection:
            return await slots.choice(
                connection,
                service,
                where,
                starts_at=starts_at,
                at=await clock.now(connection),
                first=first,
                asking=_asking(info.context, brand),
                house=info.context.house,
            )


def _asking(context: Context, brand: str | None) -> Asking:
    """Customers are not shown the time of providers whom they are not to meet."""
    user = context.user
    whose = user.user_id if user.role is Role.CUSTOMER else None
    return Asking(customer_id=whose, brand=brand or "")


def _check_first(first: int, most: int) -> None:
    if not 1 <= first <= most:
        raise InvalidInput(FieldError(path=("first",), message=f"Give 1 to {most}."))


async def _service(context: Context, service_id: str) -> Service:
    found: Service | None = await context.loaders.services.load(
        ids.parse("Service", service_id, "serviceId")
    )
    if found is None or not found.is_visible_to(context.user):
        raise NotFound("Service")
    return found


async def _provider(context: Context, provider_id: str | None) -> provider_domain.Provider | None:
    if provider_id is None:
        return None
    found: provider_domain.Provider | None = await context.loaders.providers.load(
        ids.parse("Provider", provider_id, "providerId")
    )
    if found is None or not found.is_visible_to(context.user):
        raise NotFound("Provider")
    return found


def _place(service: Service, given: PlaceInput | None) -> domain.Place | None:
    if service.mode is not ServiceMode.ON_SITE:
        return None
    if given is None:
        message = "Say where: this service is done on site."
        raise InvalidInput(FieldError(path=("place",), message=message))
    place = domain.Place(
        country=given.country.strip().upper(),
        postal_code=given.postal_code.strip().upper(),
        city=(given.city or "").strip(),
    )
    wrong = list(place.wrong_fields("place"))
    point = None
    if given.point is not None:
        try:
            point = places.Point(latitude=given.point.latitude, longitude=given.point.longitude)
        except InvalidInput as error:
            path = "place", "point"
            wrong += [FieldError(path=(*path, *e.path), message=e.message) for e in error.errors]
    if wrong:
        raise InvalidInput(*wrong)
    return replace(place, point=point)


def _period(
    earliest: datetime | None, latest: datetime | None, at: datetime
) -> tuple[datetime, datetime]:
    earliest = earliest or at
    latest = latest or earliest + _USUAL
    if not earliest <= latest <= earliest + _MOST:
        message = f"Give an instant from `from` to {_MOST.days} days after it."
        raise InvalidInput(FieldError(path=("to",), message=message))
    return earliest, latest
