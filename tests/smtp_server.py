"""A mail server that does as it is told: takes mail, says no, hangs, hangs up, or is not there.

It speaks SMTP on 127.0.0.1, with STARTTLS and AUTH PLAIN where a test asks for them.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from email.message import EmailMessage

#: Where in a conversation something may go wrong. BODY is when all of a mail has been said.
Step: TypeAlias = Literal["CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BODY"]

_HANG, _DROP = "hang", "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A mail as it was handed over."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    #: Was it said in TLS, and by whom?
    encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return message_from_bytes(self.raw, policy=policy.default)


@dataclass(slots=True, kw_only=True)
class _Fault:
    does: str
    times: int | None
    keeping: bool = False


class SmtpServer:
    """Takes every mail until it is told otherwise."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        tls_from_start: bool = False,
        passwords: dict[str, str] | None = None,
    ) -> None:
        """Offer STARTTLS if there is `tls` to speak (or speak it from the start), and ask for one
        of the passwords, by user, if there are any."""
        self._tls = tls
        self._tls_from_start = tls_from_start
        self._passwords = passwords or {}
        self._faults: dict[Step, _Fault] = {}
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        #: Seconds that it thinks about each mail before it takes it.
        self.thinks = 0.0
        #: Where clients connect to; the same after `refuse` and `listen`.
        self.port = 0
        #: What was taken, in order; after a drop that keeps, also what nobody was told of.
        self.received: list[Received] = []
        #: How many connections there have been, how many mails were begun, and how many
        #: conversations hang now.
        self.connections = 0
        self.begun = 0
        self.hanging = 0

    def say(self, step: Step, reply: str, *, times: int | None = None) -> None:
        """Answer so at a step, always or so many times: say("RCPT", "550 5.1.1 Who?")."""
        self._faults[step] = _Fault(does=reply, times=times)

    def hang(self, step: Step, *, times: int | None = None) -> None:
        """Answer nothing at a step, and stay connected."""
        self._faults[step] = _Fault(does=_HANG, times=times)

    def drop(self, step: Step, *, times: int | None = None, keeping: bool = False) -> None:
        """Hang up at a step without a word; after all of a mail was said, it may be kept."""
        self._faults[step] = _Fault(does=_DROP, times=times, keeping=keeping)

    def heal(self) -> None:
        """Take every mail again. What hangs goes on hanging."""
        self._faults.clear()

    async def listen(self) -> None:
        """Be there."""
        tls = self._tls if self._tls_from_start else None
        self._server = await asyncio.start_server(
            self._converse, "127.0.0.1", self.port, ssl=tls, backlog=512
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Be gone: hang up everywhere, and refuse connections until `listen`."""
        assert self._server is not None
        self._server.close()
        talks = tuple(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def has(self, *, received: int = 0, hanging: int = 0, within: float = 20) -> None:
        """Wait until so many mails have been taken, and so many conversations hang."""
        async with asyncio.timeout(within):
            while len(self.received) < received or self.hanging < hanging:
                self._changed.clear()
                await self._changed.wait()

    def fault(self, step: Step) -> _Fault | None:
        """What goes wrong at a step this time."""
        fault = self._faults.get(step)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self._faults[step]
        return fault

    def note(self) -> None:
        """Something may have come that somebody waits for."""
        self._changed.set()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self.connections += 1
        talk = _Talk(self, reader, writer, tls=self._tls, passwords=self._passwords)
        try:
            # asyncio's own callback on this task cannot stand a cancelled one.
            with suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError, _HungUp):
                await talk.run(encrypted=self._tls_from_start)
        finally:
            self._talks.discard(task)
            writer.close()


class _HungUp(Exception):
    """We, or they, ended the conversation."""


class _Talk:
    """One conversation."""

    def __init__(
        self,
        server: SmtpServer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        tls: ssl.SSLContext | None,
        passwords: dict[str, str],
    ) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._tls, self._passwords = tls, passwords
        self._encrypted = False
        self._user: str | None = None
        self._sender = ""
        self._recipients: list[str] = []

    async def run(self, *, encrypted: bool) -> None:
        self._encrypted = encrypted
        await self._answer("CONNECT", "220 localhost ESMTP")
        while line := await self._reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            await self._obey(verb.upper(), rest)

    async def _obey(self, verb: str, rest: str) -> None:
        match verb:
            case "EHLO" | "HELO":
                await self._answer("EHLO", self._greeting())
            case "STARTTLS" if self._tls and not self._encrypted:
                await self._start_tls(self._tls)
            case "AUTH":
                await self._authenticate(rest)
            case "MAIL":
                await self._begin(rest)
            case "RCPT":
                if await self._answer("RCPT", "250 OK"):
                    self._recipients.append(_address(rest))
            case "DATA" if self._recipients:
                await self._take()
            case "RSET" | "NOOP":
                if verb == "RSET":
                    self._forget()
                await self._say("250 OK")
            case "QUIT":
                await self._say("221 Bye")
                raise _HungUp
            case _:
                await self._say("503 5.5.1 Not now")

    def _greeting(self) -> str:
        offers = ["localhost", "8BITMIME", "SMTPUTF8", "SIZE 10485760"]
        if self._tls and not self._encrypted:
            offers.append("STARTTLS")
        if self._passwords:
            offers.append("AUTH PLAIN")
        return "\r\n".join([*(f"250-{one}" for one in offers[:-1]), f"250 {offers[-1]}"])

    async def _start_tls(self, tls: ssl.SSLContext) -> None:
        if await self._answer("STARTTLS", "220 Go ahead"):
            await self._writer.start_tls(tls)
            self._encrypted, self._user = True, None

    async def _authenticate(self, rest: str) -> None:
        _, _, said = rest.partition(" ")
        if not said:
            await self._say("334 ")
            said = (await self._reader.readline()).decode().strip()
        _, user, password = b64decode(said).decode().split("\0")
        if self._passwords.get(user) != password:
            await self._say("535 5.7.8 Authentication failed")
        elif await self._answer("AUTH", "235 2.7.0 Welcome"):
            self._user = user

    async def _begin(self, rest: str) -> None:
        if self._passwords and not self._user:
            await self._say("530 5.7.0 Authentication required")
        elif self._sender:
            # As real servers do: who gave a mail up has to say so before the next.
            await self._say("503 5.5.1 One mail at a time")
        else:
            self._server.begun += 1
            if await self._answer("MAIL", "250 OK"):
                self._sender = _address(rest)

    def _forget(self) -> None:
        self._sender, self._recipients = "", []

    async def _take(self) -> None:
        if not await self._answer("DATA", "354 Go ahead"):
            return
        said = await self._reader.readuntil(b"\r\n.\r\n")
        mail = Received(
            sender=self._sender,
            recipients=tuple(self._recipients),
            raw=said[:-3].replace(b"\r\n..", b"\r\n."),
            encrypted=self._encrypted,
            user=self._user,
        )
        self._forget()
        if self._server.thinks:
            await asyncio.sleep(self._server.thinks)
        await self._answer("BODY", f"250 2.0.0 Taken as {len(self._server.received)}", mail)

    async def _answer(self, step: Step, well: str, mail: Received | None = None) -> bool:
        """Say what is to be said at a step. Did it go well?"""
        fault = self._server.fault(step)
        if mail is not None and (fault is None or fault.keeping):
            # Before it is said: whoever hears of it may look for it at once.
            self._server.received.append(mail)
            self._server.note()
        if fault is None:
            await self._say(well)
            return True
        if fault.does == _DROP:
            raise _HungUp
        if fault.does == _HANG:
            await self._hang()
        await self._say(fault.does)
        return False

    async def _hang(self) -> None:
        self._server.hanging += 1
        self._server.note()
        try:
            while await self._reader.read(65536):
                pass
            raise _HungUp
        finally:
            self._server.hanging -= 1

    async def _say(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())
        await self._writer.drain()


def _address(said: str) -> str:
    return said.partition("<")[2].partition(">")[0]


@asynccontextmanager
async def smtp_server(
    *,
    tls: ssl.SSLContext | None = None,
    tls_from_start: bool = False,
    passwords: dict[str, str] | None = None,
) -> AsyncIterator[SmtpServer]:
    """A mail server, listening."""
    server = SmtpServer(tls=tls, tls_from_start=tls_from_start, passwords=passwords)
    await server.listen()
    try:
        yield server
    finally:
        await server.refuse()
