"""What is there to try on a fresh development server? People of each role, services, providers.

Everyone here is made up, and their password is public. Seeding twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert

from db import booking_rules, profiles
from db.tables import (
    certifications,
    provider_services,
    providers,
    services,
    users,
    working_hours,
)
from domain.booking_rules import BookingRules, SameDay
from domain.people import Role
from domain.providers import SpecialistTier
from domain.reviews import Tally
from domain.services import ApprovalPolicy, ServiceMode, Trade

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database

#: Every demo account's password.
PASSWORD: Final = "callout-demo"

_NAMESPACE: Final = UUID("5a1f0c1e-0000-4000-8000-000000000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody to sign in as."""

    role: Role
    email: str
    given_name: str
    family_name: str

    @property
    def id(self) -> UUID:
        """The same on every server, so that seeding twice finds what is there."""
        return uuid5(_NAMESPACE, self.email)


def _person(role: Role, given_name: str, family_name: str) -> Account:
    email = f"{given_name}@demo.callout.example".lower()
    return Account(role=role, email=email, given_name=given_name, family_name=family_name)


ACCOUNTS: Final = (
    _person(Role.CUSTOMER, "Carla", "Customer"),
    _person(Role.CUSTOMER, "Colin", "Customer"),
    _person(Role.PROVIDER, "Chloe", "Cleaner"),
    _person(Role.PROVIDER, "Callum", "Cleaner"),
    _person(Role.PROVIDER, "Chidi", "Cleaner"),
    _person(Role.PROVIDER, "Maya", "Mechanic"),
    _person(Role.PROVIDER, "Marek", "Mechanic"),
    _person(Role.PROVIDER, "Tess", "Technician"),
    _person(Role.DISPATCHER, "Dora", "Dispatcher"),
    _person(Role.ANALYST, "Anna", "Analyst"),
    _person(Role.ADMIN, "Adam", "Admin"),
)

_INSTANT, _MANUAL = ApprovalPolicy.INSTANT, ApprovalPolicy.MANUAL
_CLEANING, _MECHANICAL, _FACILITIES = Trade.CLEANING, Trade.MECHANICAL, Trade.FACILITIES

_SERVICE_FACTS: Final = (
    *("code", "name", "description"),
    *("trade", "duration_minutes", "price_minor", "approval"),
)
_SERVICES: Final = (
    ("home-clean", "Home clean", "Two hours in your home.", _CLEANING, 120, 0, _INSTANT),
    ("oven-clean", "Oven clean", "One oven, like new.", _CLEANING, 90, 6500, _INSTANT),
    ("end-of-tenancy", "End of tenancy", "The whole flat.", _CLEANING, 300, 24000, _MANUAL),
    ("diagnostic", "Diagnostic", "Why the light is on.", _MECHANICAL, 60, 0, _INSTANT),
    ("brake-service", "Brake service", "Pads and discs.", _MECHANICAL, 120, 18000, _INSTANT),
    ("boiler-check", "Boiler check", "The yearly check.", _FACILITIES, 60, 9000, _INSTANT),
)

#: What is unlike the usual rules, and what else is asked of a customer.
_RULES: Final = {
    "oven-clean": BookingRules(capacity=3),
    "end-of-tenancy": BookingRules(
        notice_minutes=24 * 60, cancel_free_minutes=72 * 60, cancel_part_minutes=24 * 60
    ),
    "boiler-check": BookingRules(same_day=SameDay.UNTIL_CUTOFF, same_day_cutoff=time(12)),
}
_TERMS: Final = {
    "brake-service": "The vehicle stands on level ground and can be left there for the day. "
    "Parts that turn out to be needed are charged at cost, after you have agreed to them.",
}
_FOR_A_VEHICLE: Final = frozenset({"brake-service"})
#: The certifications that somebody has to hold to do it.
_ASKED: Final = {"boiler-check": ["gas-safe"]}

_PROVIDER_FACTS: Final = (
    *("trade", "postal_code", "latitude", "longitude"),
    *("years_experience", "review_count", "stars_sum", "completed_jobs"),
)
_PROVIDERS: Final = (
    ("Chloe", _CLEANING, "SW1A 2JR", 51.5053, -0.1290, 12, 95, 470, 140),
    ("Callum", _CLEANING, "SE1 7PB", 51.5033, -0.1195, 6, 45, 210, 60),
    ("Chidi", _CLEANING, "E1 6AN", 51.5190, -0.0750, 2, 15, 62, 25),
    ("Maya", _MECHANICAL, "SW1V 1AA", 51.4930, -0.1440, 15, 145, 700, 210),
    ("Marek", _MECHANICAL, "N1 9GU", 51.5340, -0.1200, 4, 15, 64, 30),
    ("Tess", _FACILITIES, "SW1P 3BT", 51.4975, -0.1357, 8, 55, 262, 90),
)

#: What they say of themselves: the rate in pence, how specialised, brands, skills, keywords. There
#: are no photographs of people who do not exist, so no profile is quite complete.
_SAID_FACTS: Final = ("hourly_rate_minor", "tier", "brands", "skills", "keywords")
_GENERAL, _SPECIALIST, _BRANDS = SpecialistTier
_SAID: Final = {
    "Chloe": (2400, _SPECIALIST, [], ["Steam cleaning"], ["oven", "limescale", "end of tenancy"]),
    "Callum": (2000, _GENERAL, [], ["Upholstery"], ["carpet", "upholstery"]),
    "Chidi": (1800, _GENERAL, [], [], ["windows", "bathroom"]),
    "Maya": (
        *(5500, _BRANDS, ["BMW", "Mini"], ["Coding", "Electrics"]),
        ["bmw coding", "check engine", "brakes"],
    ),
    "Marek": (3800, _SPECIALIST, ["Ford"], ["Brakes"], ["brakes", "oil change", "tyres"]),
    "Tess": (6000, _SPECIALIST, ["Vaillant"], ["Gas", "Plumbing"], ["boiler", "heating", "leak"]),
}
#: Whose papers the demo admin has seen: code, name, issuer, number. None of them runs out.
_PAPERS: Final = (
    ("Chloe", "cleaning-level-2", "Cleaning, level 2", "Demo Cleaning Institute", "DCI-0207"),
    ("Maya", "vehicle-level-3", "Light vehicles, level 3", "Demo Motor Institute", "DMI-3311"),
    ("Tess", "gas-safe", "Gas work", "Demo Gas Register", "DGR-554021"),
)
_LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)


async def demo(database: Database, *, hash_password: Callable[[str], Awaitable[str]]) -> None:
    """Put the demo people, services and providers into the database, where they are missing."""
    password_hash = await hash_password(PASSWORD)
    async with database.begin() as tx:
        await _put(tx, users, [_user(account, password_hash) for account in ACCOUNTS])
        await _put(tx, services, [_service(row) for row in _SERVICES])
        await _put(tx, providers, [_provider(row) for row in _PROVIDERS])
        await _put(tx, provider_services, list(_offered()))
        await _put(tx, working_hours, list(_around_the_clock()))
        await _put(tx, certifications, list(_papers()))
        for given_name, *_ in _PROVIDERS:
            await profiles.reckon(tx, _account(given_name).id)


def service_id(code: str) -> UUID:
    """The id of a demo service."""
    return uuid5(_NAMESPACE, code)


async def _put(tx: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    await tx.execute(insert(table).on_conflict_do_nothing(), rows)


def _user(account: Account, password_hash: str) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "password_hash": password_hash,
        "role": account.role,
        "given_name": account.given_name,
        "family_name": account.family_name,
        "time_zone": "Europe/London",
    }


def _service(row: tuple[Any, ...]) -> dict[str, Any]:
    facts = dict(zip(_SERVICE_FACTS, row, strict=True))
    code = facts["code"]
    return {
        **facts,
        "id": service_id(code),
        "mode": ServiceMode.ON_SITE,
        "currency": "GBP",
        "active": True,
        "terms": _TERMS.get(code, ""),
        "requires_vehicle": code in _FOR_A_VEHICLE,
        "required_certifications": _ASKED.get(code, []),
        "rules": booking_rules.columns(_RULES.get(code, BookingRules())),
    }


def _provider(row: tuple[Any, ...]) -> dict[str, Any]:
    given_name, *rest = row
    facts = dict(zip(_PROVIDER_FACTS, rest, strict=True))
    return {
        **facts,
        **dict(zip(_SAID_FACTS, _SAID[given_name], strict=True)),
        "hourly_rate_currency": "GBP",
        "id": _account(given_name).id,
        # Their reviews are only counted: nobody made the bookings that they would be of.
        "rating": Tally(count=facts["review_count"], stars=facts["stars_sum"]).rating,
        "about": f"{given_name} has worked in London for {facts['years_experience']} years.",
        "time_zone": "Europe/London",
        "country": "GB",
        "city": "London",
        "radius_miles": 10,
        # So that a demo can be played again and again.
        "daily_cap": 50,
        "approved_at": _LONG_AGO,
    }


def _offered() -> Iterator[dict[str, Any]]:
    for given_name, provider_trade, *_ in _PROVIDERS:
        for code, _name, _description, trade, *_rest in _SERVICES:
            if trade is provider_trade:
                yield {"provider_id": _account(given_name).id, "service_id": service_id(code)}


def _around_the_clock() -> Iterator[dict[str, Any]]:
    """Every hour of the week, so that a demo works whenever it is run."""
    for given_name, *_ in _PROVIDERS:
        for weekday in range(1, 8):
            yield {
                "provider_id": _account(given_name).id,
                "weekday": weekday,
                "opens": time(),
                "closes": time(),
            }


def _papers() -> Iterator[dict[str, Any]]:
    for given_name, code, name, issuer, number in _PAPERS:
        yield {
            "id": uuid5(_NAMESPACE, number),
            "provider_id": _account(given_name).id,
            "code": code,
            "name": name,
            "issuer": issuer,
            "number": number,
            "added_at": _LONG_AGO,
            "verified_at": _LONG_AGO,
            "verified_by": _account("Adam").id,
        }


def _account(given_name: str) -> Account:
    return next(account for account in ACCOUNTS if account.given_name == given_name)
