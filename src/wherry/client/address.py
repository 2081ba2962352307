"""Where an engine listens, and how to reach it safely.

Knows the forms of a host (`unix://`, `tcp://`, `ssh://`, `fd://`) and the environment variables and files that choose
one. Must not know HTTP. Docker's order of precedence: the -H flag, a context named on the command line, the host
variable, the context variable, the context in the configuration file, the default socket.
"""

from __future__ import annotations

import os

from wherry import errors

DEFAULT_SOCKET = "unix:///run/wherry/wherry.sock"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class UnusableHost(errors.InvalidArgument):
    def __init__(self, host: str) -> None:
        super().__init__(f"invalid bind address format: {host}")


class Tls:
    """Files of a TLS connection; `verify` says whether the server's certificate must be signed by `ca`."""

    __slots__ = ("ca", "certificate", "key", "verify")

    def __init__(self, ca: str, certificate: str, key: str, verify: bool) -> None:
        self.ca = ca
        self.certificate = certificate
        self.key = key
        self.verify = verify


class Address:
    """One engine: `scheme` is unix, tcp or ssh; `path` is a socket (unix); `name` and `port` a peer (tcp)."""

    __slots__ = ("host", "name", "path", "port", "scheme", "tls")

    def __init__(self, host: str, tls: Tls | None = None) -> None:
        self.host = host
        self.tls = tls
        self.path = ""
        self.name = "localhost"
        self.port = 0
        self.scheme, separator, rest = host.partition("://")
        if not separator:
            raise UnusableHost(host)
        if self.scheme == "unix":
            self.path = rest or DEFAULT_SOCKET[len("unix://") :]
        elif self.scheme == "tcp":
            self._peer(rest.partition("/")[0])
        else:
            raise UnusableHost(host)

    def _peer(self, peer: str) -> None:
        name, _, port = peer.rpartition(":") if not peer.endswith("]") else (peer, "", "")
        if not name and not peer.startswith(":"):
            name, port = peer, ""
        self.name = name.strip("[]") or "localhost"
        try:
            self.port = int(port) if port else (2376 if self.tls else 2375)
        except ValueError:
            raise UnusableHost(self.host) from None


def normalise(host: str, *, secure: bool = False) -> str:
    """A host as the user may write it, with its scheme: `:2375`, `example:2375` and `/run/x.sock` are understood."""
    host = host.strip()
    if not host:
        return DEFAULT_SOCKET
    if "://" in host:
        return host
    if host.startswith("/"):
        return "unix://" + host
    if host.startswith(":"):
        host = "localhost" + host
    return f"tcp://{host}" if ":" in host else f"tcp://{host}:{2376 if secure else 2375}"


def from_environment(environ: Mapping[str, str]) -> str:
    """The host that the environment names, "" if it names none. Ours wins over Docker's."""
    return environ.get("WHERRY_HOST") or environ.get("DOCKER_HOST") or ""


def certificates(environ: Mapping[str, str], configuration: str) -> str:
    """The directory of ca.pem, cert.pem and key.pem."""
    return environ.get("DOCKER_CERT_PATH") or configuration


def configuration_directory(environ: Mapping[str, str]) -> str:
    """The directory of config.json and of contexts."""
    return environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
