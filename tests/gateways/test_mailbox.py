"""Does the stand-in keep what it is given, and only the last of it?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from redis.asyncio import Redis

from domain.messages import Channel
from gateways.errors import GatewayUnavailable
from gateways.mailbox import KEPT, Mailbox, UnsentMail, UnsentPush, UnsentSms
from gateways.push import Push
from tests.gateways.test_mail import a_mail


@pytest.fixture
async def mailbox(redis_url: str, namespace: str) -> AsyncIterator[Mailbox]:
    async with Redis.from_url(redis_url) as redis:
        yield Mailbox(redis, namespace)


async def test_it_keeps_everything_of_all_three_newest_first(mailbox: Mailbox) -> None:
    mail = a_mail(unsubscribe_url="https://x.example/u", to_name="Jané 🧽")
    push = Push(title="Title", body="Body", data={"booking": "1"})
    said = await UnsentMail(mailbox).send(mail)
    assert said is not None
    assert said.startswith("unsent_")
    await UnsentSms(mailbox).send(to="+442079460000", text="Héllo", key="k2")
    await UnsentPush(mailbox).send(token="device", push=push, key="k3")

    pushed, texted, mailed = await mailbox.all()
    assert (mailed.channel, mailed.to, mailed.to_name) == (Channel.EMAIL, mail.to, "Jané 🧽")
    assert (mailed.subject, mailed.html, mailed.text) == (mail.subject, mail.html, mail.text)
    assert mailed.headers == {"List-Unsubscribe": "<https://x.example/u>"}
    assert (mailed.key, f"unsent_{mailed.id}") == (str(mail.id), said)
    assert (texted.channel, texted.to, texted.text) == (Channel.SMS, "+442079460000", "Héllo")
    assert (pushed.channel, pushed.subject, pushed.text) == (Channel.PUSH, "Title", "Body")
    assert (pushed.data, pushed.key) == ({"booking": "1"}, "k3")
    now = datetime.now(UTC)
    assert now - timedelta(minutes=1) < mailed.at <= texted.at <= pushed.at <= now


async def test_it_keeps_the_last_of_them_only(
    mailbox: Mailbox, redis_url: str, namespace: str
) -> None:
    sms = UnsentSms(mailbox)
    for number in range(KEPT + 3):
        await sms.send(to="+44", text=str(number), key="k")
    kept = [int(one.text) for one in await mailbox.all()]
    assert kept == list(range(KEPT + 2, 2, -1))
    async with Redis.from_url(redis_url) as redis:
        names = [name async for name in redis.scan_iter(match=f"{namespace}*")]
        sizes = [await cast("Awaitable[int]", redis.llen(name)) for name in names]
    assert sizes == [KEPT]


async def test_it_is_another_box_in_another_installation(
    mailbox: Mailbox, redis_url: str, namespace: str
) -> None:
    await UnsentSms(mailbox).send(to="+44", text="x", key="k")
    async with Redis.from_url(redis_url) as redis:
        assert await Mailbox(redis, f"{namespace}-other").all() == []


async def test_a_box_that_cannot_be_reached_is_unavailable() -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as redis:
        with pytest.raises(GatewayUnavailable):
            await UnsentSms(Mailbox(redis, "x")).send(to="+44", text="x", key="k")
