"""The -p and --expose flags.

Knows their syntax and Docker's complaints. Must not know networks. Loaded only when one of the flags is given.
"""

from __future__ import annotations

from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PROTOCOLS = ("tcp", "udp", "sctp")
Bindings = dict[str, list[dict[str, str]]]


def published(words: Iterable[str]) -> Bindings:
    """-p flags as PortBindings: [ADDRESS:][HOST_PORT[-LAST]:]PORT[-LAST][/PROTOCOL]. Raises Failure."""
    bindings: Bindings = {}
    for word in words:
        for port, binding in _bindings(_short_form(word) if "=" in word else word):
            bindings.setdefault(port, []).append(binding)
    return bindings


def _short_form(word: str) -> str:
    """`published=8080,target=80,protocol=udp` in the short form."""
    found = {"protocol": "tcp", "target": "", "published": ""}
    for field in word.split(","):
        key, equals, value = field.partition("=")
        if not equals or not value:
            raise Failure(f"invalid publish opts format (should be name=value but got '{field}')", 125)
        found[key] = value
    return f"{found['published']}:{found['target']}/{found['protocol']}"


def _bindings(word: str) -> list[tuple[str, dict[str, str]]]:
    rest, slash, protocol = word.rpartition("/")
    if not slash:
        rest, protocol = word, "tcp"
    address, host, inside = _parts(rest)
    if not inside:
        raise Failure(f"no port specified: {word}<empty>", 125)
    if address and not _valid_address(address):
        raise Failure(f"invalid IP address: {address}", 125)
    first, last = _range(inside, "containerPort", inside)
    host_first, host_last = _range(host, "hostPort", host) if host else (0, 0)
    if host and last - first != host_last - host_first and first != last:
        raise Failure(f"invalid ranges specified for container and host Ports: {inside} and {host}", 125)
    if protocol.lower() not in _PROTOCOLS:
        raise Failure(f"invalid proto: {protocol}", 125)
    found = []
    for offset in range(last - first + 1):
        shown = str(host_first + offset) if host else ""
        if host and first == last and host_first != host_last:
            shown = f"{host_first}-{host_last}"
        found.append((f"{first + offset}/{protocol.lower()}", {"HostIp": address, "HostPort": shown}))
    return found


def _parts(rest: str) -> tuple[str, str, str]:
    if rest.startswith("["):
        address, _, after = rest[1:].partition("]")
        host, _, inside = after.removeprefix(":").rpartition(":")
        return address, host, inside
    parts = rest.split(":")
    if len(parts) > 3:
        return ":".join(parts[:-2]), parts[-2], parts[-1]
    return ("", "", *parts)[-3:]  # type: ignore[return-value]


def _valid_address(address: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _range(text: str, what: str, shown: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    try:
        low = _port(first)
        high = _port(last) if dash else low
    except ValueError:
        raise Failure(f"invalid {what}: {shown}", 125) from None
    if high < low:
        raise Failure(f"invalid {what}: {shown}", 125)
    return low, high


def _port(text: str) -> int:
    number = int(text) if text.isdigit() else -1
    if not 0 <= number < 65536:
        raise ValueError(text)
    return number


def exposed(words: Iterable[str]) -> list[str]:
    """--expose flags as "port/protocol". Raises Failure."""
    found = []
    for word in words:
        if ":" in word:
            raise Failure(f"invalid port format for --expose: {word}", 125)
        text, slash, protocol = word.partition("/")
        try:
            first, _, last = text.partition("-")
            low, high = _port(first), _port(last or first)
        except ValueError:
            reason = f'strconv.ParseUint: parsing "{text}": invalid syntax'
            raise Failure(f"invalid range format for --expose: {word}, error: {reason}", 125) from None
        found += [f"{port}/{protocol.lower() if slash else 'tcp'}" for port in range(low, high + 1)]
    return found
