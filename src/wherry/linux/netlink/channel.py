"""A netlink socket on which requests are asked and answered: acknowledgements, batches and dumps.

Knows netlink(7): sequence numbers, multipart answers, interrupted dumps, and the kernel's own words for an error. Must
not know what a message means. Safe on any thread; belongs to the network namespace of the thread that opens it.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from dataclasses import dataclass

from wherry.linux.netlink import codec

_SOL_NETLINK, _NETLINK_EXT_ACK, _NETLINK_CAP_ACK = 270, 11, 10
_RECEIVE = 1 << 18
_DUMP_TRIES = 8


@dataclass(frozen=True, slots=True)
class Request:
    """A message not yet sent; `what` names it in errors."""

    kind: int
    flags: int
    body: bytes
    what: str


class Channel:
    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._socket.bind((0, 0))
        self._sequence = 0
        self._lock = threading.Lock()

    def run(self, *requests: Request) -> None:
        """Have the kernel do all of them, in order, in one send.

        The first error is raised as OSError; the requests are independent: what can be done is done.
        """
        with self._lock:
            waiting: dict[int, str] = {}
            batch = []
            for request in requests:
                self._sequence += 1
                waiting[self._sequence] = request.what
                batch.append(codec.message(request.kind, request.flags | codec.NLM_F_ACK, self._sequence, request.body))
            self._socket.send(b"".join(batch))
            failure: OSError | None = None
            while waiting:
                for answer in codec.answers(self._socket.recv(_RECEIVE)):
                    if answer.kind == codec.NLMSG_ERROR and answer.sequence in waiting:
                        failed = codec.error(answer.flags, answer.body, waiting.pop(answer.sequence))
                        failure = failure or failed
            if failure:
                raise failure

    def get(self, request: Request) -> bytes:
        """The body of the one answer to a request. OSError if the kernel refuses it."""
        with self._lock:
            self._sequence += 1
            self._socket.send(codec.message(request.kind, request.flags, self._sequence, request.body))
            while True:
                for answer in codec.answers(self._socket.recv(_RECEIVE)):
                    if answer.sequence == self._sequence:
                        if answer.kind == codec.NLMSG_ERROR:
                            raise codec.error(answer.flags, answer.body, request.what) or _no_answer(request.what)
                        return answer.body

    def dump(self, request: Request) -> list[bytes]:
        """The bodies of all answers, read again if the kernel's list changed meanwhile."""
        for _ in range(_DUMP_TRIES):
            found = self._dump(request)
            if found is not None:
                return found
        raise OSError(errno.EINTR, f"{request.what}: {os.strerror(errno.EINTR)}")

    def _dump(self, request: Request) -> list[bytes] | None:
        """None if the dump was interrupted by a change."""
        with self._lock:
            self._sequence += 1
            self._socket.send(
                codec.message(request.kind, request.flags | codec.NLM_F_DUMP, self._sequence, request.body)
            )
            found: list[bytes] = []
            consistent = True
            while True:
                for answer in codec.answers(self._socket.recv(_RECEIVE)):
                    if answer.sequence != self._sequence:
                        continue
                    consistent = consistent and not answer.flags & codec.NLM_F_DUMP_INTR
                    if answer.kind == codec.NLMSG_DONE:
                        return found if consistent else None
                    if answer.kind == codec.NLMSG_ERROR:
                        raise codec.error(answer.flags, answer.body, request.what) or _no_answer(request.what)
                    found.append(answer.body)

    def close(self) -> None:
        self._socket.close()


def _no_answer(what: str) -> OSError:
    return OSError(errno.EIO, f"{what}: no answer")
