r"""Container output as files in Docker's json-file format, written in bulk.

One line of output is one JSON object: {"log":"text\n","stream":"stdout","time":"2024-01-01T00:00:00.000000000Z"}.
A line longer than 16 KiB becomes several records, of which only the last ends in \n; readers join by newline. Rotation
renames <path> to <path>.1, that to .2 and so on. Knows bytes and files, not where they come from.

How it is fast: a whole read of output is escaped in one go and the record separators are put in by one replace.
That needs a byte that cannot occur in the text and is not touched by escaping: 0x7f. Where the text has one, or bytes
that need more than the cheap escapes, the slow path takes over for that read only.
"""

from __future__ import annotations

import os
import time
from _json import encode_basestring

MAX_LINE = 16 * 1024
"""Docker's longest record, in bytes of output."""

_PLAIN = bytes(c for c in range(0x20, 0x7F) if c not in b'"\\<>&') + b"\n"
_HTML = ((b"<", rb"\u003c"), (b">", rb"\u003e"), (b"&", rb"\u0026"))


def _timestamp(ns: int) -> bytes:
    seconds, fraction = divmod(ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode() + b".%09dZ" % fraction


def _escape(text: bytes) -> bytes:
    """`text` as the inside of a JSON string, as Go's encoder writes it; invalid UTF-8 becomes U+FFFD."""
    decoded = text.decode("utf-8", "replace")
    quoted: str = encode_basestring(decoded)
    escaped = quoted[1:-1].encode()
    for raw, code in _HTML:
        if raw in escaped:
            escaped = escaped.replace(raw, code)
    if "\u2028" in decoded or "\u2029" in decoded:
        escaped = escaped.replace("\u2028".encode(), rb"\u2028").replace("\u2029".encode(), rb"\u2029")
    return escaped


def records(lines: bytes, stream: str, attributes: bytes, ns: int) -> bytes:
    """Encode whole lines (each ending in a newline, none longer than MAX_LINE) as records with one time."""
    tail = b'","stream":"%b",%b"time":"%b"}\n' % (stream.encode(), attributes, _timestamp(ns))
    between = rb"\n" + tail + b'{"log":"'
    if not lines.translate(None, _PLAIN):
        return b"".join((b'{"log":"', memoryview(lines.replace(b"\n", between))[: -len(b'{"log":"')]))
    if b"\x7f" not in lines:
        return b'{"log":"' + _escape(lines[:-1].replace(b"\n", b"\x7f")).replace(b"\x7f", between) + rb"\n" + tail
    return b"".join(b'{"log":"' + _escape(line) + rb"\n" + tail for line in lines[:-1].split(b"\n"))


def partial(piece: bytes, stream: str, attributes: bytes, ns: int) -> bytes:
    """Encode a piece of a line, without its newline, as one record."""
    return b'{"log":"%b","stream":"%b",%b"time":"%b"}\n' % (_escape(piece), stream.encode(), attributes, _timestamp(ns))


class LogFile:
    """The log of one container. `max_size` in bytes, 0 for no limit; `max_files` counts the current one."""

    def __init__(
        self, path: str, *, max_size: int = 0, max_files: int = 1, compress: bool = False, attributes: bytes = b""
    ) -> None:
        """`attributes` is what stands before the time in each record, such as b'"attrs":{"a":"b"},', or nothing."""
        self._path = path
        self._max_size = max_size
        self._max_files = max_files
        self._compress = compress
        self._attributes = attributes
        self._pending = {"stdout": b"", "stderr": b""}
        self._open()

    def _open(self) -> None:
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._fd).st_size

    def write(self, stream: str, data: bytes) -> None:
        """Take output of `stream` ("stdout" or "stderr"); an unfinished line waits for its end or MAX_LINE bytes."""
        ns = time.time_ns()
        out = []
        start = 0
        if self._pending[stream]:
            start = data.find(b"\n") + 1
            if start:
                out.append(self._encode(self._pending[stream] + data[:start], stream, ns))
            else:
                data = self._pending[stream] + data
        end = data.rfind(b"\n") + 1
        if end > start:
            out.append(self._encode(data[start:end], stream, ns))
        rest = data[end:]
        while len(rest) >= MAX_LINE:
            piece = _cut(rest)
            out.append(partial(piece, stream, self._attributes, ns))
            rest = rest[len(piece) :]
        self._pending[stream] = rest
        if out:
            self._append(out[0] if len(out) == 1 else b"".join(out))

    def _encode(self, lines: bytes, stream: str, ns: int) -> bytes:
        if len(lines) <= MAX_LINE or not _has_long_line(lines):
            return records(lines, stream, self._attributes, ns)
        return self._split(lines, stream, ns)

    def _split(self, lines: bytes, stream: str, ns: int) -> bytes:
        out = []
        for text in lines[:-1].split(b"\n"):
            while len(text) > MAX_LINE:
                piece = _cut(text)
                out.append(partial(piece, stream, self._attributes, ns))
                text = text[len(piece) :]
            out.append(records(text + b"\n", stream, self._attributes, ns))
        return b"".join(out)

    def _append(self, data: bytes) -> None:
        if self._max_size and self._size + len(data) > self._max_size:
            self._append_rotating(data)
            return
        self._put(data)

    def _append_rotating(self, data: bytes) -> None:
        """Fill files up to the limit at record boundaries, as a limit that one read could exceed would be none."""
        while data:
            room = self._max_size - self._size
            if len(data) <= room:
                self._put(data)
                return
            end = data.rfind(b"\n", 0, max(room, 0)) + 1
            if end == 0 and self._size == 0:
                end = data.find(b"\n") + 1
            if end:
                self._put(data[:end])
                data = data[end:]
            if data:
                self.rotate()

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self._size += len(data)

    def rotate(self) -> None:
        """Start a new file; the oldest is dropped. With one file only, it is emptied."""
        os.close(self._fd)
        if self._max_files < 2:
            os.truncate(self._path, 0)
        else:
            suffix = ".gz" if self._compress else ""
            for number in range(self._max_files - 2, 0, -1):
                _rename_if_exists(f"{self._path}.{number}{suffix}", f"{self._path}.{number + 1}{suffix}")
            os.rename(self._path, f"{self._path}.1")
            if self._compress:
                _compress(f"{self._path}.1")
        self._open()

    def flush(self) -> None:
        """Write unfinished lines as they are: the output has ended."""
        for stream, rest in self._pending.items():
            if rest:
                self._append(partial(rest, stream, self._attributes, time.time_ns()))
                self._pending[stream] = b""

    def position(self) -> tuple[int, int]:
        """Inode and size of the current file: what a reader has to read before it goes on with live output."""
        return os.fstat(self._fd).st_ino, self._size

    def close(self) -> None:
        self.flush()
        os.close(self._fd)


def _has_long_line(lines: bytes) -> bool:
    start = 0
    while len(lines) - start > MAX_LINE:
        end = lines.rfind(b"\n", start, start + MAX_LINE + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _cut(text: bytes) -> bytes:
    """The first MAX_LINE bytes, or up to three fewer so as not to cut a UTF-8 character."""
    end = MAX_LINE
    while end > MAX_LINE - 3 and end < len(text) and text[end] & 0xC0 == 0x80:
        end -= 1
    return text[:end]


def _rename_if_exists(old: str, new: str) -> None:
    try:
        os.rename(old, new)
    except FileNotFoundError:
        pass


def _compress(path: str) -> None:
    import gzip  # rarely needed, and every shim would pay for it
    import shutil

    with open(path, "rb") as source, gzip.open(f"{path}.gz.new", "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    os.rename(f"{path}.gz.new", f"{path}.gz")
    os.unlink(path)
