"""How does a command get an empty database that is gone afterwards?

`python -m tests.scratch COMMAND …` runs it with DATABASE_URL and REDIS_URL set to servers of the
kind the tests use.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys

from tests import servers


def main(command: list[str]) -> int:
    """Run the command; its status."""
    name = f"callout_scratch_{secrets.token_hex(4)}"
    with servers.running() as running:
        asyncio.run(servers.execute(running.database_url, f'CREATE DATABASE "{name}"'))
        try:
            environment = {
                "DATABASE_URL": servers.with_database(running.database_url, name),
                "REDIS_URL": running.redis_url,
            }
            return subprocess.run(command, check=False, env=os.environ | environment).returncode
        finally:
            drop = f'DROP DATABASE "{name}" WITH (FORCE)'
            asyncio.run(servers.execute(running.database_url, drop))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
