"""Is a log line one JSON event with its facts, and without anybody's secrets?"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from callout import logs
from gateways.settings import DEVELOPMENT_SECRET, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def configured(**changes: object) -> None:
    """Set logging up as a process with these settings would."""
    facts = {
        "mode": "development",
        "database_url": "postgresql://postgres@127.0.0.1/x",
        "redis_url": "redis://127.0.0.1",
        "secret": DEVELOPMENT_SECRET,
    }
    logs.configure(Settings.model_validate(facts | changes))


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """The lines written so far."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_one_event_with_its_facts_and_those_of_its_context(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configured()
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("api.test").warning("booking.refused", code="SLOT_TAKEN")

    [line] = written(capsys)
    assert line.pop("timestamp")
    assert line == {
        "event": "booking.refused",
        "code": "SLOT_TAKEN",
        "request_id": "r-1",
        "level": "warning",
        "logger": "api.test",
    }


def test_a_library_speaks_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configured()
    logging.getLogger("some.library").warning("lost %s", "it", extra={"attempt": 2})

    [line] = written(capsys)
    assert (line["event"], line["level"], line["attempt"]) == ("lost it", "warning", 2)


def test_an_error_carries_its_traceback_in_the_same_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configured()
    try:
        int("odd")
    except ValueError:
        structlog.get_logger().exception("job.failed")

    [line] = written(capsys)
    assert "ValueError: invalid literal" in str(line["exception"])


@pytest.mark.parametrize(
    "facts",
    [
        {"password": "hunter2"},
        {"refreshToken": "hunter2"},
        {"Authorization": "Bearer hunter2"},
        {"input": {"newPassword": "hunter2"}},
        {"headers": [{"cookie": "hunter2"}]},
        {"DATABASE_URL": "postgresql://postgres:hunter2@db/x"},
    ],
)
def test_a_secret_is_hidden_however_deep_it_lies(
    capsys: pytest.CaptureFixture[str], facts: dict[str, object]
) -> None:
    configured()
    structlog.get_logger().info("signed_in", **facts)

    output = capsys.readouterr().out
    assert "[hidden]" in output
    assert "hunter2" not in output


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configured(log_level="warning")
    structlog.get_logger().info("too.quiet")
    logging.getLogger("some.library").info("too quiet")

    assert capsys.readouterr().out == ""


def test_a_developer_reads_words(capsys: pytest.CaptureFixture[str]) -> None:
    configured(log_format="console")
    structlog.get_logger("api.test").info("offer.made", score=185, token="hunter2")

    output = capsys.readouterr().out
    assert "offer.made" in output
    assert "score=185" in output
    assert "hunter2" not in output
