"""Does one command give a developer everything, keep it up, and leave nothing behind?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from time import monotonic

import psutil
import pytest

from db.seed import ACCOUNTS, PASSWORD
from tests.journeys.development import Development, develop

SIGN_UP = """
    mutation ($email: String!, $password: String!) {
      signUp(input: {email: $email, password: $password, givenName: "Kit", familyName: "Kept"}) {
        __typename
      }
    }
"""
SIGN_IN = """
    mutation ($email: String!, $password: String!) {
      signIn(input: {email: $email, password: $password}) { __typename }
    }
"""
KIT = {"email": "kit@example.com", "password": "a long enough phrase"}
CARLA = {"email": ACCOUNTS[0].email, "password": PASSWORD}

PROGRAMS = {
    "postgres": "bin/postgres",
    "redis": "redis-server",
    "api": "callout serve",
    "worker-critical": "callout worker critical",
    "worker-slow": "callout worker slow",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    """One `callout dev` that is up, for all the tests that only look, or that it recovers from."""
    with develop(tmp_path_factory.mktemp("dev") / "data") as development:
        development.until_said("Ctrl-C stops everything")
        yield development


def test_the_screen_says_where_everything_is_and_who_can_sign_in(running: Development) -> None:
    for path in ("/", "/graphiql", "/graphql", "/healthz"):
        assert f"{running.url}{path}" in running.output
    for role in {account.role for account in ACCOUNTS}:
        assert f" {role.lower()} " in running.output
    assert PASSWORD in running.output
    assert f"callout demo --url {running.url}" in running.output


def test_it_is_alive_ready_and_has_the_demo_accounts(running: Development) -> None:
    assert running.status("/healthz") == 200
    assert running.status("/readyz") == 200
    assert running.ask(SIGN_IN, **CARLA) == {"signIn": {"__typename": "SignInSuccess"}}


def test_nothing_of_it_listens_to_other_machines(running: Development) -> None:
    listening = {
        connection.laddr.ip
        for process in running.family()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert listening == {"127.0.0.1"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_child_that_dies_is_named_and_started_again(running: Development, name: str) -> None:
    before = running.child(PROGRAMS[name])
    before.send_signal(SIGKILL)

    running.until_said(rf"callout +│ {name} was ended by SIGKILL; starting it again")
    running.until_other_child(PROGRAMS[name], than=before)
    running.until_ready()


def test_workers_that_leave_because_redis_dropped_are_started_again(running: Development) -> None:
    workers = ("worker-critical", "worker-slow")
    started = {name: 1 + running.count(rf"{name} .*starting it again") for name in workers}
    for name in workers:
        # One that is still starting has no Redis to lose.
        running.until_said(rf"{name} +│.*worker.started", times=started[name])

    running.child(PROGRAMS["redis"]).send_signal(SIGKILL)

    for name in workers:
        running.until_said(rf"{name} ended with status 1; starting it again")
        running.until_said(rf"{name} +│.*worker.started", times=started[name] + 1)


def test_a_second_one_on_the_same_data_is_refused_and_names_the_first(
    running: Development,
) -> None:
    with develop(running.folder) as second:
        assert second.process.wait(timeout=30) == 1
        assert f"process {running.process.pid}" in second.output
        assert "--data-dir" in second.output


def test_a_taken_port_is_named_with_the_remedy(running: Development, tmp_path: Path) -> None:
    with develop(tmp_path / "data", port=running.port) as second:
        assert second.process.wait(timeout=30) == 1
        assert f"Port {running.port} cannot be used" in second.output
        assert f"--port {running.port + 1}" in second.output
    assert not (tmp_path / "data").exists()


def test_ctrl_c_stops_everything_and_the_next_start_finds_the_data(tmp_path: Path) -> None:
    with develop(tmp_path / "data") as first:
        first.until_said("Ctrl-C stops everything")
        assert first.ask(SIGN_UP, **KIT) == {"signUp": {"__typename": "SignUpSuccess"}}
        family = first.family()

        asked = monotonic()
        assert first.stop() == 0
        assert monotonic() - asked < 10
        assert [process for process in family if process.is_running()] == []

    with develop(tmp_path / "data") as second:
        second.until_said("Ctrl-C stops everything")
        assert second.ask(SIGN_IN, **KIT) == {"signIn": {"__typename": "SignInSuccess"}}

    with develop(tmp_path / "data", "--fresh", "--no-seed") as third:
        third.until_said("Ctrl-C stops everything")
        assert "Sign in as" not in third.output
        for account in (KIT, CARLA):
            answer = third.ask(SIGN_IN, **account)
            assert answer["signIn"]["__typename"] != "SignInSuccess"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells of a parent's death on Linux")
def test_kill_9_leaves_no_process_and_no_obstacle(tmp_path: Path) -> None:
    with develop(tmp_path / "data") as killed:
        killed.until_said("Ctrl-C stops everything")
        family = killed.family()
        killed.process.kill()
        killed.process.wait()

        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []

    with develop(tmp_path / "data") as again:
        again.until_said("Ctrl-C stops everything")
        assert again.ask(SIGN_IN, **CARLA) == {"signIn": {"__typename": "SignInSuccess"}}
