"""Is a data folder used by one at a time, and emptied only when it is ours?"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from callout.folder import DataFolder, FolderRefused

if TYPE_CHECKING:
    from pathlib import Path

_OWNER = """
import sys, time
from pathlib import Path
from callout.folder import DataFolder
DataFolder.claim(Path(sys.argv[1]))
print("claimed", flush=True)
time.sleep(60)
"""


def test_a_second_claim_is_refused_and_names_the_first(tmp_path: Path) -> None:
    folder = DataFolder.claim(tmp_path / "data")

    with pytest.raises(FolderRefused, match=rf"process {os.getpid()}\).*--data-dir"):
        DataFolder.claim(tmp_path / "data")

    folder.release()
    DataFolder.claim(tmp_path / "data").release()


def test_an_owner_killed_by_kill_9_leaves_no_claim(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "claimed\n"
        with pytest.raises(FolderRefused, match=f"process {owner.pid}"):
            DataFolder.claim(tmp_path)
        owner.kill()

    DataFolder.claim(tmp_path).release()


def test_a_folder_with_somebody_elses_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")

    with pytest.raises(FolderRefused, match="not ours"):
        DataFolder.claim(tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(FolderRefused, match="is not a folder"):
        DataFolder.claim(tmp_path / "file")


def test_emptying_deletes_what_is_in_it_and_nothing_that_it_points_to(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    folder = DataFolder.claim(tmp_path / "data")
    folder.mark_done("seed")
    (folder.path / "postgres").mkdir()
    (folder.path / "link").symlink_to(elsewhere)

    folder.empty()

    assert sorted(entry.name for entry in folder.path.iterdir()) == ["CALLOUT_DATA", "lock"]
    assert (elsewhere / "precious").exists()
    assert not folder.is_done("seed")
    folder.release()


def test_secrets_are_made_once_and_are_for_the_owners_eyes(tmp_path: Path) -> None:
    folder = DataFolder.claim(tmp_path)

    made = folder.secrets()

    assert folder.secrets() == made
    assert len(made.signing) == 64
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0
    folder.release()
