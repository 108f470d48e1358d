"""The mail server is in trouble, or a worker dies: do messages arrive, and does nobody wait?"""

from __future__ import annotations

from collections import Counter

import pytest
from redis.asyncio import Redis
from sqlalchemy import update

from db.ids import new_id
from db.tables import deliveries
from domain.deliveries import PATIENCE
from domain.messages import Channel, Message
from gateways.mailbox import Mailbox
from tests import factories, invariants
from tests.journeys.dealings import TEXTS, Dealings
from tests.journeys.documents import (
    ACCEPT,
    BE_TOLD,
    DEAD_LETTERS,
    REGISTER_DEVICE,
    REPLAY,
)
from tests.journeys.town import HOUR, Person, Shop
from tests.waiting import comes_to, until

#: A busy machine needs its time to start the processes.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

#: Offers that are accepted while the mail server is in trouble.
ACCEPTS = 4
PHONE = "+442079460123"
EMAIL, SMS, PUSH = (channel.value for channel in Channel)


async def reachable(dealings: Dealings, shop: Shop) -> tuple[Person, str]:
    """A customer who wants text messages too, and the token of their telephone."""
    made = await factories.add_customer(dealings.database, phone=PHONE)
    ada, token = await shop.town.sign_in(made), f"device-{new_id()}"
    await ada.does(REGISTER_DEVICE, platform="ANDROID", token=token)
    wanted = {"category": "BOOKINGS", "channel": "SMS", "wanted": True}
    await ada.does(BE_TOLD, choices=[wanted])
    return ada, token


async def some_offers(shop: Shop, ada: Person, provider: Person) -> list[str]:
    """What the provider may accept."""
    heard, offers = await shop.feed(provider), []
    for number in range(ACCEPTS):
        await shop.booked(ada, startsAt=(shop.start + number * 5 * HOUR).isoformat())
        offers.append(await heard.offer(wave="TARGETED"))
    return offers


async def break_mail(dealings: Dealings, fault: str) -> None:
    """Let the mail server refuse connections, hang, or drop them when it has got a mail."""
    if fault == "refuses":
        await dealings.mail.refuse()
    elif fault == "hangs":
        dealings.mail.hang("BODY")
    else:
        dealings.mail.drop("BODY", keeping=True)


async def mend_mail(dealings: Dealings) -> None:
    """Let it be well again; whoever was left hanging is hung up on."""
    dealings.mail.heal()
    await dealings.mail.refuse()
    await dealings.mail.listen()


@pytest.mark.parametrize("fault", ["refuses", "hangs", "drops"])
async def test_offers_are_accepted_and_other_channels_tell_while_the_mail_server(
    dealings: Dealings, fault: str
) -> None:
    shop = await dealings.town.opens()
    ada, token = await reachable(dealings, shop)
    provider = await shop.provider()
    offers = await some_offers(shop, ada, provider)
    await dealings.all_is_told()
    texts, confirmed = len(dealings.texts.at(TEXTS)), Message.BOOKING_CONFIRMED

    await break_mail(dealings, fault)
    begun = dealings.mail.begun
    await provider.does(ACCEPT, offerId=offers[0])
    if fault == "hangs":
        await dealings.mail.has(hanging=1)
    for offer in offers[1:]:
        await provider.does(ACCEPT, offerId=offer)

    told = {(PUSH, "SENT"): ACCEPTS, (SMS, "SENT"): ACCEPTS, (EMAIL, "WAITING"): ACCEPTS}
    await comes_to(lambda: dealings.standing(ada.uid, confirmed), Counter(told))
    got = [one.form["To"] for one in dealings.texts.at(TEXTS)[texts:]]
    assert got == [PHONE] * ACCEPTS
    assert await pushes(dealings, token) == ACCEPTS
    if fault == "hangs":
        # Not one has been given up: nobody waited for that.
        await until(lambda: dealings.mail.hanging == dealings.mail.begun - begun)

    await mend_mail(dealings)
    await dealings.let_mails_arrive()

    assert set(await dealings.standing(ada.uid, confirmed)) == {
        (PUSH, "SENT"),
        (SMS, "SENT"),
        (EMAIL, "SENT"),
    }
    mails = await dealings.mails(ada.uid, confirmed)
    assert len(mails) == ACCEPTS
    # What it had when it hung up it got again: the same mail, by its Message-ID. (What was tried
    # for the first time when it was well it got once.)
    assert (max(mails.values()) > 1) is (fault == "drops")
    assert len(dealings.texts.at(TEXTS)) == texts + ACCEPTS
    assert await pushes(dealings, token) == ACCEPTS
    await invariants.check(dealings.database)


async def pushes(dealings: Dealings, token: str) -> int:
    """How many push messages have come to a telephone."""
    settings = dealings.town.callout.settings
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        kept = await Mailbox(redis, settings.redis_namespace).all()
    return sum(one.to == token for one in kept)


async def test_what_was_tried_too_often_rests_is_listed_and_arrives_when_it_is_replayed(
    dealings: Dealings,
) -> None:
    shop, dora = await dealings.town.opens(), await dealings.town.dispatcher()
    ada, requested = await shop.customer(), Message.BOOKING_REQUESTED
    await shop.provider()
    await dealings.all_is_told()
    await dealings.mail.refuse()
    await shop.booked(ada)
    await comes_to(lambda: dealings.standing(ada.uid, requested), Counter({(EMAIL, "WAITING"): 1}))

    async with dealings.database.begin() as tx:
        worn = update(deliveries).where(deliveries.c.status == "WAITING")
        await tx.execute(worn.values(tries=PATIENCE[Channel.EMAIL].tries - 1))
    await dealings.let_mails_arrive()

    assert await dealings.standing(ada.uid, requested) == {(EMAIL, "FAILED"): 1}
    (letter,) = (await dora.ask(DEAD_LETTERS))["nodes"]
    assert (letter["job"], letter["tries"]) == ("redeliver", PATIENCE[Channel.EMAIL].tries)
    (uid,) = await dealings.mails(ada.uid, requested)
    assert letter["arguments"] == [str(uid)]
    await dealings.mail.listen()
    await dora.does(REPLAY, deadLetterId=letter["id"])
    await comes_to(lambda: dealings.standing(ada.uid, requested), Counter({(EMAIL, "SENT"): 1}))
    assert await dealings.mails(ada.uid, requested) == {uid: 1}
    assert (await dora.ask(DEAD_LETTERS))["nodes"] == []


async def test_a_mail_is_taken_once_or_after_its_sending_twice_wherever_its_worker_dies(
    dealings: Dealings,
) -> None:
    shop, requested = await dealings.town.opens(), Message.BOOKING_REQUESTED
    customers = [await shop.customer(), await shop.customer()]
    await shop.provider()
    await dealings.all_is_told()
    before = len(dealings.mail.received)
    points = ("delivery.after_claim", "delivery.after_send")

    async with dealings.doomed(*points, instead_of=dealings.slow) as doomed:
        for number, ada in enumerate(customers, start=1):
            starts_at = (shop.start + number * 5 * HOUR).isoformat()
            await shop.booked(ada, startsAt=starts_at)
            await doomed.falls(number)
            await dealings.stretch(deliveries)
            await dealings.forget_calls()
        # One had sent its mail before it died, and nobody but the mail server knows.
        assert len(dealings.mail.received) == before + 1
    await dealings.let_mails_arrive()

    times = [list((await dealings.mails(ada.uid, requested)).values()) for ada in customers]
    assert sorted(times) == [[1], [2]]


async def test_a_worker_told_to_end_while_a_mail_hangs_ends_and_the_mail_is_sent_once(
    dealings: Dealings,
) -> None:
    shop, requested = await dealings.town.opens(), Message.BOOKING_REQUESTED
    ada = await shop.customer()
    await shop.provider()
    await dealings.all_is_told()
    dealings.mail.hang("BODY")
    await shop.booked(ada)
    await dealings.mail.has(hanging=1)

    dealings.slow.terminate()

    # Within the time that it drains for, and a moment for its last words.
    assert await dealings.slow.ended(seconds=15) == 0
    assert dealings.mail.hanging == 0
    assert await dealings.standing(ada.uid, requested) == {(EMAIL, "WAITING"): 1}
    dealings.mail.heal()
    dealings.slow.start()
    await dealings.let_mails_arrive()
    assert list((await dealings.mails(ada.uid, requested)).values()) == [1]
