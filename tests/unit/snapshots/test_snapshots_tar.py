"""The tar reader and writer against each other, `tarfile`, and archives that no honest program makes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry import errors
from wherry.snapshots import tar
from wherry.snapshots.tar import Entry, Reader, Writer
from wherry.snapshots.tar.fields import format_pax, format_time, parse_number, parse_pax, parse_time

Contents = list[tuple[Entry, bytes]]


def write(entries: Iterable[tuple[Entry, bytes]]) -> bytes:
    out = io.BytesIO()
    with Writer(out) as writer:
        for entry, data in entries:
            writer.add(entry, [data] if data else [])
    return out.getvalue()


def read(archive: bytes) -> Contents:
    reader = Reader(io.BytesIO(archive))
    return [(entry, reader.read()) for entry in reader]


def fields(entry: Entry) -> dict[str, Any]:
    found = {name: getattr(entry, name) for name in Entry.__slots__}
    return {**found, "xattrs": found["xattrs"] or {}}


def header(name: bytes = b"file", type_: bytes = b"0", size: int = 0, **changes: bytes) -> bytes:
    """A header block with a right checksum, however wrong the rest may be."""
    block = bytearray(512)
    block[0 : len(name)] = name
    block[100:124] = b"0000644\x000000000\x000000000\x00"
    block[124:136] = changes.get("raw_size", b"%011o\0" % size)
    block[136:148] = b"%011o\0" % 0
    block[156:157] = type_
    target = changes.get("target", b"")
    block[157 : 157 + len(target)] = target
    block[257:265] = changes.get("magic", b"ustar\x0000")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def extended(records: bytes, *, type_: bytes = b"x") -> bytes:
    return header(b"PaxHeaders", type_, len(records)) + records + bytes(-len(records) % 512)


names = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=300)
entries = st.builds(
    Entry,
    names,
    st.sampled_from([tar.FILE, tar.LINK, tar.SYMLINK, tar.CHARACTER, tar.BLOCK, tar.DIRECTORY, tar.FIFO]),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 2),
    gid=st.integers(0, 2**32 - 2),
    mtime=st.integers(-(2**62), 2**62),
    target=st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=200),
    device=st.tuples(st.integers(0, 0o7777777), st.integers(0, 0o7777777)),
    xattrs=st.dictionaries(st.from_regex(r"user\.[a-z.]{1,20}", fullmatch=True), st.binary(max_size=50), max_size=3),
)


@given(st.lists(st.tuples(entries, st.binary(max_size=2000)), max_size=5))
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read_again(contents: Contents) -> None:
    for index, (entry, data) in enumerate(contents):
        entry.size = len(data) if entry.is_file else 0
        if entry.kind not in (tar.CHARACTER, tar.BLOCK):
            entry.device = (0, 0)
        contents[index] = entry, data[: entry.size]
    found = read(write(contents))
    assert [fields(entry) for entry, _ in found] == [fields(entry) for entry, _ in contents]
    assert [data for _, data in found] == [data for _, data in contents]


@given(entries)
@settings(deadline=None, max_examples=60)
def test_tarfile_reads_the_same_from_what_we_write(entry: Entry) -> None:
    archive = write([(entry, b"")])
    with tarfile.open(fileobj=io.BytesIO(archive), errorlevel=2) as other:
        member = other.getmembers()[0]
    assert member.name.rstrip("/") == entry.name.rstrip("/")
    assert (member.mode, member.uid, member.gid) == (entry.mode, entry.uid, entry.gid)
    assert abs(float(member.mtime) - entry.mtime / 1e9) <= abs(entry.mtime / 1e9) * 1e-12 + 1e-6


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tarfile_is_read(form: int) -> None:
    long = "d" * 90 + "/" + "e" * 80 + ("" if form == tarfile.USTAR_FORMAT else "/" + "ü" * 60)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, kind, target, size in (
            (long, tarfile.REGTYPE, "", 700),
            ("link", tarfile.LNKTYPE, "t" * 90, 0),
            ("symlink", tarfile.SYMTYPE, "../x", 0),
            ("directory", tarfile.DIRTYPE, "", 0),
            ("null", tarfile.CHRTYPE, "", 0),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, size
            info.uid, info.gid, info.mode, info.mtime = 1000, 1001, 0o4755, 1_600_000_000
            info.devmajor, info.devminor = 1, 3
            archive.addfile(info, io.BytesIO(b"x" * size))
    found = [entry for entry, _ in read(out.getvalue())]
    assert [entry.name.rstrip("/") for entry in found] == [long, "link", "symlink", "directory", "null"]
    assert [entry.kind for entry in found] == [tar.FILE, tar.LINK, tar.SYMLINK, tar.DIRECTORY, tar.CHARACTER]
    assert [entry.target for entry in found] == ["", "t" * 90, "../x", "", ""]
    assert {(entry.uid, entry.gid, entry.mode, entry.mtime) for entry in found} == {
        (1000, 1001, 0o4755, 1600000000 * 10**9)
    }
    assert found[-1].device == (1, 3)


def test_gnu_numbers_in_base_256() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        info = tarfile.TarInfo("x")
        info.uid, info.mtime = 2**31 + 5, -7
        archive.addfile(info)
    entry = read(out.getvalue())[0][0]
    assert (entry.uid, entry.mtime) == (2**31 + 5, -7 * 10**9)


@pytest.mark.parametrize("magic", [b"\0" * 8, b"ustar  \0"])
def test_old_and_gnu_headers_have_no_prefix(magic: bytes) -> None:
    block = bytearray(header(b"name", magic=magic))
    block[345:350] = b"12345"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert read(bytes(block))[0][0].name == "name"


def test_an_old_directory_is_told_by_its_slash() -> None:
    assert read(header(b"directory/", b"\0"))[0][0].kind == tar.DIRECTORY


@pytest.mark.parametrize("type_", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_only_files_have_data(type_: bytes) -> None:
    found = read(header(b"first", type_, 512, target=b"t") + header(b"second"))
    assert [(entry.name, entry.size) for entry, _ in found] == [("first", 0), ("second", 0)]


def test_unread_data_is_skipped() -> None:
    archive = write([(Entry("a", tar.FILE, size=5000), b"a" * 5000), (Entry("b", tar.FILE, size=3), b"bbb")])
    reader = Reader(io.BytesIO(archive))
    found = {}
    for entry in reader:
        found[entry.name] = reader.read(3)
    assert found == {"a": b"aaa", "b": b"bbb"}


def test_global_headers_and_labels_are_ignored() -> None:
    label = header(b"my backup", b"V")
    archive = extended(format_pax({"path": b"evil"}), type_=b"g") + label + header(b"file")
    assert [entry.name for entry, _ in read(archive)] == ["file"]


def test_a_record_without_value_takes_the_key_back() -> None:
    archive = extended(format_pax({"path": b"a"}) + b"8 path=\n") + header(b"file")
    assert read(archive)[0][0].name == "file"


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1024), bytes(512) + b"garbage"])
def test_an_archive_may_end_as_writers_end_it(end: bytes) -> None:
    assert len(read(header(b"file", size=3) + b"abc" + bytes(509) + end)) == 1


HELLO = write([(Entry("hello", tar.FILE, size=600), b"x" * 600)])


@pytest.mark.parametrize("length", [1, 100, 511, 513, 600, 1111, 1200])
def test_a_cut_off_archive_is_told_with_the_place(length: int) -> None:
    with pytest.raises(tar.DamagedArchive, match=f"at offset {length}"):
        read(HELLO[:length])


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (header(b"file")[:148] + b"0000001\0" + header(b"file")[156:], "checksum"),
        (header(raw_size=b"77777777777z"), "number"),
        (header(raw_size=b"\xff" * 12), "impossible size"),
        (header(raw_size=b"\x80" + b"\x40" * 11), "impossible size"),
        (header(raw_size=b"\x80\0\0\0\x7f" + b"\xff" * 7), "missing"),
        (extended(b"99 path=a\n"), "malformed"),
        (extended(b"path=a\n"), "malformed"),
        (extended(b"9 path=aa"), "malformed"),
        (extended(b"9 path=a\n" + bytes(100)), "malformed"),
        (extended(b"9 path=a\n 9 path=a\n"), "malformed"),
        (extended(b"0 path=a\n"), "malformed"),
        (extended(b"-9 path=a\n"), "number"),
        (extended(format_pax({"size": b"-1"})) + header(), "number"),
        (extended(format_pax({"mtime": b"1e400"})) + header(), "number"),
        (extended(format_pax({"path": b"a"})), "after an extended header"),
        (extended(format_pax({"GNU.sparse.map": b"0"})) + header(), "odd sparse map"),
    ],
)
def test_damage_is_an_error_and_never_a_guess(archive: bytes, reason: str) -> None:
    with pytest.raises(tar.DamagedArchive, match=reason) as caught:
        read(archive)
    assert isinstance(caught.value, errors.InvalidArgument)


SPARSE = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.name": b"s", "GNU.sparse.realsize": b"100"}


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (extended(format_pax({"path": b"a\0b"})) + header(), "NUL"),
        (header(type_=b"x", size=2 << 30), "header of 2147483648 bytes"),
        (header(type_=b"L", size=2 << 20), "header of"),
        (header(type_=b"Z"), "unknown type"),
        (
            extended(format_pax({"GNU.sparse.map": b"5,5,0,5", "GNU.sparse.size": b"20"})) + header(size=10),
            "out of order",
        ),
        (extended(format_pax({"GNU.sparse.map": b"0,5", "GNU.sparse.size": b"2"})) + header(size=5), "not fit"),
        (extended(format_pax({"GNU.sparse.map": b"0,5", "GNU.sparse.size": b"9"})) + header(size=512), "not fit"),
        (extended(format_pax(SPARSE)) + header(size=512) + b"9" * 512, "endless"),
    ],
)
def test_hostile_archives_are_refused_by_name(archive: bytes, reason: str) -> None:
    with pytest.raises(tar.HostileArchive, match=reason):
        read(archive)


def test_every_form_of_sparse_map() -> None:
    wanted = [(512, 3), (1024, 2)]
    data = b"abcde" + bytes(507)
    zero = b"22 GNU.sparse.size=2000\n" + b"".join(
        format_pax({"GNU.sparse.offset": b"%d" % offset}) + format_pax({"GNU.sparse.numbytes": b"%d" % length})
        for offset, length in wanted
    )
    one = format_pax({"GNU.sparse.map": b"512,3,1024,2", "GNU.sparse.size": b"2000"})
    last = format_pax({**SPARSE, "GNU.sparse.realsize": b"2000"})
    table = b"2\n512\n3\n1024\n2\n".ljust(512, b"\0")
    old = bytearray(header(b"s", b"S", 5, magic=b"ustar  \0"))
    for index, number in enumerate((512, 3, 1024, 2)):
        old[386 + 12 * index : 398 + 12 * index] = b"%011o\0" % number
    old[483:495] = b"%011o\0" % 2000
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    for archive in (
        extended(zero.replace(b"22 ", b"24 ")) + header(b"s", size=5) + data,
        extended(one) + header(b"s", size=5) + data,
        extended(last) + header(b"GNUSparseFile.0/s", size=517) + table + data,
        bytes(old) + data,
    ):
        found = read(archive + header(b"next"))
        entry, content = found[0]
        assert (entry.name, entry.size, entry.segments, content) == ("s", 2000, wanted, b"abcde")
        assert found[1][0].name == "next"


@given(st.binary(max_size=3000))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_the_reader_fail_otherwise(garbage: bytes) -> None:
    for archive in (garbage, extended(garbage), header(b"a", b"S", len(garbage)) + garbage):
        with suppress(tar.DamagedArchive, tar.HostileArchive):
            read(archive)


@given(st.integers(0, 2047), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_flipped_byte_makes_the_reader_fail_otherwise(position: int, value: int) -> None:
    archive = bytearray(extended(format_pax(SPARSE)) + header(b"s", size=517) + b"1\n0\n5\n".ljust(512, b"\0"))
    archive[position % len(archive)] = value
    block = position % len(archive) // 512 * 512
    archive[block + 148 : block + 156] = b" " * 8
    archive[block + 148 : block + 156] = b"%06o\0 " % sum(archive[block : block + 512])
    with suppress(tar.DamagedArchive, tar.HostileArchive):
        read(bytes(archive))


def test_the_writer_counts_the_data() -> None:
    for given_bytes in (b"ab", b"abcd"):
        with pytest.raises(ValueError, match="3 bytes of data announced"):
            Writer(io.BytesIO()).add(Entry("x", tar.FILE, size=3), [given_bytes])


def test_an_unfinished_archive_has_no_end() -> None:
    out = io.BytesIO()
    with pytest.raises(ZeroDivisionError), Writer(out) as writer:
        writer.add(Entry("x", tar.FILE))
        raise ZeroDivisionError
    assert len(out.getvalue()) == 512


@given(st.integers(-(2**62), 2**62))
def test_times_keep_their_nanoseconds(nanoseconds: int) -> None:
    assert parse_time(format_time(nanoseconds), 0) == nanoseconds


@given(
    st.dictionaries(st.text(st.characters(codec="ascii", exclude_characters="=\0."), min_size=1), st.binary(min_size=1))
)
def test_records_count_their_own_length(records: dict[str, bytes]) -> None:
    found: dict[str, bytes] = {}
    parse_pax(format_pax(records), found, 0)
    assert found == records


def test_numbers_are_digits_and_nothing_that_python_likes_besides() -> None:
    assert parse_number(b" 755 \0junk", 0) == 0o755
    assert parse_number(b"\0", 0) == 0
    for field in (b"0o7", b"1_0", b"+7", b"-7", b"8", b"7 7"):
        with pytest.raises(tar.DamagedArchive):
            parse_number(field, 0)
