"""How fast a layer is unpacked, against GNU tar on the same bytes. Run as root: python tests/perf/unpack_layer.py
[DIRECTORY]

The layer is made of DIRECTORY (/usr/lib by default, at most 400 MB of it) and lies on a tmpfs, so that the disk has no
say. Both sides read gzip; ours verifies the digest of the content besides. The best of three runs each, in turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "src"), str(Path(__file__).resolve().parents[2])]

from tests.support.trees import tmpfs
from wherry.content.store import Store
from wherry.snapshots import compression, extraction, tar
from wherry.snapshots.unpack import Limits, extract
from wherry.state.files import remove_tree

_MOST = 400 << 20


def main() -> None:
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/lib")
    with tempfile.TemporaryDirectory() as temporary, tmpfs(Path(temporary) / "disk") as disk:
        store = Store(disk / "content")
        with store.ingest("layer") as writer:
            layer = compression.LayerWriter(writer)
            count = write_layer(source, layer)
            blob = writer.commit()
        size = layer.uncompressed_size
        print(f"layer of {size >> 20} MiB, {count} entries, {layer.size >> 20} MiB as gzip")

        def ours(target: Path) -> None:
            assert extract(store, blob, target, extraction.DROP, Limits()).diff_id == layer.diff_id

        def gnu(target: Path) -> None:
            command = ["tar", "-C", str(target), "-xpzf", str(store.path(blob)), "--numeric-owner"]
            subprocess.run(command, check=True)

        best = compete(disk, {"wherry": ours, "GNU tar + gzip": gnu})
        for name, seconds in best.items():
            print(f"{name:16} {seconds:6.2f} s {size / seconds / 1e6:6.0f} MB/s {count / seconds:8.0f} entries/s")


def compete(disk: Path, sides: dict[str, Callable[[Path], None]]) -> dict[str, float]:
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(3):
        for name, run in sides.items():
            target = disk / "target"
            target.mkdir()
            start = time.perf_counter()
            run(target)
            best[name] = min(best[name], time.perf_counter() - start)
            remove_tree(target)
    return best


def write_layer(source: Path, sink: compression.LayerWriter) -> int:
    count = 0
    with tar.Writer(sink) as writer:
        for directory, _, names in os.walk(source):
            for name in names:
                path = Path(directory, name)
                if path.is_symlink() or not path.is_file() or sink.uncompressed_size > _MOST:
                    continue
                data = path.read_bytes()
                writer.add(tar.Entry(str(path), tar.FILE, mode=0o644, size=len(data), mtime=10**18), [data])
                count += 1
    sink.close()
    return count


if __name__ == "__main__":
    main()
