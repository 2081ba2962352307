"""`docker logs`: a container's output from its log files, framed for the client, with --tail, --since and --follow.

Knows log options, frames and when following ends. Must not know HTTP. It reads what the shim has written, so it works
the same whether the container runs, has ended, or ran under an earlier daemon.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import struct
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from wherry import errors
from wherry.aio.worker import Worker
from wherry.engine import logfiles
from wherry.engine.containers import Container
from wherry.engine.logfiles import Damaged, Entry, LogRecord
from wherry.engine.machine import ALIVE, Phase
from wherry.engine.records import Exit
from wherry.linux import inotify

_STREAMS = {"stdin": 0, "stdout": 1, "stderr": 2}
_SYSTEM_ERROR = 3


class NoStreamChosen(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("must specify at least one of 'stdout' or 'stderr'")


class NotReadable(errors.Unsupported):
    def __init__(self) -> None:
        super().__init__(
            "configured logging driver does not support reading",
            hint="use the json-file driver to read logs back",
        )


class LogOptions(msgspec.Struct, frozen=True):
    """Times in nanoseconds since 1970, 0 for no limit; `tail` None for everything.

    `stop_at` is the inode and size of the log file where reading ends, if it ends before the last record.
    """

    stdout: bool
    stderr: bool
    since: int = 0
    until: int = 0
    tail: int | None = None
    follow: bool = False
    timestamps: bool = False
    details: bool = False
    stop_at: tuple[int, int] | None = None


class Logs:
    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def read(self, container: Container, options: LogOptions) -> AsyncIterator[bytes]:
        """Output in pieces: raw for a terminal, else in Docker's frames. It checks the arguments before it returns."""
        if not (options.stdout or options.stderr):
            raise NoStreamChosen
        log_config = container.record.host.log_config
        if getattr(log_config, "type", None) == "none":
            raise NotReadable
        return self._read(container, options)

    async def _read(self, container: Container, options: LogOptions) -> AsyncIterator[bytes]:
        encoder = _Encoder(options, terminal=container.record.terminal)
        path = Path(container.record.log_path)
        following = options.follow and _goes_on(container)
        watch = _Watch(path.parent) if following else None
        try:
            reader = None
            for piece in await self._worker.run(_plan, path, options):
                reader = await self._worker.run(_open_at, piece)
                try:
                    while block := await self._worker.run(reader.block):
                        if out := encoder.encode(logfiles.parse(block)):
                            yield out
                        if encoder.past_end:
                            return
                finally:
                    if watch is None or piece.path != path:
                        reader.close()
            if watch:
                async for out in self._follow(container, path, reader, watch, encoder):
                    yield out
        finally:
            if watch:
                watch.close()

    async def _follow(
        self,
        container: Container,
        path: Path,
        reader: logfiles.Reader | None,
        watch: _Watch,
        encoder: _Encoder,
    ) -> AsyncIterator[bytes]:
        ended = container.next_exit()
        try:
            while not encoder.past_end:
                if ended.done():
                    ended = container.next_exit()
                alive = _goes_on(container)
                if reader is None and path.exists():
                    reader = logfiles.Reader(path.open("rb"))
                while reader and (block := reader.block()):
                    if out := encoder.encode(logfiles.parse(block)):
                        yield out
                if reader and path.exists() and path.stat().st_ino != reader.inode:
                    reader.close()
                    reader = None
                    continue
                if reader and reader.truncated():
                    reader.rewind()
                    continue
                if not alive:
                    return
                await watch.changed(ended)
        finally:
            ended.cancel()
            if reader:
                reader.close()


def _goes_on(container: Container) -> bool:
    return container.state.phase in ALIVE | {Phase.STARTING, Phase.RESTARTING}


class _Piece(msgspec.Struct, frozen=True):
    path: Path
    offset: int = 0
    end: int | None = None


def _plan(path: Path, options: LogOptions) -> list[_Piece]:
    """Which files to read, from where to where."""
    files = logfiles.files(path)
    if options.stop_at:
        inode, size = options.stop_at
        older = [file for file in files if file.stat().st_ino != inode]
        current = [_Piece(file, end=size) for file in files if file.stat().st_ino == inode]
        return [_Piece(file) for file in older if file != path] + current
    if options.tail is None:
        return [_Piece(file) for file in files]
    pieces: list[_Piece] = []
    missing = options.tail
    for file in reversed(files):
        if file.suffix == ".gz":
            pieces.append(_Piece(file))
            break
        offset, found = logfiles.tail_offset(file, missing)
        pieces.append(_Piece(file, offset))
        missing -= found
        if missing <= 0:
            break
    return pieces[::-1]


def _open_at(piece: _Piece) -> logfiles.Reader:
    file = logfiles.open_log(piece.path)
    if piece.offset:
        file.seek(piece.offset)
    return logfiles.Reader(file, piece.end)


class _Watch:
    """Waits for a change in a directory."""

    def __init__(self, directory: Path) -> None:
        self._fd = inotify.inotify_init1(inotify.IN_CLOEXEC | inotify.IN_NONBLOCK)
        mask = inotify.IN_MODIFY | inotify.IN_CREATE | inotify.IN_MOVED_TO
        try:
            inotify.inotify_add_watch(self._fd, os.fspath(directory), mask)
        except OSError:
            os.close(self._fd)
            raise

    async def changed(self, ended: asyncio.Future[Exit]) -> None:
        """Return when something has been written, or when `ended` is done."""
        loop = asyncio.get_running_loop()
        readable = loop.create_future()
        loop.add_reader(self._fd, lambda: None if readable.done() else readable.set_result(None))
        try:
            await asyncio.wait((readable, ended), return_when=asyncio.FIRST_COMPLETED)
            inotify.drain(self._fd)
        finally:
            loop.remove_reader(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class _Encoder:
    """Records to bytes for the client, with the filters of the options."""

    def __init__(self, options: LogOptions, *, terminal: bool) -> None:
        self._wanted = {name for name, want in (("stdout", options.stdout), ("stderr", options.stderr)) if want}
        self._since = _rfc3339(options.since) if options.since else ""
        self._until = _rfc3339(options.until) if options.until else ""
        self._timestamps = options.timestamps
        self._details = options.details
        self._terminal = terminal
        self.past_end = False

    def encode(self, entries: list[Entry]) -> bytes:
        if not (self._timestamps or self._details or self._since or self._until or self._terminal):
            return b"".join(self._plain(entry) for entry in entries)
        return b"".join(self._full(entry) for entry in entries)

    def _plain(self, entry: Entry) -> bytes:
        if isinstance(entry, Damaged):
            return self._error(entry)
        if entry.stream not in self._wanted:
            return b""
        text = entry.log.encode()
        return struct.pack(">BxxxI", _STREAMS[entry.stream], len(text)) + text

    def _full(self, entry: Entry) -> bytes:
        if isinstance(entry, Damaged):
            return self._error(entry)
        if entry.stream not in self._wanted or entry.time < self._since:
            return b""
        if self._until and entry.time > self._until:
            self.past_end = True
            return b""
        text = self._prefix(entry) + entry.log.encode()
        return text if self._terminal else struct.pack(">BxxxI", _STREAMS[entry.stream], len(text)) + text

    def _prefix(self, entry: LogRecord) -> bytes:
        prefix = f"{entry.time} " if self._timestamps else ""
        if self._details:
            pairs = sorted((entry.attrs or {}).items())
            prefix += ",".join(f"{urllib.parse.quote_plus(k)}={urllib.parse.quote_plus(v)}" for k, v in pairs) + " "
        return prefix.encode()

    def _error(self, damaged: Damaged) -> bytes:
        text = f"Error grabbing logs: a record of the log is damaged and was skipped: {damaged.reason}\n".encode()
        return text if self._terminal else struct.pack(">BxxxI", _SYSTEM_ERROR, len(text)) + text


def _rfc3339(ns: int) -> str:
    """Nanoseconds since 1970 in the form the log has, so that times compare as text."""
    seconds, fraction = divmod(ns, 10**9)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{fraction:09d}Z"
