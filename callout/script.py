"""What do the players of the demo say to the API? Every document they send."""

from __future__ import annotations

from typing import Final

SIGN_IN: Final = """
mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    __typename
    ... on SignInSuccess { session { accessToken } }
    ... on Problem { message }
  }
}"""

SIGN_OUT: Final = """
mutation SignOut($input: SignOutInput!) { signOut(input: $input) { __typename } }"""

SERVICES: Final = "query Services { services(first: 100) { nodes { id code } } }"

CLOCK_IN: Final = """
mutation ClockIn($input: ClockInInput!) {
  clockIn(input: $input) {
    __typename
    ... on ClockInSuccess { shift { provider { id } } }
    ... on AlreadyOnShift { message shift { provider { id } } }
    ... on Problem { message }
  }
}"""

HEARTBEAT: Final = """
mutation Heartbeat($input: HeartbeatInput!) {
  heartbeat(input: $input) { __typename ... on Problem { message } }
}"""

CLOCK_OUT: Final = """
mutation ClockOut($input: ClockOutInput!) {
  clockOut(input: $input) { __typename ... on Problem { message } }
}"""

BOOK: Final = """
mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) {
    __typename
    ... on CreateBookingSuccess { booking { id status } }
    ... on Problem { message }
  }
}"""

ACCEPT: Final = """
mutation Accept($input: AcceptOfferInput!) {
  acceptOffer(input: $input) {
    __typename
    ... on OfferGone { why }
    ... on Problem { message }
  }
}"""

START: Final = """
mutation Start($input: StartBookingInput!) {
  startBooking(input: $input) { __typename ... on Problem { message } }
}"""

COMPLETE: Final = """
mutation Complete($input: CompleteBookingInput!) {
  completeBooking(input: $input) { __typename ... on Problem { message } }
}"""

CANCEL: Final = """
mutation Cancel($input: CancelBookingInput!) {
  cancelBooking(input: $input) { __typename ... on Problem { message } }
}"""

OFFERS: Final = """
subscription Offers($after: String) {
  offerFeed(after: $after) {
    cursor
    type
    offer { id score priority reasons work { concern } }
  }
}"""

BOOKING: Final = """
subscription Booking($id: ID!) {
  bookingUpdated(id: $id) { cursor type booking { status } }
}"""

QUEUE: Final = """
subscription Queue { queueChanged { cursor type waiting booking { id status } } }"""

PRESENCE: Final = """
subscription Presence { presenceChanged { cursor presence provider { id } } }"""
