"""How does a customer see, print or keep the receipt of a payment? By a link that we have signed.

The page is as its customer reads it: their dates, their clock, their way of writing sums. It asks
nobody to sign in, for receipts are passed on to those who keep books.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Final

from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from api import pages
from api.assets import page
from api.doors import count_miss, door, refusal
from api.rate_limits import Limit
from db import receipts
from domain.payments import Method, PaymentStatus, Purpose
from domain.references import reference
from domain.refunds import RefundStatus
from gateways import receipts as addresses
from gateways.letters.formats import Clock, sum_of
from gateways.letters.media import Html
from gateways.links import Links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from starlette.requests import Request

    from api.context import Services
    from domain.money import Money
    from domain.payments import Payment
    from domain.receipts import Receipt
    from domain.refunds import Refund
    from gateways.settings import Settings

_WINDOW: Final = timedelta(minutes=15)
_READS: Final = Limit(act="reading a receipt", amount=60, window=_WINDOW)
_MISSES: Final = Limit(act="asking for receipts", amount=30, window=_WINDOW)

_POLICY: Final = f"{pages.POLICY}; img-src 'self'; style-src 'self'; script-src 'self'"
_PRIVATE: Final = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}

_PURPOSES: Final = {
    Purpose.FULL: "Paid in full",
    Purpose.DEPOSIT: "Deposit",
    Purpose.BALANCE: "The rest after a deposit",
    Purpose.TIP: "Tip for the provider",
}
_NO_MONEY: Final = "development"
_HTML: Final = Html()


def address_of(settings: Settings, payment_id: UUID) -> str:
    """Where the receipt of a payment is shown."""
    links = Links(settings.secret.get_secret_value())
    return addresses.address(settings.outside_url, links, payment_id)


def routes(services: Services) -> list[Route]:
    """/receipts/{payment_id}."""
    links = Links(services.settings.secret.get_secret_value())
    answer = partial(_answer, services, links)
    receipt = door("receipt", answer, away="The receipt cannot be read just now.")
    return [Route("/receipts/{payment_id:uuid}", receipt, methods=["GET"])]


async def _answer(services: Services, links: Links, request: Request) -> Response:
    payment_id: UUID = request.path_params["payment_id"]
    token = request.query_params.get("token", "")
    if not addresses.is_opened_by(links, payment_id, token):
        await count_miss(services, request, _MISSES)
        return refusal("There is no such receipt.", 404)
    await services.rate_limits.spend(_READS, f"receipt:{payment_id}")
    async with services.database.read() as connection:
        receipt = await receipts.of_payment(connection, payment_id)
    if receipt is None:
        return refusal("There is no such receipt.", 404)
    return pages.answer(render(receipt, services.settings), _POLICY, headers=_PRIVATE)


def render(receipt: Receipt, settings: Settings) -> str:
    """The receipt as a page."""
    clock = Clock.of(receipt.customer, settings.business_time_zone)
    return page("receipt.html").substitute(
        pages.links(),
        house=escape(settings.house_name),
        house_address=escape(settings.house_address),
        title=escape(f"Receipt {reference(receipt.payment.id)}"),
        amount=_sum(receipt.received, clock),
        paid_at=_HTML.figures(clock.moment(receipt.paid_at)),
        facts=_list(_facts(receipt, clock)),
        sums=_list(_sums(receipt, clock)),
        payment=receipt.payment.id,
        note=_note(receipt.payment),
    )


def _facts(receipt: Receipt, clock: Clock) -> Iterator[tuple[str, str]]:
    yield "Receipt", reference(receipt.payment.id)
    yield "For", _HTML.name(receipt.customer.name)
    yield "Service", _HTML.name(receipt.service)
    yield "When", _HTML.figures(clock.window(receipt.starts_at, receipt.ends_at))
    yield "Booking", reference(receipt.payment.booking_id)
    yield "Paid by", _method(receipt.payment)


def _sums(receipt: Receipt, clock: Clock) -> Iterator[tuple[str, str]]:
    yield _PURPOSES[receipt.payment.purpose], _sum(receipt.received, clock)
    for refund in receipt.refunds:
        yield _refunded(refund, clock), Markup("&minus;") + _sum(refund.amount, clock)
    if receipt.refunds:
        yield "Paid after refunds", _sum(receipt.left, clock)


def _refunded(refund: Refund, clock: Clock) -> str:
    where = "as credit" if refund.to is Method.CREDITS else "to the card"
    if refund.status is RefundStatus.WAITING or refund.done_at is None:
        return Markup("Refund {}, on its way").format(where)
    return Markup("Refund {}, {}").format(where, _HTML.figures(clock.day(refund.done_at)))


def _method(payment: Payment) -> str:
    if payment.gateway == _NO_MONEY:
        return "Nothing: a development server takes no money"
    return "Credit with us" if payment.method is Method.CREDITS else "Card"


def _note(payment: Payment) -> str:
    if payment.status is PaymentStatus.MISMATCHED:
        return "This is not the sum that was asked for. We are looking into it."
    return ""


def _sum(money: Money, clock: Clock) -> str:
    return _HTML.figures(sum_of(money, clock.locale))


def _list(rows: Iterable[tuple[str, str]]) -> Markup:
    one = Markup("<div><dt>{}</dt><dd>{}</dd></div>")
    return Markup("").join(one.format(label, value) for label, value in rows)
