"""Container records for tests: one with everything defaulted, to be varied."""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.api import types as api
from wherry.engine.machine import Phase, State
from wherry.engine.records import Record
from wherry.network.endpoint import Binding, Endpoint

ID = "4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2"
IMAGE = "sha256:" + "b" * 64
CREATED = 1700000000_000000001

ENDPOINT = Endpoint(
    id="e" * 64,
    container=ID,
    network_id="9" * 64,
    network="bridge",
    driver="bridge",
    sandbox="/run/wherry/netns/4fa6e0f0c678",
    interface="eth0",
    mac="02:42:ac:11:00:02",
    address="172.17.0.2",
    prefix=16,
    gateway="172.17.0.1",
    aliases=("web", "4fa6e0f0c678"),
    bindings=(Binding("tcp", 80, "0.0.0.0", 8080),),
)


def record(**changes: Any) -> Record:
    """A created container called `web`; `config`, `host` and `state` may be dicts of members to change."""
    config = api.ContainerConfig(
        hostname=ID[:12], image="busybox", cmd=["sh", "-c", "sleep 1"], env=["PATH=/bin"], labels={"tier": "front"}
    )
    host = api.HostConfig(
        network_mode="bridge",
        log_config=api.HostConfigLogConfig(type="json-file", config={}),
        restart_policy=api.RestartPolicy(name="no", maximum_retry_count=0),
        port_bindings={},
        shm_size=67108864,
        runtime="runc",
        ipc_mode="private",
        cgroupns_mode="private",
    )
    base = Record(
        id=ID,
        name="web",
        created=CREATED,
        image="busybox",
        image_id=IMAGE,
        config=config,
        host=host,
        networks={},
        path="sh",
        args=("-c", "sleep 1"),
        runtime="runc",
        directory=f"/var/lib/wherry/containers/{ID}",
    )
    for name in ("config", "host", "state"):
        if isinstance(changes.get(name), dict):
            changes[name] = msgspec.structs.replace(getattr(base, name), **changes[name])
    return msgspec.structs.replace(base, **changes)


def running(**changes: Any) -> Record:
    """The same, running, with port 80 published at 8080."""
    state = State(phase=Phase.RUNNING, pid=1234, started_at=CREATED + 10**9)
    return record(**{"state": state, "endpoints": (ENDPOINT,), **changes})
