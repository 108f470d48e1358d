"""What do those who do the work say of it: what was done, who signed for it, how late they are?"""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.access import SIGNED_IN
from api.booking_inputs import BookingInput
from api.views import view_of
from domain import work as domain


@strawberry.type(directives=[SIGNED_IN], description="One point of what was to be done.")
@view_of(domain.ChecklistItem)
class ChecklistItem:
    """One point of what was to be done."""

    label: str = strawberry.field(description="What was to be done.")
    done: bool = strawberry.field(description="Whether it was.")


@strawberry.type(directives=[SIGNED_IN], description="Who signed for work that is done.")
@view_of(domain.Signature)
class Signature:
    """Who signed for work that is done."""

    name: str = strawberry.field(description="Who signed.")
    url: str = strawberry.field(description="The address of a picture of the signature.")


@strawberry.type(
    directives=[SIGNED_IN], description="By how much the provider has said that they will be late."
)
@view_of(domain.Lateness)
class Lateness:
    """By how much the provider has said that they will be late."""

    minutes: int = strawberry.field(description="How long after the agreed start, in minutes.")
    reason: str = strawberry.field(description="Why, in their words; may be empty.")
    reported_at: datetime = strawberry.field(description="When they said so last.")
    expected_at: datetime = strawberry.field(description="When they mean to begin.")


@strawberry.input(description="One point of what was to be done.")
class ChecklistItemInput:
    """One point of what was to be done."""

    label: str = strawberry.field(description="What was to be done; 1 to 200 characters.")
    done: bool = strawberry.field(default=True, description="Whether it was.")


@strawberry.input(description="Which booking is done, and what there is to say of it.")
class CompleteBookingInput(BookingInput):
    """Which booking is done."""

    notes: str | None = strawberry.field(default=None, description="Up to 2000 characters.")
    photo_urls: list[str] | None = strawberry.field(
        default=None, description="Up to 20 https addresses of photos."
    )
    checklist: list[ChecklistItemInput] | None = strawberry.field(
        default=None, description="Up to 50 points, in the order in which they are shown."
    )
    signed_by: str | None = strawberry.field(
        default=None,
        description="Who signed for the work, with `signatureUrl`; 1 to 200 characters.",
    )
    signature_url: str | None = strawberry.field(
        default=None, description="The https address of a picture of the signature."
    )

    def handover(self) -> domain.Handover:
        """What is handed over."""
        points = (
            domain.ChecklistItem(label=one.label.strip(), done=one.done)
            for one in self.checklist or ()
        )
        return domain.Handover(
            notes=self.notes or "",
            photo_urls=tuple(self.photo_urls or ()),
            checklist=tuple(points),
            signed_by=None if self.signed_by is None else self.signed_by.strip(),
            signature_url=self.signature_url,
        )
