"""Notices of the kernel about changes of one nftables table, to see that somebody else has taken something away.

Knows the notices of nfnetlink (linux/netfilter/nf_tables.h), each with the port of the socket that made the change.
Whoever made the table counts as its owner. Must not know what is in the table.
"""

from __future__ import annotations

import errno
import select
import socket

from wherry.linux.netlink import codec
from wherry.linux.netlink.conntrack import NETLINK_NETFILTER

_SUBSYSTEM = 10
_NFNLGRP_NFTABLES = 7
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
_NEWTABLE = 0
_DELETIONS = (2, 5, 8, 11, 14)
"""Of a table, chain, rule, set and element."""
_TABLE = 1
"""The attribute with the table's name has this number in every kind of notice."""
_NFGENMSG_SIZE = 4


class FilterNotices:
    """Open before the table is made. In the network namespace of the calling thread. For one thread at a time."""

    def __init__(self, table: str) -> None:
        self._table = table.encode() + b"\0"
        self._owner = 0
        self._wake_end, self._wake = socket.socketpair()
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
        self._socket.bind((0, 0))  # without a port of its own it would get no notices
        self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _NFNLGRP_NFTABLES)
        self._socket.setblocking(False)
        self._poll = select.poll()
        for each in (self._socket, self._wake_end):
            self._poll.register(each, select.POLLIN)

    def wait(self) -> bool:
        """Block until somebody else has deleted from the table; False when `wake` was called."""
        while True:
            ready = {fd for fd, _ in self._poll.poll()}
            if self._wake_end.fileno() in ready:
                return False
            if self._lost():
                return True

    def wake(self) -> None:
        """End `wait`, now or when it is called next; from any thread."""
        self._wake.send(b"x")

    def _lost(self) -> bool:
        """Read what has come."""
        lost = False
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                return lost
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                lost = True  # some notices went missing: as if something had been deleted
                continue
            for answer in codec.answers(data):
                if self._concerns(answer):
                    kind = answer.kind & 0xFF
                    lost = lost or (kind in _DELETIONS and answer.port != self._owner)
                    if kind == _NEWTABLE:
                        self._owner = answer.port

    def _concerns(self, answer: codec.Answer) -> bool:
        if answer.kind >> 8 != _SUBSYSTEM:
            return False
        return codec.attributes(answer.body[_NFGENMSG_SIZE:]).get(_TABLE) == self._table

    def close(self) -> None:
        for each in (self._socket, self._wake, self._wake_end):
            each.close()
