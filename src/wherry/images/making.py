"""New images from one new layer: `docker import` and `docker commit`.

Knows how the config of the new image follows from the one below it. Must not know containers. The layer is kept
gzipped, since that is what registries and other engines expect.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from wherry import faults
from wherry.images import times
from wherry.images.admission import Admission, Candidate, put
from wherry.images.image import Image, parse_target
from wherry.images.progress import silent
from wherry.images.records import Name, Operation, Records
from wherry.oci import descriptor, image_config, manifest
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.image_config import Execution, History, ImageConfig, RootFs
from wherry.oci.platform import Platform
from wherry.snapshots.compression import LayerWriter

if TYPE_CHECKING:
    from wherry.snapshots.compression import Sink

WriteLayer = Callable[["Sink"], None]
"""Writes the uncompressed archive of a layer into the sink it is given."""


class Told(msgspec.Struct, frozen=True):
    """What a new image says about its last step."""

    comment: str = ""
    author: str = ""
    created_by: str = ""


class Maker:
    def __init__(self, records: Records, admission: Admission) -> None:
        self._records = records
        self._admission = admission

    def make(
        self, base: Image | Platform, write: WriteLayer, execution: Execution, told: Told, reference: str = ""
    ) -> Image:
        """An image of one layer on top of `base`, or of one layer for a platform. `execution` replaces the base's.

        Raises InvalidReference, InvalidTag, what `write` raises, and what `Admission.admit` raises.
        """
        target = parse_target(reference) if reference else None
        with self._records.operation() as operation:
            blob, diff_id = self._write_layer(write, operation)
            config = image_config.encode(self._config(base, diff_id, execution, told))
            config_digest = put(self._records, config, operation)
            below = base.manifest.layers if isinstance(base, Image) else ()
            document = manifest.of_image(Descriptor(descriptor.OCI_CONFIG, config_digest, len(config)), (*below, blob))
            digest = put(self._records, manifest.encode(document), operation)
            names = (Name(target, digest),) if target else ()
            additions = self._admission.admit([Candidate(digest, names)], operation, silent)
            faults.hit("make:before-records")
            self._records.add(additions)
        return self._records.resolve(config_digest)

    def _write_layer(self, write: WriteLayer, operation: Operation) -> tuple[Descriptor, Digest]:
        ref = f"layer-{secrets.token_hex(8)}"
        store = self._records.store
        try:
            with store.ingest(ref, lease=operation) as writer:
                layer = LayerWriter(writer)
                write(layer)
                layer.close()
                digest = writer.commit()
        finally:
            store.abandon(ref)
        return Descriptor(descriptor.OCI_LAYER_GZIP, digest, layer.size), Digest(layer.diff_id)

    def _config(self, base: Image | Platform, diff_id: Digest, execution: Execution, told: Told) -> ImageConfig:
        now = times.to_rfc3339(self._records.now())
        step = History(created=now, created_by=told.created_by, author=told.author, comment=told.comment)
        if isinstance(base, Image):
            start = base.config
        else:
            start = ImageConfig(
                architecture=base.architecture, os=base.os, variant=base.variant, os_version=base.os_version
            )
        return msgspec.structs.replace(
            start,
            created=now,
            author=told.author,
            comment=told.comment,
            docker_version="",
            container="",
            config=execution,
            rootfs=RootFs(diff_ids=(*start.rootfs.diff_ids, diff_id)),
            history=(*(start.history or ()), step),
        )
