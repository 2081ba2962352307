"""From a container's record to the settings of its OCI specification: the second and last reading of the request.

Pure, but for device nodes, which are looked at on the host. What only a start can know (the mounted root, the user's
numbers, the namespaces to join) comes in as `Resolved`.
"""

from __future__ import annotations

import json

import msgspec

from wherry.api import types as api
from wherry.engine.plan import InvalidRequest
from wherry.engine.records import Mount, Record
from wherry.engine.wire import flag, items, mapping, number, text
from wherry.runtime import spec
from wherry.runtime.spec import devices as spec_devices

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """What a start has found out. Namespaces are spec.PRIVATE, spec.HOST or a path."""

    rootfs: str
    user: spec.User
    network: str
    joins_network: bool = False
    pid: str = spec.PRIVATE
    ipc: str = spec.PRIVATE
    shm_path: str = ""
    console_size: tuple[int, int] | None = None
    init_path: str = ""


def cgroup_path(record: Record) -> str:
    parent = text(record.host.cgroup_parent).strip("/") or "docker"
    return f"/{parent}/{record.id}"


def task(record: Record, resolved: Resolved) -> spec.Settings:
    """The settings of the container's first process and all around it."""
    host, config = record.host, record.config
    security = Security.parse(items(host.security_opt))
    privileged = flag(host.privileged)
    return spec.Settings(
        process=_process(record, resolved, security),
        rootfs=resolved.rootfs,
        readonly_rootfs=flag(host.readonly_rootfs),
        hostname="" if text(host.uts_mode) == "host" else text(config.hostname),
        domainname="" if text(host.uts_mode) == "host" else text(config.domainname),
        cgroup_path=cgroup_path(record),
        namespaces=spec.Namespaces(
            pid=resolved.pid,
            ipc=resolved.ipc,
            network=resolved.network,
            uts=spec.HOST if text(host.uts_mode) == "host" else spec.PRIVATE,
            cgroup=spec.HOST if text(host.cgroupns_mode) == "host" else spec.PRIVATE,
        ),
        joins_network=resolved.joins_network,
        mounts=(*_own_files(record), *(_mount(mount, host) for mount in record.mounts)),
        shm_size=0 if text(host.ipc_mode) == "none" else number(host.shm_size),
        shm_path=resolved.shm_path,
        writable_cgroups=security.writable_cgroups,
        masked_paths=_paths(host.masked_paths, security),
        readonly_paths=_paths(host.readonly_paths, security),
        seccomp="unconfined" if privileged and security.seccomp == "default" else security.seccomp,
        devices=spec_devices.on_host() if privileged else _devices(items(host.devices)),
        device_rules=tuple(spec_devices.parse_rule(rule) for rule in items(host.device_cgroup_rules)),
        resources=resources(host),
        sysctls=mapping(host.sysctls),
        annotations=mapping(host.annotations),
        init_path=resolved.init_path,
    )


def _process(record: Record, resolved: Resolved, security: Security) -> spec.Process:
    host, config = record.host, record.config
    return spec.Process(
        args=(record.path, *record.args),
        env=environment(config),
        cwd=text(config.working_dir) or "/",
        user=resolved.user,
        terminal=record.terminal,
        console_size=resolved.console_size,
        no_new_privileges=security.no_new_privileges,
        rlimits=tuple(_rlimit(limit) for limit in items(host.ulimits)),
        oom_score_adj=number(host.oom_score_adj),
        privileged=flag(host.privileged),
        cap_add=tuple(items(host.cap_add)),
        cap_drop=tuple(items(host.cap_drop)),
    )


def added_process(record: Record, config: api.ContainerExecRequest, user: spec.User) -> spec.Process:
    """The process of an exec: the container's surroundings with the exec's own command, directory and user."""
    host = record.host
    security = Security.parse(items(host.security_opt))
    base = environment(msgspec.structs.replace(record.config, tty=config.tty))
    return spec.Process(
        args=tuple(items(config.cmd)),
        env=tuple(_replace(base, items(config.env))),
        cwd=text(config.working_dir) or text(record.config.working_dir) or "/",
        user=user,
        terminal=flag(config.tty),
        no_new_privileges=security.no_new_privileges,
        rlimits=tuple(_rlimit(limit) for limit in items(host.ulimits)),
        oom_score_adj=number(host.oom_score_adj),
        privileged=flag(config.privileged) or flag(host.privileged),
        cap_add=tuple(items(host.cap_add)),
        cap_drop=tuple(items(host.cap_drop)),
    )


def environment(config: api.ContainerConfig) -> tuple[str, ...]:
    """PATH, HOSTNAME and, with a terminal, TERM, each unless the container sets its own; then the container's."""
    base = [DEFAULT_PATH, f"HOSTNAME={text(config.hostname)}"]
    base += ["TERM=xterm"] if flag(config.tty) else []
    return tuple(_replace(tuple(base), items(config.env)))


def _replace(base: tuple[str, ...], over: list[str]) -> list[str]:
    merged: dict[str, str] = {}
    for entry in (*base, *over):
        merged[entry.partition("=")[0]] = entry
    return [entry for entry in merged.values() if "=" in entry]


class Security(msgspec.Struct, frozen=True):
    """What SecurityOpt says."""

    seccomp: str = "default"
    no_new_privileges: bool = False
    unmasked: bool = False
    writable_cgroups: bool = False

    @classmethod
    def parse(cls, options: list[str]) -> Security:
        """`key=value` or the older `key:value`; InvalidRequest for what is unknown."""
        found: dict[str, str | bool] = {}
        for option in options:
            key, separator, value = option.partition("=" if "=" in option else ":")
            match key, value:
                case "no-new-privileges", _ if not separator or value in ("true", "false"):
                    found["no_new_privileges"] = value != "false"
                case "seccomp", "unconfined" | "builtin" | "default":
                    found["seccomp"] = "unconfined" if value == "unconfined" else "default"
                case "seccomp", _:
                    found["seccomp"] = _profile(value)
                case "systempaths", "unconfined":
                    found["unmasked"] = True
                case "writable-cgroups", "true" | "false":
                    found["writable_cgroups"] = value == "true"
                case (("apparmor" | "label"), _):
                    """This kernel has neither, so there is nothing to confine or to release."""
                case _:
                    raise InvalidRequest(f'invalid --security-opt 2: "{option}"')
        return msgspec.convert(found, cls)


def _profile(value: str) -> str:
    try:
        json.loads(value)
    except ValueError as error:
        raise InvalidRequest(f"opening seccomp profile ({value[:64]}) failed: {error}") from None
    return value


def _paths(paths: list[str] | None | msgspec.UnsetType, security: Security) -> tuple[str, ...] | None:
    if security.unmasked:
        return ()
    return tuple(paths) if isinstance(paths, list) else None


def _own_files(record: Record) -> list[spec.Bind]:
    """resolv.conf, hostname and hosts are ours to write, unless the user mounts over them."""
    taken = {mount.target for mount in record.mounts}
    read_only = spec.ReadOnly.TOP if flag(record.host.readonly_rootfs) else spec.ReadOnly.NO
    files = (
        (record.resolv_conf_path, "/etc/resolv.conf"),
        (record.hostname_path, "/etc/hostname"),
        (record.hosts_path, "/etc/hosts"),
    )
    return [spec.Bind(source, target, read_only, recursive=False) for source, target in files if target not in taken]


def _mount(mount: Mount, host: api.HostConfig) -> spec.Bind | spec.Tmpfs:
    if mount.type == "tmpfs":
        options = (*mount.options, *(() if mount.writable else ("ro",)))
        return spec.Tmpfs(mount.target, options)
    read_only = spec.ReadOnly.NO if mount.writable else spec.ReadOnly.RECURSIVE
    return spec.Bind(mount.source, mount.target, read_only, mount.propagation or "rprivate")


def _devices(mappings: list[api.DeviceMapping]) -> tuple[spec.Device, ...]:
    return tuple(
        device
        for each in mappings
        for device in spec_devices.resolve(
            text(each.path_on_host), text(each.path_in_container), text(each.cgroup_permissions) or "rwm"
        )
    )


def _rlimit(limit: api.ResourcesUlimits) -> spec.Rlimit:
    return spec.Rlimit(text(limit.name), number(limit.soft), number(limit.hard))


def resources(host: api.HostConfig | api.Resources) -> spec.Resources:
    """The limits of a HostConfig or of an update."""
    swappiness = host.memory_swappiness
    return spec.Resources(
        memory=number(host.memory),
        memory_swap=number(host.memory_swap),
        memory_reservation=number(host.memory_reservation),
        memory_swappiness=swappiness if isinstance(swappiness, int) and swappiness >= 0 else None,
        oom_kill_disable=flag(host.oom_kill_disable),
        cpu_shares=number(host.cpu_shares),
        cpu_period=number(host.cpu_period),
        cpu_quota=number(host.cpu_quota),
        nano_cpus=number(host.nano_cpus),
        cpu_realtime_period=number(host.cpu_realtime_period),
        cpu_realtime_runtime=number(host.cpu_realtime_runtime),
        cpuset_cpus=text(host.cpuset_cpus),
        cpuset_mems=text(host.cpuset_mems),
        pids_limit=host.pids_limit if isinstance(host.pids_limit, int) else None,
        blkio_weight=number(host.blkio_weight),
    )
