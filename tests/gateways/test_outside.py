"""Is each service called as the settings say, stood in for, or said to be missing?"""

from __future__ import annotations

import json
from typing import Any

import pytest
import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from gateways.mailbox import UnsentMail, UnsentPush, UnsentSms
from gateways.outside import Outside, outside
from gateways.push import Fcm
from gateways.settings import DEVELOPMENT_SECRET, Settings
from gateways.sms import Twilio
from gateways.smtp import SmtpMailer
from tests.gateways.test_push import PEM

KEYS: dict[str, Any] = {
    "smtp_host": "mail.example",
    "twilio_account_sid": "AC1",
    "twilio_auth_token": "t",
    "twilio_from": "+15005550006",
    "fcm_credentials": json.dumps(
        {"project_id": "p", "client_email": "e@p.example", "private_key": PEM}
    ),
}


def settings(**changes: Any) -> Settings:
    facts = {
        "mode": "development",
        "database_url": "postgresql://postgres@127.0.0.1/x",
        "redis_url": "redis://127.0.0.1",
        "secret": DEVELOPMENT_SECRET,
    }
    return Settings.model_validate(facts | changes)


def production(**changes: Any) -> Settings:
    return settings(mode="production", secret="s" * 32, **changes)


async def called(said: Settings) -> Outside:
    async with Redis.from_url("redis://127.0.0.1:1") as redis:
        opened = outside(said, redis)
        await opened.close()
        return opened


def kinds(one: Outside) -> tuple[type, type, type]:
    return type(one.mail), type(one.sms), type(one.push)


async def test_development_stands_in_for_what_has_no_keys() -> None:
    assert kinds(await called(settings())) == (UnsentMail, UnsentSms, UnsentPush)
    some = await called(settings(smtp_host="127.0.0.1"))
    assert kinds(some) == (SmtpMailer, UnsentSms, UnsentPush)


@pytest.mark.parametrize("said", [settings(**KEYS), production(**KEYS)])
async def test_what_has_its_keys_is_called(said: Settings) -> None:
    assert kinds(await called(said)) == (SmtpMailer, Twilio, Fcm)


async def test_production_pretends_nothing_and_says_what_is_missing() -> None:
    with structlog.testing.capture_logs() as logs:
        assert kinds(await called(production())) == (type(None),) * 3
    missing = {one["channel"]: one["set"] for one in logs if one["event"] == "outside.missing"}
    assert missing == {
        "e-mail": "CALLOUT_SMTP_HOST",
        "SMS": "CALLOUT_TWILIO_ACCOUNT_SID, _AUTH_TOKEN and _FROM",
        "push": "CALLOUT_FCM_CREDENTIALS",
    }
    with structlog.testing.capture_logs() as logs:
        await called(production(**KEYS))
    assert [one for one in logs if one["event"] == "outside.missing"] == []


async def test_a_key_that_is_none_stops_the_start() -> None:
    with pytest.raises(ValueError, match="CALLOUT_FCM_CREDENTIALS"):
        await called(production(fcm_credentials="/no/such/file"))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"mail_from": "nobody"}, "Write a sender"),
        ({"mail_from": "a@b.example\r\nBcc: c@d.example"}, "Write a sender"),
        ({"app_url": "app.example"}, "CALLOUT_APP_URL"),
        ({"app_url": "javascript:alert(1)"}, "CALLOUT_APP_URL"),
        ({"app_url": "https://app.example/?a=b"}, "CALLOUT_APP_URL"),
        ({"smtp_username": "u"}, "CALLOUT_SMTP_PASSWORD must be set"),
        ({"twilio_from": "+44"}, "CALLOUT_TWILIO_ACCOUNT_SID and CALLOUT_TWILIO_AUTH_TOKEN"),
        (
            {
                "smtp_host": "mail.example",
                "smtp_username": "u",
                "smtp_password": "p",
                "smtp_security": "none",
            },
            "in the clear",
        ),
        ({"house_name": ""}, "at least 1 character"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        settings(**wrong)
    assert settings(app_url="https://app.example/x").app_url == "https://app.example/x"
