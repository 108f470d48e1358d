"""Which values does the wire know beyond GraphQL's own, and what is refused at the door?

Python's own `datetime`, `date` and `time` stand for Instant, LocalDate and LocalTime, so domain
values go out as they are.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any, NewType

import phonenumbers
import strawberry

from gateways import time_zones

#: A wall time without a zone: a naive datetime, where an aware one is an Instant.
LocalDateTime = NewType("LocalDateTime", datetime)
TimeZone = NewType("TimeZone", str)
PhoneNumber = NewType("PhoneNumber", str)

_LOCAL_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?", re.ASCII)


def _text(value: Any, name: str, example: str) -> str:
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError(f'{name} is a text such as "{example}".')
    return value


def parse_instant(value: Any) -> datetime:
    """An instant from ISO 8601 with an offset; ValueError when the offset is missing."""
    example = "2026-03-14T09:00:00Z"
    text = _text(value, "Instant", example)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'Instant is ISO 8601 with an offset, such as "{example}".') from error
    if instant.tzinfo is None:
        raise ValueError(f'Instant needs an offset: write "{text}Z" for UTC.')
    if not 1970 <= instant.year <= 9998:
        raise ValueError("Instant must lie between the years 1970 and 9998.")
    return instant.astimezone(UTC)


def format_instant(value: datetime) -> str:
    """ISO 8601 in UTC with `Z`, to the microsecond where there is one."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def parse_date(value: Any) -> date:
    """A calendar date, YYYY-MM-DD."""
    text = _text(value, "LocalDate", "2026-03-14")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError('LocalDate is a calendar date such as "2026-03-14".') from error


def parse_time(value: Any) -> time:
    """A wall-clock time without a zone, HH:MM or HH:MM:SS."""
    text = _text(value, "LocalTime", "09:30")
    try:
        wall = time.fromisoformat(text)
    except ValueError as error:
        raise ValueError('LocalTime is a wall-clock time such as "09:30".') from error
    if wall.tzinfo is not None:
        raise ValueError('LocalTime carries no zone: write "09:30".')
    return wall


def parse_time_zone(value: Any) -> str:
    """An IANA time zone name that this server knows."""
    text = _text(value, "TimeZone", "Europe/London")
    if text not in time_zones.known():
        raise ValueError(f'"{text}" is no IANA time zone; write one such as "Europe/London".')
    return text


def parse_phone_number(value: Any) -> str:
    """A telephone number with its country code, made E.164."""
    text = _text(value, "PhoneNumber", "+442071838750")
    remedy = 'PhoneNumber is E.164, with the country code, such as "+442071838750".'
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException as error:
        raise ValueError(remedy) from error
    if not phonenumbers.is_valid_number(number):
        raise ValueError(remedy)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_local_date_time(value: Any) -> datetime:
    """A wall time without an offset, to the second, YYYY-MM-DDTHH:MM or YYYY-MM-DDTHH:MM:SS."""
    example = "2026-03-14T09:00"
    text = _text(value, "LocalDateTime", example)
    if not _LOCAL_DATE_TIME.fullmatch(text):
        raise ValueError(f'LocalDateTime has no offset and no fraction: write "{example}".')
    try:
        local = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'LocalDateTime is a time that exists, such as "{example}".') from error
    if not 1970 <= local.year <= 9998:
        raise ValueError("LocalDateTime must lie between the years 1970 and 9998.")
    return local


SCALARS: dict[object, Any] = {
    datetime: strawberry.scalar(
        name="Instant",
        description="A point in time, ISO 8601. In: any offset, but an offset. Out: UTC with `Z`.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=format_instant,
        parse_value=parse_instant,
    ),
    date: strawberry.scalar(
        name="LocalDate",
        description="A calendar date without a time zone, `YYYY-MM-DD`.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    time: strawberry.scalar(
        name="LocalTime",
        description="A wall-clock time without a date or time zone, `HH:MM` or `HH:MM:SS`.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=time.isoformat,
        parse_value=parse_time,
    ),
    LocalDateTime: strawberry.scalar(
        name="LocalDateTime",
        description="A time on the wall clock of a zone that is named beside it, without an "
        "offset, `YYYY-MM-DDTHH:MM` or `YYYY-MM-DDTHH:MM:SS`.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc5545#section-3.3.5",
        serialize=datetime.isoformat,
        parse_value=parse_local_date_time,
    ),
    TimeZone: strawberry.scalar(
        name="TimeZone",
        description='An IANA time zone name, such as "Europe/London".',
        specified_by_url="https://www.iana.org/time-zones",
        serialize=str,
        parse_value=parse_time_zone,
    ),
    PhoneNumber: strawberry.scalar(
        name="PhoneNumber",
        description='A telephone number in E.164, such as "+442071838750".',
        specified_by_url="https://www.itu.int/rec/T-REC-E.164",
        serialize=str,
        parse_value=parse_phone_number,
    ),
}
