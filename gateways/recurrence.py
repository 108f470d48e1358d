"""When does a recurrence rule come true? dateutil reckons; here its work is kept in bounds.

dateutil looks for the next start until the year 9999, which takes seconds for a rule that never
comes true again. The calendar repeats itself every 400 years, weekdays and leap days alike, so a
rule is reckoned as if it began near the end of time: 200 to 600 years before it, and its starts are
brought back.
"""

from __future__ import annotations

from datetime import MAXYEAR, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from dateutil.rrule import rrulestr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from domain.recurrence import Rule

#: How many days the Gregorian calendar takes to repeat itself.
_CYCLE: Final = timedelta(days=146_097)
_CYCLE_YEARS: Final = 400
#: The least years that are searched.
_ROOM: Final = 200


def expand(rule: Rule, first: datetime) -> Iterator[datetime]:
    """Every start by a rule that begins at the wall time `first`: domain.recurrence.Expand."""
    cycles = (MAXYEAR - _ROOM - first.year) // _CYCLE_YEARS
    ahead = max(cycles, 0) * _CYCLE
    text = rule.endless if rule.count is None else f"{rule.endless};COUNT={rule.count}"
    starts = (start - ahead for start in rrulestr(text, dtstart=first + ahead))
    until = rule.until
    return starts if until is None else takewhile(lambda start: start <= until, starts)
