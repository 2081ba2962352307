"""Reading json-file logs back: damage costs one record, --tail counts lines, rotation is followed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.engine import logfiles
from wherry.engine.logfiles import Damaged, LogRecord
from wherry.shim.logfile import LogFile

GOOD = b'{"log":"a\\n","stream":"stdout","time":"2024-01-01T00:00:00.000000001Z"}\n'


def test_a_damaged_record_costs_that_record_only() -> None:
    entries = logfiles.parse(GOOD + b'{"log":"torn\n' + GOOD)
    assert [type(entry) for entry in entries] == [LogRecord, Damaged, LogRecord]


def test_a_block_of_zeros_before_a_record_is_skipped() -> None:
    assert [type(e) for e in logfiles.parse(b"\0" * 4096 + GOOD)] == [LogRecord]


def write(path: Path, lines: list[str]) -> None:
    log = LogFile(str(path))
    for line in lines:
        log.write("stdout", line.encode() + b"\n")
    log.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60_000), max_size=12), st.integers(0, 14))
def test_tail_gives_exactly_the_last_lines(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], count: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    lines = [chr(97 + n % 26) * length for n, length in enumerate(lengths)]
    write(path, lines)
    offset, found = logfiles.tail_offset(path, count)
    reader = logfiles.Reader(path.open("rb"))
    reader._file.seek(offset)
    text = ""
    while block := reader.block():
        text += "".join(e.log for e in logfiles.parse(block) if isinstance(e, LogRecord))
    reader.close()
    expected = lines[len(lines) - min(count, len(lines)) :]
    assert text == "".join(line + "\n" for line in expected)
    assert found == len(expected)


def test_files_are_listed_oldest_first(tmp_path: Path) -> None:
    for name in ("log", "log.1", "log.10", "log.2.gz", "log.new", "other"):
        (tmp_path / name).touch()
    assert [p.name for p in logfiles.files(tmp_path / "log")] == ["log.10", "log.2.gz", "log.1", "log"]


def test_a_reader_stops_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(GOOD * 3)
    reader = logfiles.Reader(path.open("rb"), end=2 * len(GOOD))
    assert reader.block() == GOOD * 2
    assert reader.block() == b""
    reader.close()
