"""What the engine knows of a container, as it is stored.

The request is kept in Docker's own words (`config`, `host`, `networks`), since inspect must echo it; `plan` has
completed it with the image's defaults and interprets it once more when the container starts. A record is replaced,
never changed.
"""

from __future__ import annotations

import msgspec

from wherry.api import types as api
from wherry.engine.machine import ALIVE, Phase, RestartPolicy, State
from wherry.network.endpoint import Endpoint

SCHEMA = 1
"""Version of the stored form; `containers` refuses to read a newer one."""


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A volume, bind or tmpfs of a container, resolved: `source` is a host path ("" for tmpfs)."""

    type: str
    target: str
    source: str = ""
    name: str = ""
    driver: str = ""
    mode: str = ""
    writable: bool = True
    propagation: str = ""
    options: tuple[str, ...] = ()
    """Mount option words beyond those that follow from the other fields."""
    copy_up: bool = False
    """An empty volume is filled from the image's directory when the container is created."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One container. `name` has no slash, times are nanoseconds since 1970, paths are on the host."""

    id: str
    name: str
    created: int
    image: str
    image_id: str
    config: api.ContainerConfig
    host: api.HostConfig
    networks: dict[str, api.EndpointSettings]
    path: str
    args: tuple[str, ...]
    runtime: str
    directory: str
    platform: str = "linux"
    mounts: tuple[Mount, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    state: State = State()
    schema: int = SCHEMA

    @property
    def alive(self) -> bool:
        return self.state.phase in ALIVE

    @property
    def log_path(self) -> str:
        return f"{self.directory}/{self.id}-json.log"

    @property
    def hostname_path(self) -> str:
        return f"{self.directory}/hostname"

    @property
    def hosts_path(self) -> str:
        return f"{self.directory}/hosts"

    @property
    def resolv_conf_path(self) -> str:
        return f"{self.directory}/resolv.conf"

    @property
    def terminal(self) -> bool:
        return self.config.tty is True

    @property
    def restart_policy(self) -> RestartPolicy:
        policy = self.host.restart_policy
        if not isinstance(policy, api.RestartPolicy):
            return RestartPolicy()
        maximum = policy.maximum_retry_count
        return RestartPolicy(
            policy.name if isinstance(policy.name, str) and policy.name else "no",
            maximum if isinstance(maximum, int) else 0,
        )

    @property
    def auto_remove(self) -> bool:
        return self.host.auto_remove is True


class Exit(msgspec.Struct, frozen=True):
    """What `wait` answers: the exit code, and the error if the container could not even be started."""

    code: int
    error: str = ""


__all__ = ["ALIVE", "Exit", "Mount", "Phase", "Record", "RestartPolicy", "State"]
