"""Whom does this process call? The services outside, each as the settings say, or a stand-in.

A service that has its keys is called. In development one that has none is stood in for by something
that says so; in production it is absent, and the log says at the start what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from gateways.letters import Renderer
from gateways.links import Links
from gateways.mailbox import Mailbox, UnsentMail, UnsentPush, UnsentSms
from gateways.payments import payment_gateway
from gateways.payouts import payout_gateway
from gateways.push import fcm
from gateways.sms import twilio
from gateways.smtp import smtp_mailer
from gateways.stripe_api import stripe_api

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gateways.mail import Mailer
    from gateways.payments import PaymentGateway
    from gateways.payouts import PayoutGateway
    from gateways.push import PushSender
    from gateways.settings import Settings
    from gateways.sms import SmsSender

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The services outside. One that is None cannot be called."""

    #: Always there: one that is not open says no to everything.
    payments: PaymentGateway
    payouts: PayoutGateway | None
    mail: Mailer | None
    sms: SmsSender | None
    push: PushSender | None
    renderer: Renderer

    async def close(self) -> None:
        """Let go of all connections."""
        await self.payments.close()
        for carrier in (self.mail, self.sms, self.push):
            if carrier is not None:
                await carrier.close()


def outside(settings: Settings, redis: Redis) -> Outside:
    """Everything that these settings give the keys to."""
    mailbox = None if settings.is_production else Mailbox(redis, settings.redis_namespace)
    stripe = stripe_api(settings)
    called = Outside(
        payments=payment_gateway(settings, stripe),
        payouts=payout_gateway(settings, stripe),
        mail=smtp_mailer(settings) or (UnsentMail(mailbox) if mailbox else None),
        sms=twilio(settings) or (UnsentSms(mailbox) if mailbox else None),
        push=fcm(settings) or (UnsentPush(mailbox) if mailbox else None),
        renderer=renderer(settings),
    )
    _note_missing(called)
    return called


def renderer(settings: Settings) -> Renderer:
    """Who writes our messages."""
    return Renderer(
        outside_url=settings.outside_url,
        app_url=settings.app_url,
        links=Links(settings.secret.get_secret_value()),
        house_name=settings.house_name,
        house_address=settings.house_address,
        house_zone=settings.business_time_zone,
    )


def _note_missing(outside: Outside) -> None:
    """Say in the log which messages cannot be sent, and what it takes."""
    for name, carrier, needed in (
        ("e-mail", outside.mail, "CALLOUT_SMTP_HOST"),
        ("SMS", outside.sms, "CALLOUT_TWILIO_ACCOUNT_SID, _AUTH_TOKEN and _FROM"),
        ("push", outside.push, "CALLOUT_FCM_CREDENTIALS"),
    ):
        if carrier is None:
            log.warning("outside.missing", channel=name, set=needed)
