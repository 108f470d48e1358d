"""How does somebody say, from a mail and without signing in, that they want no more of its kind?

The mail's link opens a page that says what will stop, and a button that stops it: programs open the
links of mails before people do, so opening one changes nothing. A mail program's own button sends
the POST by itself (RFC 8058); what is in it does not matter, the address says it all.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from api import pages
from api.assets import page
from api.doors import count_miss, door
from api.rate_limits import Limit
from db import preferences
from domain.messages import Category, Channel
from domain.preferences import Choice
from gateways import unsubscribe
from gateways.links import BadLink, Links

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from starlette.requests import Request

    from api.context import Services

_WINDOW: Final = timedelta(minutes=15)
#: Links that are not ours are counted by who shows them; mail services press the buttons of many
#: people from one address, so good ones must not count there.
_MISSES: Final = Limit(act="showing links that are not ours", amount=30, window=_WINDOW)
_CHANGES: Final = Limit(act="changing what you are sent", amount=60, window=_WINDOW)

_FORMS: Final = pages.POLICY.replace("form-action 'none'", "form-action 'self'")
_POLICY: Final = f"{_FORMS}; img-src 'self'; style-src 'self'"
_PRIVATE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}

#: The titles of what is refused for now, by its status.
_LATER: Final = {429: "Too many tries.", 503: "One moment."}
#: What the mails of a category are about, after "e-mails about".
_ABOUT: Final[Mapping[Category, str]] = {
    Category.BOOKINGS: "your bookings",
    Category.OFFERS: "work that you are offered",
    Category.REMINDERS: "what is coming up",
    Category.MONEY: "payments and payouts",
    Category.SUGGESTIONS: "reviews and free slots",
    Category.OPERATIONS: "the running of the house",
}
_STAYS: Final = (
    "What you have to know all the same still comes, and so do messages on other channels, "
    "unless you switch them off in your settings."
)


def routes(services: Services) -> list[Route]:
    """/unsubscribe."""
    links = Links(services.settings.secret.get_secret_value())
    answer = partial(_answer, services, links)
    away = "This cannot be changed just now. Try again in a minute."

    def refuse(words: str, status: int) -> Response:
        return _note(services, _LATER[status], words, status=status)

    opened = door("unsubscribe", answer, away=away, refuse=refuse)
    return [Route(unsubscribe.PATH, opened, methods=["GET", "POST"])]


async def _answer(services: Services, links: Links, request: Request) -> Response:
    token = request.query_params.get("token", "")
    try:
        user_id, category = unsubscribe.named(links, token)
    except BadLink:
        return await _no_such_link(services, request)
    await services.rate_limits.spend(_CHANGES, f"user:{user_id}")
    async with services.database.read() as connection:
        reach = (await preferences.reach(connection, [user_id])).get(user_id)
    if reach is None:
        return await _no_such_link(services, request)
    about, said = _ABOUT[category], request.method == "POST"
    if said:
        wanted = "again" in request.query_params
        await _choose(services, user_id, category, wanted=wanted)
    else:
        # Who has chosen nothing was sent the mail because it is usual.
        wanted = reach.choices.get((category, Channel.EMAIL), True)
    return _standing(services, token, about, wanted=wanted, said=said)


async def _choose(services: Services, user_id: UUID, category: Category, *, wanted: bool) -> None:
    async with services.database.begin() as tx:
        if wanted:
            yes = Choice(category=category, channel=Channel.EMAIL, wanted=True)
            await preferences.save_choices(tx, user_id, [yes])
        else:
            await preferences.unsubscribe(tx, user_id, category)


async def _no_such_link(services: Services, request: Request) -> Response:
    await count_miss(services, request, _MISSES)
    words = "It is not whole, or not one of ours. Open it from the e-mail again."
    return _note(services, "This link leads nowhere.", words, status=400)


def _standing(services: Services, token: str, about: str, *, wanted: bool, said: bool) -> Response:
    """How it stands, with a button for the contrary."""
    if not wanted:
        title, words = f"You are sent no more e-mails about {about}.", _STAYS
        return _note(services, title, words, way=_button("Send them again", token, again="yes"))
    if said:
        title, words = f"You are sent e-mails about {about} again.", "Nothing else has changed."
    else:
        title, words = f"No more e-mails about {about}?", f"One tap, and they stop. {_STAYS}"
    return _note(services, title, words, way=_button("Send me no more", token))


def _button(label: str, token: str, **more: str) -> str:
    # Relative: the server may be at a path of its host.
    action = escape("?" + urlencode({"token": token, **more}))
    return (
        f'<form class="ways" method="post" action="{action}">'
        f'<button class="first" type="submit">{label}</button></form>'
    )


def _note(
    services: Services, title: str, words: str, *, way: str = "", status: int = 200
) -> Response:
    body = page("note.html").substitute(
        pages.links(),
        house=escape(services.settings.house_name),
        title=escape(title),
        words=escape(words),
        way=way,
    )
    return pages.answer(body, _POLICY, status=status, headers=_PRIVATE)
