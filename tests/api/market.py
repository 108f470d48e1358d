"""One service of a test's own: who does it, who wants it, and what they say to the house.

Tests that share a house never meet: each has a service, customers and providers of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, func, select, text, update

from api import ids
from api.scalars import format_instant
from db import booking_rules, clock, matching
from db.tables import bookings, events, job_offers, reservations, users
from domain.booking_rules import BookingRules
from domain.people import Viewer
from domain.services import Service
from tests.api.house import ADDRESS, House
from tests.factories import add_customers, add_provider, add_service

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

BOOKING: Final = """
  id status version startsAt endsAt reschedules absent cancelReason
  fee { amountMinor } provider { id } history { act source before after reason }
"""
HOLD: Final = "id startsAt endsAt expiresAt endedAt ending provider { id } service { id }"
#: What each problem knows beyond its code, message and path.
FACTS: Final = {
    "SlotTaken": "alternatives",
    "RulesBroken": "broken { rule message earliest latest limit } alternatives",
    "NobodyFree": """waysOn {
      laterSlots { startsAt } offlineProviders { id } waitlist { serviceId earliest latest }
    }""",
    "ProviderNotEligible": "unmet",
    "WrongStatus": "status",
    "VersionConflict": "currentVersion",
    "FeeChanged": "quote { percent fee { amountMinor } refund { amountMinor } changesAt }",
    "TooEarly": "possibleFrom",
    "InvalidInput": "errors { path message }",
}
_TIME: Final = ("SlotTaken", "RulesBroken", "NobodyFree", "ProviderNotEligible", "InvalidInput")
_names = count()


def mutation(name: str, success: str, *problems: str) -> str:
    """The document of a mutation with one input, that asks for what these problems know."""
    type_ = name[0].upper() + name[1:]
    told = "\n".join(f"... on {problem} {{ {FACTS[problem]} }}" for problem in problems)
    return f"""mutation($input: {type_}Input!) {{ {name}(input: $input) {{
      __typename
      ... on {type_}Success {{ {success} }}
      ... on Problem {{ code message path }}
      {told}
    }} }}"""


CREATE: Final = mutation("createBooking", f"booking {{ {BOOKING} }}", *_TIME)
HOLD_SLOT: Final = mutation("holdSlot", f"hold {{ {HOLD} }}", *_TIME)
READ: Final = f"query($id: ID!) {{ booking(id: $id) {{ {BOOKING} }} }}"
#: How many in this database wait for a lock.
WAITING: Final = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
OFFERS: Final = """{ jobOffers(states: [OFFERED], first: 100) {
  nodes { id wave offeredAt expiresAt work { service { id } startsAt } }
} }"""
ACCEPT: Final = """mutation($id: ID!) { acceptOffer(input: { offerId: $id }) {
  __typename ... on AcceptOfferSuccess { booking { id status provider { id } } }
  ... on OfferGone { why } ... on Problem { code }
} }"""
SLOTS: Final = """
query($service: ID!, $place: PlaceInput, $from: Instant, $to: Instant, $provider: ID) {
  availableSlots(
    serviceId: $service, place: $place, from: $from, to: $to, providerId: $provider, first: 500
  ) {
    slots { startsAt endsAt localStart timeZone utcOffset providerCount } timeZone reasons
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whom the house knows by a name."""

    name: str
    viewer: Viewer
    kind: str = "User"

    @property
    def uid(self) -> UUID:
        """Their own id."""
        return self.viewer.user_id

    @property
    def id(self) -> str:
        """Their global id."""
        return ids.encode(self.kind, self.uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One service, in a house."""

    home: House
    service: Service
    #: A full hour in three days.
    start: datetime

    @property
    def service_id(self) -> str:
        """The service's global id."""
        return ids.encode("Service", self.service.id)

    async def customer(self) -> Person:
        """Somebody new who can book."""
        (one,) = await self.customers(1)
        return one

    async def customers(self, number: int) -> list[Person]:
        """Several of them."""
        made = await add_customers(self.home.database, count=number)
        return [self._sign_in(viewer) for viewer in made]

    async def provider(self, **columns: Any) -> Person:
        """Somebody new who does the service, at any hour."""
        made = await add_provider(self.home.database, self.service, **columns)
        return self._sign_in(made, kind="Provider")

    async def act(self, who: Person | str, document: str, **variables: Any) -> Any:
        """What comes of somebody's operation, which must not fail."""
        name = who if isinstance(who, str) else who.name
        return await self.home.act(name, document, **variables)

    async def book(self, who: Person | str, **changes: Any) -> Any:
        """Ask for the service at `start`, or what the changes say; the answer."""
        asked: dict[str, Any] = {"serviceId": self.service_id, "kind": "SCHEDULED"}
        asked |= {"address": ADDRESS}
        if not changes.keys() & {"localStart", "holdId", "kind"}:
            asked |= {"startsAt": self.start}
        return await self.act(who, CREATE, input=plain(asked | changes))

    async def booked(self, who: Person | str, **changes: Any) -> Any:
        """The booking that is made."""
        made = await self.book(who, **changes)
        assert made["__typename"] == "CreateBookingSuccess", made
        return made["booking"]

    async def hold(self, who: Person, **changes: Any) -> Any:
        """Ask to keep the slot at `start`, or what the changes say; the answer."""
        asked: dict[str, Any] = {"serviceId": self.service_id, "address": ADDRESS}
        if "localStart" not in changes:
            asked |= {"startsAt": self.start}
        return await self.act(who, HOLD_SLOT, input=plain(asked | changes))

    async def held(self, who: Person, **changes: Any) -> Any:
        """The hold that is made."""
        made = await self.hold(who, **changes)
        assert made["__typename"] == "HoldSlotSuccess", made
        return made["hold"]

    async def read(self, booking: Any) -> Any:
        """A booking as it stands now."""
        return await self.act("Dora", READ, id=booking["id"])

    async def slots(
        self,
        who: Person,
        *,
        earliest: datetime,
        latest: datetime,
        provider: Person | None = None,
        place: Any = None,
    ) -> Any:
        """What `availableSlots` says of a stretch of time."""
        place = place or {name: ADDRESS[name] for name in ("postalCode", "country", "point")}
        asked = {"service": self.service_id, "provider": provider.id if provider else None}
        times = {"from": earliest.isoformat(), "to": latest.isoformat()}
        return await self.act(who, SLOTS, place=place, **asked, **times)

    async def starts(self, who: Person, **asked: Any) -> list[datetime]:
        """The starts that `availableSlots` offers."""
        found = await self.slots(who, **asked)
        return [instant(slot["startsAt"]) for slot in found["slots"]]

    async def offer(self, to: Person) -> Any:
        """The open offer of the service that reaches a provider, once it is there."""
        async with asyncio.timeout(30):
            while not (found := await self.offers(to)):  # noqa: ASYNC110  # a worker makes it
                await asyncio.sleep(0.02)
        assert len(found) == 1, found
        return found[0]

    async def offers(self, to: Person) -> list[Any]:
        """A provider's open offers of the service."""
        nodes = (await self.act(to, OFFERS))["nodes"]
        return [one for one in nodes if one["work"]["service"]["id"] == self.service_id]

    async def accept(self, who: Person) -> Any:
        """A provider takes what is offered to them, once it is."""
        offer = await self.offer(who)
        return await self.act(who, ACCEPT, id=offer["id"])

    # What nobody can say through the door: what time does, and what is left behind.

    async def match(self, booking: Any) -> list[UUID]:
        """Do now what the matching job does when its alarm rings; who has open offers then."""
        uid = uid_of(booking)
        async with self.home.database.begin() as tx:
            await matching.advance(tx, uid)
        o = job_offers.c
        asked = select(o.provider_id).where(o.booking_id == uid, o.state == "OFFERED")
        async with self.home.database.read() as connection:
            return list(await connection.scalars(asked))

    async def at_once(self, about: Person | Any, *acts: Coroutine[Any, Any, Any]) -> list[Any]:
        """The answers to acts on a booking, or of a person, that all come before any is done."""
        table = users if isinstance(about, Person) else bookings
        row = select(table.c.id).where(table.c.id == uid_of(about))
        async with self.home.database.begin() as holder:
            await holder.execute(row.with_for_update())
            asked = [asyncio.create_task(act) for act in acts]
            async with asyncio.timeout(10), self.home.database.read() as connection:
                while (await connection.scalar(WAITING) or 0) < len(acts):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        return await asyncio.gather(*asked)

    async def pass_time(self, booking: Any, by: timedelta) -> None:
        """Let `by` pass for a booking: all that was or will be of it is so much earlier."""
        b, o, r = bookings.c, job_offers.c, reservations.c
        uid = uid_of(booking)
        search = (b.match_since, b.match_due_at)
        times = (b.starts_at, b.ends_at, b.requested_at, b.assigned_at, *search)
        async with self.home.database.begin() as tx:
            passed = {column.name: column - by for column in times}
            await tx.execute(update(bookings).where(b.id == uid).values(passed))
            passed = {c.name: c - by for c in (o.offered_at, o.expires_at, o.resolved_at)}
            await tx.execute(update(job_offers).where(o.booking_id == uid).values(passed))
            passed = {c.name: c - by for c in (r.starts_at, r.ends_at)}
            await tx.execute(update(reservations).where(r.booking_id == uid).values(passed))

    async def rows(self, table: Table) -> int:
        """How many rows of a table are about the service."""
        query = select(func.count()).where(table.c.service_id == self.service.id)
        async with self.home.database.read() as connection:
            return int(await connection.scalar(query) or 0)

    async def told(self, booking: Any) -> list[str]:
        """The types of the events about a booking, in order."""
        e = events.c
        about = e.subject["booking"].astext == str(uid_of(booking))
        query = select(e.type).where(about).order_by(e.position)
        async with self.home.database.read() as connection:
            return list(await connection.scalars(query))

    def _sign_in(self, viewer: Viewer, kind: str = "User") -> Person:
        name = f"{kind} {next(_names)}"
        self.home.sign_in(name, viewer)
        return Person(name=name, viewer=viewer, kind=kind)


async def opened(home: House, *, rules: BookingRules | None = None, **columns: Any) -> Market:
    """A market for a new service: two hours of cleaning for nothing, or what is said."""
    if rules is not None:
        columns["rules"] = booking_rules.columns(rules)
    service = await add_service(home.database, **columns)
    async with home.database.read() as connection:
        at = await clock.now(connection)
    start = at.replace(minute=0, second=0, microsecond=0) + timedelta(days=3)
    return Market(home=home, service=service, start=start)


def instant(text: str) -> datetime:
    """What the wire says."""
    return datetime.fromisoformat(text)


def wire(at: datetime) -> str:
    """How the wire says an instant."""
    return format_instant(at)


def uid_of(node: Person | Any) -> UUID:
    """The id of a row, from what the wire says of it."""
    if isinstance(node, Person):
        return node.uid
    decoded = ids.decode(node["id"])
    assert decoded is not None
    return decoded[1]


def rules_of(refused: Any) -> list[str]:
    """The rules that are broken, by a refusal."""
    if refused["__typename"] == "SlotTaken":
        return ["SLOT_TAKEN"]
    assert refused["__typename"] == "RulesBroken", refused
    return [one["rule"] for one in refused["broken"]]


def outcomes(answers: Sequence[Any]) -> dict[str, int]:
    """How often each kind of answer came."""
    names = [answer["__typename"] for answer in answers]
    return {name: names.count(name) for name in sorted(set(names))}


def plain(asked: dict[str, Any]) -> dict[str, Any]:
    """An input with its instants as the wire takes them."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asked.items()
    }
