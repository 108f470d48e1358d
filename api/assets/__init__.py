"""Which files do the browser pages consist of?

`built/` comes out of `npm run build` (package.json here) and a test holds it against manifest.json;
`own/` and `pages/` are written by hand; `examples/` and `session/` are GraphQL documents, which
another test holds against the schema.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from domain.people import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE: Final = Path(__file__).parent

#: The roles that GraphiQL opens a tab for, in the order of a booking's life.
EXAMPLE_ROLES: Final = (Role.CUSTOMER, Role.PROVIDER, Role.DISPATCHER, Role.ANALYST)

_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that pages link to."""

    name: str
    body: bytes
    media_type: str
    #: The file's own fingerprint: its address changes when, and only when, its bytes do.
    version: str

    @property
    def path(self) -> str:
        """Where pages find it."""
        return f"/assets/{self.name}?v={self.version}"

    def packed(self) -> bytes:
        """The body in gzip. The first call takes a moment, so do not make it on the event loop."""
        return _gzip(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What GraphiQL's tab of one role opens with."""

    role: Role
    query: str
    variables: str


@cache
def shelf() -> Mapping[str, Asset]:
    """Every asset by its name. Requests are looked up here, never on the disk."""
    files = (path for folder in ("built", "own") for path in sorted((HERE / folder).iterdir()))
    return {path.name: _asset(path) for path in files}


@cache
def page(name: str) -> Template:
    """The template of a page."""
    return Template((HERE / "pages" / name).read_text("utf-8"))


@cache
def examples() -> tuple[Example, ...]:
    """The example tabs, in order."""
    return tuple(_example(role) for role in EXAMPLE_ROLES)


@cache
def session_documents() -> Mapping[str, str]:
    """The operations with which GraphiQL's page signs in, stays signed in and signs out."""
    return {path.stem: path.read_text("utf-8") for path in (HERE / "session").glob("*.graphql")}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(
        name=path.name,
        body=body,
        media_type=_MEDIA_TYPES[path.suffix],
        version=sha256(body).hexdigest()[:16],
    )


@cache
def _gzip(asset: Asset) -> bytes:
    return gzip.compress(asset.body, compresslevel=6, mtime=0)


def _example(role: Role) -> Example:
    stem = HERE / "examples" / role.lower()
    return Example(
        role=role,
        query=stem.with_suffix(".graphql").read_text("utf-8"),
        variables=stem.with_suffix(".json").read_text("utf-8"),
    )
