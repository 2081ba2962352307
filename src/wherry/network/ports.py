"""Docker's way of writing ports. Pure.

Texts of errors are Docker's: github.com/docker/go-connections, package nat.
"""

from __future__ import annotations

import ipaddress
import re

import msgspec

from wherry import errors

ANY = "0.0.0.0"
PROTOCOLS = ("tcp", "udp")
LAST = 65535
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?\Z", re.IGNORECASE | re.ASCII)
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?\Z", re.ASCII)


class InvalidPort(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f'Invalid port specification: "{text}"')


class InvalidHostPort(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid hostPort: {text}")


class InvalidHostAddress(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid IP address: {text}")


class UnsupportedProtocol(errors.Unsupported):
    def __init__(self, protocol: str) -> None:
        super().__init__(f"ports of protocol {protocol} cannot be published", hint="tcp and udp can")


class UnsupportedHostAddress(errors.Unsupported):
    """A packet cannot be redirected from IPv6 to IPv4, and the networks here have IPv4."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"publishing on the IPv6 address {address} is not implemented", hint="publish on an IPv4 address"
        )


class Wanted(msgspec.Struct, frozen=True):
    """A binding as requested.

    `first` to `last` is the range to choose the host's port from, 0 to 0 for any. No `host_address` means the network's
    default.
    """

    protocol: str
    container_port: int
    host_address: str = ""
    first: int = 0
    last: int = 0


def parse_port(text: str) -> tuple[int, str]:
    """ "80/tcp" or "80" as number and protocol."""
    found = parse_ports(text)
    if len(found) != 1:
        raise InvalidPort(text)
    return found[0]


def parse_ports(text: str) -> list[tuple[int, str]]:
    """ "80-82/udp", and all that `parse_port` takes, as numbers and protocols."""
    match = _PORT.match(text)
    if not match:
        raise InvalidPort(text)
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= LAST:
        raise InvalidPort(text)
    return [(number, (match[3] or "tcp").lower()) for number in range(first, last + 1)]


def parse_binding(port: str, host_ip: str, host_port: str) -> Wanted:
    """An entry of PortBindings. The host's port may be "", a number or a range "8000-8010"."""
    number, protocol = parse_port(port)
    if protocol not in PROTOCOLS:
        raise UnsupportedProtocol(protocol)
    low, high = _parse_range(host_port)
    return Wanted(protocol, number, _parse_address(host_ip), low, high)


def _parse_range(text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    match = _RANGE.match(text)
    if not match:
        raise InvalidHostPort(text)
    first, last = int(match[1]), int(match[2] or match[1])
    if not 0 <= first <= last <= LAST or (first == 0 and last != 0):
        raise InvalidHostPort(text)
    return first, last


def _parse_address(text: str) -> str:
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise InvalidHostAddress(text) from None
    if isinstance(address, ipaddress.IPv6Address):
        raise UnsupportedHostAddress(str(address))
    return str(address)
