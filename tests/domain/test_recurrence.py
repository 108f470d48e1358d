"""Which recurrence rules are taken, and what is said of the others?"""

from datetime import datetime

import pytest

from domain.recurrence import Frequency, Rule, parse
from domain.refusals import InvalidInput


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("FREQ=WEEKLY;BYDAY=MO;COUNT=24", "FREQ=WEEKLY;BYDAY=MO;COUNT=24"),
        (" rrule:freq=weekly;byday=mo,we;interval=2; ", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE"),
        ("FREQ=DAILY;INTERVAL=1", "FREQ=DAILY"),
        ("FREQ=DAILY;BYDAY=MO,TU;BYMONTH=1,12", "FREQ=DAILY;BYDAY=MO,TU;BYMONTH=1,12"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"),
        ("FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=-30", "FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=-30"),
        ("FREQ=DAILY;UNTIL=20270131T090000", "FREQ=DAILY;UNTIL=20270131T090000"),
        ("FREQ=DAILY;UNTIL=20270131", "FREQ=DAILY;UNTIL=20270131T235959"),
        ("FREQ=DAILY;WKST=SU;COUNT=366", "FREQ=DAILY;WKST=SU;COUNT=366"),
    ],
)
def test_a_rule_is_kept_in_the_words_of_the_standard(text: str, written: str) -> None:
    rule = parse(text)

    assert rule.text == written
    assert parse(written) == rule


def test_a_rule_knows_its_parts() -> None:
    assert parse("FREQ=WEEKLY;COUNT=3;INTERVAL=2;WKST=MO") == Rule(
        frequency=Frequency.WEEKLY, interval=2, count=3, parts=(("WKST", "MO"),)
    )
    assert parse("FREQ=DAILY;UNTIL=20270131T090000") == Rule(
        frequency=Frequency.DAILY, until=datetime.fromisoformat("2027-01-31 09:00")
    )


PARTS = "FREQ, INTERVAL, COUNT, UNTIL, WKST, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["Write 1 to 400 characters."]),
        ("FREQ=DAILY;" * 50, ["Write 1 to 400 characters."]),
        ("every Monday", [f"Write parts such as FREQ=WEEKLY out of {PARTS}."]),
        ("FREQ=DAILY;BYHOUR=1,2,3", [f"Write parts such as FREQ=WEEKLY out of {PARTS}."]),
        ("FREQ=YEARLY;BYWEEKNO=20", [f"Write parts such as FREQ=WEEKLY out of {PARTS}."]),
        ("FREQ=DAILY\nDTSTART:20260101", ["Write FREQ as one of DAILY, WEEKLY, MONTHLY, YEARLY."]),
        ("FREQ=DAILY;FREQ=DAILY", ["Write FREQ once."]),
        ("FREQ=HOURLY", ["Write FREQ as one of DAILY, WEEKLY, MONTHLY, YEARLY."]),
        ("COUNT=3", ["Write FREQ, such as FREQ=WEEKLY."]),
        (
            "FREQ=WEEKLY;BYDAY=XX;COUNT=0",
            ["Write BYDAY as days such as MO,WE or 1MO or -1FR.", "Write COUNT as 1 to 366."],
        ),
        ("FREQ=WEEKLY;INTERVAL=367", ["Write INTERVAL as 1 to 366."]),
        ("FREQ=WEEKLY;COUNT=367", ["Write COUNT as 1 to 366."]),
        ("FREQ=WEEKLY;COUNT=3;UNTIL=20270101", ["Write COUNT or UNTIL, not both."]),
        ("FREQ=WEEKLY;UNTIL=20270230", ["Write UNTIL as a day that exists."]),
        (
            "FREQ=WEEKLY;UNTIL=20270101T090000Z",
            ["Write UNTIL as local time: 20270131, or 20270131T090000 without Z."],
        ),
        ("FREQ=WEEKLY;BYDAY=1MO", ["Write days without numbers in a WEEKLY rule."]),
        ("FREQ=WEEKLY;BYMONTHDAY=1", ["Leave BYMONTHDAY out of a WEEKLY rule."]),
        (
            "FREQ=DAILY;BYSETPOS=2",
            [
                "Leave BYSETPOS out of a DAILY rule.",
                "Write BYSETPOS beside BYDAY or BYMONTHDAY.",
            ],
        ),
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30,31",
            ["No month of BYMONTH has a day of BYMONTHDAY."],
        ),
        (
            "FREQ=YEARLY;BYMONTH=4,6,9,11;BYMONTHDAY=-31",
            ["No month of BYMONTH has a day of BYMONTHDAY."],
        ),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused_with_all_that_is_wrong(
    text: str, messages: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(text)

    assert [(error.path, error.message) for error in refused.value.errors] == [
        (("rrule",), message) for message in messages
    ]
