"""Do messages look right on a phone and on a desk, whatever people are called?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from domain.messages import Message
from tests.browser import chromium
from tests.browser.conftest import SCREENSHOTS
from tests.browser.test_landing import contrast, luminance
from tests.messages import LONG, RIGHT_TO_LEFT, a_renderer, some_facts, with_names

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser

_LOOKS: Final = ((375, False), (375, True), (1280, False))
_UNSUBSCRIBE: Final = {Message.COMPLETED: "https://callout.example/unsubscribe?token=a"}
_OVERFLOW: Final = "document.documentElement.scrollWidth > innerWidth"
_HEIGHT: Final = "document.documentElement.scrollHeight"
#: The colour of each text that is seen, and of what is behind it.
_TEXTS: Final = """
(() => {
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!colour.endsWith(', 0)')) return colour;
    }
  };
  return [...document.querySelectorAll('.sheet *')]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((e) => [e.innerText, getComputedStyle(e).color, behind(e)]);
})()
"""


async def _opened(page: chromium.Page, folder: Path, html: str) -> None:
    file = folder / "letter.html"
    file.write_text(html, "utf-8")
    await page.open(file.as_uri())


async def _shown(page: chromium.Page, name: str, *, width: int, dark: bool = False) -> None:
    await page.size(width, 900, dark=dark)
    # As high as it is, so that the picture shows all of it.
    await page.size(width, await page.evaluate(_HEIGHT), dark=dark)
    await page.screenshot(SCREENSHOTS / f"letter-{name}-{width}{'-dark' if dark else ''}.png")
    assert not await page.evaluate(_OVERFLOW), f"{name} is wider than {width}"


async def _is_read_easily(page: chromium.Page) -> None:
    texts = await page.evaluate(_TEXTS)
    assert len(texts) > 6
    for text, ink, paper in texts:
        assert contrast(luminance(ink), luminance(paper)) >= 4.5, text


async def test_every_letter_fits_stands_out_and_asks_for_nothing(
    devtools: chromium.Devtools, tmp_path: Path
) -> None:
    page, renderer = await chromium.new_page(devtools), a_renderer()
    for message in Message:
        letter = renderer.letter(some_facts(message), unsubscribe_url=_UNSUBSCRIBE.get(message))
        await _opened(page, tmp_path, letter.html)
        for width, dark in _LOOKS:
            await _shown(page, message.lower(), width=width, dark=dark)
            await _is_read_easily(page)
    assert [one for one in page.requested if not one.startswith("file:")] == []
    assert page.complaints == []


@pytest.mark.parametrize("names", [LONG, RIGHT_TO_LEFT], ids=["long", "right-to-left"])
async def test_no_name_is_too_wide(
    devtools: chromium.Devtools, tmp_path: Path, names: str, request: pytest.FixtureRequest
) -> None:
    page, renderer = await chromium.new_page(devtools), a_renderer()
    await page.size(375, 900)
    for message in Message:
        letter = renderer.letter(with_names(some_facts(message), names))
        await _opened(page, tmp_path, letter.html)
        assert not await page.evaluate(_OVERFLOW), message
    await _shown(page, f"names-{request.node.callspec.id}", width=375)
