"""The /etc/hosts of a container: hosts(5). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_LOCAL = "127.0.0.1\tlocalhost\n"
_LOCAL_IPV6 = """::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def generate(entries: Iterable[tuple[str, Sequence[str]]], *, ipv6: bool = True) -> str:
    """The local names, then an address and its names a line."""
    lines = [f"{address}\t{' '.join(names)}\n" for address, names in entries]
    return _LOCAL + (_LOCAL_IPV6 if ipv6 else "") + "".join(lines)


def own_names(hostname: str, domain: str) -> list[str]:
    """How a container calls itself: the full name first, if there is a domain."""
    return [f"{hostname}.{domain}", hostname] if domain else [hostname]
