"""The json-file log writer: what is written can be read back, whatever was printed and however it was cut."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.shim.logfile import MAX_LINE, LogFile


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def logged(path: Path, stream: str = "stdout") -> str:
    return "".join(record["log"] for record in read(path) if record["stream"] == stream)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=8))
def test_output_comes_back_whatever_its_bytes_and_its_cuts(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    log = LogFile(str(path))
    for piece in pieces:
        log.write("stdout", piece)
    log.close()
    lines = b"".join(pieces).split(b"\n")
    assert logged(path) == "\n".join(line.decode("utf-8", "replace") for line in lines)


def test_streams_do_not_mix_their_unfinished_lines(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    log.write("stdout", b"out ")
    log.write("stderr", b"err ")
    log.write("stdout", b"one\n")
    log.write("stderr", b"two\n")
    log.close()
    assert [(r["stream"], r["log"]) for r in read(tmp_path / "log")] == [
        ("stdout", "out one\n"),
        ("stderr", "err two\n"),
    ]


def test_an_unfinished_line_is_written_at_the_end_without_newline(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    log.write("stdout", b"prompt> ")
    assert read(tmp_path / "log") == []
    log.close()
    assert [r["log"] for r in read(tmp_path / "log")] == ["prompt> "]


@pytest.mark.parametrize("text", ["x" * 40_000, "é" * 20_000, "€" * 15_000])
def test_long_lines_are_cut_between_characters(tmp_path: Path, text: str) -> None:
    log = LogFile(str(tmp_path / "log"))
    log.write("stdout", text.encode() + b"\nshort\n")
    log.close()
    records = read(tmp_path / "log")
    assert all(len(r["log"].encode()) <= MAX_LINE + 1 for r in records)
    assert len(records) == -(-len(text.encode()) // MAX_LINE) + 1
    assert logged(tmp_path / "log") == text + "\nshort\n"


def test_html_is_escaped_as_go_does(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    log.write("stdout", "<&>\u2028\n".encode())
    log.close()
    assert rb'"log":"\u003c\u0026\u003e\u2028\n"' in (tmp_path / "log").read_bytes()


def test_attributes_stand_before_the_time(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), attributes=b'"attrs":{"a":"b"},')
    log.write("stdout", b"x\n")
    log.close()
    assert read(tmp_path / "log")[0]["attrs"] == {"a": "b"}  # type: ignore[comparison-overlap]


def test_rotation_keeps_the_newest_records_within_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = LogFile(str(path), max_size=10_000, max_files=3)
    log.write("stdout", b"".join(b"%06d\n" % n for n in range(3000)))
    log.close()
    files = [tmp_path / "log.2", tmp_path / "log.1", path]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f.name for f in files)
    assert all(f.stat().st_size <= 10_000 for f in files)
    numbers = [int(r["log"]) for f in files for r in read(f)]
    assert numbers == list(range(numbers[0], 3000))


def test_one_file_only_is_emptied(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), max_size=1000, max_files=1)
    for number in range(100):
        log.write("stdout", b"%d\n" % number)
    log.close()
    assert [p.name for p in tmp_path.iterdir()] == ["log"]
    assert read(tmp_path / "log")[-1]["log"] == "99\n"


def test_compressed_rotation(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), max_size=1000, max_files=3, compress=True)
    for number in range(100):
        log.write("stdout", b"%d\n" % number)
    log.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log", "log.1.gz", "log.2.gz"]
    with gzip.open(tmp_path / "log.1.gz") as file:
        assert json.loads(file.readline())["stream"] == "stdout"


def test_position_is_where_the_next_record_goes(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"))
    log.write("stdout", b"one\n")
    inode, size = log.position()
    log.write("stdout", b"two\n")
    log.close()
    assert inode == (tmp_path / "log").stat().st_ino
    assert json.loads((tmp_path / "log").read_bytes()[size:])["log"] == "two\n"
