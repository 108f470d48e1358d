"""Does every mail get to the server once it can be reached, whatever the server does?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine

from gateways import smtp
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.smtp import CONNECTIONS, MailServer, SmtpMailer
from tests.certificates import self_signed, server_context
from tests.gateways.test_mail import a_mail
from tests.smtp_server import SmtpServer, Step, smtp_server

SENDER = "Callout <no-reply@mail.callout.example>"


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with smtp_server() as listening:
        yield listening


@pytest.fixture
async def mailer(server: SmtpServer) -> AsyncIterator[SmtpMailer]:
    one = mails(server)
    yield one
    await one.close()


def mails(server: SmtpServer, **changes: Any) -> SmtpMailer:
    facts: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "timeout": 5.0,
    }
    return SmtpMailer(MailServer(**facts | changes), sender=SENDER)


def subjects(server: SmtpServer) -> list[str]:
    return [str(one.message["Subject"]) for one in server.received]


async def test_a_mail_is_handed_over_whole(server: SmtpServer, mailer: SmtpMailer) -> None:
    assert await mailer.send(a_mail(text=".\n..\nend\n")) == "2.0.0 Taken as 0"
    (received,) = server.received
    assert received.sender == "no-reply@mail.callout.example"
    assert received.recipients == ("john@example.com",)
    body = received.message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == ".\n..\nend\n"


async def test_a_connection_is_kept_for_the_next(server: SmtpServer, mailer: SmtpMailer) -> None:
    for number in range(5):
        await mailer.send(a_mail(subject=str(number)))
    assert (subjects(server), server.connections) == (["0", "1", "2", "3", "4"], 1)


async def test_many_share_a_few_connections(server: SmtpServer, mailer: SmtpMailer) -> None:
    await asyncio.gather(*(mailer.send(a_mail(id=UUID(int=n))) for n in range(100)))
    assert len({one.message["Message-ID"] for one in server.received}) == 100
    assert server.connections <= CONNECTIONS


async def test_a_connection_that_the_server_gave_up_costs_nothing(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    await mailer.send(a_mail())
    await server.refuse()
    await server.listen()
    await mailer.send(a_mail())
    assert (len(server.received), server.connections) == (2, 2)


async def test_a_connection_that_has_been_silent_is_asked_first(
    server: SmtpServer, mailer: SmtpMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mailer.send(a_mail())
    monkeypatch.setattr(smtp, "_TRUSTED", -1.0)
    await mailer.send(a_mail())
    assert (len(server.received), server.connections) == (2, 1)


@pytest.mark.parametrize("does", ["drop", "421 4.3.2 Enough for one connection"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
async def test_a_kept_connection_that_ends_is_replaced_before_the_mail_is_said(
    server: SmtpServer, mailer: SmtpMailer, step: Step, does: str
) -> None:
    await mailer.send(a_mail())
    if does == "drop":
        server.drop(step, times=1)
    else:
        server.say(step, does, times=1)
    await mailer.send(a_mail(subject="the second"))
    assert subjects(server)[1:] == ["the second"]
    assert server.connections == 2


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
async def test_what_may_go_better_later_is_unavailable(
    server: SmtpServer, mailer: SmtpMailer, step: Step
) -> None:
    server.say(step, "451 4.7.1 Come again")
    with pytest.raises(GatewayUnavailable):
        await mailer.send(a_mail())
    assert server.received == []
    server.heal()
    await mailer.send(a_mail())
    assert len(server.received) == 1


@pytest.mark.parametrize("step", ["RCPT", "DATA", "BODY"])
async def test_what_the_server_never_takes_is_refused(
    server: SmtpServer, mailer: SmtpMailer, step: Step
) -> None:
    server.say(step, "550 5.1.1 No such user", times=1)
    with pytest.raises(GatewayRefused, match=r"550 5\.1\.1 No such user"):
        await mailer.send(a_mail())
    # The connection is as good as before, and the next mail goes to nobody else.
    await mailer.send(a_mail(to="jane@example.com"))
    assert [one.recipients for one in server.received] == [("jane@example.com",)]
    assert server.connections == 1


@pytest.mark.parametrize("step", ["CONNECT", "MAIL"])
async def test_a_server_that_does_not_want_us_may_be_put_right(
    server: SmtpServer, mailer: SmtpMailer, step: Step
) -> None:
    server.say(step, "550 5.7.1 Not from you")
    with pytest.raises(GatewayUnavailable):
        await mailer.send(a_mail())


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
async def test_a_server_that_hangs_is_given_up(server: SmtpServer, step: Step) -> None:
    mailer = mails(server, timeout=0.2)
    server.hang(step, times=1)
    with pytest.raises(GatewayUnavailable):
        await mailer.send(a_mail())
    # Not on the connection where an answer may still come, and be taken for another's.
    await mailer.send(a_mail(subject="the second"))
    assert subjects(server) == ["the second"]
    assert server.connections == 2
    await mailer.close()


async def test_a_mail_that_was_taken_without_a_word_goes_again_under_its_id(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    server.drop("BODY", times=1, keeping=True)
    with pytest.raises(GatewayUnavailable):
        await mailer.send(a_mail())
    await mailer.send(a_mail())
    first, second = (one.message["Message-ID"] for one in server.received)
    assert first == second


async def test_a_server_that_is_not_there_is_unavailable(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    await server.refuse()
    with pytest.raises(GatewayUnavailable):
        await mailer.send(a_mail())
    await server.listen()
    await mailer.send(a_mail())
    assert len(server.received) == 1


async def test_one_that_is_given_up_leaves_its_connection_to_nobody(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    server.hang("BODY", times=1)
    sending = asyncio.create_task(mailer.send(a_mail()))
    await server.has(hanging=1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await mailer.send(a_mail(subject="the second"))
    assert subjects(server) == ["the second"]
    assert server.connections == 2


async def test_a_wrong_address_is_refused_without_a_word_to_the_server(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    with pytest.raises(GatewayRefused):
        await mailer.send(a_mail(to="john@example.com>\r\nRCPT TO:<eve@example.com"))
    assert server.connections == 0


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_it_speaks_tls_and_shows_its_password_in_it_only(
    tmp_path: Path, security: str
) -> None:
    certificate, key = self_signed(tmp_path)
    tls = server_context(certificate, key)
    async with smtp_server(
        tls=tls, tls_from_start=security == "tls", passwords={"callout": "s3cret"}
    ) as server:
        mailer = mails(
            server,
            security=security,
            username="callout",
            password="s3cret",
            ca_file=str(certificate),
        )
        await mailer.send(a_mail())
        (received,) = server.received
        assert (received.encrypted, received.user) == (True, "callout")
        await mailer.close()

        stranger = mails(server, security=security)
        with pytest.raises(GatewayUnavailable, match=r"(?i)certificate"):
            await stranger.send(a_mail())

        liar = mails(
            server, security=security, username="callout", password="x", ca_file=str(certificate)
        )
        with pytest.raises(GatewayUnavailable, match="535"):
            await liar.send(a_mail())
        assert len(server.received) == 1


async def test_it_does_not_speak_openly_where_tls_was_asked_for(server: SmtpServer) -> None:
    mailer = mails(server, security="starttls")
    with pytest.raises(GatewayUnavailable):
        await mailer.send(a_mail())
    assert server.received == []


async def test_its_goodbye_is_heard_and_it_can_begin_again(
    server: SmtpServer, mailer: SmtpMailer
) -> None:
    await mailer.send(a_mail())
    await mailer.close()
    await mailer.close()
    await mailer.send(a_mail())
    assert (len(server.received), server.connections) == (2, 2)


async def test_the_date_is_that_of_the_sending(server: SmtpServer, mailer: SmtpMailer) -> None:
    with time_machine.travel("2026-03-14T12:00:00Z", tick=True):
        await mailer.send(a_mail())
    assert server.received[0].message["Date"].startswith("Sat, 14 Mar 2026 12:00:")
