"""How are a synthetic day's figures shown? As tables for people, or as JSON for programs.

Both say what the day is not. What they say and how wide it is depends on nothing but the figures.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callout.simulation.figures import Agreement, Choices, Figures, Shadow

_WIDTH: Final = 100
_NOTHING: Final = "-"

WHAT_IT_IS: Final = (
    "A synthetic day. Its people, their work and what they say to an offer are made up from the "
    "seed; only the decisions are production's own. It can set one policy beside another. It "
    "foretells nothing, and one seed is one throw of the dice: look at several."
)
LEAVES_OUT: Final = (
    "cancelling, moving, no-shows, handing work back, illness, running late",
    "approval, terms, payment and reviews: a rating stays what it was at dawn",
    "holds, the waitlist, series, dispatchers, and bookings of a provider by name",
    "the answer that nobody is free: such bookings are taken, and end unfilled",
    "the limit of 200 candidates to a round, and everything that takes time or fails in machines",
)


def as_json(figures: Figures) -> str:
    """The figures as one JSON object: shares from 0 to 1, times in seconds, distances in miles,
    and null for what there was nothing to reckon from."""
    about = {"synthetic": True, "what_it_is": WHAT_IT_IS, "leaves_out": LEAVES_OUT}
    return json.dumps({"about": about, **asdict(figures)}, indent=2)


def show(figures: Figures) -> None:
    """Print the figures on standard output."""
    console = Console(width=_WIDTH, highlight=False)
    day = figures.day
    title = f"Seed {day.seed}: {day.providers} providers, {day.bookings} bookings, "
    console.print(Text(f"{title}policy {figures.policy}", style="bold"))
    for heading, rows in _parts(figures):
        console.print(Text(f"\n{heading}", style="bold"))
        console.print(_table(rows))
    if figures.shadow is not None:
        console.print(Text(f"\nPolicy {figures.shadow.policy} in shadow", style="bold"))
        console.print(_beside(figures.policy, figures.shadow))
    console.print(Text("\nWhat this is", style="bold"))
    console.print(Text(f"{WHAT_IT_IS} It leaves out:"))
    for one in LEAVES_OUT:
        console.print(Text(f"- {one}"))


def _parts(figures: Figures) -> Iterable[tuple[str, list[tuple[str, str]]]]:
    bookings, offers, winners = figures.bookings, figures.offers, figures.winners
    fairness = figures.fairness
    yield (
        "Bookings",
        [
            ("Assigned", f"{bookings.assigned} ({_percent(bookings.assignment_rate)})"),
            *((f"  by {wave}", str(number)) for wave, number in bookings.by_wave.items()),
            ("Unfilled", str(bookings.unfilled)),
            ("  nobody could do it whenever it was looked at", str(bookings.out_of_reach)),
            ("Time to assign, half within", _time(bookings.seconds_to_assign_p50)),
            ("Time to assign, nine of ten within", _time(bookings.seconds_to_assign_p90)),
        ],
    )
    yield (
        "Offers",
        [
            ("Made", str(offers.made)),
            ("For each assignment", _number(offers.per_assignment)),
            ("Accepted", _percent(offers.acceptance_rate)),
            ("Rejected", _percent(offers.rejection_rate)),
            ("Expired", _percent(offers.expiry_rate)),
            ("Withdrawn", _percent(offers.withdrawal_rate)),
        ],
    )
    yield (
        "Winners",
        [
            ("Mean score", _number(winners.mean_score)),
            ("Mean distance", f"{_number(winners.mean_miles)} miles"),
        ],
    )
    yield (
        "Fairness",
        [
            ("Providers who got work", _percent(fairness.share_who_worked)),
            ("Jobs per provider, Gini", _number(fairness.gini)),
            ("Newcomers among providers", _percent(fairness.newcomers)),
            ("Newcomers' share of jobs", _percent(fairness.newcomers_share_of_jobs)),
        ],
    )


def _table(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    table.add_column(min_width=46)
    table.add_column(justify="right", min_width=14)
    for row in rows:
        table.add_row(*row)
    return table


def _beside(live: str, shadow: Shadow) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("", min_width=46)
    table.add_column("all rounds", justify="right", min_width=14)
    table.add_column("TARGETED", justify="right", min_width=14)
    columns = [
        [*_agreed(one), *_chosen(live, one.live), *_chosen(shadow.policy, one.shadow)]
        for one in (shadow.all_rounds, shadow.targeted)
    ]
    for (label, everywhere), (_, targeted) in zip(*columns, strict=True):
        table.add_row(label, everywhere, targeted)
    return table


def _agreed(one: Agreement) -> list[tuple[str, str]]:
    return [
        ("Rounds", str(one.rounds)),
        ("Same first choice", _percent(one.same_first)),
        ("Mean overlap of the chosen", _percent(one.overlap)),
    ]


def _chosen(policy: str, choices: Choices) -> list[tuple[str, str]]:
    return [
        (f"{policy}: mean score, by its own points", _number(choices.mean_score)),
        (f"{policy}: newcomers' share of the chosen", _percent(choices.newcomers_share)),
        (f"{policy}: Gini of the chosen", _number(choices.gini)),
    ]


def _percent(share: float | None) -> str:
    return _NOTHING if share is None else f"{share * 100:.1f} %"


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f}"


def _time(seconds: int | None) -> str:
    if seconds is None:
        return _NOTHING
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
