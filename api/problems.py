"""How does an expected refusal look to a client? As a typed problem with the facts to act on.

Each refusal class of the domain is turned into its problem by `problem_of`; the noun that raises a
refusal registers the translation beside its types.
"""

from __future__ import annotations

from enum import Enum
from functools import singledispatch
from typing import TYPE_CHECKING

import strawberry

from api.access import PUBLIC

if TYPE_CHECKING:
    from domain.refusals import Refusal
from domain import refusals


@strawberry.enum(description="What kind of problem it is, for a program to act on.")
class ProblemCode(Enum):
    """Every kind of problem a mutation can answer with."""

    INVALID_INPUT = strawberry.enum_value(
        "INVALID_INPUT", description="One or more input fields are wrong; `errors` lists them all."
    )
    NOT_FOUND = strawberry.enum_value(
        "NOT_FOUND", description="No such thing, or you may not see it; the two answer alike."
    )
    WRONG_STATUS = strawberry.enum_value(
        "WRONG_STATUS", description="The booking stands where this act is not possible."
    )
    SLOT_TAKEN = strawberry.enum_value("SLOT_TAKEN", description="The provider's time is taken.")
    NOBODY_FREE = strawberry.enum_value(
        "NOBODY_FREE", description="Nobody is free at this time; `waysOn` says what else there is."
    )
    OFFER_GONE = strawberry.enum_value(
        "OFFER_GONE", description="The offer can no longer be taken."
    )
    RULES_BROKEN = strawberry.enum_value(
        "RULES_BROKEN", description="The booking rules forbid this booking."
    )
    PROVIDER_NOT_ELIGIBLE = strawberry.enum_value(
        "PROVIDER_NOT_ELIGIBLE", description="This provider may not take this booking."
    )
    TERMS_NOT_ACCEPTED = strawberry.enum_value(
        "TERMS_NOT_ACCEPTED", description="The customer has to accept the service's terms first."
    )
    FEE_CHANGED = strawberry.enum_value(
        "FEE_CHANGED", description="Cancelling costs another fee than the one agreed to."
    )
    HOLD_EXPIRED = strawberry.enum_value(
        "HOLD_EXPIRED", description="The hold keeps the slot no longer."
    )
    TOO_EARLY = strawberry.enum_value(
        "TOO_EARLY", description="It is too early for this; `possibleFrom` says from when on."
    )
    SERVICE_INACTIVE = strawberry.enum_value(
        "SERVICE_INACTIVE", description="The service can no longer be booked."
    )
    IDEMPOTENCY_KEY_REUSED = strawberry.enum_value(
        "IDEMPOTENCY_KEY_REUSED", description="The idempotency key was used with other input."
    )
    ALREADY_ON_SHIFT = strawberry.enum_value(
        "ALREADY_ON_SHIFT", description="A shift is open already."
    )
    NOT_ON_SHIFT = strawberry.enum_value("NOT_ON_SHIFT", description="There is no open shift.")
    WORK_IN_PROGRESS = strawberry.enum_value(
        "WORK_IN_PROGRESS", description="There is work in progress."
    )
    ALREADY_REPLAYED = strawberry.enum_value(
        "ALREADY_REPLAYED", description="The job was tried again already."
    )
    PAYMENT_UNAVAILABLE = strawberry.enum_value(
        "PAYMENT_UNAVAILABLE",
        description="There is no payment gateway, or it does not do its work just now.",
    )
    NOTHING_TO_PAY = strawberry.enum_value(
        "NOTHING_TO_PAY", description="All is paid that was to be paid."
    )
    NOT_ENOUGH_CREDIT = strawberry.enum_value(
        "NOT_ENOUGH_CREDIT", description="There is not enough credit to pay this with."
    )
    REFUND_TOO_LARGE = strawberry.enum_value(
        "REFUND_TOO_LARGE", description="There is less to give back than was asked for."
    )
    PAYOUT_NOT_FAILED = strawberry.enum_value(
        "PAYOUT_NOT_FAILED", description="The payout has not failed; it is paid, or on its way."
    )
    VERSION_CONFLICT = strawberry.enum_value(
        "VERSION_CONFLICT", description="Somebody else has changed it since you read it."
    )
    ALREADY_WAITING = strawberry.enum_value(
        "ALREADY_WAITING", description="You are in line for this service already."
    )
    CODE_TAKEN = strawberry.enum_value("CODE_TAKEN", description="Another service has this code.")
    TOO_MANY = strawberry.enum_value(
        "TOO_MANY", description="You keep as many of these as can be kept."
    )
    ALREADY_REVIEWED = strawberry.enum_value(
        "ALREADY_REVIEWED", description="You have reviewed this booking otherwise."
    )
    CALENDAR_LINK_REVOKED = strawberry.enum_value(
        "CALENDAR_LINK_REVOKED", description="The link was revoked already."
    )
    HOLIDAY_EXISTS = strawberry.enum_value(
        "HOLIDAY_EXISTS", description="The day is a holiday there already."
    )
    CERTIFICATION_EXISTS = strawberry.enum_value(
        "CERTIFICATION_EXISTS", description="You have shown this paper already."
    )
    WRONG_APPROVAL = strawberry.enum_value(
        "WRONG_APPROVAL", description="The provider stands where this act is not possible."
    )
    BLOCKED_BY_HOUSE = strawberry.enum_value(
        "BLOCKED_BY_HOUSE", description="The house has blocked the provider; only it can unblock."
    )
    SERIES_CONFLICTS = strawberry.enum_value(
        "SERIES_CONFLICTS", description="Some occurrences cannot be as asked; nothing was done."
    )
    SERIES_ENDED = strawberry.enum_value("SERIES_ENDED", description="The series has ended.")
    ALREADY_SKIPPED = strawberry.enum_value(
        "ALREADY_SKIPPED", description="The occurrence is skipped already."
    )
    NOT_SKIPPED = strawberry.enum_value("NOT_SKIPPED", description="The occurrence is not skipped.")
    EMAIL_TAKEN = strawberry.enum_value(
        "EMAIL_TAKEN", description="There is an account with this e-mail address already."
    )
    INVALID_CREDENTIALS = strawberry.enum_value(
        "INVALID_CREDENTIALS", description="The e-mail address or the password is wrong."
    )
    SESSION_ENDED = strawberry.enum_value(
        "SESSION_ENDED", description="The session is over; sign in again."
    )


@strawberry.interface(
    directives=[PUBLIC], description="Why an act was refused. A refused act had no effect."
)
class Problem:
    """What every problem carries."""

    message: str = strawberry.field(description="What is wrong and what to do, for a person.")
    code: ProblemCode = strawberry.field(description="What kind of problem it is, for a program.")
    path: list[str] | None = strawberry.field(
        default=None, description="The input field it speaks of, from `input` down; null for none."
    )


@strawberry.type(directives=[PUBLIC], description="One wrong input field.")
class FieldProblem:
    """Where an input field is and how to mend it."""

    path: list[str] = strawberry.field(description="The field, from `input` down.")
    message: str = strawberry.field(description="What is wrong with it and what to write instead.")


@strawberry.type(
    directives=[PUBLIC], description="The input breaks a rule of its shape; all wrong fields."
)
class InvalidInput(Problem):
    """Every wrong field at once."""

    errors: list[FieldProblem] = strawberry.field(description="Every wrong field.")


@strawberry.type(
    directives=[PUBLIC], description="No such thing, or you may not see it; the two answer alike."
)
class NotFound(Problem):
    """Nothing here for this viewer."""


@strawberry.type(
    directives=[PUBLIC],
    description="Somebody else has changed it since you read it; read it again.",
)
class VersionConflict(Problem):
    """Somebody else has changed it since."""

    current_version: int = strawberry.field(description="Its version now.")


@singledispatch
def problem_of(refusal: Refusal) -> Problem | None:
    """The problem that shows this refusal; None when no noun has registered one."""
    del refusal
    return None


@problem_of.register
def _(refusal: refusals.InvalidInput) -> Problem:
    errors = [FieldProblem(path=list(e.path), message=e.message) for e in refusal.errors]
    return InvalidInput(
        message=str(refusal), code=ProblemCode.INVALID_INPUT, path=errors[0].path, errors=errors
    )


@problem_of.register
def _(refusal: refusals.NotFound) -> Problem:
    return NotFound(message=str(refusal), code=ProblemCode.NOT_FOUND)


@problem_of.register
def _(refusal: refusals.VersionConflict) -> Problem:
    return VersionConflict(
        message=str(refusal),
        code=ProblemCode.VERSION_CONFLICT,
        path=["expectedVersion"],
        current_version=refusal.current,
    )
