"""What does somebody see who runs `callout dev`?

The children's lines under their names, notices when something happens to one, and a single screen
when everything is up: where things are, who can sign in, what to try.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS: Final = {
    "postgres": "blue",
    "redis": "red",
    "api": "green",
    "worker-critical": "magenta",
    "worker-slow": "cyan",
}
_WIDEST_NAME: Final = max(map(len, _COLOURS))


class Screen:
    """The terminal, or the file that output goes to."""

    def __init__(self) -> None:
        """Write to standard output."""
        # soft_wrap: a log line stays one line, for those who search it.
        self._console = Console(highlight=False, soft_wrap=True)

    def line(self, name: str, text: str) -> None:
        """Show a line that the child `name` printed."""
        label = Text(f"{name:<{_WIDEST_NAME}} │ ", style=_COLOURS.get(name, ""))
        self._console.print(label + Text.from_ansi(text))

    def notice(self, text: str) -> None:
        """Show a sentence of our own."""
        self._console.print(Text(f"{'callout':<{_WIDEST_NAME}} │ ", style="bold") + Text(text))

    def welcome(
        self,
        *,
        base: str,
        program: str,
        seconds: float,
        notes: Sequence[str],
        accounts: Sequence[tuple[str, str]],
        password: str,
    ) -> None:
        """Show that everything is up, where it is, who can sign in and what to try."""
        parts: list[Table | Text] = [_addresses(base), _blank()]
        if accounts:
            parts += [_accounts(accounts, password), _blank()]
        parts += [_suggestions(base, program), _blank()]
        parts += [Text(note, style="dim") for note in notes]
        title = f"[bold]Callout[/] is up, in {seconds:.1f} s"
        panel = Panel(
            Group(*parts),
            title=title,
            subtitle="Ctrl-C stops everything",
            padding=(1, 2),
            width=100,
        )
        self._console.print(panel, soft_wrap=False)


def _blank() -> Text:
    return Text()


def _addresses(base: str) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="bold")
    table.add_column(style="cyan")
    for name, path in (
        ("Start here", "/"),
        ("GraphiQL", "/graphiql"),
        ("GraphQL API", "/graphql"),
        ("Health", "/healthz and /readyz"),
    ):
        table.add_row(name, f"{base}{path}")
    return table


def _accounts(accounts: Sequence[tuple[str, str]], password: str) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column()
    table.add_column()
    table.add_row(Text("Sign in as", style="bold"), f"the password of each is [cyan]{password}[/]")
    for role, members in groupby(accounts, key=itemgetter(0)):
        first, *others = (email for _, email in members)
        names = ", ".join(email.partition("@")[0] for email in others)
        more = Text(f"  also {names}", style="dim") if others else Text()
        table.add_row(Text(role.lower()), Text(first, style="cyan") + more)
    return table


def _suggestions(base: str, program: str) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    table.add_row(Text("Try", style="bold"))
    table.add_row(f"{program} demo --url {base}", "one booking's whole life, live")
    table.add_row("  … --scenario scheduling", "slots, holds, moves, series, fees, the waitlist")
    table.add_row("GraphiQL", "a tab for each role, sign-in by click")
    table.add_row(f"{program} schema", "the API in GraphQL's own words")
    return table
