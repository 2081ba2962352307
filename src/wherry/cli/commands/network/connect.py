"""`wherry network connect`: connect a container to one more network."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.cli.creation import checks
from wherry.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    network, container = call.arguments
    addresses: dict[str, Any] = {}
    for key, flag in (("IPv4Address", "ip"), ("IPv6Address", "ip6")):
        if options.text(flag):
            addresses[key] = options.text(flag)
    if options.list("link-local-ip"):
        addresses["LinkLocalIPs"] = options.list("link-local-ip")
    endpoint: dict[str, Any] = {"IPAMConfig": addresses}
    if options.list("alias"):
        endpoint["Aliases"] = options.list("alias")
    if options.list("link"):
        endpoint["Links"] = options.list("link")
    if options.list("driver-opt"):
        endpoint["DriverOpts"] = dict(word.partition("=")[::2] for word in options.list("driver-opt"))
    if options.number("gw-priority"):
        endpoint["GwPriority"] = options.number("gw-priority")
    body = {"Container": container, "EndpointConfig": endpoint}
    call.engine.post(f"/networks/{quote(network)}/connect", json=body)
    return 0


COMMAND = Command(
    _run,
    "Connect a container to one more network",
    "[OPTIONS] NETWORK CONTAINER",
    least=2,
    most=2,
    flags=(
        flags.several("alias", "", "Another name of the container on the network", kind="strings"),
        flags.several("driver-opt", "", "Option of the network's driver (KEY=VALUE)", kind="strings"),
        flags.number("gw-priority", "", "The network with the highest number gives the default gateway"),
        flags.text("ip", "", "IPv4 address to use"),
        flags.text("ip6", "", "IPv6 address to use"),
        flags.several("link", "", "Link to another container (NAME[:ALIAS])", read=checks.link),
        flags.several("link-local-ip", "", "Link-local address to add", kind="strings"),
    ),
    examples=("network connect --alias db back postgres",),
)
