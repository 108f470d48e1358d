"""What is said of a message's facts, on each channel?

Each message has two templates: one of HTML, and one of text, whose blocks are its e-mail's text and
subject, its text message, and its push message's title and body. Nothing that somebody else wrote
is put into one as it came (media.py), and a template that names what there is not is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from gateways import global_ids, receipts, unsubscribe
from gateways.letters.formats import Clock
from gateways.letters.media import Html, Plain, Short
from gateways.letters.segments import fits, typewritten
from gateways.letters.texts import cut
from gateways.letters.words import words
from gateways.push import Push

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from jinja2 import Template

    from domain.message_facts import MessageFacts
    from domain.messages import Category, Message
    from gateways.letters.media import Medium
    from gateways.links import Links

_TEMPLATES: Final = Path(__file__).parent / "templates"

#: What optional parts leave between paragraphs.
_GAPS: Final = re.compile(r"\n{3,}")

#: How long names may be where there is little room; in a text message each is tried in turn.
_IN_SUBJECT: Final = Short(40)
_IN_PUSH: Final = Short(40)
_IN_SMS: Final = (Short(40), Short(24), Short(16), Short(10), Short(6))

#: What the API calls each kind of thing that messages are about.
KINDS: Final = {
    "booking": "Booking",
    "offer": "JobOffer",
    "payment": "Payment",
    "payout": "Payout",
    "refund": "Refund",
    "series": "BookingSeries",
    "waitlist_entry": "WaitlistEntry",
}
#: Where in the app some of them are shown.
_PLACES: Final = {
    "booking": "bookings",
    "offer": "offers",
    "payout": "payouts",
    "series": "series",
    "waitlist_entry": "waitlist",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An e-mail's words."""

    subject: str
    html: str
    text: str


class Renderer:
    """Writes messages."""

    def __init__(
        self,
        *,
        outside_url: str,
        app_url: str | None,
        links: Links,
        house_name: str,
        house_address: str,
        house_zone: str,
    ) -> None:
        """For the house of that name, address and zone. Links lead to Callout's own pages at
        `outside_url`, and to the app that people use at `app_url`."""
        self._outside_url = outside_url.rstrip("/")
        self._app_url = app_url.rstrip("/") if app_url else None
        self._links = links
        self._house_zone = house_zone
        self._house = {"house": house_name, "house_address": house_address}
        self._inliner = CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)

    @cached_property
    def _environment(self) -> Environment:
        # Made when the first message is written: most processes never write one.
        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals |= self._house
        environment.globals["html"] = environment.get_template("macros.html").module
        environment.globals["plain"] = environment.get_template("macros.txt").module
        return environment

    def letter(self, facts: MessageFacts, *, unsubscribe_url: str | None = None) -> Letter:
        """The e-mail."""
        more = self._addresses(facts) | {"unsubscribe_url": unsubscribe_url}
        text = self._template(facts.message, "txt").render(self._words(facts, Plain()) | more)
        subject = self._block(facts, "subject", _IN_SUBJECT)
        seen_first = {"subject": subject, "preview": self._block(facts, "push_body", _IN_PUSH)}
        html = self._template(facts.message, "html").render(
            self._words(facts, Html()) | more | seen_first
        )
        return Letter(
            subject=subject,
            html=self._inliner.inline(html),
            text=_GAPS.sub("\n\n", text).strip() + "\n",
        )

    def unsubscribe_url(self, reader_id: UUID, category: Category) -> str:
        """Where one click ends a reader's mails of a category."""
        return unsubscribe.address(self._outside_url, self._links, reader_id, category)

    def sms(self, facts: MessageFacts) -> str:
        """The text message: one segment where names allow it."""
        for medium in _IN_SMS:
            text = typewritten(self._block(facts, "sms", medium))
            if fits(text):
                return text
        limit = len(text)
        while not fits(cut(text, limit)):
            limit -= 1
        return typewritten(cut(text, limit))

    def push(self, facts: MessageFacts) -> Push:
        """The push message, which is also the line in the app's list."""
        return Push(
            title=self._block(facts, "push_title", _IN_PUSH),
            body=self._block(facts, "push_body", _IN_PUSH),
            data={"message": facts.message.value, **_ids(facts)},
        )

    def _words(self, facts: MessageFacts, medium: Medium) -> dict[str, Any]:
        return words(facts, Clock.of(facts.recipient, self._house_zone), medium)

    def _block(self, facts: MessageFacts, block: str, medium: Medium) -> str:
        template = self._template(facts.message, "txt")
        context = template.new_context(self._words(facts, medium))
        # In one line, whatever the template's own looks like.
        return " ".join("".join(template.blocks[block](context)).split())

    def _template(self, message: Message, ending: str) -> Template:
        # Read when it is first needed, and kept: reading all takes a quarter of a second.
        return self._environment.get_template(f"messages/{message.lower()}.{ending}")

    def _addresses(self, facts: MessageFacts) -> dict[str, Any]:
        """Where the letter's links lead; None for those that lead nowhere."""
        ids = _ids(facts) if self._app_url else {}
        places: Mapping[str, str | None] = {
            f"{name}_url": f"{self._app_url}/{place}/{ids[name]}" if name in ids else None
            for name, place in _PLACES.items()
        }
        payment = facts.subject.get("payment")
        receipt = receipts.address(self._outside_url, self._links, payment) if payment else None
        has_credit = self._app_url and "credit_grant" in facts.subject
        credit = f"{self._app_url}/credits" if has_credit else None
        return {**places, "credits_url": credit, "receipt_url": receipt}


def _ids(facts: MessageFacts) -> dict[str, str]:
    """What the message is about, by the ids that the API knows it by."""
    return {
        name: global_ids.encode(kind, facts.subject[name])
        for name, kind in KINDS.items()
        if name in facts.subject
    }
