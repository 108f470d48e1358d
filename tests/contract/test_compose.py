"""Is the installation that docker-compose.yml describes safe by default, and does it heal?"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from callout.cli import app
from db.seed import PASSWORD
from gateways.settings import DEVELOPMENT_SECRET

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
TEXT = FILE.read_text("utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = ("api", "migrate", "worker-critical", "worker-slow")
SECRETS = (
    "CALLOUT_SECRET",
    "CALLOUT_DATABASE_PASSWORD",
    "CALLOUT_REDIS_PASSWORD",
    "CALLOUT_RABBITMQ_PASSWORD",
)

#: Keys to services outside, without which the set runs all the same.
KEYS = ("CALLOUT_STRIPE_SECRET_KEY", "CALLOUT_STRIPE_WEBHOOK_SECRET")

every_service = pytest.mark.parametrize("name", sorted(SERVICES))


def compose_program() -> list[str] | None:
    """Docker's own reader of the file, where one is installed; it needs no Docker engine."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            asked = subprocess.run([*command, "version"], check=False, capture_output=True)
            if asked.returncode == 0:
                return command
    return None


COMPOSE_PROGRAM = compose_program()
needs_compose = pytest.mark.skipif(
    COMPOSE_PROGRAM is None, reason="Docker Compose is not installed: nothing resolves the file"
)


def resolve(folder: Path, *without: str) -> subprocess.CompletedProcess[str]:
    """What Compose makes of the file, with every secret set but those in `without`."""
    assert COMPOSE_PROGRAM
    # An empty one: a developer's own .env would answer for the missing secret.
    env_file = folder / "env"
    env_file.touch()
    secrets = {name: f"{name.lower()}-of-the-tests" for name in SECRETS if name not in without}
    rest = {name: value for name, value in os.environ.items() if not name.startswith("CALLOUT_")}
    return subprocess.run(
        [*COMPOSE_PROGRAM, "--env-file", str(env_file), "--file", str(FILE), "config"],
        check=False,
        capture_output=True,
        text=True,
        env=rest | secrets,
    )


def user_of(name: str) -> str:
    return str(SERVICES[name].get("user", "root")).partition(":")[0]


def environment_of(name: str) -> dict[str, str]:
    environment: dict[str, str] = SERVICES[name].get("environment", {})
    return environment


def test_the_parts_are_the_promised_ones() -> None:
    assert set(SERVICES) == {
        "api",
        "mailpit",
        "migrate",
        "postgres",
        "proxy",
        "rabbitmq",
        "redis",
        "worker-critical",
        "worker-slow",
    }


@every_service
def test_nothing_runs_as_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    assert user_of(name) not in {"root", "0"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@every_service
def test_programs_cannot_change_themselves(name: str) -> None:
    assert SERVICES[name]["read_only"] is (name != "rabbitmq")


@every_service
def test_memory_and_processes_are_bounded(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])
    assert SERVICES[name]["pids_limit"] > 0


@every_service
def test_health_is_watched(name: str) -> None:
    health = SERVICES[name].get("healthcheck", {})
    if name == "api":  # the image's own
        assert health == {}
        assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text("utf-8")
    elif name == "migrate":  # it ends, and how it ended is waited for
        assert health == {"disable": True}
    else:
        assert health["test"][0] in {"CMD", "CMD-SHELL"}
        assert health["retries"] >= 3


@every_service
def test_what_ends_is_started_again_but_for_the_migration(name: str) -> None:
    assert SERVICES[name]["restart"] == ("no" if name == "migrate" else "unless-stopped")


@every_service
def test_only_the_proxy_and_the_mail_viewer_have_ports_and_only_on_loopback(name: str) -> None:
    ports = SERVICES[name].get("ports", [])
    assert bool(ports) is (name in {"proxy", "mailpit"})
    assert all(port.startswith(("${CALLOUT_BIND:-127.0.0.1}:", "127.0.0.1:")) for port in ports)


@every_service
def test_images_are_pinned_to_a_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image.startswith("callout:") if name in OWN else re.search(r":v?\d+[.\d]*(-|$)", image)


def test_what_holds_the_data_has_no_way_out() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name: SERVICES[name]["networks"] for name in ("postgres", "redis", "rabbitmq")} == {
        "postgres": ["inside"],
        "redis": ["inside"],
        "rabbitmq": ["inside"],
    }


def test_only_the_proxy_can_speak_for_others_to_the_api() -> None:
    at_the_door = {name for name, service in SERVICES.items() if "door" in service["networks"]}
    assert at_the_door == {"api", "proxy"}
    subnet = COMPOSE["networks"]["door"]["ipam"]["config"][0]["subnet"]
    assert environment_of("api")["CALLOUT_TRUSTED_PROXIES"] == subnet


def test_what_is_scaled_has_neither_a_name_nor_a_port_of_its_own() -> None:
    for name in ("api", "worker-critical", "worker-slow"):
        assert {"container_name", "ports", "hostname"}.isdisjoint(SERVICES[name])


def test_callout_starts_after_what_it_needs() -> None:
    ready = {
        "migrate": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
    }
    assert {name: SERVICES[name]["depends_on"] for name in (*OWN, "proxy")} == {
        "api": ready,
        "worker-critical": ready,
        "worker-slow": ready,
        "migrate": {"postgres": {"condition": "service_healthy"}},
        "proxy": {"api": {"condition": "service_healthy"}},
    }


def test_data_outlives_its_container() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    named = {mount.partition(":")[0] for mount in mounts if not mount.startswith(".")}
    assert named == {"postgres", "redis", "rabbitmq"} == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OWN)
def test_callout_runs_in_production_by_commands_that_exist(name: str) -> None:
    program, command, *_ = SERVICES[name]["command"]
    known = {one.callback.__name__ for one in app.registered_commands if one.callback}
    assert program == "callout"
    assert command in known
    assert environment_of(name)["CALLOUT_MODE"] == "production"


def test_every_mention_of_a_secret_refuses_to_do_without_it() -> None:
    mentions = re.findall(r"\$\{?([A-Z_]*(?:SECRET|PASSWORD)[A-Z_]*)(:\?)?", TEXT)
    assert {name for name, _ in mentions} == {*SECRETS, *KEYS}
    assert {name for name, required in mentions if not required} == set(KEYS)


@every_service
def test_no_secret_is_written_down(name: str) -> None:
    # Addresses carry passwords, but for the one that the world is to know.
    environment = {k: v for k, v in environment_of(name).items() if k != "CALLOUT_PUBLIC_URL"}
    for variable, value in environment.items():
        if variable in KEYS:
            assert value == f"${{{variable}:-}}"
        elif re.search(r"SECRET|PASS|AUTH|_URL", variable):
            assert re.search(r"\$\{CALLOUT_[A-Z_]+:\?", value), f"{variable} is {value}"


def test_no_public_secret_is_in_the_files_of_the_installation() -> None:
    texts = [TEXT, *((ROOT / name).read_text("utf-8") for name in ("Dockerfile", ".dockerignore"))]
    assert not any(secret in text for text in texts for secret in (DEVELOPMENT_SECRET, PASSWORD))


@needs_compose
def test_compose_accepts_the_file_once_the_secrets_are_set(tmp_path: Path) -> None:
    done = resolve(tmp_path)
    assert done.returncode == 0, done.stderr
    resolved = yaml.safe_load(done.stdout)["services"]
    assert set(resolved) == set(SERVICES)
    assert resolved["api"]["environment"]["DATABASE_URL"] == (
        "postgresql://callout:callout_database_password-of-the-tests@postgres:5432/callout"
    )
    assert json.dumps(resolved["postgres"]["healthcheck"]["test"]).count("pg_isready") == 1


@needs_compose
@pytest.mark.parametrize("secret", SECRETS)
def test_compose_refuses_to_start_without_a_secret(tmp_path: Path, secret: str) -> None:
    done = resolve(tmp_path, secret)
    assert done.returncode != 0
    assert "openssl rand -hex 32" in done.stderr


def dockerfile_stages() -> list[str]:
    return re.split(r"(?m)^FROM ", (ROOT / "Dockerfile").read_text("utf-8"))[1:]


def test_the_image_is_built_from_hashed_locks_and_runs_unprivileged() -> None:
    build, final = dockerfile_stages()
    installs = re.findall(r"pip install ([^\n\\&]*)-r", build)
    assert len(installs) == 2
    assert all("--require-hashes" in options for options in installs)
    assert "--no-build-isolation" in build
    assert re.search(r"(?m)^USER 10001:10001$", final)
    assert final.rstrip().endswith('CMD ["callout", "serve"]')


def test_the_image_is_built_of_named_folders_only() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not any(".env" in rule or rule in {"!.", "!*"} for rule in rules if rule[0] == "!")
