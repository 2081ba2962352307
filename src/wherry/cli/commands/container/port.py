"""`wherry port`: where a container's ports are published."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure
from wherry.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    name = call.arguments[0]
    document = call.engine.get(f"/containers/{quote(name)}/json")
    published: dict[str, list[dict[str, Any]]] = (document.get("NetworkSettings") or {}).get("Ports") or {}
    if len(call.arguments) > 1:
        number, _, protocol = call.arguments[1].partition("/")
        bindings = published.get(f"{number}/{protocol or 'tcp'}")
        if not _valid(number):
            reason = f'strconv.ParseUint: parsing "{number}": invalid syntax'
            raise Failure(f"Error: invalid port ({call.arguments[1]}): {reason}")
        if not bindings:
            raise Failure(f"Error: No public port '{call.arguments[1]}' published for {name}")
        lines = [_binding(binding) for binding in bindings]
    else:
        lines = [f"{port} -> {_binding(binding)}" for port, bindings in published.items() for binding in bindings or ()]
        lines.sort(key=lambda line: (int(line.partition("/")[0]), line))
    if lines:
        print("\n".join(lines))
    return 0


def _valid(number: str) -> bool:
    return number.isdigit() and 0 < int(number) < 65536


def _binding(binding: dict[str, Any]) -> str:
    address = binding.get("HostIp") or ""
    return f"[{address}]:{binding['HostPort']}" if ":" in address else f"{address}:{binding['HostPort']}"


COMMAND = Command(
    _run,
    "Show where a container's ports are published",
    "CONTAINER [PRIVATE_PORT[/PROTO]]",
    least=1,
    most=2,
    examples=("port web", "port web 80/tcp"),
)
