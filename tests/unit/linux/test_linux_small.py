"""Capabilities, signals, terminals, process descriptors and device nodes as values."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.linux import capabilities, devices, pidfd, signals, tty


def test_capability_numbers_are_the_kernels() -> None:
    assert [capabilities.number(name) for name in ("CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_AUDIT_READ")] == [0, 21, 37]
    assert capabilities.number("CAP_CHECKPOINT_RESTORE") == 40
    assert capabilities.last() <= len(capabilities.NAMES) - 1


@given(st.sets(st.sampled_from(capabilities.NAMES)))
def test_capability_mask_round_trips(names: set[str]) -> None:
    assert set(capabilities.from_mask(capabilities.to_mask(list(names)))) == names


def test_bits_without_a_name_are_left_out() -> None:
    assert capabilities.from_mask(1 << 63 | 1) == ("CAP_CHOWN",)


def test_status_lines_become_masks() -> None:
    assert capabilities.parse_status("Name:\tx\nCapInh:\t0000000000000000\nCapEff:\t00000000a80425fb\n") == {
        "CapInh": 0,
        "CapEff": 0xA80425FB,
    }


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("TERM", 15),
        ("SIGTERM", 15),
        ("sigterm", 15),
        ("15", 15),
        ("1", 1),
        ("64", 64),
        ("RTMIN", 34),
        ("RTMIN+3", 37),
        ("SIGRTMIN+3", 37),
        ("rtmax-14", 50),
        ("RTMAX", 64),
        ("IOT", 6),
        ("CLD", 17),
    ],
)
def test_signal_is_read_in_every_form(text: str, number: int) -> None:
    assert signals.parse(text) == number


@pytest.mark.parametrize(
    "text", ["", "0", "65", "-1", "+9", "SIG", "SIGSIGTERM", "RTMIN+31", "RTMIN+", "9" * 5000, "٩", "BOGUS"]
)
def test_what_is_no_signal_is_refused_in_dockers_words(text: str) -> None:
    with pytest.raises(signals.UnknownSignal) as caught:
        signals.parse(text)
    assert str(caught.value) == f"invalid signal: {text}"


@given(st.integers(1, 64).filter(lambda number: number not in (32, 33)))
def test_signal_name_can_be_read_back(number: int) -> None:
    assert signals.parse(signals.name(number)) == number


def test_terminal_has_the_size_it_was_given_on_both_ends() -> None:
    pair = tty.open_pair(24, 80)
    try:
        assert tty.size(pair.terminal) == (24, 80)
        tty.set_size(pair.master, 50, 132)
        assert tty.size(pair.terminal) == (50, 132)
        assert os.stat(pair.path).st_rdev == os.fstat(pair.terminal).st_rdev
        assert not os.get_inheritable(pair.master)
    finally:
        os.close(pair.master)
        os.close(pair.terminal)


def test_raw_terminal_passes_bytes_untouched_and_can_be_restored() -> None:
    pair = tty.open_pair()
    try:
        before = tty.set_raw(pair.terminal)
        os.write(pair.master, b"\x03\r\x04")
        assert os.read(pair.terminal, 16) == b"\x03\r\x04"
        os.write(pair.terminal, b"a\n")
        assert os.read(pair.master, 16) == b"a\n"
        tty.restore(pair.terminal, before)
        os.write(pair.terminal, b"b\n")
        assert os.read(pair.master, 16) == b"b\r\n"
    finally:
        os.close(pair.master)
        os.close(pair.terminal)


def test_process_descriptor_signals_once_and_tells_the_end() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        fd = pidfd.of(process.pid)
        try:
            assert not pidfd.ended(fd)
            assert pidfd.send_signal(fd, signal.SIGKILL)
            assert pidfd.ended(fd, timeout=10)
            process.wait()
            assert not pidfd.send_signal(fd, signal.SIGKILL)
        finally:
            os.close(fd)


def test_device_node_is_told_by_numbers() -> None:
    null = devices.node("/dev/null")
    assert (null.type, null.major, null.minor, null.mode) == ("c", 1, 3, 0o666)


def test_plain_file_is_no_device(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="not a device node") as caught:
        devices.node(str(tmp_path / "file"))
    assert caught.value.errno == errno.ENODEV


def test_listing_devices_leaves_links_files_and_terminals_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/dev/null")
    assert list(devices.below(str(tmp_path))) == []
    assert list(devices.below(str(tmp_path / "absent"))) == []
    paths = {node.path for node in devices.below("/dev")}
    assert "/dev/null" in paths
    assert not any(path.startswith("/dev/pts/") or path == "/dev/stdin" for path in paths)
