"""How does a calendar program follow a provider's work? By an iCalendar feed (RFC 5545, RFC 7986).

The address is all its reader has to show. Instants are told in UTC: every program converts those to
its own zone the same way, while zone definitions that come with a feed are read by each in its own,
and a booking is an instant, which no change of a zone's rules may move.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from icalendar import Calendar, Event, vDuration, vText
from starlette.responses import Response
from starlette.routing import Route

from api.doors import count_miss, door, refusal
from api.rate_limits import Limit
from db import calendar_links, icalendar
from domain.icalendar import EntryStatus
from gateways.tokens import fingerprint

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.context import Services
    from domain.icalendar import Entry, Feed
    from domain.places import Address
    from gateways.settings import Settings

#: How often a program should come back. (Google decides for itself.)
_REFRESH: Final = timedelta(minutes=15)
_WINDOW: Final = timedelta(minutes=15)
#: A feed may be read by several programs and people at once.
_READS: Final = Limit(act="reading a calendar link", amount=60, window=_WINDOW)
#: Addresses that lead nowhere are counted by who asks for them; calendar services share addresses,
#: so good links must not count there.
_MISSES: Final = Limit(act="asking for calendar links", amount=30, window=_WINDOW)

_HEADERS: Final = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex"}
#: What iCalendar's texts cannot hold, and what some programs take for the end of a line.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def routes(services: Services) -> list[Route]:
    """/calendar/{token}.ics."""
    answer = partial(_answer, services)
    feed = door("icalendar", answer, away="The calendar cannot be read just now.")
    return [Route("/calendar/{token}.ics", feed, methods=["GET"])]


def address_of(settings: Settings, token: str) -> str:
    """Where the feed that a token opens is read."""
    return f"{settings.outside_url}/calendar/{token}.ics"


async def _answer(services: Services, request: Request) -> Response:
    token_hash = fingerprint(request.path_params["token"])
    async with services.database.read() as connection:
        link = await calendar_links.by_token(connection, token_hash)
    if link is None:
        await count_miss(services, request, _MISSES)
        return refusal("There is no such calendar.", 404)
    await services.rate_limits.spend(_READS, f"link:{link.id}")
    async with services.database.read() as connection:
        feed = await icalendar.feed(connection, link)
    body = render(feed)
    headers = _HEADERS | {"ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'}
    if _is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="callout.ics"'
    return Response(body, headers=headers, media_type="text/calendar")


def render(feed: Feed) -> bytes:
    """The feed as calendar programs read it. The same feed gives the same bytes."""
    # The library escapes no text of a property that it does not know, unless told that it is one.
    name = vText(f"Callout: {_plain(feed.provider_name)}")
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Callout//Provider calendar//EN")
    calendar.add("calscale", "GREGORIAN")
    # Twice each: by the standard's word, and by the one that programs knew before.
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", vText(feed.time_zone))
    calendar.add("refresh-interval", _REFRESH, {"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(_REFRESH))
    for entry in sorted(feed.entries, key=lambda one: (one.starts_at, one.booking_id)):
        calendar.add_component(_event(entry))
    body: bytes = calendar.to_ical()
    return body


def _event(entry: Entry) -> Event:
    event = Event()
    # Never of the server's address: an entry must stay itself when the server moves.
    event.add("uid", f"{entry.booking_id}@callout")
    event.add("sequence", entry.sequence)
    # Where nobody is invited both say when the entry was changed, not when it was written down.
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("dtstart", entry.starts_at)
    event.add("dtend", entry.ends_at)
    event.add("summary", _plain(entry.summary))
    event.add("status", entry.status.value)
    gone = entry.status is EntryStatus.CANCELLED
    event.add("transp", "TRANSPARENT" if gone else "OPAQUE")
    if entry.address is not None:
        event.add("location", _plain(_in_one_line(entry.address)))
    if entry.notes:
        event.add("description", _plain(entry.notes))
    return event


def _in_one_line(address: Address) -> str:
    parts = (
        *(address.line1, address.line2, address.city),
        *(address.state_province, address.postal_code, address.country),
    )
    return ", ".join(part for part in parts if part)


def _plain(text: str) -> str:
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def _is_known(if_none_match: str, etag: str) -> bool:
    """Has the reader these bytes already?"""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in known or "*" in known
