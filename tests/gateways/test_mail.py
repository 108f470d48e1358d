"""Is a mail what every mail server and reader understands, whatever people call themselves?"""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from uuid import UUID

import pytest
import time_machine

from gateways.errors import GatewayRefused
from gateways.mail import Mail, composed, sender_of

SENDER = sender_of("Cälløut <no-reply@mail.callout.example>")
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def a_mail(**changes: Any) -> Mail:
    """To John, of one line."""
    facts: dict[str, Any] = {
        "id": UUID(int=0x9F3A12BC),
        "to": "john@example.com",
        "to_name": "John Doe",
        "subject": "Confirmed: Home clean",
        "html": "<!doctype html><p>It is settled.</p>",
        "text": "It is settled.\n",
    }
    return Mail(**facts | changes)


def raw(**changes: Any) -> bytes:
    return composed(a_mail(**changes), SENDER)


def read(**changes: Any) -> EmailMessage:
    return message_from_bytes(raw(**changes), policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert isinstance(found, EmailMessage)
    content: str = found.get_content()
    return content.replace("\r\n", "\n")


def test_it_says_from_whom_to_whom_when_and_which() -> None:
    with time_machine.travel(NOON, tick=False):
        message = read()
    assert str(message["From"]) == "Cälløut <no-reply@mail.callout.example>"
    assert str(message["To"]) == "John Doe <john@example.com>"
    assert message["Subject"] == "Confirmed: Home clean"
    assert parsedate_to_datetime(message["Date"]) == NOON
    assert message["Message-ID"] == "<00000000-0000-0000-0000-00009f3a12bc@mail.callout.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    assert part(message, "plain") == "It is settled.\n"
    assert part(message, "html") == "<!doctype html><p>It is settled.</p>\n"


def test_it_can_be_unsubscribed_from_with_one_click_if_at_all() -> None:
    assert "List-Unsubscribe" not in read()
    assert "List-Unsubscribe-Post" not in read()
    url = f"https://callout.example/unsubscribe?token={'a1-_' * 100}"
    said = raw(unsubscribe_url=url)
    # On one line: not every reader puts broken ones together again.
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in said
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in said


@pytest.mark.parametrize("broken", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\x00"])
def test_nobody_writes_a_header_of_their_own(broken: str) -> None:
    evil = f"Hello{broken}Bcc: everybody@example.com{broken}{broken}<script>"
    message = read(
        subject=evil,
        to_name=evil,
        unsubscribe_url=f"https://x.example/{broken}Bcc: a@example.com",
        headers={"X-Kind": evil},
    )
    assert message["Bcc"] is None
    assert set(message.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Kind"),
        *("List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type"),
    }
    assert "\n" not in message["Subject"]
    (to,) = message["To"].addresses
    assert to.addr_spec == "john@example.com"


@pytest.mark.parametrize(
    "name",
    [
        "José Ñuñez",
        "عبد الرحمن بن محمد",
        'O"Brien, "Pat" <pat@evil.example>',
        "Zoë 🧽 " * 20,
        "=?utf-8?q?x?=",
        "x" * 300,
    ],
)
def test_names_and_subjects_arrive_as_they_are(name: str) -> None:
    said = raw(to_name=name, subject=f"For {name}")
    said.decode("ascii")
    message = message_from_bytes(said, policy=policy.default)
    (to,) = message["To"].addresses
    assert to.addr_spec == "john@example.com"
    assert message["Subject"].startswith("For ")
    if "=?" not in name:
        assert to.display_name == name.strip()
        assert message["Subject"] == f"For {name}".strip()


@pytest.mark.parametrize(
    "words", ["£40.50 — ok", "مرحبا\n" * 50, "x" * 5000, "a\n.\n..b\n", "🧽" * 2000, "\n\n"]
)
def test_bodies_arrive_as_they_are_in_lines_that_servers_take(words: str) -> None:
    said = raw(html=f"<p>{words}</p>", text=words)
    said.decode("ascii")
    assert max(map(len, said.split(b"\r\n"))) <= 998
    assert b"\n" not in said.replace(b"\r\n", b"")
    message = message_from_bytes(said, policy=policy.default)
    assert part(message, "plain").rstrip("\n") == words.rstrip("\n")
    html = part(message, "html")
    assert unescape(html).rstrip("\n") == f"<p>{words}</p>"


@pytest.mark.parametrize(
    "address",
    ["", "john", "@example.com", "a@b@c", "a b@example.com", "jürgen@example.com", "j@exämple.com"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(GatewayRefused):
        raw(to=address)


@pytest.mark.parametrize("evil", ["a@b.example\r\nBcc: c@d.example", "a@b.example>\n<c@d.example"])
def test_no_second_recipient_is_smuggled_in(evil: str) -> None:
    with pytest.raises(GatewayRefused):
        raw(to=evil)


@pytest.mark.parametrize(
    "sender", ["", "Callout", "Callout <>", "no-reply@", "a@b\r\nBcc: c@d", "x <jürgen@b.example>"]
)
def test_what_is_no_sender_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="Write a sender"):
        sender_of(sender)
