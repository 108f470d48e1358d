"""Does GraphiQL work in a real browser with no way out to the internet?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.browser import graphiql
from tests.browser.conftest import SCREENSHOTS, Browser, served

if TYPE_CHECKING:
    from db.engine import Database
    from gateways.settings import Settings
    from tests.browser.chromium import Devtools, Page

pytestmark = pytest.mark.browser


def strangers(page: Page) -> list[str]:
    """The addresses asked for that are not on this machine."""
    places = ((url, urlsplit(url)) for url in page.requested)
    return [url for url, at in places if at.scheme != "data" and at.hostname != "127.0.0.1"]


async def test_it_opens_with_a_tab_for_each_role_and_asks_nobody_else(browser: Browser) -> None:
    page = await browser.window("/graphiql")
    await graphiql.ready(page)
    tabs = await page.evaluate(
        "[...document.querySelectorAll('.graphiql-tab-button')].map(e => e.innerText)"
    )
    assert tabs == ["CustomerServices", "ProviderClocksIn", "DispatcherQueue", "AnalystBookings"]
    assert (page.complaints, strangers(page)) == ([], [])


async def test_one_click_signs_in_and_shows_the_tab_of_the_role(browser: Browser) -> None:
    page = await browser.window("/graphiql")
    await graphiql.ready(page)
    await graphiql.sign_in_as(page, "dispatcher")
    await page.until(
        "document.querySelector('.graphiql-tab-active').innerText.startsWith('DispatcherQueue')"
    )
    await graphiql.run(page, "DispatcherQueue")
    assert await graphiql.answer(page, "JSON.stringify(data.queue.edges)") == "[]"
    assert (page.complaints, strangers(page)) == ([], [])


@pytest.mark.usefixtures("worker")
async def test_a_booking_is_made_offered_accepted_and_followed_live(browser: Browser) -> None:
    customer, provider = [await browser.window("/graphiql") for _ in range(2)]
    await graphiql.ready(provider)
    await graphiql.sign_in_as(provider, "provider")
    await graphiql.run(provider, "ProviderClocksIn")
    assert await graphiql.answer(provider, "data.clockIn.shift.id")
    await graphiql.run(provider, "ProviderFollowsOffers")

    await graphiql.ready(customer)
    await graphiql.sign_in_as(customer, "customer")
    await graphiql.run(customer, "CustomerServices")
    names = await graphiql.answer(customer, "data.services.edges.map(e => e.node.name)")
    assert "Home clean" in names
    await graphiql.run(customer, "CustomerBooks")
    booking = await graphiql.answer(customer, "data.createBooking.booking.id")
    filled_in = await graphiql.variables(customer, "variables.bookingId")
    assert filled_in["bookingId"] == booking
    await graphiql.run(customer, "CustomerFollows")

    offer = await graphiql.answer(provider, "data.offerFeed.offer.id")
    await provider.screenshot(SCREENSHOTS / "graphiql-offer.png")
    assert (await graphiql.variables(provider, "variables.offerId"))["offerId"] == offer
    await graphiql.run(provider, "ProviderAccepts")
    assert await graphiql.answer(provider, "data.acceptOffer.booking.id") == booking

    seen = await graphiql.answer(
        customer, "data.bookingUpdated.type === 'ASSIGNED' && data.bookingUpdated.booking"
    )
    await customer.screenshot(SCREENSHOTS / "graphiql-followed.png")
    assert (seen["id"], seen["status"], seen["provider"]["name"]) == (
        booking,
        "CONFIRMED",
        "Chloe C.",
    )
    assert (customer.complaints, provider.complaints) == ([], [])
    assert strangers(customer) + strangers(provider) == []


async def test_a_lapsed_token_is_renewed_before_it_is_used(browser: Browser) -> None:
    page = await browser.window("/graphiql")
    await graphiql.ready(page)
    await graphiql.sign_in_as(page, "dispatcher")
    # {"exp": 1}: lapsed in 1970, and signed by nobody.
    lapsed = "e30.eyJleHAiOjF9.e30"
    await page.evaluate(
        "sessionStorage.setItem('callout:session', JSON.stringify({"
        "...JSON.parse(sessionStorage.getItem('callout:session')), token: '" + lapsed + "'}))"
    )
    await page.open(f"{browser.base}/graphiql")
    await graphiql.ready(page)
    await graphiql.run(page, "DispatcherQueue")
    assert await graphiql.answer(page, "data.queue.totalCount === 0")
    stored = json.loads(await page.evaluate("sessionStorage.getItem('callout:session')"))
    assert stored["token"] != lapsed
    assert page.complaints == []


async def test_signing_out_leaves_no_token_behind(browser: Browser) -> None:
    page = await browser.window("/graphiql")
    await graphiql.ready(page)
    await graphiql.sign_in_as(page, "analyst")
    await page.click(graphiql.button("Sign out"))
    await page.until("!document.querySelector('[data-testid=who]')")
    assert await page.evaluate("sessionStorage.getItem('callout:session')") is None
    assert page.complaints == []


async def test_production_asks_for_a_password_and_says_when_it_is_wrong(
    devtools: Devtools, settings: Settings, database: Database
) -> None:
    del database  # migrated, and empty: nobody can sign in
    production = settings.model_copy(update={"mode": "production"})
    async with served(production) as base:
        page = await Browser(devtools=devtools, base=base).window("/graphiql")
        await page.appears("document.querySelector('.graphiql-query-editor .CodeMirror')")
        # The schema is for those who are signed in, so it is not even asked for.
        assert f"{base}/graphql" not in page.requested
        await page.click("document.querySelector('.sign-in [name=email]')")
        await page.send("Input.insertText", text="someone@example.com")
        await page.click("document.querySelector('.sign-in [name=password]')")
        await page.send("Input.insertText", text="not the password")
        await page.click(graphiql.button("Sign in", ".chip"))
        said = await page.until("document.querySelector('[role=alert]')?.innerText")
        await page.screenshot(SCREENSHOTS / "graphiql-production.png")
        assert "password" in said
        assert page.complaints == []


async def test_it_fits_a_phone(browser: Browser) -> None:
    page = await browser.window("/graphiql")
    await page.size(390, 844, dark=True)
    await graphiql.ready(page)
    await graphiql.sign_in_as(page, "customer")
    await graphiql.run(page, "CustomerServices")
    assert await graphiql.answer(page, "data.services.edges.length") == 6
    await page.screenshot(SCREENSHOTS / "graphiql-phone.png")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.complaints == []
