"""The command line: what can one ask of `callout`?

A part is imported when it is asked for, so that each process carries only what it needs.
"""

from __future__ import annotations

import asyncio
import os
import sys
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from callout import demo as plays

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from db.engine import Database
    from gateways.settings import Settings

app = typer.Typer(
    name="callout",
    help="The back end of a field-service marketplace.",
    no_args_is_help=True,
    add_completion=False,
    # Its tracebacks show local variables, and some of ours are secrets.
    pretty_exceptions_enable=False,
)

_MISCONFIGURED = 2

#: The exported schema, at the top of a checkout.
_SCHEMA = Path("schema.graphql")


class Queue(StrEnum):
    """Which jobs a worker takes: the urgent ones or the long ones."""

    CRITICAL = "critical"
    SLOW = "slow"


def main() -> None:
    """Run the command line."""
    app()


def _known_policy(name: str | None) -> str | None:
    from domain.matching import POLICIES

    if name is None or name in POLICIES:
        return name
    raise typer.BadParameter(f"Name a scoring policy: {', '.join(POLICIES)}.")


@app.command()
def dev(
    port: Annotated[
        int, typer.Option(help="Port of the API; 0 picks one.", min=0, max=65535)
    ] = 8000,
    data_dir: Annotated[Path, typer.Option(help="Where all data is kept.")] = Path(".callout"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget all data first.")] = False,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Start with no demo data.")] = False,
) -> None:
    """Start everything on this machine: PostgreSQL, Redis, the API and the workers.

    With DATABASE_URL or REDIS_URL set, that server is used instead of one of our own.
    """
    from callout import dev as development
    from callout.embedded import free_port
    from callout.screen import Screen

    options = development.Options(
        port=port or free_port(), data_dir=data_dir, fresh=fresh, seed=not no_seed
    )
    try:
        development.main(options, Screen())
    except development.CannotStart as error:
        _fail(str(error), 1)


@app.command()
def serve(
    drain: Annotated[
        int, typer.Option(help="Seconds that requests get to finish at the end.", min=1)
    ] = 10,
) -> None:
    """Run the API, configured by the environment."""
    settings = _settings()
    from callout import serve as server

    server.run(settings, drain=drain)


@app.command()
def worker(
    queue: Annotated[Queue, typer.Argument(help="Which jobs to take.")] = Queue.CRITICAL,
    check: Annotated[
        bool, typer.Option("--check", help="Start none: succeed if one is at work already.")
    ] = False,
) -> None:
    """Run a worker, configured by the environment."""
    settings = _settings()
    if check:
        _check_worker(settings, queue)
        return
    from callout import logs, telemetry
    from callout.collector import collect_seldom
    from workers import main as workers

    logs.configure(settings)
    flush = telemetry.configure(settings, service=f"callout-worker-{queue}")
    collect_seldom()
    try:
        workers.run(settings, queue.value)
    finally:
        flush()


def _check_worker(settings: Settings, queue: Queue) -> None:
    from workers.health import is_at_work

    if not asyncio.run(is_at_work(settings, queue.value)):
        _fail(f"No {queue} worker is at work.", 1)


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date. Safe to run from several machines at once."""
    settings = _settings()
    from db import schema

    asyncio.run(_with_database(settings, schema.upgrade))


@app.command()
def seed() -> None:
    """Add the demo data and accounts. Doing so twice adds nothing."""
    settings = _settings()
    from callout.seeding import seed_demo

    if settings.is_production and "CALLOUT_SEED_PRODUCTION" not in os.environ:
        _fail(
            "This is a production installation (CALLOUT_MODE), and the demo accounts' passwords "
            "are public. If you are sure, set CALLOUT_SEED_PRODUCTION=1.",
            _MISCONFIGURED,
        )
    asyncio.run(_with_database(settings, seed_demo))


@app.command()
def demo(
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8000",
    scenario: Annotated[
        plays.Scenario, typer.Option(help=f"What to play. {plays.ABOUT}")
    ] = plays.Scenario.LIFE,
) -> None:
    """Play a scenario on a running development server, live, and print it.

    Ends with status 1 when anything is not as it has to be.
    """
    raise typer.Exit(plays.run(url, scenario))


@app.command()
def simulate(  # noqa: PLR0917  # the options of the command line, each by its name
    policy: Annotated[
        str, typer.Option(callback=_known_policy, help="The policy that chooses whom to ask.")
    ] = "v1",
    shadow: Annotated[
        str | None,
        typer.Option(callback=_known_policy, help="A policy whose choices are noted beside it."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Which day it is.", min=0)] = 1,
    providers: Annotated[int, typer.Option(help="How many there are.", min=1, max=500)] = 60,
    bookings: Annotated[int, typer.Option(help="How many are made.", min=1, max=2000)] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Play a synthetic day on a virtual clock and print how dispatch went.

    Needs no servers and leaves no trace. The same options always print the same.
    """
    from callout import simulation
    from callout.simulation import report
    from domain.matching import POLICIES

    figures = simulation.simulate(
        simulation.Options(
            policy=POLICIES[policy],
            shadow=POLICIES[shadow] if shadow else None,
            seed=seed,
            providers=providers,
            bookings=bookings,
        )
    )
    if as_json:
        sys.stdout.write(report.as_json(figures) + "\n")
    else:
        report.show(figures)


@app.command()
def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Compare with schema.graphql instead of printing.")
    ] = False,
) -> None:
    """Print the GraphQL schema."""
    from api import schema as api_schema

    text = api_schema.sdl()
    if not check:
        sys.stdout.write(text)
        return
    committed = _SCHEMA.read_text() if _SCHEMA.exists() else ""
    if difference := _difference(committed, text):
        sys.stdout.write(difference)
        _fail("schema.graphql is not what the code says; run: make schema", 1)


def _difference(committed: str, actual: str) -> str:
    old, new = committed.splitlines(keepends=True), actual.splitlines(keepends=True)
    return "".join(unified_diff(old, new, fromfile="schema.graphql", tofile="the code"))


def _settings() -> Settings:
    from callout.environment import BadEnvironment, read_settings

    try:
        return read_settings()
    except BadEnvironment as error:
        _fail(str(error), _MISCONFIGURED)


def _fail(message: str, status: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(status)


async def _with_database(settings: Settings, act: Callable[[Database], Awaitable[None]]) -> None:
    from db.engine import Database, is_unavailable

    database = Database(settings.sqlalchemy_url, pool=2, name="callout-cli")
    try:
        await act(database)
    except Exception as error:
        if not is_unavailable(error):
            raise
        _fail(f"The database (DATABASE_URL) cannot be reached: {error}", 1)
    finally:
        await database.close()
