"""`docker import`: an archive of a root file system becomes an image of one layer."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Sequence
from typing import BinaryIO

from wherry import faults
from wherry.images import changes
from wherry.images.image import Image, parse_target
from wherry.images.loading import measured, put
from wherry.images.records import Addition, Name, Records
from wherry.oci import descriptor, image_config, manifest, platform
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.image_config import Execution, History, ImageConfig, RootFs
from wherry.oci.platform import Platform
from wherry.snapshots.compression import Decompressed, LayerWriter
from wherry.snapshots.unpack import Layer as Unpacked
from wherry.snapshots.unpack import Unpacker

_CREATED_BY = "imported from -"


class Importer:
    def __init__(self, records: Records, unpacker: Unpacker) -> None:
        self._records = records
        self._unpacker = unpacker

    def run(
        self,
        source: BinaryIO,
        *,
        reference: str = "",
        changes_: Sequence[str] = (),
        message: str = "",
        wanted: Platform | None = None,
    ) -> Image:
        """Make the image. The layer is kept gzipped; the changes are those of a Dockerfile's config instructions."""
        target = parse_target(reference) if reference else None
        execution = changes.apply(Execution(), changes_)
        with self._records.leases.hold() as lease:
            ref = f"import-{secrets.token_hex(8)}"
            try:
                with self._records.store.ingest(ref, lease=lease) as writer:
                    layer = LayerWriter(writer)
                    for chunk in Decompressed(source).chunks():
                        layer.write(chunk)
                    layer.close()
                    blob = Descriptor(descriptor.OCI_LAYER_GZIP, writer.commit(), layer.size)
            finally:
                self._records.store.abandon(ref)
            diff_id = Digest(layer.diff_id)
            self._unpacker.unpack([Unpacked(blob.digest, diff_id)])
            config = self._config(diff_id, execution, message, wanted or platform.host())
            document = image_config.encode(config)
            identifier = put(self._records, document, lease)
            made = manifest.of_image(Descriptor(descriptor.OCI_CONFIG, identifier, len(document)), (blob,))
            manifest_digest = put(self._records, manifest.encode(made), lease)
            faults.hit("import:before-records")
            self._records.add(
                [
                    Addition(
                        id=identifier,
                        manifest_digest=manifest_digest,
                        config=config,
                        layers=tuple(measured(self._records, [(blob, diff_id)])),
                        names=(Name(target, manifest_digest),) if target else (),
                    )
                ]
            )
        return self._records.resolve(identifier)

    def _config(self, diff_id: Digest, execution: Execution, message: str, wanted: Platform) -> ImageConfig:
        now = datetime.datetime.fromtimestamp(self._records.now() / 1e9, datetime.UTC).isoformat().replace("+00:00", "Z")
        return ImageConfig(
            architecture=wanted.architecture,
            os=wanted.os or "linux",
            variant=wanted.variant,
            created=now,
            comment=message,
            config=execution,
            rootfs=RootFs(diff_ids=(diff_id,)),
            history=(History(created=now, created_by=_CREATED_BY, comment=message),),
        )
