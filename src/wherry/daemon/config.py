"""The daemon's configuration: command line and daemon.json as one checked value.

Pure: gets arguments and the file's text, gives a `Config` or an error that names the option and, for the file, the
line. An option may come from one of the two places only, as in dockerd. Every value is checked here, before
anything is started.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wherry import errors
from wherry.daemon.options import BY_KEY, OPTIONS, Kind, Option

DEFAULT_FILE = Path("/etc/wherry/daemon.json")

_LEVELS = ("debug", "info", "warn", "error", "fatal")
_PLAIN_PORT, _TLS_PORT = 2375, 2376
_NOT_IMPLEMENTED = {
    "default-ulimits": "give --ulimit to containers",
    "fixed-cidr": "create a network with --ip-range instead",
}


class InvalidOption(errors.InvalidArgument):
    def __init__(self, option: str, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{option}: {problem}", hint=hint)


class InvalidFile(errors.InvalidArgument):
    def __init__(self, path: Path, problem: str, *, hint: str = "") -> None:
        super().__init__(f"unable to configure the Docker daemon with file {path}: {problem}", hint=hint)


@dataclass(frozen=True, slots=True)
class Pool:
    base: str
    size: int


@dataclass(frozen=True, slots=True)
class Ulimit:
    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Host:
    """One place to listen: `kind` is unix, tcp or fd; `address` a path or a host."""

    kind: str
    address: str = ""
    port: int = 0

    def __str__(self) -> str:
        port = f":{self.port}" if self.kind == "tcp" else ""
        return f"{self.kind}://{f'[{self.address}]' if ':' in self.address else self.address}{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every option as in `options`, parsed. `runtimes` maps names to paths and arguments."""

    data_root: Path
    exec_root: Path
    hosts: tuple[Host, ...]
    pidfile: Path
    group: str
    group_given: bool
    socket_mode: int
    log_level: str
    runtimes: Mapping[str, tuple[str, tuple[str, ...]]]
    default_runtime: str
    init_path: str
    log_driver: str
    log_opts: Mapping[str, str]
    storage_driver: str
    bridge: str
    bip: str
    mtu: int
    icc: bool
    ip_masq: bool
    ip: str
    default_address_pools: tuple[Pool, ...]
    labels: tuple[str, ...]
    tls: bool
    tlsverify: bool
    tlscacert: str
    tlscert: str
    tlskey: str
    shutdown_timeout: int


def build(flags: Mapping[str, Any], text: str | None = None, path: Path = DEFAULT_FILE) -> Config:
    """`flags` are the options given on the command line by key, `text` the file's content, None without file."""
    filed = read_file(text, path) if text is not None else {}
    both = [key for key in flags if key in filed]
    if both:
        told = ", ".join(f"{key}: (from flag: {_shown(flags[key])}, from file: {_shown(filed[key])})" for key in both)
        raise InvalidFile(
            path,
            f"the following directives are specified both as a flag and in the configuration file: {told}",
            hint="remove one of the two",
        )
    given = {**filed, **flags}
    return _check({option.key: given.get(option.key, option.default) for option in OPTIONS}, frozenset(given))


def read_file(text: str, path: Path) -> dict[str, Any]:
    """The options in a daemon.json, each of the kind it must have."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidFile(path, str(error)) from None
    if not isinstance(found, dict):
        raise InvalidFile(path, "it is not a JSON object")
    for key in found:
        if key not in BY_KEY:
            raise InvalidFile(
                path,
                f"the following directives don't match any configuration option: {key} (line {_line_of(text, key)})",
                hint=_similar(key),
            )
    return {
        key: _filed(BY_KEY[key], value, f"{key} (line {_line_of(text, key)})", path) for key, value in found.items()
    }


def _line_of(text: str, key: str) -> int:
    match = re.search(re.escape(json.dumps(key)) + r"\s*:", text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _similar(key: str) -> str:
    import difflib

    near = difflib.get_close_matches(key, BY_KEY, 1)
    return f"did you mean {near[0]}?" if near else "wherryd --help lists them"


def _filed(option: Option, value: Any, where: str, path: Path) -> Any:
    match option.kind:
        case Kind.FLAG:
            fits, expected = isinstance(value, bool), "true or false"
        case Kind.TEXT:
            fits, expected = isinstance(value, str), "a string"
        case Kind.NUMBER:
            fits, expected = isinstance(value, int) and not isinstance(value, bool), "a number"
        case Kind.LIST:
            fits, expected = _all(value, list, str), "a list of strings"
        case Kind.MAP:
            fits, expected = isinstance(value, dict) and _all(list(value.values()), list, str), "an object of strings"
        case Kind.POOLS:
            fits, expected = _all(value, list, dict), "a list of objects"
            if fits:
                return tuple(_pool(str(each.get("base", "")), str(each.get("size", "")), where) for each in value)
        case Kind.ULIMITS:
            fits, expected = isinstance(value, dict) and _all(list(value.values()), list, dict), "an object of objects"
            if fits:
                return {name: _filed_ulimit(name, each, where) for name, each in value.items()}
        case Kind.RUNTIMES:
            fits, expected = isinstance(value, dict) and _all(list(value.values()), list, dict), "an object of objects"
            if fits:
                return {name: _runtime(name, each, where) for name, each in value.items()}
    if not fits:
        raise InvalidFile(path, f"{where}: expected {expected}, got {_shown(value)}")
    return tuple(value) if isinstance(value, list) else value


def _all(value: object, outer: type, inner: type) -> bool:
    return isinstance(value, outer) and all(isinstance(each, inner) for each in value)  # type: ignore[attr-defined]


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


# Values as they are written on the command line


def flag_value(option: Option, words: Sequence[str]) -> Any:
    """What an option means that was given once or several times."""
    where, last = option.long, words[-1]
    match option.kind:
        case Kind.FLAG:
            if last.lower() not in ("true", "false", "1", "0", "t", "f"):
                raise InvalidOption(where, f"expected true or false, got {last!r}")
            return last.lower() in ("true", "1", "t")
        case Kind.TEXT:
            return last
        case Kind.NUMBER:
            return _number(last, where)
        case Kind.LIST:
            return tuple(words)
        case Kind.MAP:
            return dict(_pair(word, where) for word in words)
        case Kind.POOLS:
            return tuple(_flag_pool(word, where) for word in words)
        case Kind.ULIMITS:
            return {name: _ulimit(name, value, where) for name, value in (_pair(word, where) for word in words)}
        case Kind.RUNTIMES:
            return {name: (path, ()) for name, path in (_pair(word, where) for word in words)}


def _pair(word: str, where: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise InvalidOption(where, f"expected NAME=VALUE, got {word!r}")
    return name, value


def _number(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidOption(where, f"expected a number, got {text!r}") from None


def _flag_pool(word: str, where: str) -> Pool:
    fields = dict(_pair(part, where) for part in word.split(","))
    return _pool(fields.get("base", ""), fields.get("size", ""), where)


def _pool(base: str, size: str, where: str) -> Pool:
    try:
        network = ipaddress.ip_network(base)
    except ValueError as error:
        raise InvalidOption(where, f"invalid base pool {base!r}: {error}") from None
    prefix = _number(size, where)
    if not network.prefixlen <= prefix <= network.max_prefixlen:
        raise InvalidOption(where, f"subnets of size {prefix} do not fit into {base}")
    return Pool(str(network), prefix)


def _ulimit(name: str, value: str, where: str) -> Ulimit:
    soft, _, hard = value.partition(":")
    return Ulimit(name, _number(soft, where), _number(hard or soft, where))


def _filed_ulimit(name: str, value: Mapping[str, Any], where: str) -> Ulimit:
    soft, hard = value.get("Soft"), value.get("Hard", value.get("Soft"))
    if not isinstance(soft, int) or not isinstance(hard, int):
        raise InvalidOption(where, f'{name} must be {{"Name": …, "Soft": NUMBER, "Hard": NUMBER}}')
    return Ulimit(name, soft, hard)


def _runtime(name: str, value: Mapping[str, Any], where: str) -> tuple[str, tuple[str, ...]]:
    path, arguments = value.get("path"), value.get("runtimeArgs", [])
    if value.get("runtimeType"):
        raise InvalidOption(where, f"{name}: runtimeType is not supported", hint="give the path of an OCI runtime")
    if not isinstance(path, str) or not path or not _all(arguments, list, str):
        raise InvalidOption(where, f'{name} must be {{"path": "…", "runtimeArgs": ["…"]}}')
    return path, tuple(arguments)


# What the values mean together


def _check(given: Mapping[str, Any], explicit: frozenset[str]) -> Config:
    level = "debug" if given["debug"] else given["log-level"]
    if level not in _LEVELS:
        raise InvalidOption("log-level", f"unknown level {level!r}", hint=f"there are: {', '.join(_LEVELS)}")
    for option in given["exec-opts"]:
        if option != "native.cgroupdriver=cgroupfs":
            raise InvalidOption("exec-opts", f"{option!r} is not supported", hint="native.cgroupdriver=cgroupfs is")
    for label in given["labels"]:
        if "=" not in label:
            raise InvalidOption("labels", f"expected KEY=VALUE, got {label!r}")
    if not given["live-restore"]:
        raise InvalidOption("live-restore", "it cannot be switched off", hint="containers always outlive the daemon")
    for key, hint in _NOT_IMPLEMENTED.items():
        if given[key] != BY_KEY[key].default:
            raise InvalidOption(key, "it is not implemented", hint=hint)
    _check_bridge(given["bridge"], given["bip"])
    _check_ip(given["ip"])
    tls = given["tls"] or given["tlsverify"]
    _check_tls(given)
    return Config(
        data_root=_absolute("data-root", given["data-root"]),
        exec_root=_absolute("exec-root", given["exec-root"]),
        hosts=tuple(parse_host(text, tls=tls, verified=given["tlsverify"]) for text in given["hosts"]),
        pidfile=_absolute("pidfile", given["pidfile"]),
        group=given["group"],
        group_given="group" in explicit,
        socket_mode=_mode(given["socket-mode"]),
        log_level=level,
        mtu=_at_least_zero("mtu", given["mtu"]),
        shutdown_timeout=given["shutdown-timeout"],
        tls=tls,
        **{BY_KEY[key].field: given[key] for key in _AS_THEY_ARE},
    )


_AS_THEY_ARE = [
    "runtimes",
    "default-runtime",
    "init-path",
    "log-driver",
    "log-opts",
    "storage-driver",
    "bridge",
    "bip",
    "icc",
    "ip-masq",
    "ip",
    "default-address-pools",
    "labels",
    "tlsverify",
    "tlscacert",
    "tlscert",
    "tlskey",
]


def _absolute(key: str, text: str) -> Path:
    if not text.startswith("/"):
        raise InvalidOption(key, f"{text!r} is not an absolute path")
    return Path(text)


def _mode(text: str) -> int:
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise InvalidOption("socket-mode", f"expected an octal mode such as 0660, got {text!r}")
    return int(text, 8)


def _at_least_zero(key: str, number: int) -> int:
    if number < 0:
        raise InvalidOption(key, "it cannot be negative")
    return number


def _check_bridge(bridge: str, bip: str) -> None:
    if bridge and bip:
        raise InvalidOption("bip", "it cannot be given together with bridge")
    if not bip:
        return
    try:
        ipaddress.IPv4Interface(bip)
    except ValueError as error:
        raise InvalidOption("bip", str(error)) from None
    if "/" not in bip:
        raise InvalidOption("bip", f"{bip!r} has no prefix length")


def _check_ip(text: str) -> None:
    try:
        ipaddress.IPv4Address(text)
    except ValueError as error:
        raise InvalidOption("ip", str(error)) from None


def _check_tls(given: Mapping[str, Any]) -> None:
    needed = ["tlscert", "tlskey"] if given["tls"] or given["tlsverify"] else []
    needed += ["tlscacert"] if given["tlsverify"] else []
    for key in needed:
        if not given[key]:
            raise InvalidOption(key, "it must be given for TLS")


def parse_host(text: str, *, tls: bool, verified: bool) -> Host:
    """`verified`: clients need a certificate. A port that others reach is a root shell, so it is refused without."""
    kind, separator, rest = text.partition("://")
    if not separator or kind not in ("unix", "tcp", "fd"):
        raise InvalidOption("hosts", f"invalid address {text!r}", hint="write unix://PATH, tcp://HOST:PORT or fd://")
    if kind == "fd":
        return Host("fd", rest)
    if kind == "unix":
        return Host("unix", str(_absolute("hosts", rest)))
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:/]*)(?::(\d{1,5}))?/?", rest)
    port = int(match[2]) if match and match[2] else _TLS_PORT if tls else _PLAIN_PORT
    if not match or not port < 1 << 16:
        raise InvalidOption("hosts", f"invalid address {text!r}", hint="write tcp://HOST:PORT")
    address = match[1].strip("[]") or "127.0.0.1"
    if not verified and not _loopback(address):
        raise InvalidOption(
            "hosts",
            f"{text} would let everybody who reaches it become root on this machine",
            hint="add --tlsverify with certificates, listen on 127.0.0.1, or use ssh://",
        )
    return Host("tcp", address, port)


def _loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
