"""Which nouns does the schema speak of? What each has to ask, to do and to follow."""

from __future__ import annotations

from typing import Final

from api.accounts import AccountMutations
from api.approvals import ApprovalMutations
from api.assignments import AssignmentMutations
from api.auto_assign import AutoAssignMutations, AutoAssignQueries
from api.availability import AvailabilityMutations
from api.blocks import BlockMutations, BlockQueries
from api.booking_queries import BookingQueries
from api.calendar import CalendarQueries
from api.calendar_links import CalendarLinkMutations, CalendarLinkQueries
from api.cancellations import CancellationMutations, CancellationQueries
from api.certifying import CertificationMutations
from api.credits import CreditMutations, CreditQueries
from api.dead_letters import DeadLetterMutations, DeadLetterQueries
from api.devices import DeviceMutations, DeviceQueries
from api.earnings import EarningsQueries
from api.explanations import ExplanationQueries
from api.favourites import FavouriteMutations, FavouriteQueries
from api.holds import HoldMutations, HoldQueries
from api.holidays import HolidayMutations, HolidayQueries
from api.keywords import KeywordQueries
from api.lateness import LatenessMutations
from api.lifecycle import BookingMutations
from api.moves import MoveMutations
from api.no_offers import NoOffersQueries
from api.no_shows import NoShowMutations
from api.nodes import NodeQueries
from api.notification_updates import NotificationSubscriptions
from api.notifications import NotificationMutations, NotificationQueries
from api.offers import OfferMutations, OfferQueries
from api.payments import PaymentMutations
from api.payout_details import PayoutDetailsMutations, PayoutDetailsQueries
from api.payouts import PayoutMutations, PayoutQueries
from api.payroll import PayrollMutations, PayrollQueries
from api.people import PersonQueries
from api.policies import PolicyQueries
from api.preferences import PreferenceMutations, PreferenceQueries
from api.profiles import ProfileMutations
from api.providers import PROVIDER_TYPES, ProviderQueries
from api.queue import QueueQueries
from api.refunds import RefundMutations
from api.requests import RequestMutations
from api.reviewing import ReviewMutations
from api.reviews import ReviewQueries
from api.saved_addresses import SavedAddressMutations, SavedAddressQueries
from api.series import SeriesQueries
from api.series_acts import SeriesMutations
from api.services import ServiceMutations, ServiceQueries
from api.shift_statistics import ShiftStatisticsQueries
from api.shifts import ShiftMutations, ShiftQueries
from api.slot_search import SlotQueries
from api.subscriptions import Subscriptions
from api.tips import TipMutations
from api.unavailability import UnavailabilityMutations
from api.vehicles import VehicleMutations, VehicleQueries
from api.waitlist import WaitlistMutations, WaitlistQueries
from api.waitlist_updates import WaitlistSubscriptions
from api.withdrawals import WithdrawalMutations

QUERIES: Final = (
    AutoAssignQueries,
    BlockQueries,
    BookingQueries,
    CalendarLinkQueries,
    CalendarQueries,
    CancellationQueries,
    CreditQueries,
    DeadLetterQueries,
    DeviceQueries,
    EarningsQueries,
    ExplanationQueries,
    FavouriteQueries,
    HoldQueries,
    HolidayQueries,
    KeywordQueries,
    NoOffersQueries,
    NodeQueries,
    NotificationQueries,
    OfferQueries,
    PayoutDetailsQueries,
    PayoutQueries,
    PayrollQueries,
    PersonQueries,
    PolicyQueries,
    PreferenceQueries,
    ProviderQueries,
    QueueQueries,
    ReviewQueries,
    SavedAddressQueries,
    SeriesQueries,
    ServiceQueries,
    ShiftQueries,
    ShiftStatisticsQueries,
    SlotQueries,
    VehicleQueries,
    WaitlistQueries,
)
MUTATIONS: Final = (
    AccountMutations,
    ApprovalMutations,
    AssignmentMutations,
    AutoAssignMutations,
    AvailabilityMutations,
    BlockMutations,
    BookingMutations,
    CalendarLinkMutations,
    CancellationMutations,
    CertificationMutations,
    CreditMutations,
    DeadLetterMutations,
    DeviceMutations,
    FavouriteMutations,
    HoldMutations,
    HolidayMutations,
    LatenessMutations,
    MoveMutations,
    NoShowMutations,
    NotificationMutations,
    OfferMutations,
    PaymentMutations,
    PayoutDetailsMutations,
    PayoutMutations,
    PayrollMutations,
    PreferenceMutations,
    ProfileMutations,
    RefundMutations,
    RequestMutations,
    ReviewMutations,
    SavedAddressMutations,
    SeriesMutations,
    ServiceMutations,
    ShiftMutations,
    TipMutations,
    UnavailabilityMutations,
    VehicleMutations,
    WaitlistMutations,
    WithdrawalMutations,
)
SUBSCRIPTIONS: Final = (NotificationSubscriptions, Subscriptions, WaitlistSubscriptions)
#: Types that only an interface leads to.
TYPES: Final = PROVIDER_TYPES
