"""Is a link believed only when we signed it, for this purpose, and in time?"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine

from gateways import receipts
from gateways.links import BadLink, Links, Purpose

SECRET = "a test secret of more than thirty-two characters"
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
LINKS = Links(SECRET)
WHOSE = str(UUID(int=7))


@pytest.mark.parametrize("parts", [(), ("a",), ("a", "b·ü", ""), ('"', "\\", "~.")])
def test_it_names_what_it_was_signed_with(parts: tuple[str, ...]) -> None:
    token = LINKS.sign(Purpose.RECEIPT, *parts)
    assert LINKS.read(Purpose.RECEIPT, token) == parts
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()


def test_it_is_worth_nothing_for_another_purpose_or_another_installation() -> None:
    token = LINKS.sign(Purpose.RECEIPT, WHOSE)
    for links, purpose in [
        *((LINKS, purpose) for purpose in Purpose if purpose is not Purpose.RECEIPT),
        (Links(SECRET + "!"), Purpose.RECEIPT),
    ]:
        with pytest.raises(BadLink, match="not ours"):
            links.read(purpose, token)


def test_it_holds_until_the_instant_at_which_it_expires() -> None:
    token = LINKS.sign(Purpose.STATEMENT, WHOSE, expires=NOON)
    with time_machine.travel(NOON - timedelta(seconds=1), tick=False):
        assert LINKS.read(Purpose.STATEMENT, token) == (WHOSE,)
    with time_machine.travel(NOON, tick=False), pytest.raises(BadLink, match="expired"):
        LINKS.read(Purpose.STATEMENT, token)


def test_no_part_of_it_can_be_changed() -> None:
    token = LINKS.sign(Purpose.RECEIPT, WHOSE)
    body, seal = token.split(".")
    other = LINKS.sign(Purpose.RECEIPT, str(UUID(int=8))).split(".")[0]
    changed = [token[:i] + ("A" if c != "A" else "B") + token[i + 1 :] for i, c in enumerate(token)]
    never = urlsafe_b64encode(b'[null,"%s"]' % WHOSE.encode()).decode()
    for wrong in [
        *changed,
        *(f"{other}.{seal}", body, f".{seal}", f"{body}.", "", ".", "..", "ü.ü", token + "="),
        *(f"{token}.{seal}", never, f"{never}.", "x" * 100_000, f"{body} .{seal}"),
    ]:
        with pytest.raises(BadLink):
            LINKS.read(Purpose.RECEIPT, wrong)


def test_a_receipt_is_opened_by_its_own_link_only() -> None:
    mine, theirs = UUID(int=7), UUID(int=8)
    address = receipts.address("https://c.example", LINKS, mine)
    start, token = address.split("?token=")
    assert start == f"https://c.example/receipts/{mine}"
    assert receipts.is_opened_by(LINKS, mine, token)
    assert not receipts.is_opened_by(LINKS, theirs, token)
    assert not receipts.is_opened_by(LINKS, mine, LINKS.sign(Purpose.STATEMENT, mine.hex))
    assert not receipts.is_opened_by(LINKS, mine, "")
