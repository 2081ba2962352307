"""`wherry info`, `wherry system info`: the engine and its machine at a glance."""

from __future__ import annotations

import sys

from wherry import errors
from wherry.cli import client_facts, flags, units
from wherry.cli.command import Command, Invocation, described, warn
from wherry.cli.failure import Failure
from wherry.client import jsontext, transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_DRIVERS = (("Logging Driver", "LoggingDriver"), ("Cgroup Driver", "CgroupDriver"), ("Cgroup Version", "CgroupVersion"))
_PROXIES = (("HTTP Proxy", "HttpProxy"), ("HTTPS Proxy", "HttpsProxy"), ("No Proxy", "NoProxy"))
_COMMITS = (("containerd", "ContainerdCommit"), ("runc", "RuncCommit"), ("init", "InitCommit"))


def _run(call: Invocation) -> int:
    client = client_facts.facts(call.configuration, transport.MAXIMUM_VERSION)
    format = call.options.text("format")
    info: dict[str, Any] = {}
    trouble = ""
    try:
        info = call.engine.get("/info")
    except errors.WherryError as error:
        trouble = described(error)
    if format:
        about: dict[str, Any] = {"Debug": False, **client, "Plugins": [], "Warnings": None}
        _templated({**info, "ClientInfo": about} | ({"ServerErrors": [trouble]} if trouble else {}), format)
        return 0
    sys.stdout.write(
        f"Client:\n Version:    {client['Version']}\n Context:    {client['Context']}\n Debug Mode: false\n\nServer:\n"
    )
    if trouble:
        raise Failure(f"{trouble}\nerrors pretty printing info")
    sys.stdout.write("".join(f" {line}\n" for line in _lines(info)) + "\n")
    for warning in info.get("Warnings") or ():
        warn(warning)
    return 0


def _templated(document: dict[str, Any], format: str) -> None:
    if format in ("json", "{{json .}}"):
        print(jsontext.encode(document))
        return
    from wherry.cli import inspection, template

    print(template.parse(format).render(inspection.typed(document)))


def _lines(info: dict[str, Any]) -> Iterator[str]:
    """The lines below "Server:"."""
    yield f"Containers: {info['Containers']}"
    for name in ("Running", "Paused", "Stopped"):
        yield f" {name}: {info[f'Containers{name}']}"
    yield f"Images: {info['Images']}"
    yield f"Server Version: {info.get('ServerVersion', '')}"
    yield f"Storage Driver: {info['Driver']}"
    yield from (f" {name}: {value}" for name, value in info.get("DriverStatus") or ())
    yield from (f"{name}: {info[key]}" for name, key in _DRIVERS if info.get(key))
    plugins = info.get("Plugins") or {}
    yield "Plugins:"
    for name in ("Volume", "Network", "Authorization", "Log"):
        if plugins.get(name) or name in ("Volume", "Network", "Log"):
            yield f" {name}: {' '.join(plugins.get(name) or ())}"
    yield from _section("CDI spec directories", info.get("CDISpecDirs"))
    yield f"Swarm: {(info.get('Swarm') or {}).get('LocalNodeState') or 'inactive'}"
    yield f"Runtimes: {' '.join(info.get('Runtimes') or {})}"
    yield f"Default Runtime: {info.get('DefaultRuntime', '')}"
    yield f"Init Binary: {info.get('InitBinary', '')}"
    yield from (f"{name} version: {(info.get(key) or {}).get('ID', '')}" for name, key in _COMMITS)
    yield from _security(info.get("SecurityOptions") or ())
    yield from _machine(info)


def _section(name: str, values: list[str] | None) -> Iterator[str]:
    if values:
        yield f"{name}:"
        yield from (f" {value}" for value in values)


def _security(options: list[str] | tuple[str, ...]) -> Iterator[str]:
    if options:
        yield "Security Options:"
    for option in options:
        pairs = [part.partition("=")[::2] for part in option.split(",")]
        for name, value in pairs:
            yield f" {value}" if name == "name" else f"  {name[:1].upper()}{name[1:]}: {value}"


def _machine(info: dict[str, Any]) -> Iterator[str]:
    yield f"Kernel Version: {info.get('KernelVersion', '')}"
    yield f"Operating System: {info.get('OperatingSystem', '')}"
    yield f"OSType: {info.get('OSType', '')}"
    yield f"Architecture: {info.get('Architecture', '')}"
    yield f"CPUs: {info.get('NCPU', 0)}"
    yield f"Total Memory: {units.binary_size(info.get('MemTotal', 0))}"
    yield f"Name: {info.get('Name', '')}"
    yield f"ID: {info.get('ID', '')}"
    yield f"Docker Root Dir: {info.get('DockerRootDir', '')}"
    yield f"Debug Mode: {_truth(info.get('Debug'))}"
    yield from (f"{name}: {info[key]}" for name, key in _PROXIES if info.get(key))
    yield from _section("Labels", info.get("Labels"))
    yield f"Experimental: {_truth(info.get('ExperimentalBuild'))}"
    registries = info.get("RegistryConfig") or {}
    insecure = [
        name for name, index in sorted((registries.get("IndexConfigs") or {}).items()) if not index.get("Secure", True)
    ]
    yield from _section("Insecure Registries", insecure + (registries.get("InsecureRegistryCIDRs") or []))
    yield from _section("Registry Mirrors", registries.get("Mirrors"))
    yield f"Live Restore Enabled: {_truth(info.get('LiveRestoreEnabled'))}"


def _truth(value: object) -> str:
    return "true" if value else "false"


COMMAND = Command(
    _run,
    "Show the engine and its machine at a glance",
    "[OPTIONS]",
    flags=(flags.output_format(table=False),),
    examples=("info", "info -f '{{.Driver}}'"),
)
