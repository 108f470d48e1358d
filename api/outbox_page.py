"""What would have been sent? Development's outbox, with every message as its reader would see it.

Mail is shown in a frame of its own that may run nothing and load nothing; what was kept is somebody
else's writing, and this page is on the address of the API. Production has no such page.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import structlog
from markupsafe import Markup
from redis.exceptions import RedisError
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from api import pages
from api.assets import page
from domain.messages import Channel
from gateways.mailbox import KEPT, Mailbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from api.context import Services
    from gateways.mailbox import Kept

log = structlog.get_logger(__name__)

PATH: Final = "/dev/outbox"

_POLICY: Final = (
    f"{pages.POLICY}; img-src 'self'; style-src 'self'; frame-src 'self'; form-action 'self'"
).replace("form-action 'none'; ", "")
#: Links may be followed, in a window of their own; all else that a document can do is off.
_SANDBOX: Final = "allow-popups allow-popups-to-escape-sandbox"
_FRAMED: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    f"form-action 'none'; frame-ancestors 'self'; sandbox {_SANDBOX}",
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_NAMES: Final = {Channel.EMAIL: "E-mail", Channel.SMS: "SMS", Channel.PUSH: "Push"}


def routes(services: Services) -> list[Route]:
    """/dev/outbox and what is in its frames; none in production."""
    if services.settings.is_production:
        return []
    mailbox = Mailbox(services.redis, services.settings.redis_namespace)

    async def show(request: Request) -> Response:
        kept = await _kept(mailbox)
        return _away() if kept is None else _page(services, request, kept)

    async def frame(request: Request) -> Response:
        kept = await _kept(mailbox)
        return _away() if kept is None else _framed(_named(kept, request.path_params["id"]))

    return [Route(PATH, show), Route(f"{PATH}/{{id}}", frame)]


async def _kept(mailbox: Mailbox) -> list[Kept] | None:
    try:
        return await mailbox.all()
    except (RedisError, OSError) as error:
        log.warning("outbox.redis_away", error=type(error).__name__)
        return None


def _away() -> Response:
    message = "The outbox is kept in Redis, which cannot be reached just now.\n"
    return PlainTextResponse(message, 503, {"Retry-After": "5", "Cache-Control": "no-store"})


def _framed(kept: Kept | None) -> Response:
    if kept is None or not kept.html:
        return PlainTextResponse("There is no such mail any more.\n", 404)
    # Links open beside the page: nothing else may be loaded into the frame.
    html = kept.html.replace("<head>", '<head><base target="_blank">', 1)
    return HTMLResponse(html, headers=_FRAMED)


def _page(services: Services, request: Request, kept: Sequence[Kept]) -> Response:
    channel, to = request.query_params.get("channel", ""), request.query_params.get("to", "")
    found = [one for one in kept if _matches(one, channel, to.strip())]
    shown = _named(kept, request.query_params.get("show", "")) or (found[0] if found else None)
    zone = ZoneInfo(services.settings.business_time_zone)
    body = page("outbox.html").substitute(
        pages.links(),
        channels=_options(channel),
        to=escape(to),
        count=_count(len(found), len(kept)),
        list=Markup("").join(_line(one, shown, zone, channel=channel, to=to) for one in found),
        shown=_shown(shown, zone, services.settings.mail_from) if shown else _NOTHING,
    )
    return pages.answer(body, _POLICY, headers={"Cache-Control": "no-store"})


_NOTHING: Final = Markup(
    '<p class="nothing">Nothing here yet. Book something, accept it, pay it: what people would be '
    "told appears here.</p>"
)


def _matches(one: Kept, channel: str, to: str) -> bool:
    if channel and one.channel != channel:
        return False
    return to.casefold() in f"{one.to}\n{one.to_name}".casefold()


def _named(kept: Sequence[Kept], id_: str) -> Kept | None:
    return next((one for one in kept if one.id == id_), None)


def _options(chosen: str) -> Markup:
    return Markup("").join(
        Markup('<option value="{}"{}>{}</option>').format(
            channel.value, Markup(" selected") if channel == chosen else "", name
        )
        for channel, name in _NAMES.items()
    )


def _count(found: int, kept: int) -> str:
    said = "1 message" if found == 1 else f"{found} messages"
    of = f" of {kept}" if found != kept else ""
    return f"{said}{of}; the last {KEPT} are kept"


def _line(one: Kept, shown: Kept | None, zone: ZoneInfo, *, channel: str, to: str) -> Markup:
    address = "?" + urlencode({"channel": channel, "to": to, "show": one.id})
    return Markup(
        '<li><a href="{address}"{current}><span class="by">{by}</span>'
        '<time datetime="{instant}">{at}</time>'
        '<strong dir="auto">{subject}</strong><span class="to" dir="auto">{to}</span></a></li>'
    ).format(
        address=address,
        current=Markup(' aria-current="true"') if one is shown else "",
        by=_NAMES[one.channel],
        instant=one.at.isoformat(),
        at=f"{one.at.astimezone(zone):%d %b %H:%M:%S}",
        subject=one.subject or one.text,
        to=one.to_name or one.to,
    )


def _shown(one: Kept, zone: ZoneInfo, sender: str) -> Markup:
    facts = [("To", f"{one.to_name} <{one.to}>" if one.to_name else one.to)]
    facts += [("At", f"{one.at.astimezone(zone):%A %d %B %Y, %H:%M:%S %Z}"), ("Delivery", one.key)]
    match one.channel:
        case Channel.EMAIL:
            facts = [("From", sender), *facts, ("Subject", one.subject), *one.headers.items()]
            look = _mail(one)
        case Channel.SMS:
            look = Markup('<div class="phone"><p class="bubble" dir="auto">{}</p></div>').format(
                one.text
            )
            facts.append(("Length", f"{len(one.text)} characters"))
        case Channel.PUSH:
            look = Markup(
                '<div class="phone"><div class="banner"><strong dir="auto">{}</strong>'
                '<p dir="auto">{}</p></div></div>'
            ).format(one.subject, one.text)
            facts += one.data.items()
    rows = Markup("").join(
        Markup('<div><dt>{}</dt><dd dir="auto">{}</dd></div>').format(*fact) for fact in facts
    )
    return Markup('<dl>{}</dl><p class="unsent">Nothing was sent.</p>{}').format(rows, look)


def _mail(one: Kept) -> Markup:
    return Markup(
        '<div class="look"><input type="radio" name="width" id="desk" checked>'
        '<label for="desk">Desk</label><input type="radio" name="width" id="phone">'
        '<label for="phone">Phone</label><input type="radio" name="width" id="text">'
        '<label for="text">Text</label>'
        '<iframe title="The mail" src="{path}/{id}" sandbox="{sandbox}"></iframe>'
        '<pre dir="auto">{text}</pre></div>'
    ).format(path=PATH.rpartition("/")[2], id=one.id, sandbox=_SANDBOX, text=one.text)
