"""Does the server speak GraphQL over HTTP as its specification's own suite understands it?"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from api.schema import whole
from gateways.settings import Settings
from tests.api.door import opened

_HERE: Final = Path(__file__).parent
_FILES: Final = ("package.json", "package-lock.json", "audits.mjs")
_AUDITS: Final = 61


@pytest.fixture(scope="session")
def suite(pytestconfig: pytest.Config) -> Path:
    """A folder with the suite installed, as the lock file pins it."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is absent: the graphql-http audits need Node.js 18 or newer")
    assert pytestconfig.cache is not None
    lock = hashlib.sha256((_HERE / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = pytestconfig.cache.mkdir(f"graphql-http-{lock}")
    for name in _FILES:
        shutil.copy(_HERE / name, folder)
    if not (folder / "node_modules" / ".package-lock.json").exists():
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=folder, check=True, capture_output=True, text=True)
    return folder


async def test_the_server_passes_every_audit_of_graphql_http(
    settings: Settings, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(settings, schema=whole()) as door:
        results = await _audited(suite, f"http://{door.host}/graphql")
    passed = [result for result in results if result["status"] == "ok"]
    with capsys.disabled():
        print(f"\ngraphql-http audits: {len(passed)} of {len(results)}")  # noqa: T201
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == _AUDITS


async def _audited(suite: Path, url: str) -> list[dict[str, Any]]:
    node = await asyncio.create_subprocess_exec(
        "node", "audits.mjs", url, cwd=suite, stdout=-1, stderr=-1
    )
    out, error = await node.communicate()
    assert node.returncode == 0, error.decode()
    return [orjson.loads(line) for line in out.splitlines()]
