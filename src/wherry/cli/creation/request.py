"""The document of a create request.

Knows how flags map to Config, HostConfig and NetworkingConfig, and the rules between flags. Must not know how the
request is sent. Only what the user said is sent; the engine knows the defaults.
"""

from __future__ import annotations

import os
import sys

from wherry.cli.creation import checks
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.flags import Options

# Flags whose value goes into HostConfig as it is, if it is not empty.
_HOST_VALUES = (
    ("CgroupParent", "cgroup-parent"), ("CgroupnsMode", "cgroupns"), ("ContainerIDFile", "cidfile"),
    ("CpuCount", "cpu-count"), ("CpuPercent", "cpu-percent"), ("CpuPeriod", "cpu-period"), ("CpuQuota", "cpu-quota"),
    ("CpuRealtimePeriod", "cpu-rt-period"), ("CpuRealtimeRuntime", "cpu-rt-runtime"), ("CpuShares", "cpu-shares"),
    ("NanoCpus", "cpus"), ("CpusetCpus", "cpuset-cpus"), ("CpusetMems", "cpuset-mems"),
    ("DeviceCgroupRules", "device-cgroup-rule"), ("BlkioWeight", "blkio-weight"),
    ("BlkioWeightDevice", "blkio-weight-device"), ("BlkioDeviceReadBps", "device-read-bps"),
    ("BlkioDeviceReadIOps", "device-read-iops"), ("BlkioDeviceWriteBps", "device-write-bps"),
    ("BlkioDeviceWriteIOps", "device-write-iops"), ("Dns", "dns"), ("DnsSearch", "dns-search"),
    ("ExtraHosts", "add-host"), ("GroupAdd", "group-add"), ("IpcMode", "ipc"),
    ("IOMaximumBandwidth", "io-maxbandwidth"), ("IOMaximumIOps", "io-maxiops"), ("Isolation", "isolation"),
    ("KernelMemory", "kernel-memory"), ("Links", "link"), ("Memory", "memory"),
    ("MemoryReservation", "memory-reservation"), ("MemorySwap", "memory-swap"), ("Mounts", "mount"),
    ("OomKillDisable", "oom-kill-disable"), ("OomScoreAdj", "oom-score-adj"), ("PidMode", "pid"),
    ("PidsLimit", "pids-limit"), ("Privileged", "privileged"), ("PublishAllPorts", "publish-all"),
    ("ReadonlyRootfs", "read-only"), ("AutoRemove", "rm"), ("Runtime", "runtime"), ("ShmSize", "shm-size"),
    ("UsernsMode", "userns"), ("UTSMode", "uts"), ("VolumeDriver", "volume-driver"), ("VolumesFrom", "volumes-from"),
)  # fmt: skip
_HOST_MAPS = (("Annotations", "annotation"), ("StorageOpt", "storage-opt"), ("Sysctls", "sysctl"))


def build(options: Options, arguments: list[str], *, detach: bool = False) -> dict[str, Any]:
    """Docker's create request from parsed flags. Raises Failure with code 125."""
    _check(options)
    config = _config(options, arguments, detach)
    host = _host(options)
    mode, endpoints = _networks(options)
    if mode:
        host["NetworkMode"] = mode
    if options.list("volume"):
        from wherry.cli.creation import mounts

        binds, volumes = mounts.binds_and_volumes(options.list("volume"))
        host |= {"Binds": binds} if binds else {}
        config |= {"Volumes": volumes} if volumes else {}
    if options.list("publish") or options.list("expose"):
        _add_ports(options, config, host)
    if config.get("Tty") and sys.stdout.isatty():
        columns, lines = os.get_terminal_size(1)
        host["ConsoleSize"] = [lines, columns]
    request = {**config, "HostConfig": host}
    if endpoints:
        request["NetworkingConfig"] = {"EndpointsConfig": endpoints}
    return request


def _check(options: Options) -> None:
    swappiness = options.number("memory-swappiness")
    if swappiness != -1 and not 0 <= swappiness <= 100:
        raise Failure(f"invalid value: {swappiness}. Valid memory swappiness range is 0-100", 125)
    modes = (("pid", "PID"), ("uts", "UTS"), ("userns", "USER"), ("cgroupns", "CGROUP"))
    for flag, name in modes:
        mode = options.text(flag)
        allowed = (
            mode in ("", "host")
            or (flag == "pid" and mode.startswith("container:"))
            or (flag == "cgroupns" and mode == "private")
        )
        if not allowed:
            raise Failure(f"--{flag}: invalid {name} mode", 125)
    if options.on("rm") and options.text("restart") not in ("", "no"):
        raise Failure("conflicting options: cannot specify both --restart and --rm", 125)
    pull = options.text("pull")
    if pull not in ("always", "missing", "never", ""):
        raise Failure(f'invalid pull option: \'{pull}\': must be one of "always", "missing" or "never"', 125)


def _config(options: Options, arguments: list[str], detach: bool) -> dict[str, Any]:
    image, *command = arguments
    config: dict[str, Any] = {"Image": image}
    _attachment(config, options, detach)
    if command:
        config["Cmd"] = command
    if options.given("entrypoint"):
        config["Entrypoint"] = [options.text("entrypoint")]
    for key, flag in (
        ("Hostname", "hostname"),
        ("Domainname", "domainname"),
        ("User", "user"),
        ("WorkingDir", "workdir"),
    ):
        if options.text(flag):
            config[key] = options.text(flag)
    environment = _environment(options)
    if environment:
        config["Env"] = environment
    labels = _labels(options)
    if labels:
        config["Labels"] = labels
    if options.text("stop-signal"):
        config["StopSignal"] = options.text("stop-signal")
    if options.given("stop-timeout"):
        config["StopTimeout"] = options.number("stop-timeout")
    health = _healthcheck(options)
    if health:
        config["Healthcheck"] = health
    return config


def _attachment(config: dict[str, Any], options: Options, detach: bool) -> None:
    streams = options.list("attach")
    interactive = options.on("interactive")
    attached = not detach
    config["AttachStdin"] = attached and ("stdin" in streams if streams else interactive)
    config["AttachStdout"] = attached and ("stdout" in streams or not streams)
    config["AttachStderr"] = attached and ("stderr" in streams or not streams)
    if options.on("tty"):
        config["Tty"] = True
    if interactive:
        config["OpenStdin"] = True
        config["StdinOnce"] = bool(config["AttachStdin"])


def _environment(options: Options) -> list[str]:
    found: list[str] = []
    if options.list("env-file"):
        from wherry.cli.creation import variable_files

        for path in options.list("env-file"):
            found += variable_files.variables(path)
    return found + options.list("env")


def _labels(options: Options) -> dict[str, str]:
    lines: list[str] = []
    if options.list("label-file"):
        from wherry.cli.creation import variable_files

        for path in options.list("label-file"):
            lines += variable_files.lines(path)
    return _mapping(lines + options.list("label"))


def _mapping(words: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _healthcheck(options: Options) -> dict[str, Any]:
    times = (
        ("Interval", "health-interval"), ("Timeout", "health-timeout"), ("StartPeriod", "health-start-period"),
        ("StartInterval", "health-start-interval"),
    )  # fmt: skip
    health: dict[str, Any] = {}
    for key, flag in times:
        duration = options.value(flag)
        if duration < 0:
            raise Failure(f"--{flag} cannot be negative", 125)
        if duration:
            health[key] = duration
    if options.number("health-retries") < 0:
        raise Failure("--health-retries cannot be negative", 125)
    if options.number("health-retries"):
        health["Retries"] = options.number("health-retries")
    if options.text("health-cmd"):
        health["Test"] = ["CMD-SHELL", options.text("health-cmd")]
    if options.on("no-healthcheck"):
        if health:
            raise Failure("--no-healthcheck conflicts with --health-* options", 125)
        return {"Test": ["NONE"]}
    return health


def _host(options: Options) -> dict[str, Any]:
    host: dict[str, Any] = {key: options.value(flag) for key, flag in _HOST_VALUES if options.value(flag)}
    for key, flag in _HOST_MAPS:
        if options.list(flag):
            host[key] = _mapping(options.list(flag))
    if options.given("pids-limit"):
        host["PidsLimit"] = options.number("pids-limit")
    if options.given("init"):
        host["Init"] = options.on("init")
    if options.number("memory-swappiness") != -1:
        host["MemorySwappiness"] = options.number("memory-swappiness")
    resolver = [*options.list("dns-option"), *options.list("dns-opt")]
    if resolver:
        host["DnsOptions"] = resolver
    if options.list("tmpfs"):
        from wherry.cli.creation import mounts

        host["Tmpfs"] = mounts.tmpfs(options.list("tmpfs"))
    if options.list("security-opt"):
        from wherry.cli.creation import security

        host |= security.settings(options.list("security-opt"))
    if options.list("gpus"):
        host["DeviceRequests"] = options.list("gpus")
    if options.list("device"):
        host["Devices"] = [checks.device(word) for word in options.list("device")]
    if options.list("ulimit"):
        by_name = {limit["Name"]: limit for limit in options.list("ulimit")}
        host["Ulimits"] = [by_name[name] for name in sorted(by_name)]
    host |= _capabilities(options.list("cap-add"), options.list("cap-drop"))
    _add_logging(options, host)
    restart = restart_policy(options.text("restart"))
    if restart["Name"]:
        host["RestartPolicy"] = restart
    return host


def _capabilities(added: list[str], dropped: list[str]) -> dict[str, list[str]]:
    """Names in the kernel's form, each once; what is added is not dropped."""
    names = [{_capability(word) for word in words} for words in (added, dropped)]
    kept = [{"ALL"} if "ALL" in each else each for each in names]
    found = (("CapAdd", sorted(kept[0])), ("CapDrop", sorted(kept[1] - kept[0])))
    return {key: values for key, values in found if values}


def _capability(word: str) -> str:
    name = word.strip().upper()
    return name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}"


def _add_logging(options: Options, host: dict[str, Any]) -> None:
    driver, settings = options.text("log-driver"), _mapping(options.list("log-opt"))
    if driver == "none" and settings:
        raise Failure("invalid logging opts for driver none", 125)
    if driver or settings:
        host["LogConfig"] = {"Type": driver, "Config": settings}


def restart_policy(word: str) -> dict[str, Any]:
    """`NAME[:COUNT]` as the API's RestartPolicy. Raises Failure."""
    name, colon, count = word.partition(":")
    if colon and not name:
        raise Failure("invalid restart policy format: no policy provided before colon", 125)
    try:
        retries = int(count) if count else 0
    except ValueError:
        raise Failure("invalid restart policy format: maximum retry count must be an integer", 125) from None
    return {"Name": name, "MaximumRetryCount": retries}


def _networks(options: Options) -> tuple[str, dict[str, Any]]:
    touched = ("network", "net", "network-alias", "net-alias", "ip", "ip6", "mac-address", "link-local-ip")
    if not any(options.given(flag) for flag in touched):
        return "default", {}
    from wherry.cli.creation import networks

    return networks.configure(options)


def _add_ports(options: Options, config: dict[str, Any], host: dict[str, Any]) -> None:
    from wherry.cli.creation import ports

    bindings = ports.published(options.list("publish"))
    exposed = [*bindings, *ports.exposed(options.list("expose"))]
    config["ExposedPorts"] = {port: {} for port in exposed}
    if bindings:
        host["PortBindings"] = bindings
