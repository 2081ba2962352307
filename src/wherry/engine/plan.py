"""What a create request and an image together mean: the container's Config and HostConfig, completed and checked.

Pure. The result is what inspect echoes and what `settings` turns into an OCI specification when the container starts.
Merging follows dockerd: what the user says wins, an own entrypoint drops the image's command, maps are joined with the
user's keys first, and the environment is the image's with the user's entries replacing by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import UNSET

from wherry import errors
from wherry.api import types as api
from wherry.engine.wire import flag, given, items, mapping, number, text
from wherry.oci.image_config import Execution

_SMALLEST_MEMORY = 6 << 20
_SHM_SIZE = 64 << 20
_RESTART_POLICIES = {"", "no", "always", "unless-stopped", "on-failure"}
_HOSTNAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62})\Z")
LOG_DRIVERS: Mapping[str, frozenset[str]] = {
    "json-file": frozenset({"max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag"}),
    "none": frozenset(),
}


class InvalidRequest(errors.InvalidArgument):
    """The message says which value and why, in Docker's words where it has them."""


class NoCommand(InvalidRequest):
    def __init__(self) -> None:
        super().__init__("no command specified")


class UnknownLogDriver(InvalidRequest):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"logger: no log driver named '{name}' is registered", hint=f"there are: {', '.join(sorted(LOG_DRIVERS))}"
        )


class UnknownLogOption(InvalidRequest):
    def __init__(self, option: str, driver: str) -> None:
        super().__init__(f"unknown log opt '{option}' for {driver} log driver")


def config(user: api.ContainerConfig, image: Execution, identifier: str) -> api.ContainerConfig:
    """The Config of a container: the user's completed with the image's. Every member has a value, as in inspect."""
    entrypoint, command = items(user.entrypoint), items(user.cmd)
    if entrypoint == [""]:
        entrypoint = []
    elif not entrypoint:
        entrypoint = list(image.entrypoint or [])
        if not command:
            command = list(image.cmd or [])
    if not entrypoint and not command:
        raise NoCommand
    hostname, domain = text(user.hostname), text(user.domainname)
    if hostname and not _HOSTNAME.match(hostname):
        raise InvalidRequest(f"invalid hostname format for --hostname: {hostname}")
    return msgspec.structs.replace(
        user,
        hostname=hostname or identifier[:12],
        domainname=domain,
        user=text(user.user) or image.user,
        attach_stdin=flag(user.attach_stdin),
        attach_stdout=flag(user.attach_stdout),
        attach_stderr=flag(user.attach_stderr),
        exposed_ports={**(image.exposed_ports or {}), **mapping(user.exposed_ports)} or UNSET,
        tty=flag(user.tty),
        open_stdin=flag(user.open_stdin),
        stdin_once=flag(user.stdin_once),
        env=merge_environment(image.env or [], items(user.env)),
        cmd=command or None,
        image=text(user.image),
        volumes={**(image.volumes or {}), **mapping(user.volumes)} or None,
        working_dir=text(user.working_dir) or image.working_dir,
        entrypoint=entrypoint or None,
        on_build=None,
        labels={**(image.labels or {}), **mapping(user.labels)},
        stop_signal=text(user.stop_signal) or image.stop_signal or UNSET,
        stop_timeout=given(user.stop_timeout, image.stop_timeout) if image.stop_timeout else user.stop_timeout,
        shell=items(user.shell) or image.shell or UNSET,
    )


def merge_environment(base: Iterable[str], over: Iterable[str]) -> list[str]:
    """`over` replaces entries of `base` by name, in place, and adds the others.

    An entry without `=` stays as it is, as in dockerd: it takes the variable away when the process is started.
    """
    merged: dict[str, str] = {}
    for entry in [*base, *over]:
        merged[entry.partition("=")[0]] = entry
    return list(merged.values())


def command_line(config_: api.ContainerConfig) -> tuple[str, tuple[str, ...]]:
    """What is executed: the program and its arguments."""
    words = [*items(config_.entrypoint), *items(config_.cmd)]
    return words[0], tuple(words[1:])


def shown_command(path: str, args: Iterable[str]) -> str:
    """The command as `ps` shows it."""
    return " ".join(f"'{word}'" if " " in word else word for word in (path, *args))


def host_config(
    user: api.HostConfig, *, default_runtime: str, log_config: api.HostConfigLogConfig, private_cgroup: bool
) -> api.HostConfig:
    """The HostConfig of a container: the user's, checked, with Docker's defaults."""
    _check_implemented(user)
    _check_restart(user)
    _check_resources(user)
    return msgspec.structs.replace(
        user,
        log_config=_log_config(user.log_config, log_config),
        network_mode=text(user.network_mode) if text(user.network_mode) not in ("", "default") else "bridge",
        port_bindings=mapping(user.port_bindings),
        restart_policy=_restart_policy(user.restart_policy),
        auto_remove=flag(user.auto_remove),
        ipc_mode=text(user.ipc_mode) or "private",
        pid_mode=text(user.pid_mode),
        uts_mode=text(user.uts_mode),
        userns_mode=text(user.userns_mode),
        cgroupns_mode=text(user.cgroupns_mode) or ("private" if private_cgroup else "host"),
        privileged=flag(user.privileged),
        publish_all_ports=flag(user.publish_all_ports),
        readonly_rootfs=flag(user.readonly_rootfs),
        shm_size=number(user.shm_size) or _SHM_SIZE,
        runtime=text(user.runtime) or default_runtime,
        memory_swap=_swap(user),
        pids_limit=user.pids_limit if number(user.pids_limit) > 0 else None,
    )


def _restart_policy(policy: api.RestartPolicy | None | msgspec.UnsetType) -> api.RestartPolicy:
    if not isinstance(policy, api.RestartPolicy):
        return api.RestartPolicy(name="no", maximum_retry_count=0)
    return api.RestartPolicy(name=text(policy.name) or "no", maximum_retry_count=number(policy.maximum_retry_count))


_NOT_IMPLEMENTED = (
    "device_requests",
    "storage_opt",
    "blkio_weight_device",
    "blkio_device_read_bps",
    "blkio_device_write_bps",
    "blkio_device_read_iops",
    "blkio_device_write_iops",
)


class OptionNotImplemented(errors.Unsupported):
    def __init__(self, option: str) -> None:
        name = option.title().replace("_", "")
        super().__init__(
            f"HostConfig.{name} is not implemented by wherry yet", hint="leave it out: it would have no effect"
        )


def _check_implemented(user: api.HostConfig) -> None:
    """An option without effect is refused: a container that only seems to be limited is worse than none."""
    for option in _NOT_IMPLEMENTED:
        if getattr(user, option):
            raise OptionNotImplemented(option)
    if text(user.userns_mode) not in ("", "host"):
        raise OptionNotImplemented("userns_mode")
    if text(user.volume_driver) not in ("", "local"):
        raise OptionNotImplemented("volume_driver")


def warnings(config_: api.ContainerConfig) -> list[str]:
    """What is accepted and echoed, but does less than Docker would."""
    check = config_.healthcheck
    if isinstance(check, api.HealthConfig) and items(check.test) not in ([], ["NONE"]):
        return ["Health checks are not run by wherry yet: the container will have no health status."]
    return []


def _check_restart(user: api.HostConfig) -> None:
    policy = _restart_policy(user.restart_policy)
    name, count = text(policy.name), number(policy.maximum_retry_count)
    if name not in _RESTART_POLICIES:
        raise InvalidRequest(
            f"invalid restart policy: unknown policy '{name}';"
            " use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        )
    if count < 0:
        raise InvalidRequest("invalid restart policy: maximum retry count cannot be negative")
    if count and name != "on-failure":
        raise InvalidRequest("invalid restart policy: maximum retry count can only be used with 'on-failure'")
    if flag(user.auto_remove) and name != "no":
        raise InvalidRequest("can't create 'AutoRemove' container with restart policy")


def _check_resources(user: api.HostConfig) -> None:
    memory, swap = number(user.memory), number(user.memory_swap)
    if 0 < memory < _SMALLEST_MEMORY:
        raise InvalidRequest("Minimum memory limit allowed is 6MB")
    if memory > 0 and 0 < swap < memory:
        raise InvalidRequest("Minimum memoryswap limit should be larger than memory limit, see usage")
    if memory == 0 and swap > 0:
        raise InvalidRequest("You should always set the Memory limit when using Memoryswap limit, see usage")
    if number(user.nano_cpus) and (number(user.cpu_quota) or number(user.cpu_period)):
        other = "CPU Quota" if number(user.cpu_quota) else "CPU Period"
        raise InvalidRequest(f"Conflicting options: Nano CPUs and {other} cannot both be set")
    if number(user.shm_size) < 0:
        raise InvalidRequest("SHM size can not be less than 0")
    score = number(user.oom_score_adj)
    if not -1000 <= score <= 1000:
        raise InvalidRequest(f"Invalid value {score}, range for oom score adj is [-1000, 1000]")


def _swap(user: api.HostConfig) -> int:
    memory, swap = number(user.memory), number(user.memory_swap)
    return 2 * memory if memory > 0 and swap == 0 else swap


def _log_config(
    user: api.HostConfigLogConfig | None | msgspec.UnsetType, default: api.HostConfigLogConfig
) -> api.HostConfigLogConfig:
    """The daemon's default options count only if the driver is the daemon's too."""
    driver, options = text(default.type), dict(mapping(default.config))
    if isinstance(user, api.HostConfigLogConfig) and text(user.type):
        if text(user.type) != driver:
            options = {}
        driver = text(user.type)
    if isinstance(user, api.HostConfigLogConfig):
        options.update(mapping(user.config))
    if driver not in LOG_DRIVERS:
        raise UnknownLogDriver(driver)
    for option in options:
        if option not in LOG_DRIVERS[driver]:
            raise UnknownLogOption(option, driver)
    log_limits(options)
    return api.HostConfigLogConfig(type=driver, config=options)


_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(size: str) -> int:
    """ "10m" in bytes; ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", size.strip().lower())
    if not match:
        raise ValueError(f"invalid size: '{size}'")
    return int(float(match[1]) * _UNITS[match[2]])


def log_limits(options: Mapping[str, str]) -> tuple[int, int, bool]:
    """Largest size of a log file in bytes (0: no limit), how many are kept, and whether old ones are compressed."""
    try:
        size = parse_size(options["max-size"]) if options.get("max-size", "-1") != "-1" else 0
        files = int(options.get("max-file", "1"))
    except ValueError as error:
        raise InvalidRequest(f"invalid log option: {error}") from None
    if files < 1:
        raise InvalidRequest("max-file cannot be less than 1")
    compress = options.get("compress", "false").lower() in ("1", "t", "true")
    if compress and (files < 2 or not size):
        raise InvalidRequest("compress cannot be true when max-file is less than 2 or max-size is not set")
    return size, files, compress
