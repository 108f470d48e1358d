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
    ... on CreateBookingSuccess { booking { id status startsAt provider { id } } }
    ... on SlotTaken { alternatives }
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
  cancelBooking(input: $input) {
    __typename
    ... on CancelBookingSuccess { booking { status fee { amountMinor formatted } } }
    ... on FeeChanged { quote { fee { amountMinor formatted } } }
    ... on Problem { message }
  }
}"""

QUOTE: Final = """
query Quote($id: ID!) {
  cancellationQuote(bookingId: $id) { percent fee { amountMinor formatted } changesAt }
}"""

SLOTS: Final = """
query Slots(
  $serviceId: ID!, $place: PlaceInput!, $from: Instant!, $to: Instant!, $providerId: ID
) {
  availableSlots(
    serviceId: $serviceId, place: $place, from: $from, to: $to, providerId: $providerId, first: 5
  ) {
    providerCount
    slots { startsAt localStart timeZone }
  }
}"""

PROVIDERS: Final = """
query Providers($serviceId: ID!, $place: PlaceInput!, $startsAt: Instant!) {
  availableProviders(serviceId: $serviceId, place: $place, startsAt: $startsAt) {
    providers { isFree distanceMiles provider { id name timeZone } }
  }
}"""

HOLD: Final = """
mutation Hold($input: HoldSlotInput!) {
  holdSlot(input: $input) {
    __typename
    ... on HoldSlotSuccess { hold { id startsAt createdAt expiresAt provider { id } } }
    ... on Problem { message }
  }
}"""

RELEASE: Final = """
mutation Release($input: ReleaseHoldInput!) { releaseHold(input: $input) { __typename } }"""

MOVE: Final = """
mutation Move($input: RescheduleBookingInput!) {
  rescheduleBooking(input: $input) {
    __typename
    ... on RescheduleBookingSuccess { booking { startsAt reschedules provider { id } } }
    ... on Problem { message }
  }
}"""

_REPORT: Final = """
fragment Line on OccurrenceReport {
  originalStart outcome startsAt booking { id } conflict { code alternatives }
}"""

ORDER: Final = f"""
mutation Order($input: CreateBookingSeriesInput!) {{
  createBookingSeries(input: $input) {{
    __typename
    ... on CreateBookingSeriesSuccess {{ series {{ id rrule }} report {{ ...Line }} }}
    ... on SeriesConflicts {{ report {{ ...Line }} }}
    ... on Problem {{ message }}
  }}
}}{_REPORT}"""

SKIP: Final = """
mutation Skip($input: SkipOccurrenceInput!) {
  skipOccurrence(input: $input) {
    __typename
    ... on SkipOccurrenceSuccess {
      series { occurrences(first: 20) { nodes { originalStart state booking { status } } } }
    }
    ... on Problem { message }
  }
}"""

END_SERIES: Final = f"""
mutation EndSeries($input: EndSeriesInput!) {{
  endSeries(input: $input) {{
    __typename
    ... on EndSeriesSuccess {{ report {{ ...Line }} }}
    ... on Problem {{ message }}
  }}
}}{_REPORT}"""

WAIT: Final = """
mutation Wait($input: JoinWaitlistInput!) {
  joinWaitlist(input: $input) {
    __typename
    ... on JoinWaitlistSuccess { entry { id state position } }
    ... on Problem { message }
  }
}"""

LEAVE: Final = """
mutation Leave($input: LeaveWaitlistInput!) { leaveWaitlist(input: $input) { __typename } }"""

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

WAITLIST: Final = """
subscription Waitlist {
  waitlistUpdated {
    cursor
    type
    entry { id state grant { id startsAt expiresAt provider { id } } }
  }
}"""

PAY: Final = """
mutation Pay($input: PayBookingInput!) {
  payBooking(input: $input) {
    __typename
    ... on PayBookingSuccess {
      booking { status amountDue { amountMinor } }
      payment { id status receiptUrl amount { amountMinor currency formatted } }
    }
    ... on Problem { message }
  }
}"""

PAID: Final = """
query Paid($id: ID!) {
  booking(id: $id) {
    status version
    payments { status received { amountMinor } refunded { amountMinor } }
  }
}"""

TIP: Final = """
mutation Tip($input: TipProviderInput!) {
  tipProvider(input: $input) {
    __typename
    ... on TipProviderSuccess { payment { status } }
    ... on Problem { message }
  }
}"""

EARNINGS: Final = """
query Earnings($from: LocalDate!, $to: LocalDate!) {
  earnings(from: $from, to: $to, by: DAY) {
    currencies { currency payable { amountMinor formatted } paid { amountMinor } }
  }
}"""

_OPEN: Final = """
fragment Open on RunPayrollSuccess {
  period
  payouts(first: 100) { nodes { provider { id } amount { amountMinor formatted } carriedOver } }
}"""

PAYROLL: Final = f"""
mutation Payroll($input: RunPayrollInput!) {{
  runPayroll(input: $input) {{ __typename ...Open ... on Problem {{ message }} }}
}}{_OPEN}"""

PAYOUTS: Final = """
query Payouts {
  payouts(first: 1) {
    nodes {
      status period lineCount
      amount { amountMinor formatted }
      statement {
        csvUrl
        totals { kind lineCount amount { formatted } }
        lines(first: 100) { nodes { kind booking { id } amount { amountMinor } } }
      }
    }
  }
}"""

TOLD: Final = """
query Told { notifications(first: 20) { nodes { message title booking { id } } } }"""
