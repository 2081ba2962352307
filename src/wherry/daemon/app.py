"""The composition root: every part of the daemon is made here, in order, and let go of in the reverse order.

Read this file to see what the daemon consists of. The zygote comes first, before any thread or event loop exists,
since only a simple process forks safely. Then what is on disk is opened, the engine takes over what an earlier
daemon has left, and the sockets are opened last: whoever can connect gets right answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable, Iterator

from wherry import errors
from wherry.content.leases import Leases
from wherry.content.store import Store
from wherry.daemon import listeners, logs, stacks, storage
from wherry.daemon.config import Config
from wherry.daemon.notify import notify
from wherry.daemon.reload import Reload
from wherry.engine import containers
from wherry.engine.engine import Engine, Options, Stores
from wherry.http.server import Server
from wherry.images import catalogue
from wherry.images.store import Images
from wherry.network import ipam, networks
from wherry.runtime.binaries import Runtime, Runtimes
from wherry.runtime.zygote import Zygote
from wherry.server.api import Api
from wherry.snapshots import catalogue as snapshots
from wherry.snapshots.unpack import Unpacker
from wherry.state import files
from wherry.state.database import Database
from wherry.volumes import store as volumes

_log = logging.getLogger(__name__)

SCHEMAS = (containers.TABLES, catalogue.TABLES, snapshots.SCHEMA, networks.TABLES, volumes.TABLES)
_DATA_MODE, _EXEC_MODE = 0o710, 0o711
_GRACE = 1.0
"""Seconds for answers to be sent at the end; streams would go on for ever."""


class NotRoot(errors.PermissionDenied):
    def __init__(self) -> None:
        super().__init__("wherryd must be started as root", hint="sudo wherryd")


def run(config: Config, load: Callable[[], Config]) -> None:
    """Be the daemon until SIGTERM or SIGINT. `load` reads the configuration anew, for SIGHUP."""
    if os.geteuid() != 0:
        raise NotRoot
    os.umask(0o022)
    logs.set_up(config.log_level)
    config.data_root.mkdir(mode=_DATA_MODE, parents=True, exist_ok=True)
    config.exec_root.mkdir(mode=_EXEC_MODE, parents=True, exist_ok=True)
    with contextlib.ExitStack() as undo:
        undo.enter_context(files.Lock(config.data_root / "lock"))
        zygote = Zygote()
        zygote.spawn()
        undo.callback(zygote.close)
        undo.enter_context(_pidfile(config))
        _raise_limits()
        database = Database.open(config.data_root / "state.db", SCHEMAS)
        undo.callback(database.close)
        asyncio.run(_serve(config, open_stores(config, database, zygote), load))


def open_stores(config: Config, database: Database, zygote: Zygote) -> Stores:
    """What the engine stands on."""
    root = config.data_root
    (root / "containers").mkdir(mode=_DATA_MODE, exist_ok=True)
    snapshotter = storage.open_snapshotter(root / "snapshots", config.storage_driver, database)
    content = Store(root / "content")
    runtimes = [Runtime(name, path, arguments) for name, (path, arguments) in config.runtimes.items()]
    return Stores(
        database=database,
        images=Images(content, snapshotter, Leases(), database, Unpacker(snapshotter, content)),
        snapshotter=snapshotter,
        networks=networks.Networks(database, _network_settings(config)),
        runtimes=Runtimes(runtimes, config.default_runtime),
        zygote=zygote,
    )


def _network_settings(config: Config) -> networks.Settings:
    pools = tuple((pool.base, pool.size) for pool in config.default_address_pools)
    return networks.Settings(
        exec_root=config.exec_root,
        link=config.bridge or networks.DEFAULT_LINK,
        subnet=config.bip,
        mtu=config.mtu,
        icc=config.icc,
        masquerade=config.ip_masq,
        host_address=config.ip,
        pools=pools or ipam.DEFAULT_POOLS,
    )


def engine_options(config: Config) -> Options:
    """What the engine itself is told."""
    return Options(
        data_root=config.data_root,
        exec_root=config.exec_root,
        log_driver=config.log_driver,
        log_options=dict(config.log_opts),
        init_path=config.init_path,
        labels=config.labels,
        debug=config.log_level == "debug",
    )


async def _serve(config: Config, stores: Stores, load: Callable[[], Config]) -> None:
    stop = asyncio.Event()
    engine = Engine(engine_options(config), stores)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, Reload(config, load, engine))
    loop.add_signal_handler(signal.SIGUSR1, stacks.dump_all)
    try:
        await engine.start()
        async with _listening(config, engine):
            notify("READY=1", f"MAINPID={os.getpid()}")
            _log.info("ready on %s", ", ".join(map(str, config.hosts)))
            await stop.wait()
            notify("STOPPING=1")
            _log.info("stopping; containers go on")
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def _listening(config: Config, engine: Engine) -> AsyncIterator[None]:
    api = Api(engine)
    server = Server(api.handle, api.answer_error)
    try:
        for sock, tls in listeners.open_all(config):
            await server.serve(sock, tls)
        yield
    finally:
        await server.close(min(config.shutdown_timeout, _GRACE))
        listeners.remove_files(config)


@contextlib.contextmanager
def _pidfile(config: Config) -> Iterator[None]:
    config.pidfile.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomic(config.pidfile, str(os.getpid()).encode(), 0o644, sync=False)
    try:
        yield
    finally:
        config.pidfile.unlink(missing_ok=True)


def _raise_limits() -> None:
    """As many descriptors as we may have: every connection, container and log takes some."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
