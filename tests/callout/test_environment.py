"""Is a wrong environment told in words: which variable, what is wrong, what to do?"""

from __future__ import annotations

import pytest

from callout.environment import BadEnvironment, read_settings

RIGHT = {
    "DATABASE_URL": "postgresql://postgres@127.0.0.1/callout",
    "REDIS_URL": "redis://127.0.0.1",
    "CALLOUT_SECRET": "0123456789abcdef0123456789abcdef",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that is right."""
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def complaint() -> str:
    """What is said about the environment as it is."""
    with pytest.raises(BadEnvironment) as raised:
        read_settings()
    return str(raised.value)


def test_a_right_environment_makes_settings(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CALLOUT_PORT", "9000")

    assert read_settings().port == 9000


def test_everything_missing_is_named_with_its_remedy_at_once(
    environment: pytest.MonkeyPatch,
) -> None:
    for name in RIGHT:
        environment.delenv(name)

    said = complaint()

    assert "DATABASE_URL is not set; set it to postgresql://" in said
    assert "REDIS_URL is not set; set it to redis://" in said
    assert "CALLOUT_SECRET is not set; make one: openssl rand -hex 32" in said


def test_a_weak_secret_is_refused_and_not_repeated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CALLOUT_SECRET", "hunter2")

    said = complaint()

    assert "CALLOUT_SECRET needs at least 32 characters" in said
    assert "hunter2" not in said


def test_a_wrong_number_is_named_by_its_variable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CALLOUT_PORT", "http")

    assert "CALLOUT_PORT: input should be a valid integer" in complaint()
