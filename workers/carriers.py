"""How does a message leave, on each channel, and what does a carrier's answer mean for it?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from domain.deliveries import Dropped, Refused, Sent, Unavailable
from domain.messages import Channel
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.mail import Mail
from gateways.push import DeviceGone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from domain.deliveries import Delivery, Outcome
    from domain.devices import Device
    from domain.message_facts import MessageFacts
    from domain.messages import Category
    from gateways.outside import Outside

#: Seconds that a carrier may take with one message: no longer than its lease leaves.
PATIENCE: Final = 25.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """All that is needed to send one delivery."""

    delivery: Delivery
    facts: MessageFacts
    #: What a link in the mail unsubscribes from; None for what everybody needs.
    unsubscribable: Category | None
    devices: Sequence[Device] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of sending, and which devices turned out to take nothing any more."""

    outcome: Outcome
    gone: tuple[str, ...] = field(default=())


async def carry(outside: Outside, parcel: Parcel) -> Answer:
    """Send a message. Whatever happens is an answer: one message's trouble is not another's."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _CARRIERS[parcel.delivery.channel](outside, parcel)
    except Exception as error:  # noqa: BLE001  # whatever it was, it is tried again or rests
        return Answer(outcome=_meant(error))


def _meant(error: Exception) -> Outcome:
    match error:
        case GatewayRefused():
            return Refused(error=str(error))
        case GatewayUnavailable():
            return Unavailable(error=str(error), retry_after=error.retry_after or timedelta())
        case TimeoutError():
            return Unavailable(error=f"No answer in {PATIENCE:.0f} seconds.")
    # A fault of ours, in a template perhaps. It rests in the end, where it is seen to.
    log.error("delivery.broken", exc_info=error)
    return Unavailable(error=f"{type(error).__name__}: {error}")


async def _mail(outside: Outside, parcel: Parcel) -> Answer:
    if outside.mail is None:
        # Everybody has mail, so this is somebody's oversight: let it rest until it is mended.
        return Answer(outcome=Refused(error="This installation has no mail server."))
    reader = parcel.facts.recipient
    url = None
    if parcel.unsubscribable is not None:
        url = outside.renderer.unsubscribe_url(reader.id, parcel.unsubscribable)
    letter = outside.renderer.letter(parcel.facts, unsubscribe_url=url)
    mail = Mail(
        id=parcel.delivery.id,
        to=reader.email,
        to_name=reader.name,
        subject=letter.subject,
        html=letter.html,
        text=letter.text,
        unsubscribe_url=url,
    )
    return Answer(outcome=Sent(remote_id=await outside.mail.send(mail)))


async def _sms(outside: Outside, parcel: Parcel) -> Answer:
    phone = parcel.facts.recipient.phone
    if outside.sms is None or phone is None:
        return Answer(outcome=Dropped(why="There is no way to send text messages, or no number."))
    text = outside.renderer.sms(parcel.facts)
    key = str(parcel.delivery.id)
    return Answer(outcome=Sent(remote_id=await outside.sms.send(to=phone, text=text, key=key)))


async def _push(outside: Outside, parcel: Parcel) -> Answer:
    """To every device. One that takes it is enough; the others are not asked again."""
    sender = outside.push
    if sender is None:
        return Answer(outcome=Dropped(why="There is no way to send push messages."))
    push = outside.renderer.push(parcel.facts)
    key = str(parcel.delivery.id)
    tokens = [device.token for device in parcel.devices]
    tries = (sender.send(token=token, push=push, key=key) for token in tokens)
    answers = dict(zip(tokens, await asyncio.gather(*tries, return_exceptions=True), strict=True))
    gone = tuple(token for token, said in answers.items() if isinstance(said, DeviceGone))
    return Answer(
        outcome=_best([answers[token] for token in tokens if token not in gone]), gone=gone
    )


def _best(answers: Sequence[str | BaseException]) -> Outcome:
    """What came of a message by what came of it on each device."""
    # Of those that ask for patience, the one that asks for most: they are asked together again.
    for kind in (str, GatewayUnavailable, Exception):
        for said in sorted(answers, key=_patience, reverse=True):
            if isinstance(said, kind):
                return _meant(said) if isinstance(said, Exception) else Sent(remote_id=str(said))
    return Dropped(why="None of the devices takes messages any more.")


def _patience(said: str | BaseException) -> timedelta:
    asked = said.retry_after if isinstance(said, GatewayUnavailable) else None
    return asked or timedelta()


_CARRIERS: Final[Mapping[Channel, Callable[[Outside, Parcel], Awaitable[Answer]]]] = {
    Channel.EMAIL: _mail,
    Channel.SMS: _sms,
    Channel.PUSH: _push,
}
