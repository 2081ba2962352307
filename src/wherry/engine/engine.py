"""The engine as one value: its parts, and the order in which they are made, started and stopped.

This is what an edge (the API server, a Python program) holds. It knows which part does what and nothing else: every use
case is in the part that bears its name. Made by `daemon.app`, or by a program that wants an engine without a daemon.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from wherry.aio.worker import Worker
from wherry.api import types as api
from wherry.engine import info, plan
from wherry.engine.attach import Attach
from wherry.engine.containers import Container, Containers
from wherry.engine.create import Created, Creator, Defaults
from wherry.engine.events import Events
from wherry.engine.exec import Execs
from wherry.engine.images import ImageCases
from wherry.engine.launch import Launcher
from wherry.engine.lifecycle import Lifecycle
from wherry.engine.logs import Logs
from wherry.engine.networks import NetworkCases
from wherry.engine.prune import Pruned, Pruner
from wherry.engine.publish import Publisher
from wherry.engine.records import Record
from wherry.engine.restore import Restore
from wherry.engine.roots import Roots
from wherry.engine.sandboxes import Sandboxes
from wherry.engine.volumes import VolumeCases
from wherry.images.store import Images
from wherry.linux.cgroups import detect
from wherry.network.networks import Networks
from wherry.runtime.binaries import Runtimes
from wherry.runtime.zygote import Zygote
from wherry.snapshots.snapshotter import Snapshotter
from wherry.state.database import Database
from wherry.volumes.store import Volumes

_DISK_THREADS = 8


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration says of an engine."""

    data_root: Path
    exec_root: Path
    log_driver: str = "json-file"
    log_options: dict[str, str] = {}
    init_path: str = ""
    labels: tuple[str, ...] = ()
    debug: bool = False


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine stands on, already open."""

    database: Database
    images: Images
    snapshotter: Snapshotter
    networks: Networks
    runtimes: Runtimes
    zygote: Zygote


class Engine:
    def __init__(self, options: Options, stores: Stores) -> None:
        self.options = options
        self._stores = stores
        self._worker = Worker("engine", _DISK_THREADS)
        worker = self._worker
        self.events = Events()
        publish = Publisher(self.events)
        self.containers = Containers(stores.database)
        volumes = Volumes(options.data_root / "volumes", stores.database, self._users_of_volume)
        roots = Roots(options.data_root / "containers", stores.snapshotter, volumes)
        sandboxes = Sandboxes(stores.networks, self.containers, publish)
        launcher = Launcher(
            exec_root=options.exec_root,
            containers=self.containers,
            roots=roots,
            sandboxes=sandboxes,
            runtimes=stores.runtimes,
            zygote=stores.zygote,
            worker=worker,
            init_path=options.init_path,
        )
        self._launcher = launcher
        self.lifecycle = Lifecycle(self.containers, launcher, publish)
        self.logs = Logs(worker)
        self.attach = Attach(self.logs, publish)
        self.execs = Execs(launcher, publish)
        self.lifecycle.on_end = self.execs.container_ended
        self.images = ImageCases(stores.images, self.containers, publish, worker)
        self.networks = NetworkCases(stores.networks, self.containers, publish, worker)
        self.volumes = VolumeCases(volumes, publish, worker)
        self._volumes = volumes
        self._roots = roots
        self._pruner = Pruner(self.containers, self.lifecycle, roots, worker)
        self._restore = Restore(self.containers, launcher, self.lifecycle)
        self._creator = Creator(
            root=options.data_root / "containers",
            containers=self.containers,
            images=stores.images,
            snapshotter=stores.snapshotter,
            roots=roots,
            volumes=volumes,
            networks=stores.networks,
            runtimes=stores.runtimes,
            publish=publish,
            worker=worker,
            defaults=Defaults(
                runtime=stores.runtimes.default,
                log=api.HostConfigLogConfig(type=options.log_driver, config=options.log_options),
                private_cgroup=detect.mounted().mode is detect.Mode.V2,
            ),
        )
        self._id = info.engine_id(options.data_root / "engine-id")

    async def start(self) -> None:
        """Take over what an earlier engine has left: containers that go on, and those it did not finish."""
        await self._worker.run(self._stores.snapshotter.reconcile)
        await self._restore.run()
        await self._worker.run(self._stores.images.reconcile)
        await self._worker.run(self._volumes.reconcile)
        await self._worker.run(self._launcher.warm_up)

    async def close(self) -> None:
        """Let go of everything; containers go on."""
        await self.lifecycle.close()
        await self._worker.run(self._stores.networks.stop)
        self._stores.zygote.close()
        self._worker.close()

    async def create(
        self, request: api.ContainerCreateRequest, name: str | None = None, platform: str | None = None
    ) -> Created:
        """Make a container: see `create.Creator`."""
        return await self._creator.create(request, name, platform)

    async def prune(self, match: Callable[[Record], bool]) -> Pruned:
        """Remove the containers that do not run and match."""
        return await self._pruner.run(match)

    async def disk_usage(self, record: Record) -> tuple[int, int]:
        """Bytes a container has written, and bytes of its root."""
        return await self._worker.run(self._roots.usage, record)

    @property
    def storage_driver(self) -> str:
        """The name Docker has for how layers are kept here."""
        return "overlay2" if self._stores.snapshotter.stacks else "vfs"

    async def info(self, *, listeners: int = 0) -> info.SystemInfo:
        images = await self.images.list()
        return info.collect(
            identifier=self._id,
            root=self.options.data_root,
            containers=self.containers,
            images=len(images),
            driver=self.storage_driver,
            runtimes=self._stores.runtimes,
            init_binary=self.options.init_path,
            log_drivers=tuple(plan.LOG_DRIVERS),
            labels=self.options.labels,
            listeners=listeners,
            debug=self.options.debug,
        )

    def _users_of_volume(self, name: str) -> list[str]:
        return [container.record.id for container in self.containers if _uses(container, name)]


def _uses(container: Container, volume: str) -> bool:
    return any(mount.type == "volume" and mount.name == volume for mount in container.record.mounts)
