"""The sockets that the configuration names, open. Knows hosts; how a socket is opened is in `http.listen`."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.daemon.config import Config
from wherry.http import listen

if TYPE_CHECKING:
    import ssl

_log = logging.getLogger(__name__)


def open_all(config: Config) -> list[tuple[socket.socket, ssl.SSLContext | None]]:
    """Listening sockets, each with the TLS it speaks. On an error none stays open."""
    tls = listen.tls(config.tlscert, config.tlskey, config.tlscacert, verify=config.tlsverify) if config.tls else None
    opened: list[tuple[socket.socket, ssl.SSLContext | None]] = []
    try:
        for host in config.hosts:
            match host.kind:
                case "unix":
                    opened.append((listen.unix(host.address, config.socket_mode, _group(config)), None))
                case "tcp":
                    opened += [(sock, tls) for sock in listen.tcp(host.address, host.port)]
                case _:
                    opened += [(sock, None) for sock in _activated()]
    except BaseException:
        for sock, _ in opened:
            sock.close()
        raise
    return opened


def _activated() -> list[socket.socket]:
    sockets = listen.activated()
    if not sockets:
        raise listen.CannotListen("fd://", "the service manager has passed no socket")
    return sockets


def _group(config: Config) -> str:
    """Without the default group, which nobody has to make, the socket is root's alone."""
    try:
        listen.group_id(config.group)
    except listen.NoSuchGroup:
        if config.group_given:
            raise
        _log.info("there is no group %s: only root can use the socket", config.group)
        return "0"
    return config.group


def remove_files(config: Config) -> None:
    """The socket files, when we end."""
    for host in config.hosts:
        if host.kind == "unix":
            Path(host.address).unlink(missing_ok=True)
