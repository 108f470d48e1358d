"""What may a provider write of themselves? All that is wrong with it is told at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from domain.keywords import KEYWORDS
from domain.money import wrong_money
from domain.places import Address, Point, normal_postal_code
from domain.providers import Provider, SpecialistTier
from domain.refusals import FieldError, InvalidInput, wrong_text
from domain.services import Trade
from domain.words import MAX_WORD, distinct, tidy, wrong_words
from domain.work import wrong_photos

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from domain.money import Money
    from domain.people import User
    from domain.services import Service

MAX_ABOUT: Final = 2000
MAX_SERVICES: Final = 100
MIN_RADIUS: Final = 1.0
MAX_RADIUS: Final = 100.0
#: How far somebody travels who has not said so yet, in miles.
USUAL_RADIUS: Final = 10.0
MAX_YEARS: Final = 80

_NAMES: Final = frozenset(keyword.name for keyword in KEYWORDS)
#: What a first profile cannot do without, by its name here and on the wire.
_NEEDED: Final = (
    *(("trade", "trade"), ("country", "country"), ("city", "city")),
    ("postal_code", "postalCode"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidPoint:
    """A place on the globe as somebody wrote it, right or wrong."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidProfile:
    """What somebody wrote of themselves. Each part takes the place of what was said before; None
    leaves it as it is."""

    #: These two are said once, with a first profile.
    trade: Trade | None = None
    time_zone: str | None = None
    about: str | None = None
    photo_url: str | None = None
    hourly_rate: Money | None = None
    tier: SpecialistTier | None = None
    brands: tuple[str, ...] | None = None
    skills: tuple[str, ...] | None = None
    keywords: tuple[str, ...] | None = None
    service_ids: tuple[UUID, ...] | None = None
    country: str | None = None
    state_province: str | None = None
    city: str | None = None
    postal_code: str | None = None
    point: SaidPoint | None = None
    radius_miles: float | None = None
    years_experience: int | None = None


def written(
    before: Provider | None,
    said: SaidProfile,
    *,
    person: User,
    offered: Iterable[UUID],
    known: Iterable[Service],
) -> tuple[Provider, frozenset[UUID]]:
    """The provider after what was said, and the services they offer then.

    `before` is None for a first profile. `offered` are the services they offer, `known` those there
    are of the ones they want to. Raises InvalidInput with every wrong field.
    """
    wrong = [*_wrong_occasion(before, said), *_wrong_lists(said)]
    told = {error.path for error in wrong}
    start = before or _newcomer(said, person)
    point, misplaced = _point(start, said)
    after = replace(start, **_plain_facts(said), point=point)
    wrong += misplaced
    wrong += (error for error in _wrong_facts(after) if error.path not in told)
    if before is not None or said.trade is not None:
        wrong += _wrong_for_trade(after, said, frozenset(offered), known)
    if wrong:
        raise InvalidInput(*wrong)
    return after, frozenset(offered if said.service_ids is None else said.service_ids)


def _wrong_occasion(before: Provider | None, said: SaidProfile) -> Iterator[FieldError]:
    """What has to be said with a first profile, and what can be said only then."""
    if before is None:
        for name, path in _NEEDED:
            if getattr(said, name) is None:
                yield FieldError(path=(path,), message="A first profile has to say this.")
        return
    if said.trade not in {None, before.trade}:
        message = f"Your trade stays {before.trade}; leave it out."
        yield FieldError(path=("trade",), message=message)
    if said.time_zone not in {None, before.time_zone}:
        message = "Use updateAvailability, which tells which bookings would no longer fit."
        yield FieldError(path=("timeZone",), message=message)


def _wrong_lists(said: SaidProfile) -> Iterator[FieldError]:
    for name in _LISTS:
        yield from wrong_words(name, getattr(said, name) or ())
    for number, word in enumerate(said.keywords or ()):
        if tidy(word).casefold() not in _NAMES and not wrong_text((), tidy(word), 1, MAX_WORD):
            message = "This is no keyword; the query `keywords` lists them all."
            yield FieldError(path=("keywords", str(number)), message=message)


def _newcomer(said: SaidProfile, person: User) -> Provider:
    """Somebody of whom nothing is known but their account."""
    return Provider(
        id=person.id,
        given_name=person.given_name,
        family_name=person.family_name,
        trade=said.trade or Trade.CLEANING,
        about="",
        time_zone=said.time_zone or person.time_zone,
        country="",
        state_province="",
        city="",
        postal_code="",
        point=None,
        radius_miles=USUAL_RADIUS,
        years_experience=0,
        rating=None,
        completed_jobs=0,
        approved_at=None,
        suspended_at=None,
    )


_LISTS: Final = ("brands", "skills", "keywords")
#: Kept as they were said.
_PLAIN: Final = (
    *("about", "photo_url", "hourly_rate", "tier", "country", "state_province", "city"),
    *("postal_code", "years_experience"),
)


def _plain_facts(said: SaidProfile) -> dict[str, Any]:
    facts = {name: getattr(said, name) for name in _PLAIN}
    if said.radius_miles is not None:
        # As exactly as it is kept.
        facts["radius_miles"] = round(said.radius_miles, 1)
    facts |= {name: _list(said, name) for name in _LISTS}
    return {name: value for name, value in facts.items() if value is not None}


def _list(said: SaidProfile, name: str) -> tuple[str, ...] | None:
    words = getattr(said, name)
    if words is None:
        return None
    return distinct(map(str.casefold, words) if name == "keywords" else words)


def _point(before: Provider, said: SaidProfile) -> tuple[Point | None, tuple[FieldError, ...]]:
    """Where the provider is, and what is wrong with it."""
    if said.point is None:
        country = said.country or before.country
        code = before.postal_code if said.postal_code is None else said.postal_code
        same = normal_postal_code(code) == normal_postal_code(before.postal_code)
        # The old place says nothing of the new postal code.
        return before.point if same and country == before.country else None, ()
    try:
        return Point(latitude=said.point.latitude, longitude=said.point.longitude), ()
    except InvalidInput as error:
        inside = (FieldError(path=("point", *e.path), message=e.message) for e in error.errors)
        return None, tuple(inside)


def _wrong_facts(after: Provider) -> Iterator[FieldError]:
    yield from wrong_text(("about",), after.about, 0, MAX_ABOUT)
    if after.photo_url and wrong_photos((after.photo_url,)):
        message = "Give an https address of up to 500 characters, or nothing."
        yield FieldError(path=("photoUrl",), message=message)
    if after.hourly_rate is not None:
        yield from wrong_money("hourlyRate", after.hourly_rate, 1)
    if after.tier is SpecialistTier.BRAND_SPECIALIST and not after.brands:
        message = "A brand specialist says in `brands` which brands."
        yield FieldError(path=("tier",), message=message)
    # The street is nobody's business: only what surrounds it is checked.
    yield from Address(
        line1="-",
        city=after.city,
        state_province=after.state_province,
        postal_code=after.postal_code,
        country=after.country,
    ).wrong_fields()
    if not MIN_RADIUS <= after.radius_miles <= MAX_RADIUS:
        message = f"Give {MIN_RADIUS:g} to {MAX_RADIUS:g} miles."
        yield FieldError(path=("radiusMiles",), message=message)
    if not 0 <= after.years_experience <= MAX_YEARS:
        message = f"Give 0 to {MAX_YEARS} years."
        yield FieldError(path=("yearsExperience",), message=message)


def _wrong_for_trade(
    after: Provider, said: SaidProfile, offered: frozenset[UUID], known: Iterable[Service]
) -> Iterator[FieldError]:
    """What their trade speaks against."""
    if said.brands and after.trade is Trade.CLEANING:
        message = "Brands are for mechanics and technicians; say it in skills or keywords."
        yield FieldError(path=("brands",), message=message)
    wanted = said.service_ids or ()
    if len(wanted) > MAX_SERVICES:
        message = f"Give at most {MAX_SERVICES}."
        yield FieldError(path=("serviceIds",), message=message)
        return
    # What they offer already they may keep, though it cannot be booked at present.
    fit = {
        one.id for one in known if one.trade is after.trade and (one.active or one.id in offered)
    }
    for number, service_id in enumerate(wanted):
        if service_id not in fit:
            message = f"There is no such service of the trade {after.trade}."
            yield FieldError(path=("serviceIds", str(number)), message=message)
