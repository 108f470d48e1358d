"""Is a repeated request recognised by its key and its body, and by nothing less?"""

from datetime import timedelta

import pytest

from domain.idempotency import IdempotencyKeyReused, Key, key
from domain.refusals import FieldError, InvalidInput
from tests.factories import NOW, a_request


def a_key(text: str | None = "k-1", body: object = None) -> Key | None:
    return key("createBooking", text, body if body is not None else a_request())


def test_a_request_without_a_key_has_none() -> None:
    assert a_key(None) is None


def test_the_same_key_and_body_are_the_same() -> None:
    assert a_key() == a_key()
    assert a_key() != a_key("k-2")


@pytest.mark.parametrize(
    "other",
    [
        a_request(concern="Bring a ladder."),
        a_request(starts_at=NOW + timedelta(days=1, microseconds=1)),
        a_request(provider_id=a_request().customer_id),
    ],
)
def test_another_body_has_another_digest(other: object) -> None:
    first, second = a_key(), a_key(body=other)
    assert first is not None
    assert second is not None
    assert first.text == second.text
    assert first.body_hash != second.body_hash
    assert len(first.body_hash) == 32


@pytest.mark.parametrize("text", ["", "x" * 201])
def test_a_key_of_a_wrong_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        a_key(text)
    assert refused.value.errors == (
        FieldError(path=("idempotencyKey",), message="Write 1 to 200 characters."),
    )


def test_a_key_that_cannot_be_kept_is_refused() -> None:
    with pytest.raises(InvalidInput):
        a_key("nu\x00ll")


@pytest.mark.parametrize("text", ["x", "x" * 200])
def test_the_shortest_and_the_longest_key_are_taken(text: str) -> None:
    found = a_key(text)
    assert found is not None
    assert (found.act, found.text) == ("createBooking", text)


def test_a_reused_key_is_refused_with_the_remedy() -> None:
    assert "Use a new key for a new request." in str(IdempotencyKeyReused())
