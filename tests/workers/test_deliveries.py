"""Does every message arrive or rest, whatever its carrier does, and wait for no other channel?"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, update

from db import dead_letters, devices, message_facts, preferences
from db.tables import bookings, quiet_hours, users
from db.tables import devices as devices_table
from domain.deliveries import LEASE
from domain.messages import Category, Channel, Message, Platform
from domain.pages import PageRequest
from domain.preferences import QuietHours
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.push import DeviceGone
from tests.db.racing import act
from tests.factories import now
from tests.outside import an_outside
from tests.sending import (
    Pushes,
    Texts,
    let_pauses_pass,
    mailer,
    standing,
    statuses,
    tell,
)
from tests.smtp_server import SmtpServer, smtp_server
from workers import carriers
from workers import deliveries as jobs_of
from workers.dead_letters import replay_dead_letter
from workers.deliveries import deliver, redeliver
from workers.jobs import Context
from workers.sweeps import deliveries_due

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from db.engine import Database
    from workers.queue import JobQueue

EMAIL, SMS, PUSH = Channel.EMAIL, Channel.SMS, Channel.PUSH
MAILS = jobs_of.AT_ONCE[EMAIL]


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    """A mail server that takes everything until it is told otherwise."""
    async with smtp_server() as listening:
        yield listening


@pytest.fixture
def texts() -> Texts:
    return Texts()


@pytest.fixture
def pushes() -> Pushes:
    return Pushes()


@pytest.fixture
async def ctx(
    database: Database, jobs: JobQueue, server: SmtpServer, texts: Texts, pushes: Pushes
) -> AsyncIterator[Context]:
    """What drainers work with."""
    outside = an_outside(mail=mailer(server), sms=texts, push=pushes)
    yield Context(database=database, jobs=jobs, queue="slow", outside=outside)
    await outside.close()


async def add_device(database: Database, user_id: UUID, token: str) -> None:
    register = partial(devices.register, user_id=user_id, platform=Platform.IOS, token=token)
    await act(database, register)


async def keep_quiet(database: Database, user_id: UUID) -> None:
    """It is night where this person lives, for hours yet."""
    at = await now(database)
    night = QuietHours(
        starts=(at - timedelta(hours=1)).time(), ends=(at + timedelta(hours=1)).time()
    )
    async with database.begin() as tx:
        await tx.execute(update(users).where(users.c.id == user_id).values(time_zone="UTC"))
        await preferences.save_quiet_hours(tx, user_id, night)


async def queued(jobs: JobQueue) -> list[str]:
    """The keys of the calls that wait."""
    found = await jobs.redis.zrange(jobs.name("slow"), 0, -1)
    return sorted(key.decode().partition(":")[2] for key in found)


def counted(channel: Channel, outcome: str) -> float:
    labels = {"channel": channel.value, "outcome": outcome}
    return REGISTRY.get_sample_value("callout_deliveries_total", labels) or 0


@asynccontextmanager
async def draining(ctx: Context, channel: Channel) -> AsyncIterator[asyncio.Task[None]]:
    """A drainer at work meanwhile."""
    task = asyncio.create_task(deliver(ctx, channel))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_due_leaves_once_on_every_channel(
    ctx: Context, database: Database, server: SmtpServer, texts: Texts, pushes: Pushes
) -> None:
    told = await tell(database, EMAIL, SMS, PUSH, email="jane@example.com")
    await add_device(database, told.recipient_id, "phone")
    before = counted(EMAIL, "sent")

    for channel in (*Channel, *Channel):
        await deliver(ctx, channel)

    (mail,) = server.received
    assert mail.recipients == ("jane@example.com",)
    assert str(told.deliveries[EMAIL]) in mail.message["Message-ID"]
    ((number, text, text_key),) = texts.sent
    assert (number, text_key) == ("+442079460000", str(told.deliveries[SMS]))
    assert "Home clean" in text
    ((token, push, push_key),) = pushes.sent
    assert (token, push_key) == ("phone", str(told.deliveries[PUSH]))
    assert push.data["message"] == "BOOKING_REQUESTED"
    assert "Home clean" in push.body
    found = await standing(database, told)
    assert {channel: statuses(each) for channel, each in found.items()} == {
        channel: [("SENT", 1)] for channel in Channel
    }
    assert (found[SMS][0].remote_id, found[PUSH][0].remote_id) == ("text 1", "push 1")
    assert counted(EMAIL, "sent") == before + 1


async def test_many_mails_leave_over_a_few_connections_each_once(
    ctx: Context, database: Database, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_of, "_BATCH", MAILS + 5)
    told = [await tell(database) for _ in range(3 * MAILS)]

    await asyncio.gather(deliver(ctx, EMAIL), deliver(ctx, EMAIL))

    ids = sorted(
        mail.message["Message-ID"].strip("<>").partition("@")[0] for mail in server.received
    )
    assert ids == sorted(str(one.deliveries[EMAIL]) for one in told)
    assert server.connections <= MAILS
    assert statuses((await standing(database, *told))[EMAIL]) == [("SENT", 1)] * len(told)


async def test_a_mail_server_that_is_away_holds_up_nothing_else_and_the_mail_comes_later(
    ctx: Context, database: Database, server: SmtpServer, texts: Texts
) -> None:
    told = await tell(database, EMAIL, SMS)
    await server.refuse()
    before = await now(database)

    await deliver(ctx, EMAIL)
    await deliver(ctx, SMS)

    assert len(texts.sent) == 1
    found = await standing(database, told)
    assert (statuses(found[EMAIL]), statuses(found[SMS])) == ([("WAITING", 1)], [("SENT", 1)])
    (mail,) = found[EMAIL]
    assert mail.error
    pause, after = timedelta(seconds=5), await now(database)
    assert before + pause / 2 <= mail.due_at <= after + pause
    await server.listen()
    await let_pauses_pass(database)
    await deliver(ctx, EMAIL)
    assert len(server.received) == 1
    assert statuses((await standing(database, told))[EMAIL]) == [("SENT", 2)]


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
async def test_while_a_mail_server_hangs_the_other_channels_go_on(
    database: Database, jobs: JobQueue, server: SmtpServer, texts: Texts, step: Any
) -> None:
    told = await tell(database, EMAIL, SMS)
    server.hang(step)
    outside = an_outside(mail=mailer(server), sms=texts)
    patient = Context(database=database, jobs=jobs, queue="slow", outside=outside)

    async with draining(patient, EMAIL) as mails:
        await server.has(hanging=1)
        await deliver(patient, SMS)
        assert not mails.done()

    assert len(texts.sent) == 1
    found = await standing(database, told)
    assert (statuses(found[EMAIL]), statuses(found[SMS])) == ([("WAITING", 1)], [("SENT", 1)])
    server.heal()
    await let_pauses_pass(database)
    await deliver(patient, EMAIL)
    assert len(server.received) == 1
    await outside.close()


async def test_one_who_hangs_does_not_keep_what_comes_later(
    ctx: Context, database: Database, server: SmtpServer
) -> None:
    slow = await tell(database)
    server.hang("BODY", times=1)
    # Given up long after the test has lost its patience.
    outside = an_outside(mail=mailer(server, timeout=60))
    patient = Context(database=database, jobs=ctx.jobs, queue="slow", outside=outside)

    async with draining(patient, EMAIL):
        await server.has(hanging=1)
        later = await tell(database)
        await server.has(received=1)

    found = (await standing(database, slow, later))[EMAIL]
    assert statuses(found)[0] == ("WAITING", 1)
    await outside.close()


async def test_a_mail_whose_server_drops_after_data_comes_twice_under_one_message_id(
    ctx: Context, database: Database, server: SmtpServer
) -> None:
    told = await tell(database)
    server.drop("BODY", times=1, keeping=True)

    await deliver(ctx, EMAIL)

    assert statuses((await standing(database, told))[EMAIL]) == [("WAITING", 1)]
    await let_pauses_pass(database)
    await deliver(ctx, EMAIL)
    first, second = server.received
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert statuses((await standing(database, told))[EMAIL]) == [("SENT", 2)]


async def test_a_mail_that_is_never_taken_rests_and_leaves_when_it_is_replayed(
    ctx: Context, database: Database, server: SmtpServer
) -> None:
    told = await tell(database)
    server.drop("BODY")
    failed = counted(EMAIL, "failed")

    for _ in range(10):
        await deliver(ctx, EMAIL)
        await let_pauses_pass(database)

    assert statuses((await standing(database, told))[EMAIL]) == [("FAILED", 8)]
    assert server.begun == 8
    assert counted(EMAIL, "failed") == failed + 1
    async with database.read() as connection:
        (letter,) = (await dead_letters.page(connection, PageRequest(limit=10))).items
    assert (letter.job, letter.arguments) == ("redeliver", (str(told.deliveries[EMAIL]),))

    server.heal()
    await act(database, partial(dead_letters.replay, letter_id=letter.id))
    await replay_dead_letter(ctx, str(letter.id))
    assert await queued(ctx.jobs) == [f"replay:{letter.id}"]
    await redeliver(ctx, *letter.arguments)
    assert await queued(ctx.jobs) == ["deliver:EMAIL", f"replay:{letter.id}"]
    await deliver(ctx, EMAIL)

    assert statuses((await standing(database, told))[EMAIL]) == [("SENT", 1)]
    assert len(server.received) == 1


async def test_a_mailbox_that_does_not_exist_fails_at_once_and_alone(
    ctx: Context, database: Database, server: SmtpServer
) -> None:
    first = await tell(database)
    server.say("RCPT", "550 5.1.1 Unknown", times=1)
    await deliver(ctx, EMAIL)
    second = await tell(database)
    await deliver(ctx, EMAIL)
    found = (await standing(database, first, second))[EMAIL]
    assert statuses(found) == [("FAILED", 1), ("SENT", 1)]
    assert "550" in (found[0].error or "")


async def test_a_server_that_is_away_costs_only_a_few_of_many_a_try(
    ctx: Context, database: Database, server: SmtpServer
) -> None:
    told = [await tell(database) for _ in range(3 * MAILS)]
    await server.refuse()

    await deliver(ctx, EMAIL)

    found = (await standing(database, *told))[EMAIL]
    at = await now(database)
    untried = [one for one in found if not one.tries]
    assert MAILS <= len(untried) <= 2 * MAILS
    assert all(one.due_at <= at for one in untried)
    await server.listen()
    await let_pauses_pass(database)
    await deliver(ctx, EMAIL)
    assert len(server.received) == len(told)


async def test_what_nobody_waits_for_any_more_is_dropped(
    ctx: Context, database: Database, server: SmtpServer, texts: Texts, pushes: Pushes
) -> None:
    no_phone = await tell(database, SMS, phone=None)
    no_device = await tell(database, PUSH)
    called_off = await tell(database)
    unsubscribed = await tell(database, message=Message.COMPLETED)
    async with database.begin() as tx:
        mine = update(bookings).where(bookings.c.id == called_off.booking_id)
        at = await now(database)
        await tx.execute(mine.values(status="CANCELLED", cancelled_at=at))
        await preferences.unsubscribe(tx, unsubscribed.recipient_id, Category.SUGGESTIONS)

    for channel in Channel:
        await deliver(ctx, channel)

    for one in (no_phone, no_device, called_off, unsubscribed):
        ((dropped,),) = (await standing(database, one)).values()
        assert (dropped.status, dropped.tries) == ("DROPPED", 1)
        assert dropped.error
    assert (server.received, texts.sent, pushes.sent) == ([], [], [])
    async with database.read() as connection:
        assert await dead_letters.count(connection) == 0


async def test_what_comes_round_at_night_waits_unless_it_is_urgent(
    ctx: Context, database: Database, texts: Texts
) -> None:
    calm, urgent = await tell(database, SMS), await tell(database, SMS, delivery={"urgent": True})
    for one in (calm, urgent):
        await keep_quiet(database, one.recipient_id)

    await deliver(ctx, SMS)

    assert [key for _, _, key in texts.sent] == [str(urgent.deliveries[SMS])]
    ((waits,),) = (await standing(database, calm)).values()
    assert (waits.status, waits.tries) == ("WAITING", 0)
    async with database.read() as connection:
        ends = await connection.scalar(select(quiet_hours.c.ends).limit(1))
    assert waits.due_at.time() == ends


async def test_a_mail_that_one_may_do_without_says_how(
    ctx: Context, database: Database, server: SmtpServer
) -> None:
    await tell(database, message=Message.COMPLETED, email="may@example.com")
    await tell(database, email="must@example.com")

    await deliver(ctx, EMAIL)

    by_reader = {mail.recipients[0]: mail.message for mail in server.received}
    assert "/unsubscribe?token=" in by_reader["may@example.com"]["List-Unsubscribe"]
    assert "List-Unsubscribe" not in by_reader["must@example.com"]


async def test_one_that_cannot_be_written_keeps_no_other_from_leaving(
    ctx: Context, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, broken, last = [await tell(database) for _ in range(3)]
    read = message_facts.read

    async def fragile(connection: Any, told: Any, **more: Any) -> Any:
        if any(one.id == broken.notification_id for one in told):
            message = "no such thing"
            raise LookupError(message)
        return await read(connection, told, **more)

    monkeypatch.setattr(message_facts, "read", fragile)
    await deliver(ctx, EMAIL)

    found = (await standing(database, first, broken, last))[EMAIL]
    assert statuses(found) == [("SENT", 1), ("WAITING", 1), ("SENT", 1)]
    assert found[1].error == "LookupError: no such thing"


async def test_a_fault_of_ours_in_one_message_is_tried_again_and_keeps_no_other(
    ctx: Context, database: Database, texts: Texts
) -> None:
    first = await tell(database, SMS)
    texts.trouble = KeyError("template")
    await deliver(ctx, SMS)
    texts.trouble = None
    second = await tell(database, SMS)
    await deliver(ctx, SMS)
    found = (await standing(database, first, second))[SMS]
    assert statuses(found) == [("WAITING", 1), ("SENT", 1)]
    assert found[0].error == "KeyError: 'template'"


async def test_one_device_that_takes_it_is_enough_and_one_that_is_gone_is_forgotten(
    ctx: Context, database: Database, pushes: Pushes
) -> None:
    told = await tell(database, PUSH)
    for token in ("well", "gone", "away"):
        await add_device(database, told.recipient_id, token)
    pushes.trouble = {"gone": DeviceGone("gone"), "away": GatewayUnavailable("away")}

    await deliver(ctx, PUSH)

    assert [token for token, _, _ in pushes.sent] == ["well"]
    assert statuses((await standing(database, told))[PUSH]) == [("SENT", 1)]
    async with database.read() as connection:
        left = await connection.scalars(select(devices_table.c.token))
        assert sorted(left) == ["away", "well"]


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ((DeviceGone("gone"), GatewayUnavailable("away")), ("WAITING", "away")),
        ((GatewayRefused("no"), GatewayUnavailable("away")), ("WAITING", "away")),
        ((DeviceGone("gone"), GatewayRefused("no")), ("FAILED", "no")),
        (
            (DeviceGone("gone"), DeviceGone("gone")),
            ("DROPPED", "None of the devices takes messages any more."),
        ),
    ],
)
async def test_a_push_that_no_device_took_is_tried_again_only_where_one_may_yet(
    ctx: Context,
    database: Database,
    pushes: Pushes,
    trouble: tuple[Exception, Exception],
    expected: tuple[str, str],
) -> None:
    told = await tell(database, PUSH)
    for token, error in zip("ab", trouble, strict=True):
        await add_device(database, told.recipient_id, token)
        pushes.trouble[token] = error

    await deliver(ctx, PUSH)

    ((found,),) = (await standing(database, told)).values()
    assert (found.status, found.error) == expected


async def test_a_carrier_that_asks_for_patience_is_not_asked_before_it_wants_to_be(
    ctx: Context, database: Database, texts: Texts, pushes: Pushes
) -> None:
    told = await tell(database, SMS, PUSH)
    texts.trouble = GatewayUnavailable("429", retry_after=timedelta(minutes=9))
    for token, minutes in (("a", None), ("b", 20), ("c", 5)):
        await add_device(database, told.recipient_id, token)
        after = timedelta(minutes=minutes) if minutes else None
        pushes.trouble[token] = GatewayUnavailable("429", retry_after=after)
    before = await now(database)

    for channel in (SMS, PUSH):
        await deliver(ctx, channel)

    after_ = await now(database)
    found = {name: one for name, (one,) in (await standing(database, told)).items()}
    for channel, minutes in ((SMS, 9), (PUSH, 20)):
        wait = timedelta(minutes=minutes)
        assert found[channel].status == "WAITING"
        assert before + wait <= found[channel].due_at <= after_ + wait
    # Until then nobody takes it up.
    texts.trouble = None
    await deliver(ctx, SMS)
    assert texts.sent == []


@pytest.mark.parametrize(("channel", "expected"), [(EMAIL, "FAILED"), (SMS, "DROPPED")])
async def test_without_a_mail_server_mail_rests_and_without_the_others_nothing_is_missing(
    database: Database, jobs: JobQueue, channel: Channel, expected: str
) -> None:
    told = await tell(database, channel)
    alone = Context(database=database, jobs=jobs, queue="slow", outside=an_outside())
    await deliver(alone, channel)
    ((found,),) = (await standing(database, told)).values()
    assert found.status == expected


async def test_without_a_way_to_push_nothing_is_missing(database: Database, jobs: JobQueue) -> None:
    told = await tell(database, PUSH)
    await add_device(database, told.recipient_id, "phone")
    await deliver(Context(database=database, jobs=jobs, queue="slow", outside=an_outside()), PUSH)
    assert statuses((await standing(database, told))[PUSH]) == [("DROPPED", 1)]


async def test_a_drainer_that_is_told_to_end_notes_what_it_knows_and_hands_back_the_rest(
    ctx: Context, database: Database, server: SmtpServer
) -> None:
    told = [await tell(database) for _ in range(MAILS + 10)]
    server.hang("BODY")
    outside = an_outside(mail=mailer(server))
    patient = Context(database=database, jobs=ctx.jobs, queue="slow", outside=outside)

    async with draining(patient, EMAIL):
        await server.has(hanging=1)

    found = (await standing(database, *told))[EMAIL]
    tries = [one.tries for one in found]
    # What was begun may have been sent, so it keeps its lease; of the rest nobody is the worse.
    assert sorted(tries) == [0] * 10 + [1] * MAILS
    at = await now(database)
    assert all(one.due_at <= at for one in found if not one.tries)
    assert all(one.due_at > at for one in found if one.tries)
    await outside.close()


async def test_what_is_sent_while_its_drainer_is_told_to_end_is_still_noted(
    ctx: Context, database: Database, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await tell(database, SMS)
    asked, answer = asyncio.Event(), asyncio.Event()
    send = texts.send

    async def slow(**message: Any) -> str:
        asked.set()
        await answer.wait()
        return await send(**message)

    monkeypatch.setattr(Texts, "send", lambda _self, **message: slow(**message))
    async with draining(ctx, SMS) as task:
        await asyncio.wait_for(asked.wait(), 20)
        task.cancel()
        answer.set()
        await asyncio.wait([task])

    assert statuses((await standing(database, told))[SMS]) == [("SENT", 1)]


async def test_a_drainer_ends_its_shift_and_leaves_the_rest_to_the_next(
    ctx: Context, database: Database, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [await tell(database) for _ in range(MAILS + 5)]
    monkeypatch.setattr(jobs_of, "_SHIFT", 0.05)
    server.hang("BODY")
    outside = an_outside(mail=mailer(server, timeout=0.5))
    impatient = Context(database=database, jobs=ctx.jobs, queue="slow", outside=outside)

    await deliver(impatient, EMAIL)

    # Those that hang were given up; the others have not been begun, and are due.
    found = (await standing(database, *told))[EMAIL]
    assert sorted(one.tries for one in found) == [0] * 5 + [1] * MAILS
    assert await deliveries_due(ctx) == 1
    server.heal()
    monkeypatch.undo()
    await let_pauses_pass(database)
    await deliver(ctx, EMAIL)
    assert len(server.received) == len(told)
    await outside.close()


async def test_what_waited_too_long_for_its_turn_is_handed_back_and_not_sent(
    ctx: Context, database: Database, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await tell(database, SMS)
    monkeypatch.setattr(jobs_of, "_STALE", 0)
    monkeypatch.setattr(jobs_of, "_SHIFT", 0.05)
    await deliver(ctx, SMS)
    assert texts.sent == []
    assert statuses((await standing(database, told))[SMS]) == [("WAITING", 0)]


def test_a_lease_outlasts_the_longest_wait_and_the_longest_try() -> None:
    assert LEASE.total_seconds() > jobs_of._STALE + carriers.PATIENCE


async def test_the_sweep_wakes_the_channels_that_have_something_to_send(
    ctx: Context, database: Database
) -> None:
    assert await deliveries_due(ctx) == 0
    assert await queued(ctx.jobs) == []
    await tell(database, EMAIL, PUSH)
    await tell(database, EMAIL)

    assert [await deliveries_due(ctx) for _ in range(9)] == [2] * 9

    # One each, or two where half a minute has passed meanwhile: whoever drains by the usual key may
    # have died, and would keep others by the same key waiting.
    calls = await queued(ctx.jobs)
    assert {call.partition("@")[0] for call in calls} == {"deliver:EMAIL", "deliver:PUSH"}
    assert len(calls) in {2, 4}
    assert "deliver:EMAIL" not in calls
