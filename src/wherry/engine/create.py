"""`docker create`: a request becomes a container, or nothing.

Order, so that a crash leaves a container or nothing that restore would not sweep away: reserve the name, make the
volumes, prepare the snapshot, make the directory, and write the record last. Undo is registered right after each of
them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from wherry import faults
from wherry.aio.worker import Worker
from wherry.api import types as api
from wherry.engine import mounts, names, plan
from wherry.engine.containers import Containers
from wherry.engine.publish import Publisher
from wherry.engine.records import Mount, Record
from wherry.engine.roots import Roots
from wherry.engine.wire import mapping, text
from wherry.images.image import Image
from wherry.images.store import Images
from wherry.network.networks import Networks
from wherry.runtime.binaries import Runtimes
from wherry.snapshots.snapshotter import Snapshotter
from wherry.state import files
from wherry.volumes.store import Volumes


class NoSuchMode(plan.InvalidRequest):
    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"invalid {what} mode: {value}")


class Created(msgspec.Struct, frozen=True):
    id: str
    warnings: list[str]


class Defaults(msgspec.Struct, frozen=True):
    """What the daemon's configuration contributes to new containers."""

    runtime: str
    log: api.HostConfigLogConfig
    private_cgroup: bool


class Creator:
    def __init__(
        self,
        *,
        root: Path,
        containers: Containers,
        images: Images,
        snapshotter: Snapshotter,
        roots: Roots,
        volumes: Volumes,
        networks: Networks,
        runtimes: Runtimes,
        publish: Publisher,
        worker: Worker,
        defaults: Defaults,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._root = root
        self._containers = containers
        self._images = images
        self._snapshotter = snapshotter
        self._roots = roots
        self._volumes = volumes
        self._networks = networks
        self._runtimes = runtimes
        self._publish = publish
        self._worker = worker
        self._defaults = defaults
        self._clock = clock

    async def create(
        self, request: api.ContainerCreateRequest, name: str | None = None, platform: str | None = None
    ) -> Created:
        """Make a container from a create request; all of dockerd's checks, none of the kernel's work."""
        config, host = _split(request)
        identifier = names.new_id()
        reference = text(config.image)
        if not reference:
            raise plan.InvalidRequest("no image specified: the field Image must name one")
        image = await self._worker.run(self._images.resolve, reference)
        record = self._record(identifier, image, config, host, _networks(request))
        warnings = plan.warnings(record.config)
        with contextlib.ExitStack() as undo:
            chosen = self._containers.reserve(identifier, name)
            undo.callback(self._containers.release, chosen)
            record = msgspec.structs.replace(record, name=chosen)
            record = await self._worker.run(self._prepare, record, image, undo)
            faults.hit("create:before-record")
            await self._containers.add(record)
            undo.pop_all()
        faults.hit("create:after-record")
        self._publish.container(record, "create")
        return Created(identifier, warnings)

    def _record(
        self,
        identifier: str,
        image: Image,
        user: api.ContainerConfig,
        host: api.HostConfig,
        networks: dict[str, api.EndpointSettings],
    ) -> Record:
        config = plan.config(user, image.config.execution, identifier)
        planned = plan.host_config(
            host,
            default_runtime=self._defaults.runtime,
            log_config=self._defaults.log,
            private_cgroup=self._defaults.private_cgroup,
        )
        planned = self._resolve_references(planned)
        self._runtimes.get(text(planned.runtime))
        path, args = plan.command_line(config)
        return Record(
            id=identifier,
            name="",
            created=self._clock(),
            image=text(user.image),
            image_id=image.id,
            config=config,
            host=planned,
            networks=networks,
            path=path,
            args=args,
            runtime=text(planned.runtime),
            directory=str(self._root / identifier),
            mounts=mounts.plan(
                planned, list(image.config.execution.volumes or {}), list(mapping(user.volumes)), self._mounts_of
            ),
        )

    def _resolve_references(self, host: api.HostConfig) -> api.HostConfig:
        """`container:name` in a namespace mode becomes `container:id`."""
        changes: dict[str, str] = {}
        for field, what in (("network_mode", "network"), ("ipc_mode", "IPC"), ("pid_mode", "PID")):
            mode = text(getattr(host, field))
            kind, _, reference = mode.partition(":")
            if kind == "container":
                if not reference:
                    raise NoSuchMode(what, mode)
                changes[field] = f"container:{self._containers.find(reference).record.id}"
        for field, what, allowed in (
            ("pid_mode", "PID", ("", "host")),
            ("ipc_mode", "IPC", ("none", "private", "shareable", "host")),
            ("uts_mode", "UTS", ("", "host")),
            ("cgroupns_mode", "CgroupNS", ("private", "host")),
        ):
            mode = text(getattr(host, field))
            if mode not in allowed and field not in changes:
                raise NoSuchMode(what, mode)
        return msgspec.structs.replace(host, **changes)

    def _mounts_of(self, reference: str) -> tuple[Mount, ...]:
        return self._containers.find(reference).record.mounts

    def _prepare(self, record: Record, image: Image, undo: contextlib.ExitStack) -> Record:
        """Blocking: the snapshot, the directory and the volumes of a new container."""
        directory = Path(record.directory)
        directory.mkdir(mode=0o710)
        undo.callback(files.remove_tree, directory)
        with self._images.held(image):
            self._snapshotter.prepare(record.id, self._images.rootfs(image))
        undo.callback(self._snapshotter.remove, record.id)
        made = tuple(self._volume(mount, undo) for mount in record.mounts)
        faults.hit("create:after-snapshot")
        record = msgspec.structs.replace(record, mounts=made)
        self._roots.fill(record)
        return record

    def _volume(self, mount: Mount, undo: contextlib.ExitStack) -> Mount:
        if mount.type == "bind":
            if not Path(mount.source).exists():
                Path(mount.source).mkdir(parents=True)
            return mount
        if mount.type != "volume" or mount.source:
            return mount
        volume, new = self._volumes.create(mount.name, mount.driver)
        if new:
            undo.callback(self._volumes.remove, volume.name, force=True)
            self._publish.volume("create", volume.name, driver=volume.driver)
        return msgspec.structs.replace(mount, name=volume.name, source=volume.mountpoint)


def _split(request: api.ContainerCreateRequest) -> tuple[api.ContainerConfig, api.HostConfig]:
    """The request's own members as a ContainerConfig, and its HostConfig."""
    own = {name: getattr(request, name) for name in api.ContainerConfig.__struct_fields__}
    host = request.host_config
    return api.ContainerConfig(**own), host if isinstance(host, api.HostConfig) else api.HostConfig()


def _networks(request: api.ContainerCreateRequest) -> dict[str, api.EndpointSettings]:
    """What is wanted of each network; clients call the default one "default"."""
    networking = request.networking_config
    wanted = mapping(networking.endpoints_config) if isinstance(networking, api.NetworkingConfig) else {}
    return {"bridge" if name == "default" else name: settings for name, settings in wanted.items()}
