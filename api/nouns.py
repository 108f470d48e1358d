"""Which nouns does the schema speak of? What each has to ask, to do and to follow."""

from __future__ import annotations

from typing import Final

from api.accounts import AccountMutations
from api.bookings import BookingQueries
from api.dead_letters import DeadLetterMutations, DeadLetterQueries
from api.lifecycle import BookingMutations
from api.nodes import NodeQueries
from api.offers import OfferMutations, OfferQueries
from api.people import PersonQueries
from api.providers import PROVIDER_TYPES, ProviderQueries
from api.services import ServiceQueries
from api.shifts import ShiftMutations, ShiftQueries
from api.subscriptions import Subscriptions

QUERIES: Final = (
    BookingQueries,
    DeadLetterQueries,
    NodeQueries,
    OfferQueries,
    PersonQueries,
    ProviderQueries,
    ServiceQueries,
    ShiftQueries,
)
MUTATIONS: Final = (
    AccountMutations,
    BookingMutations,
    DeadLetterMutations,
    OfferMutations,
    ShiftMutations,
)
SUBSCRIPTIONS: Final = (Subscriptions,)
#: Types that only an interface leads to.
TYPES: Final = PROVIDER_TYPES
