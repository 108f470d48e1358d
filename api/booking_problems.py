"""Why was an act on a booking refused? Each refusal of the domain as a typed problem."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from api.access import PUBLIC
from api.booking_kinds import BookingRule, BookingStatus, HardRule
from api.problems import Problem, ProblemCode, problem_of
from api.views import view_of
from domain import booking_rules, booking_steps, idempotency, payments, providers, requests
from domain import bookings as domain


@strawberry.type(directives=[PUBLIC], description="The provider's time is taken.")
class SlotTaken(Problem):
    """The provider's time is taken."""

    alternatives: list[datetime] = strawberry.field(
        description="The next starts at which the same provider is free."
    )


@strawberry.type(directives=[PUBLIC], description="The booking stands where this is not possible.")
class WrongStatus(Problem):
    """The booking stands where this is not possible."""

    status: BookingStatus = strawberry.field(description="Where it stands.")


@strawberry.type(directives=[PUBLIC], description="One booking rule that a request breaks.")
@view_of(booking_rules.BrokenRule)
class BrokenRule:
    """One booking rule that a request breaks."""

    rule: BookingRule = strawberry.field(description="Which rule.")
    message: str = strawberry.field(description="What would satisfy it.")
    earliest: datetime | None = strawberry.field(
        description="The first start that satisfies this rule, where there is one."
    )
    latest: datetime | None = strawberry.field(
        description="The last instant that satisfies this rule, where there is one."
    )
    limit: int | None = strawberry.field(description="The number that the rule allows, if any.")


@strawberry.type(directives=[PUBLIC], description="The booking rules forbid this.")
class RulesBroken(Problem):
    """The booking rules forbid this booking."""

    broken: list[BrokenRule] = strawberry.field(description="Every broken rule.")
    alternatives: list[datetime] = strawberry.field(
        description="Starts near the one asked for that break no rule, where some are known."
    )


@strawberry.type(directives=[PUBLIC], description="This provider may not take this booking.")
class ProviderNotEligible(Problem):
    """This provider may not take this booking."""

    unmet: list[HardRule] = strawberry.field(description="What stands in the way.")


@strawberry.type(directives=[PUBLIC], description="The service can no longer be booked.")
class ServiceInactive(Problem):
    """The service can no longer be booked."""


@strawberry.type(directives=[PUBLIC], description="The key answered a request with other input.")
class IdempotencyKeyReused(Problem):
    """The key answered a request with other input."""


@strawberry.type(directives=[PUBLIC], description="The service's terms are not accepted yet.")
class TermsNotAccepted(Problem):
    """The service's terms are not accepted yet."""


@strawberry.type(
    directives=[PUBLIC],
    description="This server has no way to take payments, or the payment service does not do its "
    "work just now; then it may be tried again.",
)
class PaymentUnavailable(Problem):
    """Nobody can pay just now."""


@problem_of.register
def _(refusal: domain.SlotTaken) -> Problem:
    return SlotTaken(
        message=str(refusal),
        code=ProblemCode.SLOT_TAKEN,
        path=["startsAt"],
        alternatives=list(refusal.alternatives),
    )


@problem_of.register
def _(refusal: booking_steps.WrongStatus) -> Problem:
    return WrongStatus(message=str(refusal), code=ProblemCode.WRONG_STATUS, status=refusal.status)


@problem_of.register
def _(refusal: booking_rules.RulesBroken) -> Problem:
    broken: Any = list(refusal.broken)
    return RulesBroken(
        message=str(refusal),
        code=ProblemCode.RULES_BROKEN,
        path=["startsAt"],
        broken=broken,
        alternatives=list(refusal.alternatives),
    )


@problem_of.register
def _(refusal: providers.ProviderNotEligible) -> Problem:
    return ProviderNotEligible(
        message=str(refusal),
        code=ProblemCode.PROVIDER_NOT_ELIGIBLE,
        path=["providerId"],
        unmet=[verdict.rule for verdict in refusal.broken],
    )


@problem_of.register
def _(refusal: requests.ServiceInactive) -> Problem:
    return ServiceInactive(
        message=str(refusal), code=ProblemCode.SERVICE_INACTIVE, path=["serviceId"]
    )


@problem_of.register
def _(refusal: idempotency.IdempotencyKeyReused) -> Problem:
    return IdempotencyKeyReused(
        message=str(refusal), code=ProblemCode.IDEMPOTENCY_KEY_REUSED, path=["idempotencyKey"]
    )


@problem_of.register
def _(refusal: payments.PaymentUnavailable) -> Problem:
    return PaymentUnavailable(message=str(refusal), code=ProblemCode.PAYMENT_UNAVAILABLE)


@problem_of.register
def _(refusal: domain.TermsNotAccepted) -> Problem:
    return TermsNotAccepted(message=str(refusal), code=ProblemCode.TERMS_NOT_ACCEPTED)
