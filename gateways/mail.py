"""What is an e-mail, to those who carry it?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Final, Protocol

from gateways.errors import GatewayRefused
from gateways.letters.texts import in_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An e-mail to one person."""

    #: The delivery's. It makes the Message-ID: whoever gets the same mail twice can tell.
    id: UUID
    to: str
    to_name: str
    subject: str
    html: str
    text: str
    #: Where one click ends such mails, for what is not transactional.
    unsubscribe_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """Hands mail over to a server that sees to the rest."""

    async def send(self, mail: Mail) -> str | None:
        """Send it; what the server calls it, where it says so.

        Raises GatewayUnavailable, after which it may have been taken all the same, or
        GatewayRefused.
        """

    async def close(self) -> None:
        """Say goodbye."""


#: The longest line of a mail (RFC 5322), and some for the dots that SMTP puts before some.
_LONGEST: Final = 990

#: ASCII throughout, so that it does not matter whether a server takes anything else.
_ASCII: Final = SMTP.clone(cte_type="7bit")
#: Header lines are not broken: some readers of List-Unsubscribe cannot put them together again.
_UNBROKEN: Final = _ASCII.clone(max_line_length=998)

#: An address as mail servers take it: no comments, no quoted names, nothing beyond ASCII.
_ADDRESS: Final = re.compile(r"([\w!#$%&'*+/=?^`{|}~.-]+)@([\w-]+(?:\.[\w-]+)*)", re.ASCII)


def sender_of(text: str) -> Address:
    """Who mail is from, such as "Callout <no-reply@callout.example>". Raises ValueError."""
    name, address = parseaddr(text)
    if not text.isprintable() or not _ADDRESS.fullmatch(address):
        message = "Write a sender such as: Callout <no-reply@callout.example>"
        raise ValueError(message)
    return _addressed(address, name)


def composed(mail: Mail, sender: Address) -> bytes:
    """The mail in the words of RFC 5322. Raises GatewayRefused when it goes to no address."""
    message = EmailMessage(policy=_ASCII)
    message["From"] = sender
    message["To"] = _recipient(mail)
    message["Subject"] = in_one_line(mail.subject)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    # Nobody's out-of-office reply is to come back (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        # One click, with no page in between (RFC 8058).
        message["List-Unsubscribe"] = f"<{in_one_line(mail.unsubscribe_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    for name, value in mail.headers.items():
        message[name] = in_one_line(value)
    message.set_content(mail.text)
    html = mail.html.encode("ascii", "xmlcharrefreplace").decode("ascii")
    message.add_alternative(html, subtype="html", cte=_encoding(html))
    return message.as_bytes(policy=_UNBROKEN)


def _encoding(html: str) -> str:
    """As it is, where no line is longer than a mail server takes: all else costs milliseconds."""
    return "7bit" if max(map(len, html.splitlines()), default=0) < _LONGEST else "base64"


def _recipient(mail: Mail) -> Address:
    # One with letters beyond ASCII would need a server that says it can carry it; few do.
    if not _ADDRESS.fullmatch(mail.to):
        raise GatewayRefused("This is no e-mail address that mail servers take.")
    return _addressed(mail.to, in_one_line(mail.to_name))


def _addressed(address: str, name: str) -> Address:
    user, _, domain = address.rpartition("@")
    return Address(display_name=name, username=user, domain=domain)
