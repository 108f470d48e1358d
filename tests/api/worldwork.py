"""What work is there in the small world?

The customer's is offered to two, of whom one will win it and one will say no. Another customer has
a booking that was handed back and has a new provider, one for which nobody opened, one that was
called off, a standing order of which two providers do a visit each, and work that nobody has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from db import cancellations, lateness, no_shows, offers, tables, withdrawals
from db import series as db_series
from db.ids import new_id
from domain.bookings import BookingKind, Party
from domain.no_shows import Evidence
from domain.offers import Wave
from domain.places import Address, Point
from domain.recurrence import parse
from domain.requests import BookingRequest
from domain.series import Series, SeriesPlace
from tests.api.world import DAY, FREE, HOUR, World
from tests.factories import a_vehicle, add_completed, add_offers, an_address


async def others_bookings(world: World) -> None:
    """One that was handed back and won by another, one for which nobody opened, one that was called
    off, one that is done, and one that nobody has."""
    winner, former, other = (world.who(name) for name in ("winner", "former", "other"))
    back = await world.book(
        "back", "other", "21 Handback Hill", ahead=5 * HOUR, provider_id=former.user_id
    )
    async with world.database.begin() as tx:
        why = "Late: former overslept"
        await lateness.report(tx, booking_id=back.id, by=former, minutes=5, reason=why)
    async with world.database.begin() as tx:
        why = "Handback: former is ill"
        await withdrawals.hand_back(tx, booking_id=back.id, by=former, reason=why)
    (offer,) = await add_offers(world.database, back, [winner])
    async with world.database.begin() as tx:
        await offers.accept(tx, offer_id=offer.id, by=winner.user_id)

    theirs: dict[str, Any] = {"provider_id": winner.user_id}
    absent = await world.book("absent", "other", "22 Absent Alley", ahead=-HOUR, **theirs)
    async with world.database.begin() as tx:
        evidence = Evidence(
            note="Evidence: I rang at 22", photo_urls=("https://photos.example/22",)
        )
        await no_shows.report(
            tx, booking_id=absent.id, by=winner, absent=Party.CUSTOMER, evidence=evidence
        )
    off: dict[str, Any] = {"access_instructions": "Access: the called-off key"}
    off |= {"vehicle": a_vehicle(plate="OFF77PLT")}
    gone = await world.book("gone", "other", "23 Calledoff Court", ahead=3 * DAY, **theirs, **off)
    async with world.database.begin() as tx:
        why = "Cancelled: we moved away"
        await cancellations.cancel(tx, booking_id=gone.id, by=other, reason=why)
    await add_completed(world.database, other, world.services["repair"], winner, price=FREE)
    searched: dict[str, Any] = {"match_due_at": world.at, "round": 1, "wave": Wave.TARGETED}
    await world.book("open", "other", "24 Passby Place", ahead=6 * DAY, **searched)


async def standing_order(world: World) -> None:
    """Two visits of a series: the winner does one, the rival the other."""
    first = (world.at + 4 * DAY).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    asked = BookingRequest(
        customer_id=world.uid("other"),
        service_id=world.services["clean"].id,
        kind=BookingKind.SCHEDULED,
        address=an_address(line1="25 Series Square"),
    )
    series = Series(
        id=world.series_id,
        asked=asked,
        time_zone="Europe/London",
        first_local_start=first,
        rule=parse("FREQ=DAILY;COUNT=17"),
        created_at=world.at,
    )
    follows = new_id()
    async with world.database.begin() as tx:
        await db_series.add(tx, replace(series, id=follows))
        await db_series.add(tx, replace(series, follows_id=follows))
    for number, (name, street) in enumerate(
        {"winner": "26 Winner Walk", "rival": "27 Rival Road"}.items()
    ):
        place = SeriesPlace(series_id=world.series_id, original_start=first + number * DAY)
        booking = await world.book(
            f"visit of the {name}",
            "other",
            street,
            service="clean",
            ahead=(4 + number) * DAY,
            provider_id=world.uid(name),
            series=place,
        )
        await world.keep(
            tables.series_occurrences,
            series_id=world.series_id,
            original_start=place.original_start,
            state="BOOKED",
            booking_id=booking.id,
            noted_at=world.at,
        )
    await world.keep(
        tables.series_occurrences,
        series_id=world.series_id,
        original_start=first + 2 * DAY,
        state="CONFLICT",
        conflict={
            "code": "RULES_BROKEN",
            "message": "It is too far ahead.",
            "broken": [
                {
                    "rule": "TOO_FAR_AHEAD",
                    "message": "It is too far ahead.",
                    "limit": 90,
                    "earliest": world.at.isoformat(),
                    "latest": world.at.isoformat(),
                }
            ],
            "alternatives": [world.at.isoformat()],
        },
        noted_at=world.at,
    )


async def offered(world: World) -> None:
    """The customer's work, put to two providers, one of whom the customer prefers."""
    booking = await world.book(
        "main",
        "customer",
        "",
        ahead=2 * HOUR,
        address=Address(
            line1="77 Quince Crescent",
            line2="Flat Heliotrope",
            city="London",
            state_province="Greater London",
            postal_code="SW1A 9QZ",
            country="GB",
            point=Point(latitude=51.503917, longitude=-0.127413),
        ),
        access_instructions="Access: the gnome's hat",
        special_requirements="Special: a shy parrot",
        concern="Concern: the engine hums",
        vehicle=a_vehicle(vin="WVWZZZ1KZAW987654", plate="QX99ZZZ"),
        requested_brand="Volvo",
        keywords=("engine",),
        preferred_provider_id=world.uid("offered"),
    )
    asked = {"offered": 987654321, "winner": 987650002}
    for name, score in asked.items():
        (world.offers[name],) = await add_offers(
            world.database,
            booking,
            [world.who(name)],
            score=score,
            breakdown=(("SHIFT", score - 1), ("LOCATION", 1)),
            reasons=(f"Reason: suits the {name}",),
            expires_at=world.at + HOUR,
        )
    await world.keep(
        tables.shadow_choices,
        id=new_id(),
        booking_id=booking.id,
        round=1,
        wave="TARGETED",
        at=world.at,
        policy="v2",
        live_policy="v1",
        chosen=[world.uid("winner")],
        scores=[987654323],
        live_chosen=[world.uid("offered"), world.uid("winner")],
        candidates=2,
    )
