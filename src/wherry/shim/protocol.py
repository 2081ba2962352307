"""Messages between daemon, zygote and shims: one dictionary per packet of a SOCK_SEQPACKET socket, with descriptors.

Packets are marshalled in format 2, which every Python since 2.5 reads alike: a shim may be older than the daemon that
talks to it. Not JSON, since its package with all it needs would cost every shim memory. Both ends are ours and the
sockets are root's. Knows the packet, not its meaning. Descriptors travel as SCM_RIGHTS, unix(7).

Request   {"n": int, "op": str, ...}                    daemon → shim
Reply     {"n": int, "ok": {...}} | {"n": int, "error": str}
Notice    {"event": "started" | "failed" | "exited" | "exec-exited" | "detached", ...}      shim → daemon
"""

from __future__ import annotations

import array
import marshal
import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

_FORMAT = 2

MAX_PACKET = 128 * 1024
MAX_DESCRIPTORS = 64


class PacketTooLarge(ValueError):
    def __init__(self, size: int) -> None:
        super().__init__(f"a message of {size} bytes does not fit a packet of {MAX_PACKET}")


def send(sock: socket.socket, message: Message, descriptors: tuple[int, ...] = ()) -> None:
    """Send one message. OSError as sendmsg(2); the descriptors stay open here."""
    data = marshal.dumps(message, _FORMAT)
    if len(data) > MAX_PACKET:
        raise PacketTooLarge(len(data))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    sock.sendmsg([data], rights)


def receive(sock: socket.socket) -> tuple[Message, list[int]] | None:
    """The next message and its descriptors (close-on-exec, now ours); None when the peer has closed."""
    space = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
    data, ancillary, flags, _ = sock.recvmsg(MAX_PACKET, space, socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
    if not data:
        return None
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        for fd in descriptors:
            os.close(fd)
        raise PacketTooLarge(len(data))
    return marshal.loads(data), list(descriptors)
