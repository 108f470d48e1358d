"""What does a log line look like, and what never gets into one?

One line is one event with its facts: JSON in production, words in development. Request and error
ids are bound as context variables by those who have them and appear on every line below. A fact
whose name says that it is a secret is hidden, however deep it lies.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import EventDict, Processor, WrappedLogger

    from gateways.settings import Settings

_SECRET_WORDS: Final = (
    "password",
    "secret",
    "token",
    "authorization",
    "cookie",
    "api_key",
    "database_url",
    "redis_url",
)
_HIDDEN: Final = "[hidden]"
#: Whoever has the address of a calendar can read it, and a link's token is all it takes.
_SECRET_PATH: Final = re.compile(r"(/calendar/|/receipts/|[?&]token=).*", re.IGNORECASE | re.DOTALL)


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank every fact whose name says it is a secret."""
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return _HIDDEN
    if isinstance(value, dict):
        return {key: _shown(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown("", inner) for inner in value]
    return value


def shown_path(path: str) -> str:
    """The path of a request without what only its sender should know."""
    return _SECRET_PATH.sub(rf"\1{_HIDDEN}", path)


def _hide_path(record: logging.LogRecord) -> bool:
    """Blank secrets in the path of a line of uvicorn's access log."""
    if isinstance(record.args, tuple):
        record.args = tuple(shown_path(a) if isinstance(a, str) else a for a in record.args)
    return True


def _to_json(value: Mapping[str, Any], **_: Any) -> str:
    return orjson.dumps(value, default=repr).decode()


def configure(settings: Settings) -> None:
    """Send this process's log, and that of the libraries in it, to standard output."""
    to_machines = settings.log_format == "json"
    clock = structlog.processors.TimeStamper(
        fmt="iso" if to_machines else "%H:%M:%S", utc=to_machines
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        clock,
        structlog.stdlib.ExtraAdder(),
        hide_secrets,
    ]
    if to_machines:
        last: list[Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ]
    else:
        # The prettier tracebacks print the variables of each frame, and so what people typed.
        plain = structlog.dev.plain_traceback
        last = [
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, exception_formatter=plain)
        ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    access = logging.getLogger("uvicorn.access")
    if _hide_path not in access.filters:
        access.addFilter(_hide_path)
    # Their lines about each connection and each job say what ours say better.
    for chatty in ("uvicorn.error", "arq.worker", "alembic", "httpx"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=True,
    )
