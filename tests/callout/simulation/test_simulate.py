"""Does `callout simulate` print the same for the same, anywhere, and fail in words?"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from callout.cli import app

SMALL = ("--providers", "20", "--bookings", "25")
SHADOWED = ("--policy", "v1", "--shadow", "v2", "--seed", "5", *SMALL)
#: No server, and no setting of one.
BARE = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}


def in_process(*arguments: str) -> str:
    """What `callout simulate` prints in this process."""
    done = CliRunner().invoke(app, ["simulate", *arguments], env={"COLUMNS": "40"})
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def as_process(*arguments: str, **surroundings: str) -> bytes:
    """What `callout simulate` prints as a process of its own, without anything to connect to."""
    command = [sys.executable, "-m", "callout", "simulate", *arguments]
    done = subprocess.run(command, env={**BARE, **surroundings}, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


def test_the_same_day_prints_the_same_bytes_wherever_and_whenever_it_is_played() -> None:
    here = in_process(*SHADOWED).encode()

    assert as_process(*SHADOWED, PYTHONHASHSEED="1", TZ="Asia/Kathmandu", COLUMNS="200") == here
    assert as_process(*SHADOWED, PYTHONHASHSEED="2", LC_ALL="C", TERM="dumb") == here


def test_json_is_the_same_too_and_alone_on_the_output() -> None:
    here = in_process(*SHADOWED, "--json")

    assert as_process(*SHADOWED, "--json", PYTHONHASHSEED="3").decode() == here
    read = json.loads(here)
    assert read["day"] == {"seed": 5, "providers": 20, "bookings": 25}
    assert (read["policy"], read["shadow"]["policy"]) == ("v1", "v2")


def test_another_seed_is_another_day() -> None:
    assert in_process("--seed", "6", *SMALL) != in_process("--seed", "7", *SMALL)


def test_a_shadow_is_shown_beside_the_same_day() -> None:
    alone = in_process("--seed", "5", *SMALL)
    beside = in_process(*SHADOWED)
    before, found, after = beside.partition("\nPolicy v2 in shadow\n")

    assert found
    assert alone.startswith(before)
    assert after.endswith(alone.removeprefix(before).lstrip("\n"))


def test_any_policy_can_be_the_real_one() -> None:
    read = json.loads(in_process("--policy", "v2", *SMALL, "--json"))

    assert (read["policy"], read["shadow"]) == ("v2", None)
    assert read["bookings"]["requested"] == 25


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--policy", "v0"), "v1, v2"),
        (("--shadow", "best"), "v1, v2"),
        (("--shadow", ""), "v1, v2"),
        (("--providers", "0"), "--providers"),
        (("--providers", "501"), "--providers"),
        (("--bookings", "0"), "--bookings"),
        (("--bookings", "many"), "--bookings"),
        (("--seed", "-1"), "--seed"),
        (("--days", "2"), "--days"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(arguments: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(app, ["simulate", *arguments])

    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.output
    assert done.stdout == ""
