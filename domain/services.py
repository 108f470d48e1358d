"""What can be booked, and what may an admin write about it?"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from domain.booking_rules import BookingRules
from domain.money import wrong_money
from domain.refusals import FieldError, InvalidInput, Refusal, VersionConflict, wrong_text
from domain.words import WRONG_SLUG, distinct, is_slug, slug, wrong_slugs, wrong_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from domain.money import Money
    from domain.people import Viewer

MIN_DURATION: Final = 5
MAX_DURATION: Final = 24 * 60
MAX_TERMS: Final = 10_000


class Trade(StrEnum):
    """The line of work a service belongs to and a provider practises."""

    CLEANING = "CLEANING"
    MECHANICAL = "MECHANICAL"
    FACILITIES = "FACILITIES"


class ServiceMode(StrEnum):
    """Where provider and customer meet."""

    ON_SITE = "ON_SITE"
    VIDEO = "VIDEO"
    CHAT = "CHAT"


class ApprovalPolicy(StrEnum):
    """Whether a booking waits for a person's yes before it is worked on."""

    INSTANT = "INSTANT"
    MANUAL = "MANUAL"


class CodeTaken(Refusal):
    """Another service has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f'There is a service "{code}" already; choose another code.')
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a piece of work asks of whoever is to do it; a booking keeps its own copy."""

    #: Each of these skills, and each of these certifications by its code.
    skills: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    #: Has anybody to go there? Where nobody travels, distance plays no part.
    on_site: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """What an admin writes about a service, right or wrong."""

    #: Its short name for programs. It and the trade stay as they are for ever.
    code: str
    trade: Trade
    name: str
    description: str = ""
    mode: ServiceMode = ServiceMode.ON_SITE
    duration_minutes: int
    price: Money
    approval: ApprovalPolicy = ApprovalPolicy.INSTANT
    #: What a customer has to accept before the work is offered; empty where there is nothing.
    terms: str = ""
    #: Has a booking to say which vehicle is to be worked on? For mechanics only.
    requires_vehicle: bool = False
    #: What whoever does the work has to know, and the codes of what they have to have shown.
    required_skills: tuple[str, ...] = ()
    required_certifications: tuple[str, ...] = ()
    #: Can it be booked now?
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(ServiceFacts):
    """A catalogue entry."""

    id: UUID
    rules: BookingRules = field(default_factory=BookingRules)
    #: Counts its changes, from 1.
    version: int = 1

    @property
    def duration(self) -> timedelta:
        """How long the work takes."""
        return timedelta(minutes=self.duration_minutes)

    @property
    def requirements(self) -> Requirements:
        """What the work asks of a provider."""
        return Requirements(
            skills=self.required_skills,
            certifications=self.required_certifications,
            on_site=self.mode is ServiceMode.ON_SITE,
        )

    def is_visible_to(self, viewer: Viewer | None) -> bool:
        """Is it in the catalogue, or is the viewer staff? What cannot be booked is theirs alone."""
        return self.active or (viewer is not None and viewer.is_staff)


def create(
    facts: ServiceFacts, rules: Mapping[str, Any], *, service_id: UUID, defaults: BookingRules
) -> Service:
    """A new catalogue entry. `rules` are those, by their names, that differ from the defaults.

    Raises InvalidInput.
    """
    given = {one.name: getattr(facts, one.name) for one in fields(facts)}
    return _checked(Service(**given, id=service_id, rules=defaults), rules)


def edit(
    before: Service,
    changes: Mapping[str, Any],
    rules: Mapping[str, Any],
    *,
    expected_version: int | None,
) -> Service:
    """The service with these facts and rules changed, by their names; unchanged if none differs.

    Raises VersionConflict where somebody else has changed it since, and InvalidInput.
    """
    if expected_version not in (None, before.version):
        raise VersionConflict(before.version)
    after = _checked(replace(before, **changes), rules)
    return before if after == before else replace(after, version=before.version + 1)


def _checked(service: Service, rules: Mapping[str, Any]) -> Service:
    wrong = [*_wrong_words(service), *_wrong_numbers(service), *_wrong_requirements(service)]
    try:
        service = replace(service, rules=replace(service.rules, **rules))
    except InvalidInput as error:
        wrong += error.errors
    if wrong:
        raise InvalidInput(*wrong)
    return replace(
        service,
        required_skills=distinct(service.required_skills),
        required_certifications=distinct(map(slug, service.required_certifications)),
    )


def _wrong_words(facts: ServiceFacts) -> Iterator[FieldError]:
    if not is_slug(facts.code):
        yield FieldError(path=("code",), message=f'{WRONG_SLUG} "oven-clean".')
    yield from wrong_text(("name",), facts.name, 1, 100)
    yield from wrong_text(("description",), facts.description, 0, 2000)
    yield from wrong_text(("terms",), facts.terms, 0, MAX_TERMS)


def _wrong_numbers(facts: ServiceFacts) -> Iterator[FieldError]:
    if not MIN_DURATION <= facts.duration_minutes <= MAX_DURATION:
        message = f"Give {MIN_DURATION} to {MAX_DURATION} minutes."
        yield FieldError(path=("durationMinutes",), message=message)
    yield from wrong_money("price", facts.price, 0)
    if facts.requires_vehicle and facts.trade is not Trade.MECHANICAL:
        message = "Only MECHANICAL services work on a vehicle; leave it out or give false."
        yield FieldError(path=("requiresVehicle",), message=message)


def _wrong_requirements(facts: ServiceFacts) -> Iterator[FieldError]:
    yield from wrong_words("requiredSkills", facts.required_skills)
    codes = [slug(code) for code in facts.required_certifications]
    yield from wrong_slugs("requiredCertifications", codes, "gas-safe")
