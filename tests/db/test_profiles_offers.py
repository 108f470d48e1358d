"""Are offers withdrawn that no longer fit their provider, those only, and does nobody take them?"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from db import certifications, matching, offers, profiles, providers
from db.tables import provider_services
from db.tables import providers as providers_table
from domain.events import EventType
from domain.offers import Gone, OfferGone, OfferState, Wave
from domain.people import Role, Viewer
from domain.places import Point
from domain.profile_changes import SaidPoint, SaidProfile
from domain.providers import Provider
from domain.services import Requirements, Service, Trade
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.factories import (
    add_account,
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    an_address,
    live_reservations,
    read_booking,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.certifications import Certification
    from domain.offers import JobOffer

#: Five miles north of Westminster, and as far away as Watford.
CAMDEN = Point(latitude=51.5733, longitude=-0.1246)
WATFORD = SaidPoint(latitude=51.6565, longitude=-0.3903)


def saying(by: Viewer, **said: Any) -> Any:
    return partial(profiles.change, said=SaidProfile(**said), by=by)


def accepting(offer: JobOffer) -> Any:
    return partial(offers.accept, offer_id=offer.id, by=offer.provider_id)


def rejecting(offer: JobOffer) -> Any:
    return partial(offers.reject, offer_id=offer.id, by=offer.provider_id, reason="")


@pytest.fixture
async def other(crowd: Database) -> Service:
    """Beside what everybody does."""
    return await add_service(crowd, trade=Trade.MECHANICAL)


@pytest.fixture
async def mechanic(crowd: Database, other: Service) -> Viewer:
    """Somebody of whom everything is known that work can ask for."""
    facts: dict[str, Any] = {"brands": ["BMW", "Audi"], "skills": ["Coding", "Welding"]}
    return await add_provider(crowd, other, **facts)


@pytest.fixture
async def service(crowd: Database, mechanic: Viewer) -> Service:
    """What the mechanic does too."""
    made = await add_service(crowd, trade=Trade.MECHANICAL)
    async with crowd.begin() as tx:
        offered = {"provider_id": mechanic.user_id, "service_id": made.id}
        await tx.execute(insert(provider_services), [offered])
    return made


@pytest.fixture
async def put(
    crowd: Database, service: Service, other: Service, mechanic: Viewer
) -> dict[str, JobOffer]:
    """Work that asks for various things, each offered to the mechanic, and to somebody else."""
    customer, rival = await add_customer(crowd), await add_provider(crowd, service)
    asks: dict[str, dict[str, Any]] = {
        "plain": {},
        "far": {"address": an_address(point=CAMDEN)},
        "video": {
            "address": an_address(point=CAMDEN),
            "requirements": Requirements(on_site=False),
        },
        "skilled": {"requirements": Requirements(skills=("coding",))},
        "branded": {"requested_brand": "BMW"},
    }
    made = {}
    for name, facts in asks.items():
        booking = await add_booking(crowd, customer, service, **facts)
        made[name], _ = await add_offers(crowd, booking, [mechanic, rival])
    made["other"], _ = await add_offers(
        crowd, await add_booking(crowd, customer, other), [mechanic, rival]
    )
    return made


async def rescinded(database: Database, put: dict[str, JobOffer]) -> set[str]:
    """What was withdrawn from its provider; all else is still open, and so is all of others."""
    gone = set()
    for name, offer in put.items():
        found = await read_offers(database, offer.booking_id)
        mine = found.pop(offer.provider_id)
        assert {one.state for one in found.values()} <= {OfferState.OFFERED}
        if mine.state is OfferState.RESCINDED:
            gone.add(name)
        else:
            assert mine == offer
    return gone


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        ({"about": "I mend."}, set()),
        ({"skills": ("CODING",)}, set()),
        ({"skills": ("Welding",)}, {"skilled"}),
        ({"brands": ("bmw",)}, set()),
        ({"brands": ("Audi",)}, {"branded"}),
        ({"radius_miles": 6.0}, set()),
        # Near enough, as far as they may know.
        ({"radius_miles": 4.9}, set()),
        ({"radius_miles": 3.0}, {"far"}),
        ({"radius_miles": 30.0, "point": WATFORD}, set()),
        ({"point": WATFORD}, {"plain", "far", "skilled", "branded", "other"}),
        ({"postal_code": "M1 1AE"}, {"plain", "far", "skilled", "branded", "other"}),
        ({"skills": (), "radius_miles": 1.0}, {"skilled", "far"}),
    ],
)
async def test_a_change_withdraws_what_no_longer_fits_and_nothing_else(
    crowd: Database,
    mechanic: Viewer,
    put: dict[str, JobOffer],
    said: dict[str, Any],
    lost: set[str],
) -> None:
    before = len(await read_events(crowd))

    await act(crowd, saying(mechanic, **said))

    assert await rescinded(crowd, put) == lost
    told = (await read_events(crowd))[before:]
    many = len(lost)
    assert told == [
        EventType.PROVIDER_PROFILE_CHANGED,
        *[EventType.OFFER_RESCINDED] * many,
        *[EventType.SEARCH_PLACE_FREED] * many,
    ]


async def test_a_service_that_is_dropped_is_offered_no_more(
    crowd: Database, mechanic: Viewer, other: Service, put: dict[str, JobOffer]
) -> None:
    await act(crowd, saying(mechanic, service_ids=(other.id,)))

    assert await rescinded(crowd, put) == set(put) - {"other"}


async def describe(database: Database, who: Viewer, **said: Any) -> Certification:
    """Let somebody say this of themselves and show a paper, which is worth ten percent; nothing is
    granted to them any more."""
    await act(database, saying(who, about="I mend.", **said))
    paper: dict[str, Any] = {"code": "nvq", "name": "NVQ", "issuer": "City", "number": "1"}
    added = await act(database, partial(certifications.add, by=who, expires_on=None, **paper))
    mine = update(providers_table).where(providers_table.c.id == who.user_id)
    async with database.begin() as tx:
        await tx.execute(mine.values(profile_floor=0))
    return added


async def test_a_profile_that_falls_under_the_limit_is_offered_nothing_any_more(
    crowd: Database, mechanic: Viewer, put: dict[str, JobOffer]
) -> None:
    paper = await describe(crowd, mechanic, photo_url="https://example.com/me.jpg")
    kept = await act(crowd, saying(mechanic, years_experience=8))
    assert kept.profile_percent == 90
    admin = await add_account(crowd, Role.ADMIN)
    await act(crowd, partial(certifications.remove, certification_id=paper.id, by=admin))
    assert await rescinded(crowd, put) == set()

    await act(crowd, saying(mechanic, about=""))

    assert await rescinded(crowd, put) == set(put)


async def test_a_paper_taken_back_takes_all_work_where_the_profile_falls_by_it(
    crowd: Database, mechanic: Viewer, put: dict[str, JobOffer]
) -> None:
    paper = await describe(crowd, mechanic)
    assert (await act(crowd, saying(mechanic, years_experience=8))).profile_percent == 80

    await act(crowd, partial(certifications.remove, certification_id=paper.id, by=mechanic))

    assert await rescinded(crowd, put) == set(put)


async def test_what_was_withdrawn_goes_to_the_next_best(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    people = await add_providers(crowd, service, count=4)
    booking = await add_booking(crowd, customer, service)
    await act(crowd, partial(matching.advance, booking_id=booking.id))
    asked = await read_offers(crowd, booking.id)
    assert len(asked) == 3
    (left_out,) = {one.user_id for one in people} - set(asked)
    leaving = next(one for one in people if one.user_id in asked)

    await act(crowd, saying(leaving, service_ids=()))
    await act(crowd, partial(matching.advance, booking_id=booking.id))

    after = await read_offers(crowd, booking.id)
    assert after[leaving.user_id].state is OfferState.RESCINDED
    assert (after[left_out].state, after[left_out].wave) == (OfferState.OFFERED, Wave.TARGETED)


async def test_an_acceptance_that_waits_for_a_change_finds_the_offer_withdrawn(
    crowd: Database, mechanic: Viewer, put: dict[str, JobOffer]
) -> None:
    async with crowd.begin() as tx:
        await profiles.change(tx, SaidProfile(radius_miles=3.0), by=mechanic)
        late = await waiting(crowd, accepting(put["far"]))
    with pytest.raises(OfferGone) as refused:
        await late

    assert refused.value.why is Gone.RESCINDED
    booking = await read_booking(crowd, put["far"].booking_id)
    assert booking.provider_id is None
    assert await live_reservations(crowd, booking.id) == []


async def test_a_change_that_waits_for_an_acceptance_leaves_the_work_that_was_won(
    crowd: Database, mechanic: Viewer, put: dict[str, JobOffer]
) -> None:
    async with crowd.begin() as tx:
        await offers.accept(tx, offer_id=put["far"].id, by=mechanic.user_id)
        late = await waiting(crowd, saying(mechanic, radius_miles=3.0))
    await late

    found = await read_offers(crowd, put["far"].booking_id)
    assert found[mechanic.user_id].state is OfferState.ACCEPTED
    booking = await read_booking(crowd, put["far"].booking_id)
    assert booking.provider_id == mechanic.user_id


async def test_changes_and_answers_and_waves_at_once_leave_no_offer_open_that_does_not_fit(
    crowd: Database,
) -> None:
    """Whichever is first, and without deadlock."""
    service, customer = await add_service(crowd), await add_customer(crowd)
    for _ in range(6):
        people = await add_providers(crowd, service, count=6)
        works = [await add_booking(crowd, customer, service) for _ in range(3)]
        made = [await add_offers(crowd, booking, people) for booking in works]
        dropping = [saying(one, service_ids=()) for one in people]
        yes = [accepting(made[n % 3][n]) for n in range(6)]
        no = [rejecting(made[(n + 1) % 3][n]) for n in range(6)]
        waves = [partial(matching.advance, booking_id=booking.id) for booking in works]

        came = await race(crowd, chain.from_iterable((*zip(dropping, yes, no, strict=True), waves)))

        assert all(isinstance(one, Provider) for one in came[:18:3])
        for booking in works:
            after = await read_offers(crowd, booking.id)
            states = {uid: one.state for uid, one in after.items()}
            assert OfferState.OFFERED not in states.values()
            taken = (await read_booking(crowd, booking.id)).provider_id
            won = [uid for uid, state in states.items() if state is OfferState.ACCEPTED]
            assert won == ([taken] if taken else [])
    await invariants.check(crowd)


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"profile_percent": 79}, "plain"),
        ({"radius_miles": 3.0}, "far"),
        ({"skills": []}, "skilled"),
        ({"brands": []}, "branded"),
    ],
)
async def test_the_last_word_is_said_when_an_offer_is_accepted(
    crowd: Database,
    mechanic: Viewer,
    put: dict[str, JobOffer],
    columns: dict[str, Any],
    name: str,
) -> None:
    """Whatever way led to it: here the rows are changed behind everybody's back."""
    mine = update(providers_table).where(providers_table.c.id == mechanic.user_id)
    async with crowd.begin() as tx:
        await providers.lock(tx, [mechanic.user_id])
        await tx.execute(mine.values(columns))
    before = len(await read_events(crowd))

    with pytest.raises(OfferGone) as refused:
        await act(crowd, accepting(put[name]))

    assert refused.value.why is Gone.UNAVAILABLE
    assert await rescinded(crowd, put) == set()
    assert len(await read_events(crowd)) == before
    assert (await read_booking(crowd, put[name].booking_id)).provider_id is None
    if name != "plain":
        taken = await act(crowd, accepting(put["plain"]))
        assert taken.provider_id == mechanic.user_id
