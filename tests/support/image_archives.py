"""Archives of images, written by hand in the forms that engines and tools have used over the years."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import zstandard

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}
OCI = "application/vnd.oci.image"


def tar(members: Mapping[str, bytes | str]) -> bytes:
    """An archive of files; a text instead of bytes is the target of a symbolic link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class MadeImage:
    """An image of layers that are given as members of their archives. Its `id` is the digest of its config."""

    def __init__(
        self,
        *layers: Mapping[str, bytes | str],
        compression: str = "plain",
        labels: dict[str, str] | None = None,
        created: str = "2024-01-01T00:00:00Z",
        **members: Any,
    ) -> None:
        self.tars = [tar(layer) for layer in layers]
        self.blobs = [COMPRESSIONS[compression](each) for each in self.tars]
        self.suffix = {"plain": "", "gzip": "+gzip", "zstd": "+zstd"}.get(compression, "")
        document = {
            "architecture": "amd64",
            "os": "linux",
            "created": created,
            "config": {"Cmd": ["sh"], "Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(each)}" for each in self.tars]},
            "history": [
                {"created": created, "created_by": "nothing", "empty_layer": True},
                *({"created": created, "created_by": f"layer {n}"} for n, _ in enumerate(self.tars)),
            ],
            **members,
        }
        self.config = json.dumps(document).encode()
        self.id = f"sha256:{sha256(self.config)}"

    @property
    def manifest(self) -> bytes:
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": f"{OCI}.manifest.v1+json",
                "config": descriptor(f"{OCI}.config.v1+json", self.config),
                "layers": [descriptor(f"{OCI}.layer.v1.tar{self.suffix}", blob) for blob in self.blobs],
                "annotations": {"kept": "byte for byte"},
            },
            indent=2,
        ).encode()

    @property
    def manifest_digest(self) -> str:
        return f"sha256:{sha256(self.manifest)}"

    def entry(self, **members: Any) -> dict[str, Any]:
        """The image as an entry of an index."""
        return {**descriptor(f"{OCI}.manifest.v1+json", self.manifest), **members}

    def files(self) -> dict[str, bytes]:
        """The members of a layout that belong to this image."""
        return dict([blob(self.manifest), blob(self.config), *map(blob, self.blobs)])


def descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{sha256(data)}", "size": len(data)}


def blob(data: bytes) -> tuple[str, bytes]:
    return f"blobs/sha256/{sha256(data)}", data


def index(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": list(entries)}).encode()


def named(text: str) -> dict[str, dict[str, str]]:
    return {"annotations": {"io.containerd.image.name": text}}


def layout(entries: Sequence[dict[str, Any]], *images: MadeImage, more: Mapping[str, bytes] | None = None) -> bytes:
    """An OCI layout whose index.json has these entries."""
    files: dict[str, bytes | str] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index(*entries)}
    for image in images:
        files.update(image.files())
    return tar({**files, **(more or {})})


def docker_archive(*images: tuple[MadeImage, Sequence[str] | None], list_last: bool = True) -> bytes:
    """What `docker save` wrote before version 25: a directory for each layer, manifest.json anywhere."""
    files: dict[str, bytes | str] = {}
    listed = []
    for image, tags in images:
        paths = []
        for diff, data in zip(image.tars, image.blobs, strict=True):
            directory = sha256(b"v1" + diff)
            paths.append(f"{directory}/layer.tar")
            files[f"{directory}/VERSION"] = b"1.0"
            files[f"{directory}/json"] = b"{}"
            files[paths[-1]] = data
        name = f"{image.id.removeprefix('sha256:')}.json"
        files[name] = image.config
        listed.append({"Config": name, "RepoTags": tags, "Layers": paths})
    manifest = {"manifest.json": json.dumps(listed).encode()}
    return tar({**files, **manifest} if list_last else {**manifest, **files})
