"""Mount points of a container: from `-v`, `--mount`, `--tmpfs`, the image's VOLUMEs and `--volumes-from` to values.

Pure, but for one question to the host: whether a bind's source exists. Volumes are named, not made: `create` makes
them. Rules and message texts are Docker's (docker run, "Mount volume").
"""

from __future__ import annotations

import os.path
import posixpath
import re
from collections.abc import Callable, Iterable

import msgspec

from wherry import errors
from wherry.api import types as api
from wherry.engine.records import Mount
from wherry.engine.wire import flag, items, mapping, number, text

_PROPAGATION = {"private", "rprivate", "shared", "rshared", "slave", "rslave"}
_CONSISTENCY = {"consistent", "cached", "delegated", "default"}
_LABELS = {"z", "Z"}
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")


class InvalidVolumeSpec(errors.InvalidArgument):
    def __init__(self, spec: str) -> None:
        super().__init__(f"invalid volume specification: '{spec}'")


class InvalidMountPath(errors.InvalidArgument):
    def __init__(self, spec: str, target: str) -> None:
        super().__init__(
            f"invalid volume specification: '{spec}': invalid mount path: '{target}' mount path must be absolute"
        )


class RootTarget(errors.InvalidArgument):
    def __init__(self, spec: str) -> None:
        super().__init__(f"invalid volume specification: '{spec}': invalid specification: destination can't be '/'")


class InvalidMode(errors.InvalidArgument):
    def __init__(self, mode: str) -> None:
        super().__init__(f"invalid mode: {mode}")


class InvalidMountConfig(errors.InvalidArgument):
    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f'invalid mount config for type "{kind}": {reason}')


class SubpathNotImplemented(errors.Unsupported):
    def __init__(self) -> None:
        super().__init__("mounting a part of a volume (volume-subpath) is not implemented by wherry yet")


class DuplicateTarget(errors.InvalidArgument):
    def __init__(self, target: str) -> None:
        super().__init__(f"Duplicate mount point: {target}")


def parse_bind(spec: str) -> Mount:
    """`source:target[:mode]`, a source without leading slash is a volume, `target` alone an anonymous one."""
    parts = spec.split(":")
    if len(parts) > 3 or "" in parts[:2]:
        raise InvalidVolumeSpec(spec)
    source, target, mode = [*parts, "", ""][:3] if len(parts) > 1 else ("", parts[0], "")
    if not target.startswith("/"):
        raise InvalidMountPath(spec, target)
    target = posixpath.normpath(target)
    if target == "/":
        raise RootTarget(spec)
    writable, propagation, copy = _parse_mode(mode)
    if source.startswith("/"):
        if copy is not None:
            raise InvalidMode(mode)
        return Mount(
            type="bind",
            source=posixpath.normpath(source),
            target=target,
            mode=mode,
            writable=writable,
            propagation=propagation or "rprivate",
        )
    if source and not _VOLUME_NAME.match(source):
        raise InvalidVolumeSpec(spec)
    if propagation:
        raise InvalidMode(mode)
    return Mount(
        type="volume",
        name=source,
        target=target,
        driver="local",
        mode=mode or "z",
        writable=writable,
        copy_up=copy is not False,
    )


def _parse_mode(mode: str) -> tuple[bool, str, bool | None]:
    """Writable, propagation, and whether the image's content is copied into an empty volume (None: not said)."""
    words = mode.split(",") if mode else []
    access = [word for word in words if word in ("ro", "rw")]
    propagation = [word for word in words if word in _PROPAGATION]
    copy = [word for word in words if word in ("copy", "nocopy")]
    labels = [word for word in words if word in _LABELS]
    known = len(access) + len(propagation) + len(copy) + len(labels)
    known += sum(word in _CONSISTENCY for word in words)
    if known != len(words) or max(map(len, (access, propagation, copy, labels)), default=0) > 1:
        raise InvalidMode(mode)
    return access != ["ro"], "".join(propagation), copy[0] == "copy" if copy else None


def parse_mount(mount: api.Mount) -> Mount:
    """An entry of HostConfig.Mounts."""
    kind = text(mount.type)
    target = text(mount.target)
    if not target:
        raise InvalidMountConfig(kind, "field Target must not be empty")
    if not target.startswith("/"):
        raise InvalidMountConfig(kind, f"invalid mount path: '{target}' mount path must be absolute")
    target = posixpath.normpath(target)
    if target == "/":
        raise InvalidMountConfig(kind, "invalid specification: destination can't be '/'")
    writable = not flag(mount.read_only)
    match kind:
        case "bind":
            return _bind_mount(mount, target, writable)
        case "volume":
            return _volume_mount(mount, target, writable)
        case "tmpfs":
            return _tmpfs_mount(mount, target, writable)
    raise InvalidMountConfig(kind, "mount type unknown")


def _bind_mount(mount: api.Mount, target: str, writable: bool) -> Mount:
    source = text(mount.source)
    if not source:
        raise InvalidMountConfig("bind", "field Source must not be empty")
    if not source.startswith("/"):
        raise InvalidMountConfig("bind", f"invalid mount path: '{source}' mount path must be absolute")
    options = mount.bind_options
    propagation, create = "", False
    if isinstance(options, api.MountBindOptions):
        propagation, create = text(options.propagation), flag(options.create_mountpoint)
    if propagation and propagation not in _PROPAGATION:
        raise InvalidMountConfig("bind", f"invalid propagation mode: {propagation}")
    if not create and not os.path.lexists(source):
        raise InvalidMountConfig("bind", f"bind source path does not exist: {source}")
    return Mount(
        type="bind",
        source=posixpath.normpath(source),
        target=target,
        writable=writable,
        propagation=propagation or "rprivate",
    )


def _volume_mount(mount: api.Mount, target: str, writable: bool) -> Mount:
    name = text(mount.source)
    if name and not _VOLUME_NAME.match(name):
        raise InvalidMountConfig("volume", f"invalid volume name: {name}")
    options = mount.volume_options
    copy_up, driver = True, ""
    if isinstance(options, api.MountVolumeOptions):
        copy_up = not flag(options.no_copy)
        if text(options.subpath):
            raise SubpathNotImplemented
        if isinstance(options.driver_config, api.MountVolumeOptionsDriverConfig):
            driver = text(options.driver_config.name)
    return Mount(
        type="volume",
        name=name,
        target=target,
        driver=driver or "local",
        mode="z",
        writable=writable,
        copy_up=copy_up,
    )


def _tmpfs_mount(mount: api.Mount, target: str, writable: bool) -> Mount:
    if text(mount.source):
        raise InvalidMountConfig("tmpfs", "field Source must not be specified")
    words = ["noexec", "nosuid", "nodev"]
    if isinstance(mount.tmpfs_options, api.MountTmpfsOptions):
        size, mode = number(mount.tmpfs_options.size_bytes), number(mount.tmpfs_options.mode)
        words += [f"size={size}"] if size else []
        words += [f"mode={mode:o}"] if mode else []
    return Mount(type="tmpfs", target=target, writable=writable, options=tuple(words))


def parse_tmpfs(target: str, options: str) -> Mount:
    """An entry of HostConfig.Tmpfs: options of mount(8) on top of noexec, nosuid, nodev, the later word winning."""
    if not target.startswith("/"):
        raise InvalidMountConfig("tmpfs", f"invalid mount path: '{target}' mount path must be absolute")
    words = ["noexec", "nosuid", "nodev", *filter(None, options.split(","))]
    return Mount(type="tmpfs", target=posixpath.normpath(target), options=tuple(words), writable="ro" not in words)


def plan(
    host: api.HostConfig,
    image_volumes: Iterable[str],
    requested_volumes: Iterable[str],
    from_container: Callable[[str], tuple[Mount, ...]],
) -> tuple[Mount, ...]:
    """All mount points, one per target. Explicit ones win over `--volumes-from`, those over anonymous volumes."""
    explicit = [parse_bind(spec) for spec in items(host.binds)]
    explicit += [parse_mount(mount) for mount in items(host.mounts)]
    explicit += [parse_tmpfs(target, options) for target, options in mapping(host.tmpfs).items()]
    chosen: dict[str, Mount] = {}
    for mount in explicit:
        if mount.target in chosen:
            raise DuplicateTarget(mount.target)
        chosen[mount.target] = mount
    for spec in items(host.volumes_from):
        for mount in _inherited(spec, from_container):
            chosen.setdefault(mount.target, mount)
    for target in [*image_volumes, *requested_volumes]:
        anonymous = parse_bind(target)
        chosen.setdefault(anonymous.target, anonymous)
    return tuple(chosen.values())


def _inherited(spec: str, from_container: Callable[[str], tuple[Mount, ...]]) -> list[Mount]:
    reference, _, mode = spec.partition(":")
    if not reference or mode not in ("", "ro", "rw", "z", "Z"):
        raise InvalidMode(mode)
    mounts = [mount for mount in from_container(reference) if mount.type != "tmpfs"]
    if mode == "ro":
        return [msgspec.structs.replace(mount, writable=False, mode="ro", copy_up=False) for mount in mounts]
    return [msgspec.structs.replace(mount, copy_up=False) for mount in mounts]
