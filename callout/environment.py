"""What does one say to somebody whose environment does not make sense?

Which variable it is, what is wrong with it and what to do; never the value, which may be a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gateways.settings import Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_REMEDIES: Final = {
    "DATABASE_URL": "set it to postgresql://user:password@host:5432/name",
    "REDIS_URL": "set it to redis://:password@host:6379/0",
    "CALLOUT_SECRET": "make one: openssl rand -hex 32",
}


class BadEnvironment(Exception):
    """The environment does not make settings; the message lists everything wrong with it."""


def read_settings() -> Settings:
    """The settings that the environment describes."""
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        wrong = "\n".join(f"  {_sentence(detail)}" for detail in error.errors())
        message = (
            f"Callout cannot start, its environment is not right:\n{wrong}\n"
            "For a server to try things on, which needs no settings: callout dev"
        )
        raise BadEnvironment(message) from None


def _sentence(detail: ErrorDetails) -> str:
    said = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        return said
    variable = _variable(str(detail["loc"][0]))
    if detail["type"] == "missing":
        return f"{variable} is not set; {_REMEDIES.get(variable, 'set it')}."
    return f"{variable}: {said[:1].lower()}{said[1:]}."


def _variable(location: str) -> str:
    """The environment variable of a settings field, which pydantic names by alias or by name."""
    known = Settings.model_fields.get(location)
    return f"CALLOUT_{location.upper()}" if known is not None else location
