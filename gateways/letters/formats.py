"""How are dates, times and sums written where the reader lives?

By the reader's locale, and dates and times by the reader's own clock. A locale that nobody knows
is read as British English.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

if TYPE_CHECKING:
    from datetime import date, datetime

    from babel.numbers import NumberPattern

    from domain.money import Money
    from domain.people import User

#: Between a letter and the digit after it.
_RUN_TOGETHER: Final = re.compile(r"(?<=[^\W\d_])(?=\d)")
_TO: Final = "\N{EN DASH}"

BRITISH: Final = Locale("en", "GB")


@lru_cache(maxsize=1024)
def locale_of(tag: str) -> Locale:
    """The locale that a BCP 47 tag names: what is known of it, or British English."""
    # Extensions, as in de-DE-u-co-phonebk, change nothing that is written here.
    parts = tag.replace("_", "-").split("-")
    ends = (number for number, part in enumerate(parts) if len(part) == 1)
    known = parts[: next(ends, len(parts))]
    for length in range(len(known), 0, -1):
        try:
            return Locale.parse("-".join(known[:length]), sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return BRITISH


def sum_of(money: Money, locale: Locale) -> str:
    """A sum as it is written there: "£40.50", "40,50 £"."""
    amount = Decimal(money.amount_minor).scaleb(-money.decimals)
    pattern = _pattern(locale, money.decimals)
    written: str = pattern.apply(amount, locale, currency=money.currency, currency_digits=False)
    # A currency's letters, where it has no sign of its own, stand apart: not "CHF40.50".
    return _RUN_TOGETHER.sub("\u00a0", written)


@cache
def _pattern(locale: Locale, decimals: int) -> NumberPattern:
    # As many decimals as the currency has minor units: what is usual in its shops, and in the
    # tables of locales, may be fewer.
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return pattern


@dataclass(frozen=True, slots=True)
class Clock:
    """One reader's clock, and how they write what it says."""

    locale: Locale
    zone: ZoneInfo
    #: The house's. Where both tell the same time, nobody needs to be told whose it is.
    house_zone: ZoneInfo

    @classmethod
    def of(cls, reader: User, house_zone: str) -> Clock:
        """The clock of a person."""
        return cls(locale_of(reader.locale), ZoneInfo(reader.time_zone), ZoneInfo(house_zone))

    def date(self, day: date) -> str:
        """Monday 8 June 2026."""
        return format_date(day, "full", self.locale)

    def day(self, at: datetime) -> str:
        """Wednesday, 3 June 2026."""
        return self.date(self._local(at).date())

    def time(self, at: datetime) -> str:
        """14:00, and by which clock where that can be doubted."""
        return f"{self._time(at)}{self._long_zone(at)}"

    def moment(self, at: datetime) -> str:
        """Wednesday, 3 June 2026, 14:00."""
        return f"{self.day(at)}, {self.time(at)}"

    def window(self, starts_at: datetime, ends_at: datetime) -> str:
        """Wednesday, 3 June 2026, 14:00 to 16:00."""
        if self._local(starts_at).date() != self._local(ends_at).date():
            return f"{self.day(starts_at)}, {self._time(starts_at)} {_TO} {self.moment(ends_at)}"
        times = f"{self._time(starts_at)}{_TO}{self._time(ends_at)}"
        return f"{self.day(starts_at)}, {times}{self._long_zone(starts_at)}"

    def short_moment(self, at: datetime) -> str:
        """Wed 3 Jun, 14:00."""
        return f"{format_skeleton('MMMEd', self._local(at), locale=self.locale)}, {self.short(at)}"

    def short(self, at: datetime) -> str:
        """14:00, or 9:00 EDT."""
        local = self._local(at)
        if not self._is_in_doubt(at):
            return self._time(at)
        name, offset = f"{local:%Z}", f"{local:%z}"
        zone = name if name.isalpha() else f"UTC{offset[:3]}:{offset[3:5]}"
        return f"{self._time(at)} {zone}"

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def _time(self, at: datetime) -> str:
        return format_time(self._local(at), "short", locale=self.locale, tzinfo=self.zone)

    def _long_zone(self, at: datetime) -> str:
        if not self._is_in_doubt(at):
            return ""
        return f" ({get_timezone_name(self._local(at), 'long', locale=self.locale)})"

    def _is_in_doubt(self, at: datetime) -> bool:
        return self._local(at).utcoffset() != at.astimezone(self.house_zone).utcoffset()
