"""The host's ports that are published, held so that nobody else takes them.

A port is held by a bound socket: packets for it are redirected before they would reach it, and another program gets
"address already in use". The kernel frees it however the daemon ends; `restore` takes it again. Must not know how
packets are redirected.
"""

from __future__ import annotations

import errno
import os
import socket
import threading

import msgspec

from wherry import errors
from wherry.linux import port_holder
from wherry.network.endpoint import Binding
from wherry.network.ports import ANY, Wanted

_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class PortTaken(errors.Internal):
    """A port cannot be published; dockerd answers 500."""


class PortAllocated(PortTaken):
    """Another container of ours has it."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__(f"Bind for {address}:{port} failed: port is already allocated")


class PortInUse(PortTaken):
    """Another program has it, or the host does not have the address."""

    def __init__(self, binding: Binding, container: str, reason: str, holder: str = "") -> None:
        super().__init__(
            f"failed to bind host port for {binding.host_address}:{binding.host_port}:{container}:"
            f"{binding.container_port}/{binding.protocol}: {reason}",
            hint=f"it is used by {holder}" if holder else "",
        )


class HostPorts:
    """The ports we hold. Safe on any thread."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], dict[str, socket.socket]] = {}
        """By protocol and port, then by address."""
        self._lock = threading.Lock()

    def hold(self, wanted: Wanted, container: str) -> Binding:
        """Take the first free port of the wanted: PortAllocated, PortInUse.

        `container` is the container's address, for the message.
        """
        failure: PortTaken | None = None
        for port in range(wanted.first, wanted.last + 1):
            binding = Binding(wanted.protocol, wanted.container_port, wanted.host_address or ANY, port)
            try:
                return self._hold(binding, container)
            except PortTaken as error:
                failure = failure or error
        raise failure or ValueError(wanted)

    def _hold(self, binding: Binding, container: str) -> Binding:
        with self._lock:
            if binding.host_port and self._taken(binding):
                raise PortAllocated(binding.host_address, binding.host_port)
            try:
                sock = _bind(binding)
            except OSError as error:
                in_use = error.errno == errno.EADDRINUSE
                holder = port_holder.find(binding.protocol, binding.host_port) if in_use else ""
                reason = os.strerror(error.errno or 0).lower()
                raise PortInUse(binding, container, reason, holder) from None
            bound = msgspec.structs.replace(binding, host_port=sock.getsockname()[1])
            self._held.setdefault((bound.protocol, bound.host_port), {})[bound.host_address] = sock
            return bound

    def _taken(self, binding: Binding) -> bool:
        """A wildcard address collides with every other one on the same port."""
        held = self._held.get((binding.protocol, binding.host_port), {})
        return binding.host_address in held or ANY in held or bool(held and binding.host_address == ANY)

    def restore(self, binding: Binding) -> None:
        """Take back what a container has had since before this daemon: PortInUse."""
        self._hold(binding, "")

    def release(self, binding: Binding) -> None:
        with self._lock:
            held = self._held.get((binding.protocol, binding.host_port), {})
            sock = held.pop(binding.host_address, None)
            if not held:
                self._held.pop((binding.protocol, binding.host_port), None)
        if sock:
            sock.close()

    def close(self) -> None:
        with self._lock:
            for held in self._held.values():
                for sock in held.values():
                    sock.close()
            self._held.clear()


def _bind(binding: Binding) -> socket.socket:
    """A socket that nobody else can bind beside.

    Connections of an ended server that are in TIME_WAIT hinder a plain bind, not one with SO_REUSEADDR; but then only a
    listening socket keeps out others that reuse addresses too (socket(7)).
    """
    try:
        return _bound(binding)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or binding.protocol != "tcp":
            raise
    return _bound(binding, listen=True)


def _bound(binding: Binding, *, listen: bool = False) -> socket.socket:
    sock = socket.socket(socket.AF_INET, _TYPES[binding.protocol] | socket.SOCK_CLOEXEC)
    try:
        if listen:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((binding.host_address, binding.host_port))
        if listen:
            sock.listen(0)
    except BaseException:
        sock.close()
        raise
    return sock
