"""Does the landing page look right on a phone and on a desk, in the light and in the dark?"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.browser import graphiql
from tests.browser.conftest import SCREENSHOTS

if TYPE_CHECKING:
    from tests.browser.conftest import Browser

pytestmark = pytest.mark.browser

_COLOURS = "(style => [style.color, style.backgroundColor])(getComputedStyle(document.body))"


async def test_it_leads_to_graphiql(browser: Browser) -> None:
    page = await browser.window("/")
    await page.click("document.querySelector('a[href=\"/graphiql\"]')")
    await page.until("location.pathname === '/graphiql'")
    await graphiql.ready(page)
    assert page.complaints == []


async def test_nothing_sticks_out_and_words_stand_out(browser: Browser) -> None:
    page = await browser.window("/")
    for width, dark in product((360, 820, 1440), (False, True)):
        await page.size(width, 900, dark=dark)
        shade = "dark" if dark else "light"
        await page.screenshot(SCREENSHOTS / f"landing-{width}-{shade}.png")
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        ink, paper = map(luminance, await page.evaluate(_COLOURS))
        assert contrast(ink, paper) >= 7
        assert (paper < ink) is dark
    assert page.complaints == []


def contrast(one: float, other: float) -> float:
    """The contrast of two luminances, as WCAG defines it."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of `rgb(r, g, b)`, as WCAG defines it."""
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
