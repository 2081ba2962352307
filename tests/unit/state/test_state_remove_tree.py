from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from wherry.state import files


def test_a_tree_is_removed_with_everything_in_it(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for directory in ("a/b/c", "a/d", "e"):
        (tree / directory).mkdir(parents=True)
        (tree / directory / "file").write_text("x")
    files.remove_tree(tree)
    assert os.listdir(tmp_path) == []
    files.remove_tree(tree)


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("x")
    (tmp_path / "tree").mkdir()
    os.symlink("../other", tmp_path / "tree/link")
    files.remove_tree(tmp_path / "tree")
    assert (tmp_path / "other/file").read_text() == "x"
    os.symlink("other", tmp_path / "link")
    with pytest.raises(NotADirectoryError):
        files.remove_tree(tmp_path / "link")


def test_a_tree_may_be_deeper_than_any_path_is_long(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    here = os.open(tmp_path / "tree", os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("directory", dir_fd=here)
        below = os.open("directory", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    files.remove_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == []


def test_files_that_their_owner_removes_at_the_same_time_are_no_error(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    paths = [tree / str(number) for number in range(500)]
    for path in paths:
        path.touch()

    def remove_in_another_order() -> None:
        for path in reversed(paths):
            path.unlink(missing_ok=True)

    owner = threading.Thread(target=remove_in_another_order)
    owner.start()
    files.remove_tree(tree)
    owner.join()
    assert not tree.exists()
