"""Whom do we call, and as whom? The services outside, their addresses and our keys to them.

A service without a key is not called: development has a stand-in for each that says it is one, and
production says what is missing.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from gateways.mail import sender_of


class GatewaySettings(BaseSettings):
    """The settings of the services outside."""

    #: Stripe: the secret key, the secret that its webhooks are signed with, and where it is.
    stripe_secret_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_base: str = "https://api.stripe.com"
    #: How old a webhook's signature may be.
    stripe_tolerance_seconds: int = Field(default=300, ge=1)

    #: The mail server. Port 587 with STARTTLS is usual, 465 with TLS from the start.
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    #: The certificate of the authority that signed the server's, where it is not a public one.
    smtp_ca_file: str | None = None
    #: Seconds for each step of a conversation with it.
    smtp_timeout_seconds: float = Field(default=10, gt=0, le=60)
    mail_from: str = "Callout <no-reply@callout.example>"

    #: What messages and receipts say of the house: its name, and at their foot who and where it is.
    house_name: str = Field(default="Callout", min_length=1, max_length=60)
    house_address: str = Field(default="", max_length=200)
    #: The app that people use. Links in messages lead there; without it there are none to the app.
    app_url: str | None = None

    #: Twilio: the account, its token, the number or messaging service to send from.
    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_from: str | None = None
    twilio_api_base: str = "https://api.twilio.com"

    #: Firebase Cloud Messaging: the service account's key, a JSON text or the path of one.
    fcm_credentials: SecretStr | None = None
    fcm_api_base: str = "https://fcm.googleapis.com"

    #: Seconds for a call to any of these but the mail server.
    gateway_timeout_seconds: float = Field(default=10, gt=0, le=60)

    @field_validator("mail_from")
    @classmethod
    def _refuse_odd_senders(cls, value: str) -> str:
        sender_of(value)
        return value

    @field_validator("app_url")
    @classmethod
    def _refuse_odd_addresses_of_apps(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError("CALLOUT_APP_URL is an address such as https://app.example.com")
        return value

    @model_validator(mode="after")
    def _refuse_open_passwords(self) -> Self:
        is_near = self.smtp_host in {"127.0.0.1", "::1", "localhost"}
        if self.smtp_password and self.smtp_security == "none" and not is_near:
            raise ValueError("CALLOUT_SMTP_SECURITY=none would send the password in the clear")
        return self

    @model_validator(mode="after")
    def _refuse_halves(self) -> Self:
        for names in (
            ("stripe_secret_key", "stripe_webhook_secret"),
            ("smtp_username", "smtp_password"),
            ("twilio_account_sid", "twilio_auth_token", "twilio_from"),
        ):
            missing = [name for name in names if getattr(self, name) is None]
            if missing and len(missing) < len(names):
                lacking = " and ".join(f"CALLOUT_{name.upper()}" for name in missing)
                raise ValueError(f"{lacking} must be set beside the others of its kind")
        return self
