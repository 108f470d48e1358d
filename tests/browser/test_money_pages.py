"""Do receipts and the outbox look right on a phone, on a desk and on paper?"""

from __future__ import annotations

import base64
import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from api.receipts import address_of
from domain.messages import Message
from gateways.mail import Mail
from gateways.mailbox import Mailbox, UnsentMail, UnsentPush, UnsentSms
from tests.browser.conftest import SCREENSHOTS
from tests.factories import add_booking, add_customer, add_service
from tests.messages import RIGHT_TO_LEFT, a_renderer, some_facts

if TYPE_CHECKING:
    from db.engine import Database
    from gateways.settings import Settings
    from tests.browser.chromium import Page
    from tests.browser.conftest import Browser

pytestmark = pytest.mark.browser

_OVERFLOW = "document.documentElement.scrollWidth > innerWidth"
_TOLD = (Message.BOOKING_CONFIRMED, Message.PROVIDER_LATE, Message.PAYMENT_RECEIPT, Message.OFFER)


async def _looked_at(page: Page, name: str) -> None:
    for width, dark in product((375, 1280), (False, True)):
        await page.size(width, 900, dark=dark)
        shade = "dark" if dark else "light"
        await page.screenshot(SCREENSHOTS / f"{name}-{width}-{shade}.png")
        assert not await page.evaluate(_OVERFLOW), f"{name} is wider than {width}"
    assert page.complaints == []


async def _receipt(database: Database, settings: Settings) -> str:
    from tests.api.test_receipts import given_back, paid

    customer = await add_customer(database, given_name=RIGHT_TO_LEFT, family_name="Doe")
    service = await add_service(database, price_minor=4050)
    booking = await add_booking(database, customer, service)
    payment_id = await paid(database, booking)
    await given_back(database, booking, payment_id)
    return address_of(settings, payment_id).removeprefix(settings.outside_url)


async def test_a_receipt_looks_right_and_prints_on_one_sheet(
    browser: Browser, database: Database, settings: Settings
) -> None:
    page = await browser.window(await _receipt(database, settings))
    await _looked_at(page, "receipt")
    assert await page.evaluate("!document.getElementById('print').hidden")
    for name, width, height in (("a4", 8.27, 11.69), ("letter", 8.5, 11)):
        printed = await page.send(
            "Page.printToPDF", paperWidth=width, paperHeight=height, preferCSSPageSize=False
        )
        pdf = base64.b64decode(printed["data"])
        (SCREENSHOTS / f"receipt-{name}.pdf").write_bytes(pdf)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    await page.send("Emulation.setEmulatedMedia", media="print")
    await page.screenshot(SCREENSHOTS / "receipt-print.png")
    assert await page.evaluate("getComputedStyle(document.querySelector('.tools')).display") == (
        "none"
    )


async def test_the_outbox_shows_mail_text_and_push(browser: Browser, settings: Settings) -> None:
    renderer = a_renderer()
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        mailbox = Mailbox(redis, settings.redis_namespace)
        for message in _TOLD:
            facts = some_facts(message)
            key, letter = facts.subject["booking"], renderer.letter(facts)
            await UnsentPush(mailbox).send(token="d" * 150, push=renderer.push(facts), key="k")
            text = renderer.sms(facts)
            await UnsentSms(mailbox).send(to="+442079460000", text=text, key="k")
            mail = Mail(
                id=key,
                to=facts.recipient.email,
                to_name=facts.recipient.name,
                subject=letter.subject,
                html=letter.html,
                text=letter.text,
            )
            await UnsentMail(mailbox).send(mail)
    page = await browser.window("/dev/outbox")
    await page.appears("document.querySelector('iframe')")
    await _looked_at(page, "outbox-mail")
    for width in ("phone", "text"):
        await page.click(f"document.querySelector('label[for={width}]')")
        await page.screenshot(SCREENSHOTS / f"outbox-mail-as-{width}.png")
    assert await page.evaluate("getComputedStyle(document.querySelector('pre')).display") == "block"
    for channel in ("SMS", "PUSH"):
        await page.open(f"{browser.base}/dev/outbox?channel={channel}")
        assert await page.evaluate("document.querySelectorAll('nav li').length") == len(_TOLD)
        await _looked_at(page, f"outbox-{channel.lower()}")
    assert [one for one in page.requested if not one.startswith(browser.base)] == []
