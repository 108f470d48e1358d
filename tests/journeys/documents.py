"""What the people of the journeys say to the API."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from api import ids
from tests import factories

if TYPE_CHECKING:
    from db.engine import Database
    from domain.services import Service

BOOK: Final = """
mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) {
    __typename
    ... on CreateBookingSuccess { booking { id status } }
    ... on SlotTaken { alternatives }
    ... on NobodyFree { waysOn { laterSlots { startsAt } offlineProviders { id } } }
    ... on Problem { message }
  }
}"""
CANCEL: Final = """
mutation Cancel($input: CancelBookingInput!) {
  cancelBooking(input: $input) { __typename ... on Problem { message } }
}"""
ACCEPT: Final = """
mutation Accept($input: AcceptOfferInput!) {
  acceptOffer(input: $input) {
    __typename
    ... on OfferGone { why }
    ... on Problem { message }
  }
}"""
REJECT: Final = """
mutation Reject($input: RejectOfferInput!) {
  rejectOffer(input: $input) { __typename ... on Problem { message } }
}"""
CLOCK_IN: Final = """
mutation ClockIn {
  clockIn(input: {}) { __typename ... on AlreadyOnShift { shift { id } } }
}"""
CLOCK_OUT: Final = """
mutation ClockOut {
  clockOut(input: {}) { __typename ... on WorkInProgress { booking { id } } }
}"""
START: Final = """
mutation Start($input: StartBookingInput!) {
  startBooking(input: $input) { __typename ... on Problem { message } }
}"""
TAKE_TIME_OFF: Final = """
mutation TimeOff($input: RequestTimeOffInput!) {
  requestTimeOff(input: $input) { __typename ... on Problem { message } }
}"""
EXPLAIN: Final = """
query Explain($booking: ID!, $provider: ID!) {
  explainMatch(bookingId: $booking, providerId: $provider) {
    answer isEligible verdicts { rule passed }
  }
}"""
PAY: Final = """
mutation Pay($input: PayBookingInput!) {
  payBooking(input: $input) {
    __typename
    ... on PayBookingSuccess { payment { id status clientSecret } }
    ... on Problem { message }
  }
}"""
REFUND: Final = """
mutation Refund($input: RefundBookingInput!) {
  refundBooking(input: $input) { __typename ... on Problem { message } }
}"""
REGISTER_DEVICE: Final = """
mutation Register($input: RegisterDeviceInput!) {
  registerDevice(input: $input) { __typename ... on Problem { message } }
}"""
BE_TOLD: Final = """
mutation BeTold($input: UpdateNotificationPreferencesInput!) {
  updateNotificationPreferences(input: $input) { __typename ... on Problem { message } }
}"""
DEAD_LETTERS: Final = "{ deadLetters { nodes { id job arguments error tries } } }"
REPLAY: Final = """
mutation Replay($input: ReplayDeadLetterInput!) {
  replayDeadLetter(input: $input) { __typename ... on Problem { message } }
}"""
OFFERS: Final = """
subscription Offers($after: String) {
  offerFeed(after: $after) { cursor type offer { id wave } }
}"""
QUEUE: Final = """
subscription Queue($after: String) {
  queueChanged(after: $after) { cursor type booking { id } }
}"""
BOOKING: Final = """
subscription Booking($id: ID!, $after: String) {
  bookingUpdated(id: $id, after: $after) { cursor type booking { status } }
}"""

ADDRESS: Final = {
    "line1": "1 Parliament Square",
    "city": "London",
    "postalCode": "SW1A 0AA",
    "country": "GB",
    "point": {"latitude": 51.5010, "longitude": -0.1246},
}


async def a_wish(database: Database, service: Service, **changes: Any) -> dict[str, Any]:
    """The input of createBooking: the service, the day after tomorrow."""
    at = await factories.tomorrow(database) + timedelta(days=1)
    wish = {
        "serviceId": ids.encode("Service", service.id),
        "kind": "SCHEDULED",
        "startsAt": at.isoformat(),
        "address": ADDRESS,
    }
    return wish | changes
