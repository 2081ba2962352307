"""`wherry version`: of this program and of the engine."""

from __future__ import annotations

import sys

from wherry import errors
from wherry.cli import client_facts, flags
from wherry.cli.command import Command, Invocation, described
from wherry.cli.failure import Failure
from wherry.client import jsontext, transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    server: dict[str, Any] | None = None
    trouble = ""
    try:
        server = call.engine.get("/version")
    except errors.WherryError as error:
        trouble = described(error)
    api_version = _agreed(server) if server else transport.MAXIMUM_VERSION
    client = client_facts.facts(call.configuration, transport.version_from_environment() or api_version)
    _show(client, server, call.options.text("format"))
    if trouble:
        raise Failure(trouble)
    return 0


def _agreed(server: dict[str, Any]) -> str:
    offered = str(server.get("ApiVersion") or transport.MAXIMUM_VERSION)
    return min(offered, transport.MAXIMUM_VERSION, key=lambda version: [int(part) for part in version.split(".")])


def _show(client: dict[str, str], server: dict[str, Any] | None, format: str) -> None:
    for component in (server or {}).get("Components") or []:
        details = component.get("Details") or {}
        if details.get("BuildTime"):
            details["BuildTime"] = client_facts.build_time(details["BuildTime"])
    document = {"Client": client, "Server": server}
    if format in ("json", "{{json .}}"):
        print(jsontext.encode(document))
        return
    if format:
        from wherry.cli import template

        print(template.parse(format).render(document))
        return
    sys.stdout.write(_client_text(client))
    if server:
        sys.stdout.write(_server_text(server))


def _line(indent: int, name: str, value: str) -> str:
    return f"{' ' * indent}{name + ':':<{20 - indent}}{value}\n"


def _client_text(client: dict[str, str]) -> str:
    api = client["ApiVersion"]
    if api != client["DefaultAPIVersion"]:
        api += f" (downgraded from {client['DefaultAPIVersion']})"
    rows = (
        ("Version", client["Version"]), ("API version", api), ("Go version", client["GoVersion"]),
        ("Git commit", client["GitCommit"]), ("Built", client["BuildTime"]),
        ("OS/Arch", f"{client['Os']}/{client['Arch']}"), ("Context", client["Context"]),
    )  # fmt: skip
    return "Client:\n" + "".join(_line(1, name, value) for name, value in rows if value)


def _server_text(server: dict[str, Any]) -> str:
    platform = (server.get("Platform") or {}).get("Name", "")
    text = f"\nServer:{' ' + platform if platform else ''}\n"
    for component in server.get("Components") or [_as_component(server)]:
        details = component.get("Details") or {}
        text += f" {component['Name']}:\n" + _line(2, "Version", component["Version"])
        if "ApiVersion" not in details:
            text += "".join(_line(2, name, value) for name, value in sorted(details.items()))
            continue
        minimum = f" (minimum version {details['MinAPIVersion']})" if details.get("MinAPIVersion") else ""
        rows = (
            ("API version", details["ApiVersion"] + minimum), ("Go version", details.get("GoVersion", "")),
            ("Git commit", details.get("GitCommit", "")), ("Built", details.get("BuildTime", "")),
            ("OS/Arch", f"{details.get('Os', '')}/{details.get('Arch', '')}"),
            ("Experimental", details.get("Experimental", "")),
        )  # fmt: skip
        text += "".join(_line(2, name, value) for name, value in rows)
    return text


def _as_component(server: dict[str, Any]) -> dict[str, Any]:
    return {"Name": "Engine", "Version": server["Version"], "Details": server}


COMMAND = Command(
    _run,
    "Show the version information of client and engine",
    "[OPTIONS]",
    flags=(flags.output_format(table=False),),
    examples=("version", "version -f '{{.Server.Version}}'"),
)
