"""How is mail handed over to a mail server? In SMTP, over a few connections that are kept.

A mail was taken when the server has said so, and only then: one whose server is silent after it
was all said is sent again, under the same Message-ID.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import structlog
from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected

from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.mail import composed, sender_of

if TYPE_CHECKING:
    from gateways.mail import Mail
    from gateways.settings import Settings

log = structlog.get_logger(__name__)

Security: TypeAlias = Literal["starttls", "tls", "none"]

#: How many mails are handed over at a time, each over a connection of its own.
CONNECTIONS: Final = 8
#: A connection that was silent for so many seconds is asked whether it is still one.
_TRUSTED: Final = 1.0

#: "Service not available, closing transmission channel".
_CLOSING: Final = 421

#: All that can go wrong in a conversation.
_TROUBLE: Final = (SMTPException, OSError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A mail server, and how it is spoken to."""

    host: str
    port: int
    security: Security = "starttls"
    username: str | None = None
    password: str | None = None
    #: Of the authority that signed the server's certificate, where it is a private one.
    ca_file: str | None = None
    #: Seconds that each step may take.
    timeout: float = 10.0


class SmtpMailer:
    """Hands mail to one server."""

    def __init__(self, server: MailServer, *, sender: str) -> None:
        """As `sender`, such as "Callout <no-reply@callout.example>"."""
        self._server = server
        self._sender = sender_of(sender)
        self._slots = asyncio.Semaphore(CONNECTIONS)
        #: Connections that nobody uses just now and when each was last used, the freshest last.
        self._kept: list[tuple[SMTP, float]] = []

    async def send(self, mail: Mail) -> str | None:
        """Send it; what the server said when it took it."""
        said = composed(mail, self._sender)
        async with self._slots:
            client = await self._begun(mail)
            answer = await self._finished(client, mail, said)
        log.info("mail.taken", mail=str(mail.id), answer=answer)
        return answer

    async def close(self) -> None:
        """Say goodbye on every connection."""
        while self._kept:
            client, _ = self._kept.pop()
            with suppress(*_TROUBLE):
                await client.quit()
            client.close()

    async def _begun(self, mail: Mail) -> SMTP:
        """A connection on which the server has agreed to take this mail."""
        # A kept one may have been given up at the other end, or be out of mails: until the mail
        # itself is said nothing is lost, and another one is asked.
        while (kept := await self._alive()) is not None:
            try:
                return await self._agreed(kept, mail)
            except _TROUBLE as error:
                await self._after(error, kept)
                if not _hung_up(error):
                    raise _unavailable(error) from error
        client = await self._connected()
        try:
            return await self._agreed(client, mail)
        except _TROUBLE as error:
            await self._after(error, client)
            raise _unavailable(error) from error

    async def _agreed(self, client: SMTP, mail: Mail) -> SMTP:
        try:
            await client.mail(self._sender.addr_spec)
            await self._addressed(client, mail)
        except asyncio.CancelledError:
            client.close()
            raise
        return client

    async def _addressed(self, client: SMTP, mail: Mail) -> None:
        try:
            await client.rcpt(mail.to)
        except SMTPResponseException as error:
            if not _is_final(error):
                raise
            await self._after(error, client)
            raise GatewayRefused(_words(error)) from error
        except ValueError as error:
            await self._after(error, client)
            raise GatewayRefused(f"This is no e-mail address: {error}") from error

    async def _finished(self, client: SMTP, mail: Mail, said: bytes) -> str | None:
        try:
            response = await client.data(said)
        except _TROUBLE as error:
            await self._after(error, client)
            if isinstance(error, SMTPResponseException) and _is_final(error):
                raise GatewayRefused(_words(error)) from error
            log.warning("mail.not_taken", mail=str(mail.id), error=str(error))
            raise _unavailable(error) from error
        except asyncio.CancelledError:
            client.close()
            raise
        self._keep(client)
        return response.message

    async def _alive(self) -> SMTP | None:
        """A kept connection that still is one, if there is any."""
        while self._kept:
            client, used = self._kept.pop()
            if time.monotonic() - used < _TRUSTED and client.is_connected:
                return client
            try:
                await client.noop()
            except _TROUBLE as error:
                client.close()
                if not _hung_up(error):
                    raise _unavailable(error) from error
            except asyncio.CancelledError:
                client.close()
                raise
            else:
                return client
        return None

    async def _connected(self) -> SMTP:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.security == "tls",
            # Never "if the server offers it": whoever is in between could take the offer away.
            start_tls=server.security == "starttls",
            cert_bundle=server.ca_file,
            timeout=server.timeout,
        )
        try:
            await client.connect()
        except (*_TROUBLE, ValueError) as error:
            client.close()
            raise _unavailable(error) from error
        except asyncio.CancelledError:
            client.close()
            raise
        return client

    def _keep(self, client: SMTP) -> None:
        if client.is_connected:
            self._kept.append((client, time.monotonic()))

    async def _after(self, error: Exception, client: SMTP) -> None:
        """Keep a connection on which a mail was given up, if the server still speaks on it."""
        if not isinstance(error, SMTPResponseException | ValueError) or _hung_up(error):
            client.close()
            return
        try:
            await client.rset()
        except _TROUBLE:
            client.close()
        else:
            self._keep(client)


def smtp_mailer(settings: Settings) -> SmtpMailer | None:
    """The mail server that the settings name, if they name one."""
    if settings.smtp_host is None:
        return None
    password = settings.smtp_password
    server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        ca_file=settings.smtp_ca_file,
        timeout=settings.smtp_timeout_seconds,
    )
    return SmtpMailer(server, sender=settings.mail_from)


def _is_final(error: SMTPResponseException) -> bool:
    """Has the server said no to this mail for good?"""
    return 500 <= error.code < 600


def _hung_up(error: Exception) -> bool:
    """Did the server end the conversation, as it may at any time?"""
    if isinstance(error, SMTPResponseException):
        return error.code == _CLOSING
    return isinstance(error, SMTPServerDisconnected) and not isinstance(error, TimeoutError)


def _words(error: SMTPResponseException) -> str:
    return f"{error.code} {error.message}"


def _unavailable(error: BaseException) -> GatewayUnavailable:
    if isinstance(error, SMTPResponseException):
        return GatewayUnavailable(_words(error))
    if isinstance(error, SMTPServerDisconnected):
        return GatewayUnavailable("The mail server hung up.")
    return GatewayUnavailable(f"{type(error).__name__}: {error}")
