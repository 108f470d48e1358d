"""Do links begin with an address that the world can call, and are the limits those of the rules?"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pytest
from pydantic import ValidationError

from callout import dev
from gateways.settings import DEVELOPMENT_SECRET, Settings


def settings(**changes: Any) -> Settings:
    facts = {
        "mode": "development",
        "database_url": "postgresql://postgres@127.0.0.1/x",
        "redis_url": "redis://127.0.0.1",
        "secret": DEVELOPMENT_SECRET,
    }
    return Settings.model_validate(facts | changes)


def outside_url(**changes: Any) -> str:
    return settings(**changes).outside_url


def test_the_limits_are_those_of_the_rules_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_rule = settings()
    monkeypatch.setenv("CALLOUT_OFFER_LISTING_LIMIT", "7")
    monkeypatch.setenv("CALLOUT_ACCEPT_LIMIT", "8")
    monkeypatch.setenv("CALLOUT_REJECT_LIMIT", "9")
    said = settings()

    limits = attrgetter("offer_listing_limit", "accept_limit", "reject_limit")
    assert (limits(by_rule), limits(said)) == ((100, 20, 50), (7, 8, 9))


def test_a_variable_that_is_passed_on_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "ACCEPT_LIMIT"):
        monkeypatch.setenv(f"CALLOUT_{name}", "")
    keys = attrgetter("stripe_secret_key", "stripe_webhook_secret", "accept_limit")
    assert keys(settings()) == (None, None, 20)


def test_stripe_has_both_its_keys_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLOUT_STRIPE_SECRET_KEY", "sk_1")
    with pytest.raises(ValidationError, match="CALLOUT_STRIPE_WEBHOOK_SECRET must be set"):
        settings()
    monkeypatch.setenv("CALLOUT_STRIPE_WEBHOOK_SECRET", "whsec_1")
    assert settings().stripe_secret_key is not None


def test_development_raises_limits_that_there_are() -> None:
    named = {name.removeprefix("CALLOUT_").lower() for name in dev._LIMITS}

    assert named == {"sign_in_limit", "offer_listing_limit", "accept_limit", "reject_limit"}
    assert named <= Settings.model_fields.keys()


@pytest.mark.parametrize(
    ("facts", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"port": 9000}, "http://127.0.0.1:9000"),
        ({"host": "callout.internal"}, "http://callout.internal:8000"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"host": "::"}, "http://127.0.0.1:8000"),
        ({"host": "::1"}, "http://[::1]:8000"),
    ],
)
def test_unless_told_the_outside_address_is_where_the_server_listens(
    facts: dict[str, Any], url: str
) -> None:
    assert outside_url(**facts) == url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://callout.example.com", "https://callout.example.com"),
        ("https://callout.example.com/", "https://callout.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://example.com/callout/", "https://example.com/callout"),
    ],
)
def test_an_address_that_is_told_is_taken_without_the_slash_at_its_end(
    given: str, url: str
) -> None:
    assert outside_url(public_url=given, port=9000) == url


@pytest.mark.parametrize(
    "given",
    ["", "callout.example.com", "ftp://example.com", "https://", "https://a b", "https://a/?b=c"],
)
def test_what_is_no_address_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(ValidationError, match="CALLOUT_PUBLIC_URL is an address such as"):
        outside_url(public_url=given)


def test_an_address_never_carries_a_password() -> None:
    with pytest.raises(ValidationError):
        outside_url(public_url="https://me:hunter2@example.com")
