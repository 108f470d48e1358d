"""Who carries our push messages? Firebase Cloud Messaging, by its HTTP v1 API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
import structlog

from gateways.answers import asking, fields, is_for_later, patience
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.google import AccessTokens, ServiceAccount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateways.settings import Settings

log = structlog.get_logger(__name__)

_SERVICE: Final = "FCM"
_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What a telephone or a browser shows, and the ids by which its app finds the rest."""

    title: str
    body: str
    data: Mapping[str, str] = field(default_factory=dict)


class DeviceGone(GatewayRefused):
    """The app was removed from the device, or will have no more messages: forget its token."""


class PushSender(Protocol):
    """Sends push messages to devices."""

    async def send(self, *, token: str, push: Push, key: str) -> str:
        """Send one to a device; what the carrier calls it. A later one with the same key, which is
        the delivery's id, takes the place of the first on the screen.

        Raises DeviceGone, GatewayUnavailable, after which it may have been taken all the same, or
        GatewayRefused.
        """

    async def close(self) -> None:
        """Let go of its connections."""


class Fcm:
    """Sends through a Firebase project."""

    def __init__(self, account: ServiceAccount, *, base: str, timeout: float) -> None:
        """As a service account of the project. `timeout` is in seconds."""
        self._http = httpx.AsyncClient(timeout=timeout)
        self._tokens = AccessTokens(account, self._http, scope=_SCOPE)
        self._url = f"{base.rstrip('/')}/v1/projects/{account.project_id}/messages:send"

    async def send(self, *, token: str, push: Push, key: str) -> str:
        """Send one; its name at Firebase."""
        body = {"message": _message(token, push, key)}
        response = await self._post(body)
        if response.status_code == _UNAUTHORIZED:
            # The token may have been withdrawn before its time: once more, with a new one.
            self._tokens.forget()
            response = await self._post(body)
        if response.is_success:
            name = str(fields(response).get("name", ""))
            log.info("push.taken", key=key, name=name)
            return name
        raise _refusal(response)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.aclose()

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        bearer = await self._tokens.current()
        async with asking(_SERVICE):
            return await self._http.post(
                self._url, json=body, headers={"Authorization": f"Bearer {bearer}"}
            )


def fcm(settings: Settings) -> Fcm | None:
    """The project of the key in the settings, if they have one. Raises ValueError for no key."""
    if settings.fcm_credentials is None:
        return None
    account = ServiceAccount.read(settings.fcm_credentials.get_secret_value())
    return Fcm(account, base=settings.fcm_api_base, timeout=settings.gateway_timeout_seconds)


def _message(token: str, push: Push, key: str) -> dict[str, Any]:
    """What is said again under the same key replaces what is already there, on every platform."""
    # A web push service's topics are at most 32 characters long.
    topic = key.replace("-", "")[:32]
    return {
        "token": token,
        "notification": {"title": push.title, "body": push.body},
        "data": dict(push.data),
        "android": {"collapse_key": key, "notification": {"tag": key}},
        "apns": {"headers": {"apns-collapse-id": key}},
        "webpush": {"headers": {"Topic": topic}, "notification": {"tag": key}},
    }


def _refusal(response: httpx.Response) -> GatewayRefused | GatewayUnavailable:
    said = fields(response).get("error", {})
    error = said if isinstance(said, dict) else {}
    details = [one for one in error.get("details", ()) if isinstance(one, dict)]
    codes = {one.get("errorCode") for one in details}
    reason = f"{_SERVICE} {error.get('status', response.status_code)}: {error.get('message', '')}"
    if is_for_later(response) or response.status_code == _UNAUTHORIZED:
        return GatewayUnavailable(reason, retry_after=patience(response))
    if response.status_code == _NOT_FOUND or "UNREGISTERED" in codes or _names_token(details):
        return DeviceGone(reason)
    return GatewayRefused(reason)


def _names_token(details: list[dict[str, Any]]) -> bool:
    """Is it the device's token that is wrong?"""
    return any(
        violation.get("field") == "message.token"
        for one in details
        for violation in one.get("fieldViolations", ())
    )
