"""Sockets to listen on: unix paths, TCP, and those a service manager has opened for us; and TLS contexts.

Knows bind(2), the socket activation protocol (sd_listen_fds(3)) and who may connect to a unix socket. Must not know
what is served.
"""

from __future__ import annotations

import contextlib
import grp
import os
import socket
import stat
from typing import TYPE_CHECKING

from wherry import errors

if TYPE_CHECKING:
    import ssl

_FIRST_FD = 3
_BACKLOG = 512


class SocketInUse(errors.Conflict):
    def __init__(self, path: str) -> None:
        super().__init__(f"another process serves on {path}", hint="stop it, or choose another path with --host")


class CannotListen(errors.Unavailable):
    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"cannot listen on {address}: {reason}")


class NoSuchGroup(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"group {name} not found")


def unix(path: str, mode: int = 0o660, group: str = "") -> socket.socket:
    """Listen on a path. A socket that a dead process has left is replaced; SocketInUse if somebody answers there."""
    owner = group_id(group) if group else -1
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
        sock.bind(path)
        os.chown(path, -1, owner)
        os.chmod(path, mode)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise CannotListen(path, error.strerror or str(error)) from error
    return sock


def group_id(name: str) -> int:
    """The number of a group given by name or number; NoSuchGroup."""
    if name.isdecimal():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise NoSuchGroup(name) from None


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise CannotListen(path, "the path exists and is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
    raise SocketInUse(path)


def tcp(host: str, port: int) -> list[socket.socket]:
    """Listen on every address that `host` has ("" for all)."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotListen(f"{host}:{port}", error.strerror or str(error)) from error
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(found):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(_BACKLOG)
        except OSError as error:
            for opened in (sock, *sockets):
                opened.close()
            raise CannotListen(f"{host}:{port}", error.strerror or str(error)) from error
        sockets.append(sock)
    return sockets


def activated() -> list[socket.socket]:
    """The sockets that the service manager passed to this process; none if it passed none."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    sockets = []
    for fd in range(_FIRST_FD, _FIRST_FD + count):
        os.set_inheritable(fd, False)
        sockets.append(socket.socket(fileno=fd))
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    return sockets


def tls(certificate: str, key: str, authority: str, *, verify: bool) -> ssl.SSLContext:
    """A server's context, TLS 1.2 or newer. With `verify` clients must show a certificate signed by `authority`."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if verify:
            context.load_verify_locations(authority)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise errors.InvalidArgument(
            f"cannot load the TLS files {certificate}, {key}, {authority}: {error}",
            hint="check --tlscert, --tlskey and --tlscacert",
        ) from error
    return context
