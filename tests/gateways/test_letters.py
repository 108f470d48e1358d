"""Does every message say what it should, to whomever it goes, whatever people are called?"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest

from domain.messages import Category, Message
from domain.money import Money
from domain.people import Role
from gateways.letters import Letter
from gateways.letters.segments import MOST_BASIC, MOST_OTHER, fits
from tests.factories import a_user, an_address
from tests.messages import (
    BOOKING,
    LONG,
    PAYMENT,
    RIGHT_TO_LEFT,
    STARTS,
    a_renderer,
    bare_facts,
    pounds,
    some_facts,
    with_names,
)

RENDERER = a_renderer()
BOOKING_ID = urlsafe_b64encode(f"Booking:{BOOKING.hex}".encode()).decode().rstrip("=")
UNSUBSCRIBE = "https://callout.example/unsubscribe?token=a&b"
MARKUP = "<script>alert('x')</script><img src=x onerror=\"y\"> {{7*7}} {% raw %} & \" '"
#: An override that would turn the rest of the line around, and other stray characters.
TURNED = "Eve \u202egnp.exe\u2066\x07\ud800"
_HTML_WITHOUT_END = {"meta", "br", "img", "link", "hr", "input"}


class Reader(HTMLParser):
    """What is in an HTML text: its elements, its links, its words."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _HTML_WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        """All that is read."""
        return " ".join(self.words)

    @property
    def links(self) -> list[str]:
        """Where it leads."""
        return [value for tag, name, value in self.attributes if (tag, name) == ("a", "href")]


def letter(message: Message, **changes: Any) -> Letter:
    return RENDERER.letter(some_facts(message, **changes))


EVERY = pytest.mark.parametrize("message", list(Message))


@EVERY
def test_a_letter_is_whole_and_asks_for_nothing_from_elsewhere(message: Message) -> None:
    written = RENDERER.letter(some_facts(message), unsubscribe_url=UNSUBSCRIBE)
    read = Reader(written.html)
    assert read.open == []
    assert read.tags.count("h1") == 1
    assert {"script", "img", "link", "iframe", "form", "object"}.isdisjoint(read.tags)
    assert all(link.startswith("https://") for link in read.links)
    assert UNSUBSCRIBE in read.links
    assert UNSUBSCRIBE in written.text
    assert len(read.links) == 2
    assert "url(" not in written.html
    # Inlined, and kept for what cannot be: narrow screens and the dark.
    assert all("style" in {n for t, n, _ in read.attributes if t == tag} for tag in ("h1", "td"))
    assert "prefers-color-scheme: dark" in written.html


@EVERY
def test_both_parts_and_the_short_ones_tell_the_same(message: Message) -> None:
    facts = some_facts(message)
    written = RENDERER.letter(facts)
    read = Reader(written.html).text
    push, sms = RENDERER.push(facts), RENDERER.sms(facts)
    for text in (read, written.text):
        assert facts.recipient.given_name in text
        if facts.service:
            assert facts.service in text
            assert "3 June 2026, 14:00\u201316:00" in text
    assert "Hello" not in push.body
    assert push.title
    assert push.body
    assert sms.startswith("Callout: ")
    short = f"{written.subject} {push.title} {push.body} {sms}"
    assert "None" not in short + read + written.text
    assert "  " not in short
    assert ".." not in short
    # It is text, not HTML without its tags.
    assert not re.search(r"[<>]", re.sub(r"^> ", "", written.text, flags=re.MULTILINE))
    assert "\n\n\n" not in written.text
    assert not re.search(r"[ \t]$", written.text.replace("-- ", "--"), flags=re.MULTILINE)


@EVERY
def test_it_can_be_written_when_little_is_left_to_say(message: Message) -> None:
    for role in Role:
        facts = bare_facts(message)
        facts = replace(facts, recipient=replace(facts.recipient, role=role))
        written, push = RENDERER.letter(facts), RENDERER.push(facts)
        told = [written.subject, written.text, push.title, push.body, RENDERER.sms(facts)]
        assert all(told)
        assert "None" not in " ".join([*told, Reader(written.html).text])
        assert Reader(written.html).links == []


@EVERY
def test_nothing_that_somebody_wrote_becomes_markup(message: Message) -> None:
    facts = with_names(some_facts(message), MARKUP)
    written = RENDERER.letter(facts)
    read = Reader(written.html)
    assert {"script", "img"}.isdisjoint(read.tags)
    assert not any(name.startswith("on") for _, name, _ in read.attributes)
    push = RENDERER.push(facts)
    short = f"{written.subject} {push.title} {push.body} {RENDERER.sms(facts)}"
    for text in (read.text, written.text):
        # Shown as it was written, and reckoned by nobody.
        assert "<script>" in text
        assert "49" not in text
    assert "49" not in short
    assert "<script>" in short or "booking" not in facts.subject
    assert "&lt;script&gt;" in written.html
    assert "&lt;" not in written.text + short


@EVERY
@pytest.mark.parametrize("stray", [TURNED, "two\r\nlines\u2028and\x85more", "\u200f\u202e\x00"])
def test_stray_characters_go_and_headers_stay_one_line(message: Message, stray: str) -> None:
    facts = with_names(some_facts(message), stray)
    written, push = RENDERER.letter(facts), RENDERER.push(facts)
    for text in (written.subject, push.title, push.body, RENDERER.sms(facts)):
        assert text.isprintable() or set(text) - {"\u2068", "\u2069"} <= set(
            filter(str.isprintable, text)
        )
        assert len(text.splitlines()) == 1
    for text in (written.text, written.html):
        assert not re.search("[\u202a-\u202e\u2066\u2067\x00-\x09\x0b-\x1f\x7f\ud800]", text)
        text.encode()


@EVERY
def test_names_from_right_to_left_turn_nothing_around(message: Message) -> None:
    facts = with_names(some_facts(message), RIGHT_TO_LEFT)
    written, push = RENDERER.letter(facts), RENDERER.push(facts)
    for text in (written.subject, written.text, push.title, push.body, RENDERER.sms(facts)):
        for line in text.splitlines():
            outside = re.sub("\u2068[^\u2068\u2069]*\u2069", "", line)
            assert not re.search("[\u0590-\u06ff\u2068\u2069]", outside), line
    bare = re.sub(
        r"<(bdi|blockquote dir=\"auto\"|title)[^>]*>.*?</\w+>|<div class=\"preview\".*?</div>",
        "",
        written.html,
        flags=re.DOTALL,
    )
    assert not re.search("[\u0590-\u06ff]", bare)


@EVERY
@pytest.mark.parametrize("name", [LONG, RIGHT_TO_LEFT, "Łukasz Żółć-Šimůnek", "🧽" * 100, "Ω" * 99])
def test_a_text_message_stays_short(message: Message, name: str) -> None:
    text = RENDERER.sms(with_names(some_facts(message), name))
    assert fits(text)
    assert len(text) <= MOST_BASIC
    if not text.isascii():
        assert len(text.encode("utf-16-le")) // 2 <= max(MOST_OTHER, len(text))
    usual = RENDERER.sms(some_facts(message))
    assert fits(usual)
    assert len(usual) <= 125


@EVERY
def test_long_names_are_cut_in_subjects_and_on_telephones(message: Message) -> None:
    facts = with_names(some_facts(message), LONG)
    written, push = RENDERER.letter(facts), RENDERER.push(facts)
    assert len(written.subject) <= 160
    assert len(push.title) <= 80
    assert len(push.body) <= 200


def test_a_confirmation_reads_so() -> None:
    written = letter(Message.BOOKING_CONFIRMED)
    assert written.subject == "Confirmed: Home clean, Wed 3 Jun, 14:00"
    assert written.text == (
        "Hello John,\n"
        "\n"
        "Everything is settled: Chloe C. will come.\n"
        "\n"
        "Service: Home clean\n"
        "When: Wednesday, 3 June 2026, 14:00–16:00\n"  # noqa: RUF001  # as it is printed
        "Where: 1 Parliament Square, London, SW1A 0AA\n"
        "Provider: Chloe C.\n"
        "Price: £40.50\n"
        "Reference: 9F3A-12B0\n"
        "\n"
        f"See your booking: https://app.callout.example/bookings/{BOOKING_ID}\n"
        "\n"
        "-- \n"
        "Callout, 1 High Street, London W1A 1AA\n"
    )
    facts = some_facts(Message.BOOKING_CONFIRMED)
    assert RENDERER.sms(facts) == (
        "Callout: Confirmed: Home clean, Wed 3 Jun, 14:00. Chloe C. will come."
    )
    push = RENDERER.push(facts)
    assert push.title == "Your booking is confirmed"
    assert push.body == "Home clean, Wed 3 Jun, 14:00, with Chloe C."
    assert push.data == {"message": "BOOKING_CONFIRMED", "booking": BOOKING_ID}


def test_an_offer_shows_no_more_than_a_stranger_may_know() -> None:
    facts = some_facts(Message.OFFER)
    push = RENDERER.push(facts)
    assert push.title == "New offer: Home clean"
    assert push.body == "Wed 3 Jun, 14:00 · SW1A · 3 miles · £40.50"
    assert RENDERER.letter(facts).subject == "New offer: Home clean, Wed 3 Jun, 14:00"
    assert RENDERER.sms(facts) == (
        "Callout: New offer: Home clean, Wed 3 Jun, 14:00, SW1A, £40.50. "
        "Answer by Tue 2 Jun, 14:00."
    )


def test_a_cancellation_says_what_it_cost_and_why() -> None:
    written = letter(Message.BOOKING_CANCELLED)
    assert written.subject == "Cancelled: Home clean, Wed 3 Jun, 14:00"
    assert "£20.25 is on its way back to you.\n\n> Plans have changed.\n\n" in written.text
    assert "\nFee: £20.25\nRefund: £20.25\n" in written.text
    nothing = letter(Message.BOOKING_CANCELLED, fee=None, refund=None, reason=None)
    assert not re.search("Fee|Refund|way back|>", nothing.text)


def test_what_costs_nothing_is_not_priced() -> None:
    written = letter(Message.BOOKING_CONFIRMED, amount=pounds(0), due=pounds(0))
    assert not re.search("Price|pay|£", written.text)
    assert RENDERER.push(some_facts(Message.OFFER, amount=pounds(0))).body == (
        "Wed 3 Jun, 14:00 · SW1A · 3 miles"
    )


def test_a_receipt_is_where_its_link_leads() -> None:
    written = letter(Message.PAYMENT_RECEIPT)
    (link,) = Reader(written.html).links
    assert link.startswith(f"https://callout.example/receipts/{PAYMENT}?token=")
    assert f"Your receipt: {link}\n" in written.text


def test_an_installation_without_an_app_has_links_to_its_own_pages_only() -> None:
    renderer = a_renderer(app_url=None, house_address="")
    for message in Message:
        written = renderer.letter(some_facts(message))
        links = Reader(written.html).links
        assert all(link.startswith("https://callout.example/receipts/") for link in links)
        assert "app.callout" not in written.html + written.text
        assert written.text.endswith("\n-- \nCallout\n")


def test_one_click_ends_such_mails_by_a_link_of_ours() -> None:
    url = RENDERER.unsubscribe_url(UUID(int=1), Category.SUGGESTIONS)
    written = RENDERER.letter(some_facts(Message.COMPLETED), unsubscribe_url=url)
    assert f"To get no more of such messages: {url}\n" in written.text
    assert "because it is about" not in written.html


@pytest.mark.parametrize(
    ("locale", "when", "soon", "price"),
    # RUF001: the dash between two times is the one that is printed.
    [
        ("en-GB", "Wednesday, 3 June 2026, 14:00–16:00", "Wed 3 Jun, 14:00", "£40.50"),  # noqa: RUF001
        ("en-US", "Wednesday, June 3, 2026, 2:00 PM–4:00 PM", "Wed, Jun 3, 2:00 PM", "£40.50"),  # noqa: RUF001
        ("de-DE", "Mittwoch, 3. Juni 2026, 14:00–16:00", "Mi., 3. Juni, 14:00", "40,50 £"),  # noqa: RUF001
        ("fr", "mercredi 3 juin 2026, 14:00–16:00", "mer. 3 juin, 14:00", "40,50 £GB"),  # noqa: RUF001
        ("tlh-QO", "Wednesday, 3 June 2026, 14:00–16:00", "Wed 3 Jun, 14:00", "£40.50"),  # noqa: RUF001
        ("de-XX-u-co-phonebk", "Mittwoch, 3. Juni 2026, 14:00–16:00", "Mi., 3. Juni", "40,50 £"),  # noqa: RUF001
        ("", "Wednesday, 3 June 2026, 14:00–16:00", "Wed 3 Jun, 14:00", "£40.50"),  # noqa: RUF001
        ("../../etc", "Wednesday, 3 June 2026, 14:00–16:00", "Wed 3 Jun, 14:00", "£40.50"),  # noqa: RUF001
    ],
)
def test_dates_and_sums_are_written_as_where_the_reader_lives(
    locale: str, when: str, soon: str, price: str
) -> None:
    written = letter(Message.BOOKING_CONFIRMED, recipient=a_user(locale=locale))
    said = re.sub("[\u00a0\u202f]", " ", f"{written.text}{written.subject}")
    assert f"When: {when}\n" in said
    assert f"Price: {price}\n" in said
    assert soon in said


def test_a_locale_that_runs_from_the_right_turns_nothing_around() -> None:
    written = letter(Message.BOOKING_CONFIRMED, recipient=a_user(locale="ar-EG"))
    for line in [*written.text.splitlines(), written.subject]:
        assert not re.search("[\u0590-\u06ff]", re.sub("\u2068[^\u2069]*\u2069", "", line)), line


def test_the_clock_is_named_where_it_is_not_the_houses() -> None:
    york = a_user(time_zone="America/New_York", locale="en-US")
    written = letter(Message.BOOKING_CONFIRMED, recipient=york)
    assert "9:00\u202fAM–11:00\u202fAM (Eastern Daylight Time)\n" in written.text  # noqa: RUF001  # printed
    assert written.subject == "Confirmed: Home clean, Wed, Jun 3, 9:00 AM EDT"

    kathmandu = a_user(time_zone="Asia/Kathmandu")
    assert letter(Message.BOOKING_CONFIRMED, recipient=kathmandu).subject.endswith(
        "18:45 UTC+05:45"
    )
    # Lisbon's clock is another, and shows the same.
    lisbon = letter(Message.BOOKING_CONFIRMED, recipient=a_user(time_zone="Europe/Lisbon"))
    assert lisbon.subject == "Confirmed: Home clean, Wed 3 Jun, 14:00"


def test_work_over_midnight_or_a_change_of_clocks_says_so() -> None:
    late = datetime(2026, 6, 3, 22, tzinfo=UTC)
    written = letter(Message.BOOKING_CONFIRMED, starts_at=late, ends_at=late + timedelta(hours=2))
    assert (
        "When: Wednesday, 3 June 2026, 23:00 – Thursday, 4 June 2026, 01:00\n"  # noqa: RUF001  # printed
        in written.text
    )
    # In London 01:30 comes twice that night: the second one is an hour later.
    twice = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    york = a_user(time_zone="America/New_York")
    for at in (twice, twice + timedelta(hours=1)):
        written = letter(Message.BOOKING_CONFIRMED, starts_at=at, ends_at=at + timedelta(hours=1))
        assert "25 Oct, 01:30" in written.subject
    before = letter(Message.BOOKING_CONFIRMED, recipient=york, starts_at=twice)
    assert before.subject.endswith("Sat 24 Oct, 20:30 EDT")


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (4050, "JPY", "JP¥4,050"),
        (4050, "KWD", "KWD 4.050"),
        (4050, "HUF", "HUF 40.50"),
        (1, "EUR", "€0.01"),
        (-5, "USD", "-US$0.05"),
        (2_147_483_647, "GBP", "£21,474,836.47"),
        (100, "RSD", "RSD 1.00"),
    ],
)
def test_a_sum_has_as_many_decimals_as_its_currency_has_minor_units(
    minor: int, currency: str, written: str
) -> None:
    money = Money(amount_minor=minor, currency=currency)
    text = letter(Message.PAYOUT_SENT, amount=money).text.replace("\u00a0", " ")
    assert f"Payout: {written}\n" in text


@pytest.mark.parametrize(
    ("country", "lines"),
    [
        ("GB", ["1 High St", "Flat 2", "Leeds", "West Yorks", "LS1 4AP"]),
        ("US", ["1 High St", "Flat 2", "Leeds, West Yorks LS1 4AP", "United States"]),
        ("CA", ["1 High St", "Flat 2", "Leeds West Yorks LS1 4AP", "Canada"]),
        ("DE", ["1 High St", "Flat 2", "LS1 4AP Leeds", "West Yorks", "Germany"]),
        ("ZZ", ["1 High St", "Flat 2", "LS1 4AP Leeds", "West Yorks", "Unknown Region"]),
    ],
)
def test_an_address_is_written_by_the_custom_of_its_country(country: str, lines: list[str]) -> None:
    address = an_address(
        line1="1 High St",
        line2="Flat 2",
        city="Leeds",
        state_province="West Yorks",
        postal_code="LS1 4AP",
        country=country,
    )
    written = letter(Message.JOB_ASSIGNED, address=address)
    assert f"Where: {', '.join(lines)}\n" in written.text
    assert all(f"<bdi>{line}</bdi>" in written.html for line in lines)


def test_of_an_address_without_a_state_or_a_second_line_nothing_is_left() -> None:
    for country, last in (("US", "London, SW1A 0AA"), ("BR", "London"), ("IE", "London")):
        written = letter(Message.JOB_ASSIGNED, address=an_address(country=country))
        assert f"Where: 1 Parliament Square, {last}" in written.text


def test_a_district_is_shown_where_the_address_may_not_be() -> None:
    written = letter(Message.OFFER, address=None, area="SW1A", distance_miles=0.2)
    assert "Area: SW1A\nDistance: 1 mile\n" in written.text


def test_a_provider_a_customer_and_the_house_read_what_is_for_them() -> None:
    provider = a_user(role=Role.PROVIDER)
    assert "Your job starts at 14:00" in letter(Message.STARTING_SOON, recipient=provider).html
    assert "comes at 14:00" in letter(Message.STARTING_SOON).html
    staff = a_user(role=Role.ADMIN)
    failed = letter(Message.REFUND_FAILED, recipient=staff, reason="charge_disputed")
    assert "> charge_disputed\n" in failed.text
    mine = letter(Message.REFUND_FAILED, recipient=a_user(), reason="charge_disputed")
    assert "charge_disputed" not in mine.text + mine.html
    assert "because you run the house" in failed.html
    assert "because it is about your booking" in mine.html
    assert "because it is about your work" in letter(Message.OFFER).html


def test_a_confirmation_says_to_a_provider_that_their_job_is_paid() -> None:
    provider = a_user(role=Role.PROVIDER)
    theirs = letter(Message.BOOKING_CONFIRMED, recipient=provider, provider=None)
    assert "It is paid now: this job of yours is confirmed." in theirs.text
    assert "your booking" not in (theirs.text + theirs.html).lower()
    assert "It is paid now" not in letter(Message.BOOKING_CONFIRMED).text


def test_credit_is_about_no_booking() -> None:
    given = letter(Message.CREDIT_GRANTED)
    assert given.subject == "£15.00 of credit for you"
    assert "about your credit" in given.html
    assert "about your booking" not in given.html


def test_a_payout_names_its_day_and_what_it_is_for() -> None:
    written = letter(Message.PAYOUT_SENT, period=date(2026, 6, 8), lines=1, amount=pounds(5000))
    assert written.subject == "Your pay of £50.00 is on its way"
    assert "Pay day: Monday, 8 June 2026\nStatement: 1 line\n" in written.text


def test_what_is_said_at_length_keeps_its_lines_and_its_direction() -> None:
    words = f"First.\n\n  Second {RIGHT_TO_LEFT}.\n"
    written = letter(Message.BOOKING_DECLINED, reason=words)
    assert f"> First.\n> \n> \u2068Second {RIGHT_TO_LEFT}.\u2069\n" in written.text
    assert '<blockquote dir="auto"' in written.html
    assert f">First.\n\nSecond {RIGHT_TO_LEFT}.</blockquote>" in written.html


def test_the_days_of_a_message_are_those_of_its_reader() -> None:
    auckland = a_user(time_zone="Pacific/Auckland")
    facts = some_facts(Message.BOOKING_CONFIRMED, recipient=auckland, starts_at=STARTS)
    assert RENDERER.letter(facts).subject.startswith("Confirmed: Home clean, Thu 4 Jun, 01:00")
