"""Tar archives as streams of entries: what layers, saved images and copied files are made of.

Knows the formats of tar: old ones, ustar, GNU and pax. Must not know layers, whiteouts or the file system. Standard
library only, and little of it, since the process that extracts a layer imports this.

    for entry in Reader(file):            with Writer(file) as writer:
        if entry.is_file:                     writer.add(Entry("etc/", DIRECTORY, mode=0o755))
            data = reader.read()              writer.add(Entry("etc/hosts", FILE, size=4), [b"data"])

Not `tarfile`: its reader takes three times as long for a layer, and knows neither extended attributes nor limits.
See "pax Interchange Format" in pax(1p), and "Basic Tar Format" in the GNU tar manual.
"""

from __future__ import annotations

from wherry.snapshots.tar.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    LINK,
    SYMLINK,
    DamagedArchive,
    Entry,
    HostileArchive,
)
from wherry.snapshots.tar.reader import Reader
from wherry.snapshots.tar.writer import Writer

__all__ = [
    "BLOCK",
    "CHARACTER",
    "DIRECTORY",
    "FIFO",
    "FILE",
    "LINK",
    "SYMLINK",
    "DamagedArchive",
    "Entry",
    "HostileArchive",
    "Reader",
    "Writer",
]
