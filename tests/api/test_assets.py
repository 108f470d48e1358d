"""Do the committed files of the browser pages hold what their build produced, licences included?"""

from __future__ import annotations

import gzip
import json
from hashlib import sha256

from api.assets import HERE, shelf

MANIFEST = json.loads((HERE / "manifest.json").read_text("utf-8"))
LOCK = json.loads((HERE / "package-lock.json").read_text("utf-8"))


def test_each_built_file_is_the_one_its_build_recorded() -> None:
    built = {path.name: path.read_bytes() for path in (HERE / "built").iterdir()}
    assert {name: sha256(body).hexdigest() for name, body in built.items()} == MANIFEST["files"]


def test_each_bundled_package_is_locked_by_version_and_integrity() -> None:
    locked = {
        path.rpartition("node_modules/")[2]: (entry["version"], entry["integrity"][:7])
        for path, entry in LOCK["packages"].items()
        if path
    }
    bundled = {name: (version, "sha512-") for name, version in MANIFEST["packages"].items()}
    assert len(bundled) > 50
    assert {name: locked.get(name) for name in bundled} == bundled


def test_each_bundled_package_has_its_licence_printed() -> None:
    text = (HERE / "built" / "LICENSES.txt").read_text("utf-8")
    headings = [f"\n{name} {version} (" for name, version in MANIFEST["packages"].items()]
    assert [heading for heading in headings if heading not in text] == []


def test_no_lock_entry_names_a_place_to_download_from() -> None:
    assert [path for path, entry in LOCK["packages"].items() if "resolved" in entry] == []


def test_the_files_stay_small_enough_to_keep_in_the_repository() -> None:
    assert sum(len(asset.body) for asset in shelf().values()) < 2_000_000


def test_a_packed_asset_unpacks_to_itself() -> None:
    assert all(gzip.decompress(asset.packed()) == asset.body for asset in shelf().values())
