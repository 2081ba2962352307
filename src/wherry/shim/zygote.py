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

from wherry.linux import syscalls
from wherry.shim import protocol, supervisor
from wherry.shim.job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_ROUNDS = 10
"""More than the eight calls after which the interpreter begins to adapt a function."""


def main(fd: int) -> int:
    """Serve requests on a SOCK_SEQPACKET socket until its other end is closed.

    The zygote itself does as little as can be: whatever it writes to costs every shim a page of its own from then on.
    So the packet is read by the child, and the zygote only waits until it has been.
    """
    daemon = socket.socket(fileno=fd)
    syscalls.set_name("wherry-zygote")
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    warm_up()
    syscalls.set_name("wherry-zygote")
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    taken, take = os.pipe()
    gc.collect()
    gc.freeze()
    while daemon.recv(1, socket.MSG_PEEK):
        if os.fork() == 0:
            _become_shim(daemon, take)
        os.read(taken, 1)
    return 0


def warm_up() -> None:
    """Be a shim a few times over, with a shell in the runtime's place, before there is one.

    The interpreter adapts code to its use by rewriting it in place. Done here once, it costs no shim pages of its own.
    """
    home = os.getcwd()
    directory = f"/tmp/wherry-zygote-{os.urandom(8).hex()}"  # noqa: S108 - a name nobody can guess, made exclusively
    os.mkdir(directory, 0o700)
    try:
        for _ in range(_ROUNDS):
            _be_a_shim(directory)
    finally:
        os.chdir(home)
        for name in os.listdir(directory):
            os.unlink(f"{directory}/{name}")
        os.rmdir(directory)


def _be_a_shim(directory: str) -> None:
    ours, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client, theirs = socket.socketpair()
    with ours, client:
        job = Job(
            id="warm-up",
            bundle=directory,
            run=["/bin/sh", "-c", "{ echo out; exit 3; } & echo $! >pid"],
            delete=["/bin/true"],
            runtime_log="runtime.log",
            exit_path=f"{directory}/exit.json",
            log={"path": f"{directory}/log"},
        )
        protocol.send(ours, {"n": 1, "op": "state"})
        client.shutdown(socket.SHUT_WR)
        supervisor.main(job, control, [(theirs, {"stdin": False, "outputs": ["stdout"], "keys": [], "framed": True})])


def _become_shim(daemon: socket.socket, take: int) -> NoReturn:
    """In the child: take the request, leave the daemon's session and signals behind, and supervise.

    Ends the process whatever happens.
    """
    status = 1
    try:
        try:
            packet = protocol.receive(daemon)
        finally:
            os.write(take, b"x")
        if packet is None:
            os._exit(0)
        request, descriptors = packet
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
