"""Who carries our text messages? Twilio, by its HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import httpx
import structlog

from gateways.answers import asking, fields, is_for_later, patience
from gateways.errors import GatewayRefused, GatewayUnavailable

if TYPE_CHECKING:
    from gateways.settings import Settings

log = structlog.get_logger(__name__)

_SERVICE: Final = "Twilio"
_UNAUTHORIZED: Final = 401
#: What the ids of messaging services begin with, which choose a number by themselves.
_POOL: Final = "MG"


class SmsSender(Protocol):
    """Sends text messages to telephones."""

    async def send(self, *, to: str, text: str, key: str) -> str:
        """Send one to a number in E.164; what the carrier calls it. The key is the delivery's id.

        Raises GatewayUnavailable, after which it may have been taken all the same, or
        GatewayRefused.
        """

    async def close(self) -> None:
        """Let go of its connections."""


class Twilio:
    """Sends through a Twilio account. Twilio takes no keys: what is sent again arrives again."""

    def __init__(self, *, account: str, token: str, sender: str, base: str, timeout: float) -> None:
        """From a number, or by the id of a messaging service. `timeout` is in seconds."""
        self._path = f"/2010-04-01/Accounts/{account}/Messages.json"
        self._sender = {"MessagingServiceSid" if sender.startswith(_POOL) else "From": sender}
        self._http = httpx.AsyncClient(base_url=base, auth=(account, token), timeout=timeout)

    async def send(self, *, to: str, text: str, key: str) -> str:
        """Send one; Twilio's id of it."""
        async with asking(_SERVICE):
            response = await self._http.post(
                self._path, data={**self._sender, "To": to, "Body": text}
            )
        if response.is_success:
            sid = str(fields(response).get("sid", ""))
            log.info("sms.taken", key=key, sid=sid)
            return sid
        raise _refusal(response)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.aclose()


def twilio(settings: Settings) -> Twilio | None:
    """The account that the settings name, if they name one."""
    account, token = settings.twilio_account_sid, settings.twilio_auth_token
    sender = settings.twilio_from
    if account is None or token is None or sender is None:
        return None
    return Twilio(
        account=account,
        token=token.get_secret_value(),
        sender=sender,
        base=settings.twilio_api_base,
        timeout=settings.gateway_timeout_seconds,
    )


def _refusal(response: httpx.Response) -> GatewayRefused | GatewayUnavailable:
    said = fields(response)
    reason = f"{_SERVICE} {said.get('code', response.status_code)}: {said.get('message', '')}"
    # A wrong token of ours says nothing about the message, and will be put right.
    if is_for_later(response) or response.status_code == _UNAUTHORIZED:
        return GatewayUnavailable(reason, retry_after=patience(response))
    return GatewayRefused(reason)
