"""`cp` in both directions, compared with the docker client: requests, archives and files."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.canned_engine import CannedEngine, Raw
from tests.support.two_clients import Clients

ARCHIVE = "/containers/c/archive"
DIRECTORY = (1 << 31) | 0o755


def tar(*entries: tuple[str, bytes | None]) -> bytes:
    """An archive of files and, where there is no content, directories."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.type = tarfile.REGTYPE if content is not None else tarfile.DIRTYPE
            info.mode, info.size = (0o640, len(content)) if content is not None else (0o755, 0)
            archive.addfile(info, io.BytesIO(content or b""))
    return buffer.getvalue()


def routes(name: str, mode: int, *entries: tuple[str, bytes | None]) -> dict[tuple[str, str], Any]:
    stat = {"name": name, "size": 5, "mode": mode, "mtime": "2026-01-02T03:04:05Z", "linkTarget": ""}
    headers = {"X-Docker-Container-Path-Stat": base64.b64encode(json.dumps(stat).encode()).decode()}
    return {
        ("GET", ARCHIVE): Raw(tar(*entries), headers=headers),
        ("HEAD", ARCHIVE): Raw(b"", headers=headers),
        ("PUT", ARCHIVE): (200, None),
    }


KINDS = {
    "file": routes("x", 0o640, ("x", b"hello")),
    "directory": routes("b", DIRECTORY, ("b", None), ("b/f", b"hey"), ("b/s", None), ("b/s/g", b"")),
    "content": routes("b", DIRECTORY, ("./", None), ("./f", b"hey"), ("./s", None), ("./s/g", b"")),
    "nothing": {
        ("HEAD", ARCHIVE): Raw(b"", status=404),
        ("PUT", ARCHIVE): (200, None),
        ("GET", ARCHIVE): (404, {"message": "Could not find the file /x in container c"}),
    },
}
CASES = [
    ("file", "c:/x out"),
    ("file", "c:/x there"),
    ("file", "c:/x there/"),
    ("file", "c:/x single"),
    ("file", "c:/x nowhere/out"),
    ("file", "c:/x nowhere/"),
    ("directory", "c:/b out"),
    ("directory", "c:/b there"),
    ("directory", "c:/b single"),
    ("content", "c:/b/. there"),
    ("content", "c:/b/. new"),
    ("nothing", "c:/x -"),
    ("nothing", "c:/x out"),
    ("file", "single c:/x"),
    ("directory", "single c:/b"),
    ("nothing", "single c:/new"),
    ("directory", "tree c:/b"),
    ("directory", "tree/. c:/b"),
    ("nothing", "tree c:/new"),
    ("nothing", "tree/. c:/new"),
    ("file", "tree c:/x"),
    ("file", "absent c:/x"),
    ("file", "-a single c:/x"),
    ("directory", "tree/link c:/b"),
    ("directory", "-L tree/link c:/b"),
    ("file", "- c:/x"),
]


def lay_out(home: Path) -> None:
    for child in home.iterdir():
        shutil.rmtree(child) if child.is_dir() else child.unlink()
    (home / "tree/sub").mkdir(parents=True)
    (home / "tree/a").write_text("A")
    (home / "tree/sub/b").write_text("BB")
    (home / "tree/link").symlink_to("a")
    (home / "single").write_text("S")
    (home / "there").mkdir()


def contents(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for directory, _, files in os.walk(home):
        place = Path(directory)
        found[str(place)] = place.stat().st_mode
        found |= {str(place / name): ((place / name).read_text(), (place / name).lstat().st_mode) for name in files}
    return found


def members(body: bytes) -> list[tuple[Any, ...]]:
    if not body:
        return []
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return [(each.name, each.type, each.mode, each.size, each.linkname, each.uid) for each in archive]


@pytest.mark.parametrize(("kind", "line"), CASES)
def test_copies_what_docker_copies(both: Clients, engine: CannedEngine, kind: str, line: str) -> None:
    engine.routes = KINDS[kind]
    results = []
    for client in (both.docker, both.wherry):
        lay_out(both.home)
        outcome = client("cp", *line.split(" "))
        requests = [(each.method, each.query, members(each.body)) for each in outcome.requests]
        # docker logs, now and then, that it had begun to pack what it then refuses
        said = [line for line in outcome.stderr.split("\n") if not line.startswith("time=")]
        results.append((outcome.code, said, requests, contents(both.home)))
    assert results[1] == results[0]


@pytest.mark.parametrize(
    "entries",
    [
        [("b", None), ("b/../../escaped", b"x")],
        [("b", None), ("b/../escaped", b"x")],
    ],
)
def test_an_archive_cannot_write_outside_its_destination(
    clients: Clients, engine: CannedEngine, entries: list[tuple[str, bytes | None]]
) -> None:
    engine.routes = routes("b", DIRECTORY, *entries)
    inner = clients.home / "inner"
    inner.mkdir()
    outcome = clients.wherry("cp", "c:/b", "inner/out")
    assert outcome.code == 1
    assert "refusing to write outside" in outcome.stderr
    assert not list(clients.home.rglob("escaped"))
    assert not (clients.home.parent / "escaped").exists()


def test_a_link_in_an_archive_cannot_lead_later_entries_outside(clients: Clients, engine: CannedEngine) -> None:
    outside = clients.home / "outside"
    outside.mkdir()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        root = tarfile.TarInfo("b")
        root.type = tarfile.DIRTYPE
        archive.addfile(root)
        link = tarfile.TarInfo("b/link")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        archive.addfile(link)
        through = tarfile.TarInfo("b/link/escaped")
        archive.addfile(through, io.BytesIO())
    engine.routes = KINDS["directory"] | {("GET", ARCHIVE): Raw(buffer.getvalue())}
    outcome = clients.wherry("cp", "c:/b", "out")
    assert outcome.code == 1
    assert not (outside / "escaped").exists()
