"""Does Twilio get what it asks for, and do we understand its answers?"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.sms import Twilio
from tests.http_server import Answer, HttpServer, http_server

PATH = "/2010-04-01/Accounts/AC1/Messages.json"


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as listening:
        yield listening


@pytest.fixture
async def twilio(server: HttpServer) -> AsyncIterator[Twilio]:
    sender = sends(server)
    yield sender
    await sender.close()


def sends(server: HttpServer, **changes: Any) -> Twilio:
    facts: dict[str, Any] = {
        "account": "AC1",
        "token": "s3cret",
        "sender": "+15005550006",
        "base": server.address,
        "timeout": 5.0,
    }
    return Twilio(**facts | changes)


async def send(twilio: Twilio) -> str:
    return await twilio.send(to="+442079460000", text="Café £5 & more", key="k")


async def test_a_message_is_posted_as_a_form_under_our_name(
    server: HttpServer, twilio: Twilio
) -> None:
    server.say(PATH, Answer(status=201, body={"sid": "SM123"}))
    assert await send(twilio) == "SM123"
    (asked,) = server.asked
    assert asked.headers["Authorization"] == f"Basic {b64encode(b'AC1:s3cret').decode()}"
    assert asked.form == {"From": "+15005550006", "To": "+442079460000", "Body": "Café £5 & more"}


async def test_a_messaging_service_chooses_the_number_itself(server: HttpServer) -> None:
    server.say(PATH, Answer(status=201, body={"sid": "SM123"}))
    twilio = sends(server, sender="MG9")
    await send(twilio)
    await twilio.close()
    (asked,) = server.asked
    assert asked.form["MessagingServiceSid"] == "MG9"
    assert "From" not in asked.form


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_what_is_refused_says_why(server: HttpServer, twilio: Twilio, status: int) -> None:
    body = {"code": 21211, "message": "Invalid 'To' Phone Number"}
    server.say(PATH, Answer(status=status, body=body))
    with pytest.raises(GatewayRefused, match="Twilio 21211: Invalid 'To' Phone Number"):
        await send(twilio)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
async def test_what_may_go_better_later_is_unavailable(
    server: HttpServer, twilio: Twilio, status: int
) -> None:
    server.say(PATH, Answer(status=status, body=b"<html>oh</html>"))
    with pytest.raises(GatewayUnavailable, match=f"Twilio {status}") as caught:
        await send(twilio)
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta()),
        ("-5", timedelta()),
        ("999999999999999999999", None),
        ("86400", timedelta(hours=1)),
        ("soon", None),
        ("", None),
    ],
)
async def test_its_wish_for_patience_is_passed_on_within_reason(
    server: HttpServer, twilio: Twilio, said: str, meant: timedelta | None
) -> None:
    server.say(PATH, Answer(status=429, body={}, headers={"Retry-After": said}))
    with pytest.raises(GatewayUnavailable) as caught:
        await send(twilio)
    assert caught.value.retry_after == meant


async def test_patience_may_be_asked_for_until_a_time(server: HttpServer, twilio: Twilio) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    server.say(PATH, Answer(status=503, body={}, headers={"Retry-After": until}))
    with pytest.raises(GatewayUnavailable) as caught:
        await send(twilio)
    assert caught.value.retry_after is not None
    assert timedelta(minutes=9) < caught.value.retry_after <= timedelta(minutes=10)


async def test_no_answer_is_unavailable(server: HttpServer, twilio: Twilio) -> None:
    server.say(PATH, Answer(drops=True))
    with pytest.raises(GatewayUnavailable, match="Twilio did not answer"):
        await send(twilio)
