"""A warm process from which shims are forked, so that starting a container starts no interpreter.

It is single-threaded, imports everything a shim needs before the first request, and lives as long as the daemon:
the end of the socket is the end of it. Shims are its children only for a moment; they belong to init and go on living.

Request  {"job": {...}, "early": [{...attach request}, ...]}, descriptors: control, then one per early client

There is no reply: the shim speaks for itself on its control socket, which closes if the fork fails.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from typing import NoReturn

from wherry.linux import syscalls
from wherry.shim import protocol, supervisor
from wherry.shim.job import Job


def main(fd: int) -> int:
    """Serve requests on a SOCK_SEQPACKET socket until its other end is closed."""
    daemon = socket.socket(fileno=fd)
    syscalls.set_name("wherry-zygote")
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while (packet := protocol.receive(daemon)) is not None:
        request, descriptors = packet
        if os.fork() == 0:
            _become_shim(daemon, request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
    return 0


def _become_shim(daemon: socket.socket, request: protocol.Message, descriptors: list[int]) -> NoReturn:
    """In the child: leave the daemon's session and signals behind and supervise. Ends the process whatever happens."""
    status = 1
    try:
        daemon.close()
        os.setsid()
        for default in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(default, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        control, *clients = (socket.socket(fileno=descriptor) for descriptor in descriptors)
        supervisor.main(Job(**request["job"]), control, list(zip(clients, request["early"], strict=True)))
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
