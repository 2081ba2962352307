"""Published ports: Docker's way of writing them, and the host's ports held so that nobody else takes them.

A port is held by a bound socket that never listens: packets for it are redirected before they would reach it, and
another program gets "address already in use". The kernel frees it however the daemon ends; `restore` takes it again.
"""

from __future__ import annotations

import errno
import re
import socket
import threading
from collections.abc import Iterable

import msgspec

from wherry import errors
from wherry.network.endpoint import Binding

ANY = "0.0.0.0"  # noqa: S104 - Docker's default: published to everybody
_PORT = re.compile(r"(\d{1,5})(?:/(tcp|udp|sctp))?\Z", re.IGNORECASE)
_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_TRIES = 64


class InvalidPort(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f'Invalid port specification: "{text}"')


class UnsupportedProtocol(errors.Unsupported):
    def __init__(self, protocol: str) -> None:
        super().__init__(f"ports of protocol {protocol} cannot be published", hint="tcp and udp can")


class PortAllocated(errors.Internal):
    """Another container of ours has it."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__(f"Bind for {address}:{port} failed: port is already allocated")


class PortInUse(errors.Internal):
    """Another program has it."""

    def __init__(self, binding: Binding, container: str, reason: str) -> None:
        super().__init__(
            f"failed to bind host port for {binding.host_address}:{binding.host_port}:{container}:"
            f"{binding.container_port}/{binding.protocol}: {reason}",
            hint="choose another port with -p, or stop the program that uses it",
        )


class Wanted(msgspec.Struct, frozen=True):
    """A binding as requested: `first` to `last` is the range to choose the host's port from, 0 to 0 for any."""

    protocol: str
    container_port: int
    host_address: str = ANY
    first: int = 0
    last: int = 0


def parse_port(text: str) -> tuple[int, str]:
    """ "80/tcp" or "80" as number and protocol."""
    match = _PORT.match(text)
    if not match or not 1 <= int(match[1]) <= 65535:
        raise InvalidPort(text)
    return int(match[1]), (match[2] or "tcp").lower()


def parse_binding(port: str, host_ip: str, host_port: str) -> Wanted:
    """An entry of PortBindings. The host's port may be "", a number or a range "8000-8010"."""
    number, protocol = parse_port(port)
    if protocol not in _TYPES:
        raise UnsupportedProtocol(protocol)
    address = host_ip.strip("[]") or ANY
    try:
        socket.inet_pton(socket.AF_INET, address)
    except OSError:
        if ":" in address:
            raise errors.Unsupported(
                f"publishing on the IPv6 address {address} is not implemented", hint="publish on an IPv4 address"
            ) from None
        raise errors.InvalidArgument(f"invalid IP address: {host_ip}") from None
    first, _, last = host_port.partition("-")
    try:
        low = int(first) if first else 0
        high = int(last) if last else low
    except ValueError:
        raise InvalidPort(host_port) from None
    if not 0 <= low <= high <= 65535:
        raise InvalidPort(host_port)
    return Wanted(protocol, number, address, low, high)


class HostPorts:
    """The ports we hold. Safe on any thread."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str, int], socket.socket] = {}
        self._lock = threading.Lock()

    def hold(self, wanted: Wanted, container: str) -> Binding:
        """Take a port of the host: PortAllocated, PortInUse. `container` is the container's address, for the message."""
        candidates: Iterable[int] = range(wanted.first, wanted.last + 1) if wanted.first else [0] * _TRIES
        failure: errors.WherryError | None = None
        for port in candidates:
            binding = Binding(wanted.protocol, wanted.container_port, wanted.host_address, port)
            try:
                return self._bind(binding, container)
            except (PortAllocated, PortInUse) as error:
                failure = error
        raise failure or InvalidPort(str(wanted.first))

    def _bind(self, binding: Binding, container: str) -> Binding:
        with self._lock:
            if binding.host_port and self._taken(binding):
                raise PortAllocated(binding.host_address, binding.host_port)
            sock = socket.socket(socket.AF_INET, _TYPES[binding.protocol] | socket.SOCK_CLOEXEC)
            try:
                sock.bind((binding.host_address, binding.host_port))
            except OSError as error:
                sock.close()
                reason = "address already in use" if error.errno == errno.EADDRINUSE else (error.strerror or "").lower()
                raise PortInUse(binding, container, reason) from None
            bound = msgspec.structs.replace(binding, host_port=sock.getsockname()[1])
            self._held[_key(bound)] = sock
            return bound

    def _taken(self, binding: Binding) -> bool:
        """A wildcard address collides with every other one on the same port."""
        for protocol, address, port in self._held:
            same = protocol == binding.protocol and port == binding.host_port
            if same and (address == binding.host_address or ANY in (address, binding.host_address)):
                return True
        return False

    def restore(self, binding: Binding) -> None:
        """Take back what a container has had since before this daemon."""
        self._bind(binding, "")

    def release(self, binding: Binding) -> None:
        with self._lock:
            sock = self._held.pop(_key(binding), None)
        if sock:
            sock.close()

    def close(self) -> None:
        with self._lock:
            for sock in self._held.values():
                sock.close()
            self._held.clear()


def _key(binding: Binding) -> tuple[str, str, int]:
    return binding.protocol, binding.host_address, binding.host_port
