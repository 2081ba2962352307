"""Image configs: what an image says about itself and about the process it is for.

Knows the fields in OCI's form together with Docker's additions. Must not know what an engine makes of them. Members
that these types leave out survive in the blob, which is kept as it came. See config.md of the OCI image specification.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wherry import errors
from wherry.oci import digest as digests
from wherry.oci import documents
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform


class InvalidImageConfig(errors.InvalidArgument):
    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid image config: {reason}")


class Healthcheck(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """A probe of the container; durations in nanoseconds, 0 inherits."""

    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Execution(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """How to run the image: the member `config`. None is null or absent, which Docker keeps apart from empty."""

    user: str = ""
    exposed_ports: dict[str, Any] | None = None
    env: list[str] | None = None
    cmd: list[str] | None = None
    healthcheck: Healthcheck | None = None
    args_escaped: bool = False
    volumes: dict[str, Any] | None = None
    working_dir: str = ""
    entrypoint: list[str] | None = None
    on_build: list[str] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    shell: list[str] | None = None


class RootFs(msgspec.Struct, frozen=True):
    """The diff IDs of the layers, lowest first; `type` is always `layers`."""

    type: str = "layers"
    diff_ids: tuple[Digest, ...] = ()


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of the making of the image; every step without `empty_layer` made a layer."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"os_version": "os.version", "os_features": "os.features"}
):
    """The whole document. Times are RFC 3339 as written there, "" if absent."""

    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] | None = None
    created: str | None = None
    author: str = ""
    comment: str = ""
    docker_version: str = ""
    container: str = ""
    config: Execution | None = None
    rootfs: RootFs = msgspec.field(default_factory=RootFs)
    history: tuple[History, ...] | None = None

    @property
    def platform(self) -> Platform:
        return Platform(self.architecture, self.os, self.variant, self.os_version, self.os_features or ())

    @property
    def execution(self) -> Execution:
        return self.config or Execution()


def decode(document: bytes) -> ImageConfig:
    """The config in `document`; InvalidImageConfig if it is none that an engine could run."""
    try:
        config = documents.decode(document, ImageConfig)
        for diff_id in config.rootfs.diff_ids:
            digests.parse(diff_id)
    except (documents.Malformed, digests.InvalidDigest) as error:
        raise InvalidImageConfig(str(error)) from None
    if config.rootfs.type != "layers":
        raise InvalidImageConfig(f'unknown rootfs type "{config.rootfs.type}"')
    made = sum(not step.empty_layer for step in config.history or ())
    if made > len(config.rootfs.diff_ids):
        raise InvalidImageConfig("too many non-empty layers in History section")
    return config


def encode(config: ImageConfig) -> bytes:
    """The config as bytes, the same ones for equal configs."""
    return msgspec.json.encode(config)
