"""Which nouns does the schema speak of? What each has to ask, to do and to follow."""

from __future__ import annotations

from typing import Final

from api.accounts import AccountMutations
from api.assignments import AssignmentMutations
from api.availability import AvailabilityMutations
from api.bookings import BookingQueries
from api.calendar import CalendarQueries
from api.calendar_links import CalendarLinkMutations, CalendarLinkQueries
from api.cancellations import CancellationMutations, CancellationQueries
from api.dead_letters import DeadLetterMutations, DeadLetterQueries
from api.favourites import FavouriteMutations, FavouriteQueries
from api.holds import HoldMutations, HoldQueries
from api.holidays import HolidayMutations, HolidayQueries
from api.lifecycle import BookingMutations
from api.moves import MoveMutations
from api.no_shows import NoShowMutations
from api.nodes import NodeQueries
from api.offers import OfferMutations, OfferQueries
from api.people import PersonQueries
from api.providers import PROVIDER_TYPES, ProviderQueries
from api.requests import RequestMutations
from api.reviewing import ReviewMutations
from api.reviews import ReviewQueries
from api.saved_addresses import SavedAddressMutations, SavedAddressQueries
from api.series import SeriesQueries
from api.series_acts import SeriesMutations
from api.services import ServiceMutations, ServiceQueries
from api.shifts import ShiftMutations, ShiftQueries
from api.slot_search import SlotQueries
from api.subscriptions import Subscriptions
from api.vehicles import VehicleMutations, VehicleQueries
from api.waitlist import WaitlistMutations, WaitlistQueries
from api.waitlist_updates import WaitlistSubscriptions

QUERIES: Final = (
    BookingQueries,
    CalendarLinkQueries,
    CalendarQueries,
    CancellationQueries,
    DeadLetterQueries,
    FavouriteQueries,
    HoldQueries,
    HolidayQueries,
    NodeQueries,
    OfferQueries,
    PersonQueries,
    ProviderQueries,
    ReviewQueries,
    SavedAddressQueries,
    SeriesQueries,
    ServiceQueries,
    ShiftQueries,
    SlotQueries,
    VehicleQueries,
    WaitlistQueries,
)
MUTATIONS: Final = (
    AccountMutations,
    AssignmentMutations,
    AvailabilityMutations,
    BookingMutations,
    CalendarLinkMutations,
    CancellationMutations,
    DeadLetterMutations,
    FavouriteMutations,
    HoldMutations,
    HolidayMutations,
    MoveMutations,
    NoShowMutations,
    OfferMutations,
    RequestMutations,
    ReviewMutations,
    SavedAddressMutations,
    SeriesMutations,
    ServiceMutations,
    ShiftMutations,
    VehicleMutations,
    WaitlistMutations,
)
SUBSCRIPTIONS: Final = (Subscriptions, WaitlistSubscriptions)
#: Types that only an interface leads to.
TYPES: Final = PROVIDER_TYPES
