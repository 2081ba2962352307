"""Published ports as a whole: the host's port is held, packets for it are redirected, and flows learn of the change.

Must not know which endpoint of a container is the one to publish at.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Sequence

import msgspec

from wherry.linux.netlink.conntrack import Conntrack
from wherry.network.endpoint import Binding, Endpoint
from wherry.network.firewall import BridgeRules, Firewall, Redirect
from wherry.network.guard import Guard
from wherry.network.hostports import HostPorts, PortTaken
from wherry.network.ports import Wanted

_log = logging.getLogger(__name__)


class Publishing:
    """In the network namespace of the thread that makes it. Safe on any thread."""

    def __init__(self) -> None:
        self.firewall = Firewall()
        self._guard = Guard(self.firewall)
        self._host_ports = HostPorts()
        self._flows = Conntrack()

    def start(self, bridges: Iterable[BridgeRules], endpoints: Iterable[Endpoint], *, router: bool) -> None:
        """Take back the ports of these endpoints, and make the table for exactly these."""
        alive = list(endpoints)
        for endpoint in alive:
            for binding in endpoint.bindings:
                try:
                    self._host_ports.restore(binding)
                except PortTaken as error:
                    _log.warning("container %s keeps its port: %s", endpoint.container[:12], error)
        self.firewall.set_up(bridges, [each for endpoint in alive for each in _redirects(endpoint)], router=router)
        self._guard.start()
        for chain in self.firewall.foreign_drops():
            _log.warning(
                "chain %s drops forwarded packets that it does not know, so containers may reach nothing; "
                "let it accept what comes from and goes to their bridges",
                chain,
            )

    def publish(self, endpoint: Endpoint, wanted: Sequence[Wanted], undo: contextlib.ExitStack) -> Endpoint:
        """The endpoint with ports of the host bound to it: PortAllocated, PortInUse. Undone by `undo`."""
        bindings: list[Binding] = []
        for port in wanted:
            binding = self._host_ports.hold(port, endpoint.address)
            undo.callback(self._host_ports.release, binding)
            bindings.append(binding)
        published = msgspec.structs.replace(endpoint, bindings=tuple(bindings))
        undo.callback(self.firewall.withdraw, _redirects(published))
        self.firewall.publish(_redirects(published))
        self._forget_flows(bindings)
        return published

    def withdraw(self, endpoints: Iterable[Endpoint]) -> None:
        """Take the ports of all these back, in one transaction."""
        ended = [endpoint for endpoint in endpoints if endpoint.bindings]
        bindings = [binding for endpoint in ended for binding in endpoint.bindings]
        if not bindings:
            return
        self.firewall.withdraw([each for endpoint in ended for each in _redirects(endpoint)])
        for binding in bindings:
            self._host_ports.release(binding)
        self._forget_flows(bindings)

    def _forget_flows(self, bindings: Iterable[Binding]) -> None:
        """A UDP flow would go where it has gone before for as long as it lasts."""
        for binding in bindings:
            if binding.protocol == "udp":
                with contextlib.suppress(OSError):
                    self._flows.forget_udp(binding.host_port)

    def stop(self, *, tear_down: bool) -> None:
        """End; with `tear_down` nothing of it stays on the host."""
        self._guard.stop()
        if tear_down:
            self.firewall.tear_down()
        self.firewall.close()
        self._host_ports.close()
        self._flows.close()


def _redirects(endpoint: Endpoint) -> list[Redirect]:
    return [Redirect(binding, endpoint.address) for binding in endpoint.bindings]
