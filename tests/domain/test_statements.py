"""Does a statement come to its payout, kind by kind?"""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.ledger import LineKind
from domain.money import Money
from domain.statements import KindTotal, NotThePayout, Statement, StatementLine
from tests.domain.test_payouts import a_payout
from tests.factories import NOW


def a_line(number: int, kind: LineKind, minor: int, currency: str = "GBP") -> StatementLine:
    return StatementLine(
        id=UUID(int=number),
        kind=kind,
        amount=Money(amount_minor=minor, currency=currency),
        at=NOW,
    )


def a_statement(*lines: StatementLine) -> Statement:
    return Statement(payout=a_payout(), time_zone="Europe/London", lines=lines)


def test_the_lines_of_each_kind_are_summed_up() -> None:
    statement = a_statement(
        a_line(1, LineKind.TIP, 500),
        a_line(2, LineKind.EARNING, 4000),
        a_line(3, LineKind.CLAWBACK, -700),
        a_line(4, LineKind.EARNING, 2200),
    )
    assert statement.totals == (
        KindTotal(kind=LineKind.EARNING, amount=Money(amount_minor=6200, currency="GBP"), lines=2),
        KindTotal(kind=LineKind.TIP, amount=Money(amount_minor=500, currency="GBP"), lines=1),
        KindTotal(kind=LineKind.CLAWBACK, amount=Money(amount_minor=-700, currency="GBP"), lines=1),
    )


def test_lines_that_do_not_come_to_the_payout_are_no_statement() -> None:
    for line in (a_line(1, LineKind.EARNING, 5999), a_line(1, LineKind.EARNING, 6000, "EUR")):
        with pytest.raises(NotThePayout):
            a_statement(line)
