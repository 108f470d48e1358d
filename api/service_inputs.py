"""What does an admin say of a service?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry

from api import ids
from api.booking_rules import BookingRulesInput
from api.money import MoneyInput
from api.service_kinds import ApprovalPolicy, ServiceMode, Trade
from domain import services as domain

_NAME = "Its name for people; 1 to 100 characters."
_DESCRIPTION = "What is done; up to 2000 characters."
_DURATION = "How long it takes, in minutes; 5 to 1440."
_TERMS = (
    "What a customer has to accept before the work is offered to providers; up to 10000 "
    "characters, empty for nothing."
)
_REQUIRES_VEHICLE = (
    "Has a booking to say which vehicle is to be worked on? For MECHANICAL services."
)
_SKILLS = "What whoever does it has to know: at most 30, of up to 50 characters."
_CERTIFICATIONS = (
    'What whoever does it has to hold: at most 30 codes, such as "gas-safe", of 2 to 50 small '
    "letters, digits and single hyphens."
)
_RULES = "Its booking rules."


@strawberry.input(description="A new service.")
class CreateServiceInput:
    """A new service."""

    code: str = strawberry.field(
        description="Its short name for programs: 2 to 50 small letters, digits and single "
        "hyphens. No other service may have it, and it stays for ever."
    )
    trade: Trade = strawberry.field(description="The trade it belongs to, for ever.")
    name: str = strawberry.field(description=_NAME)
    description: str | None = strawberry.field(default=None, description=_DESCRIPTION)
    mode: ServiceMode = strawberry.field(
        default=ServiceMode.ON_SITE, description="Where it is done."
    )
    duration_minutes: int = strawberry.field(description=_DURATION)
    price: MoneyInput = strawberry.field(description="What it costs; 0 for nothing.")
    approval: ApprovalPolicy = strawberry.field(
        default=ApprovalPolicy.INSTANT, description="Whether bookings need a yes."
    )
    terms: str | None = strawberry.field(default=None, description=_TERMS)
    requires_vehicle: bool = strawberry.field(default=False, description=_REQUIRES_VEHICLE)
    required_skills: list[str] | None = strawberry.field(default=None, description=_SKILLS)
    required_certifications: list[str] | None = strawberry.field(
        default=None, description=_CERTIFICATIONS
    )
    active: bool = strawberry.field(
        default=True, description="Can it be booked from now on? Until then only staff see it."
    )
    rules: BookingRulesInput | None = strawberry.field(default=None, description=_RULES)

    def facts(self) -> domain.ServiceFacts:
        """What is said of the service itself."""
        return domain.ServiceFacts(
            code=self.code.strip(),
            trade=self.trade,
            name=self.name.strip(),
            description=(self.description or "").strip(),
            mode=self.mode,
            duration_minutes=self.duration_minutes,
            price=self.price.value(),
            approval=self.approval,
            terms=(self.terms or "").strip(),
            requires_vehicle=self.requires_vehicle,
            required_skills=tuple(self.required_skills or ()),
            required_certifications=tuple(self.required_certifications or ()),
            active=self.active,
        )

    def changed_rules(self) -> dict[str, Any]:
        """The rules that differ from the house's defaults, by their names."""
        return self.rules.changes() if self.rules else {}


@strawberry.input(
    description="What to change of a service. What is left out or null stays as it is."
)
class UpdateServiceInput:
    """What to change of a service."""

    service_id: strawberry.ID = strawberry.field(description="The service.")
    expected_version: int | None = strawberry.field(
        default=None,
        description="The version that you read. Somebody else's change since then is not "
        "overwritten: the answer is VersionConflict.",
    )
    name: str | None = strawberry.field(default=None, description=_NAME)
    description: str | None = strawberry.field(default=None, description=_DESCRIPTION)
    mode: ServiceMode | None = strawberry.field(default=None, description="Where it is done.")
    duration_minutes: int | None = strawberry.field(default=None, description=_DURATION)
    price: MoneyInput | None = strawberry.field(
        default=None, description="What it costs; 0 for nothing."
    )
    approval: ApprovalPolicy | None = strawberry.field(
        default=None, description="Whether bookings need a yes."
    )
    terms: str | None = strawberry.field(default=None, description=_TERMS)
    requires_vehicle: bool | None = strawberry.field(default=None, description=_REQUIRES_VEHICLE)
    required_skills: list[str] | None = strawberry.field(default=None, description=_SKILLS)
    required_certifications: list[str] | None = strawberry.field(
        default=None, description=_CERTIFICATIONS
    )
    active: bool | None = strawberry.field(
        default=None, description="Can it be booked? False takes it out of the catalogue."
    )
    rules: BookingRulesInput | None = strawberry.field(default=None, description=_RULES)

    @property
    def uid(self) -> UUID:
        """The service's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Service", self.service_id, "serviceId")

    def changes(self) -> dict[str, Any]:
        """The facts to change, by their names."""
        given = {
            "name": _stripped(self.name),
            "description": _stripped(self.description),
            "mode": self.mode,
            "duration_minutes": self.duration_minutes,
            "price": self.price and self.price.value(),
            "approval": self.approval,
            "terms": _stripped(self.terms),
            "requires_vehicle": self.requires_vehicle,
            "required_skills": _listed(self.required_skills),
            "required_certifications": _listed(self.required_certifications),
            "active": self.active,
        }
        return {name: value for name, value in given.items() if value is not None}

    def changed_rules(self) -> dict[str, Any]:
        """The rules to change, by their names."""
        return self.rules.changes() if self.rules else {}


def _stripped(text: str | None) -> str | None:
    return None if text is None else text.strip()


def _listed(texts: list[str] | None) -> tuple[str, ...] | None:
    return None if texts is None else tuple(texts)
