"""On which channels does somebody want to hear of what, when not at all, and how are dates and sums
written to them?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import time
from itertools import groupby
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import strawberry
from babel import Locale, UnknownLocaleError

from api.access import SIGNED_IN
from api.context import Context, Info
from api.enums import describe
from api.inputs import Given
from api.problems import InvalidInput
from api.scalars import TimeZone
from api.views import view_of
from db import accounts, preferences
from domain import preferences as domain
from domain.messages import Category, Channel
from domain.people import Role
from domain.refusals import FieldError
from domain.refusals import InvalidInput as WrongFields
from domain.telling import FIXED, usual_for

T = TypeVar("T")

_MOST_CHOICES: Final = 100
_LONGEST_TAG: Final = 35

describe(
    Channel,
    "A way to reach somebody who is not looking at the app.",
    EMAIL="By e-mail.",
    SMS="By text message.",
    PUSH="On the phones and browsers that were registered.",
)
describe(
    Category,
    "What a message is about.",
    BOOKINGS="One's own bookings, as customer or as provider.",
    OFFERS="Work that is offered to a provider.",
    REMINDERS="What is coming up.",
    MONEY="Receipts, refunds and payouts.",
    SUGGESTIONS="Invitations to review, and slots for those who wait.",
    OPERATIONS="For those who run the house.",
)


@strawberry.type(directives=[SIGNED_IN], description="Messages of one category on one channel.")
@view_of(domain.Preference)
class ChannelPreference:
    """Messages of one category on one channel."""

    channel: Channel = strawberry.field(description="The channel.")
    wanted: bool = strawberry.field(description="Do they come?")
    usual: bool = strawberry.field(description="Do they come to those who have not chosen?")
    may_change: bool = strawberry.field(
        description="Is it yours to choose? What nobody can do without comes by e-mail in any case."
    )
    reachable: bool = strawberry.field(
        description="Is there a number, or a device, to send them to?"
    )


@strawberry.type(directives=[SIGNED_IN], description="Messages of one category.")
class CategoryPreferences:
    """Messages of one category."""

    category: Category = strawberry.field(description="What they are about.")
    channels: list[domain.Preference] = strawberry.field(
        graphql_type=list[ChannelPreference], description="Each channel there is."
    )


@strawberry.type(
    directives=[SIGNED_IN],
    description="When you are not to be disturbed, every day, by your own clock. It may span "
    "midnight. What is urgent comes all the same; the rest comes when they are over.",
)
@view_of(domain.QuietHours)
class QuietHours:
    """When somebody is not to be disturbed."""

    starts: time = strawberry.field(description="From this time on.")
    ends: time = strawberry.field(description="Until this time.")


@strawberry.type(directives=[SIGNED_IN], description="How you are told of things.")
class NotificationPreferences:
    """How somebody is told of things."""

    categories: list[CategoryPreferences] = strawberry.field(
        description="The categories that you are told of."
    )
    quiet_hours: domain.QuietHours | None = strawberry.field(
        graphql_type=QuietHours | None,
        description="When you are not to be disturbed; null for never.",
    )
    time_zone: TimeZone = strawberry.field(description="The zone that times are told you in.")
    locale: str = strawberry.field(
        description="How dates and sums are written to you, as a BCP 47 tag."
    )


@strawberry.type(directives=[SIGNED_IN], description="You are told of things as you wish.")
class UpdateNotificationPreferencesSuccess:
    """The preferences are kept."""

    preferences: NotificationPreferences = strawberry.field(description="All of them, as they are.")


UpdateNotificationPreferencesResult: TypeAlias = Annotated[
    UpdateNotificationPreferencesSuccess | InvalidInput,
    strawberry.union(
        "UpdateNotificationPreferencesResult",
        description="What came of updateNotificationPreferences.",
    ),
]


@strawberry.input(description="Whether messages of a category are to come on a channel.")
class ChoiceInput:
    """Whether messages of a category are to come on a channel."""

    category: Category = strawberry.field(description="What they are about.")
    channel: Channel = strawberry.field(description="The channel.")
    wanted: bool = strawberry.field(description="Are they to come?")

    def value(self) -> domain.Choice:
        """The choice."""
        return domain.Choice(category=self.category, channel=self.channel, wanted=self.wanted)


@strawberry.input(description="When not to be disturbed, by your own clock; may span midnight.")
class QuietHoursInput:
    """When not to be disturbed."""

    starts: time = strawberry.field(description='From this time on, such as "22:00".')
    ends: time = strawberry.field(description='Until this time, such as "07:00".')

    def value(self) -> domain.QuietHours:
        """The hours. Raises InvalidInput for all of the day."""
        return domain.QuietHours(starts=self.starts, ends=self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How somebody wants to be told of things, with nothing wrong about it."""

    choices: list[domain.Choice]
    quiet: domain.QuietHours | None
    locale: str | None


@strawberry.input(description="How you want to be told of things; what is left out stays as it is.")
class UpdateNotificationPreferencesInput:
    """How somebody wants to be told of things."""

    choices: list[ChoiceInput] | None = strawberry.field(
        default=None,
        description="What is to change, at most 100; of two for the same the later counts.",
    )
    quiet_hours: QuietHoursInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="When you are not to be disturbed; null for never again.",
    )
    time_zone: TimeZone | None = strawberry.field(
        default=None,
        description="The zone that times are told you in. Where you work is not changed by it.",
    )
    locale: str | None = strawberry.field(
        default=None,
        description="How dates and sums are to be written to you, as a BCP 47 tag such as "
        '"en-GB" or "fr-CA".',
    )

    def value(self, role: Role) -> Wanted:
        """What somebody of a role wants. Raises InvalidInput, with all that is wrong with it."""
        wrong: list[FieldError] = []
        given = self.choices or []
        if len(given) > _MOST_CHOICES:
            wrong.append(FieldError(path=("choices",), message=f"Give at most {_MOST_CHOICES}."))
        choices, quiet, locale = [one.value() for one in given], self.quiet_hours, self.locale
        _noted(wrong, lambda: domain.check_told(choices, usual_for(role)))
        _noted(wrong, lambda: domain.check_choices(choices, FIXED))
        wanted = Wanted(
            choices=choices,
            quiet=_noted(wrong, quiet.value, "quietHours") if quiet else None,
            locale=_noted(wrong, lambda: _canonical(locale)) if locale is not None else None,
        )
        if wrong:
            raise WrongFields(*wrong)
        return wanted


@strawberry.type
class PreferenceQueries:
    """Reading preferences."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="How you are told of things.",
        graphql_type=NotificationPreferences,
    )
    async def notification_preferences(self, info: Info) -> Any:
        """One's preferences."""
        return await _mine(info.context)


@strawberry.type
class PreferenceMutations:
    """Choosing."""

    @strawberry.mutation(
        directives=[SIGNED_IN],
        description="Say on which channels you want to hear of what, and when not.",
        graphql_type=UpdateNotificationPreferencesResult,
    )
    async def update_notification_preferences(
        self, info: Info, input: Given[UpdateNotificationPreferencesInput]
    ) -> Any:
        """Choose."""
        mine, wanted = info.context.user.user_id, input.value(info.context.user.role)
        async with info.context.begin() as tx:
            await preferences.save_choices(tx, mine, wanted.choices)
            if input.quiet_hours is not strawberry.UNSET:
                await preferences.save_quiet_hours(tx, mine, wanted.quiet)
            await accounts.localise(tx, mine, time_zone=input.time_zone, locale=wanted.locale)
        return UpdateNotificationPreferencesSuccess(preferences=await _mine(info.context))


async def _mine(context: Context) -> NotificationPreferences:
    mine = context.user.user_id
    async with context.read() as connection:
        reach = (await preferences.reach(connection, [mine]))[mine]
        user = (await accounts.by_ids(connection, [mine]))[mine]
    told = domain.preferences(reach, usual_for(user.role), FIXED)
    return NotificationPreferences(
        categories=[
            CategoryPreferences(category=category, channels=list(channels))
            for category, channels in groupby(told, key=lambda one: one.category)
        ],
        quiet_hours=reach.quiet,
        time_zone=TimeZone(user.time_zone),
        locale=user.locale,
    )


def _canonical(locale: str) -> str:
    """The tag as it is kept. Raises InvalidInput for one that dates cannot be written by."""
    known = None
    if len(locale) <= _LONGEST_TAG:
        with suppress(ValueError, UnknownLocaleError):
            known = Locale.parse(locale, sep="-")
    if known is None:
        message = 'Write a language and, if you like, a country, such as "en-GB" or "fr-CA".'
        raise WrongFields(FieldError(path=("locale",), message=message))
    return str(known).replace("_", "-")


def _noted(wrong: list[FieldError], make: Callable[[], T], *path: str) -> T | None:
    """What is made; None where something is wrong with it, which is noted."""
    try:
        return make()
    except WrongFields as refused:
        wrong += [FieldError(path=(*path, *e.path), message=e.message) for e in refused.errors]
        return None
