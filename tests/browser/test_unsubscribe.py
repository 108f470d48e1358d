"""Does the page behind a mail's unsubscribe link look right, and its button work in a browser?"""

from __future__ import annotations

import asyncio
from itertools import product
from typing import TYPE_CHECKING

import pytest

from db import preferences
from domain.messages import Category, Channel
from gateways import unsubscribe
from gateways.links import Links
from tests.browser.conftest import SCREENSHOTS
from tests.factories import add_customer

if TYPE_CHECKING:
    from db.engine import Database
    from gateways.settings import Settings
    from tests.browser.chromium import Page
    from tests.browser.conftest import Browser

pytestmark = pytest.mark.browser

_BUTTON = "document.querySelector('form.ways button')"


async def _looked_at(page: Page, name: str) -> None:
    for width, dark in product((375, 1280), (False, True)):
        await page.size(width, 900, dark=dark)
        shade = "dark" if dark else "light"
        await page.screenshot(SCREENSHOTS / f"{name}-{width}-{shade}.png")
        assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert page.complaints == []


async def _pressed(page: Page) -> str:
    """Press the button; the title of the page that it leads to."""
    page.loaded.clear()
    await page.click(_BUTTON)
    await asyncio.wait_for(page.loaded.wait(), 20)
    return str(await page.evaluate("document.title"))


async def test_one_tap_stops_the_mails_and_another_brings_them_back(
    browser: Browser, database: Database, settings: Settings
) -> None:
    reader = (await add_customer(database)).user_id
    links = Links(settings.secret.get_secret_value())
    address = unsubscribe.address("", links, reader, Category.SUGGESTIONS)

    async def wanted() -> bool | None:
        async with database.read() as connection:
            choices = (await preferences.reach(connection, [reader]))[reader].choices
        return choices.get((Category.SUGGESTIONS, Channel.EMAIL))

    page = await browser.window(address)
    await _looked_at(page, "unsubscribe")
    assert await wanted() is None
    assert (await _pressed(page)).startswith("You are sent no more e-mails")
    assert await wanted() is False
    await _looked_at(page, "unsubscribed")
    assert (await _pressed(page)).endswith("again.")
    assert await wanted() is True
    assert page.complaints == []
