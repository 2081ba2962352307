"""`docker attach`: a client's end of a container's stdio, before, at and after its start.

Knows detach keys and who may attach when. Must not know HTTP: the caller gets a socket and relays. Before the start the
other end waits with the container, so that not a byte is missed and stdin may already be sent.
"""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator

import msgspec

from wherry import errors
from wherry.engine.containers import Container
from wherry.engine.logs import LogOptions, Logs
from wherry.engine.machine import ALIVE, Phase
from wherry.engine.publish import Publisher
from wherry.runtime.task import Attachment, RuntimeFailed, ShimGone

DEFAULT_DETACH_KEYS = b"\x10\x11"

_CONTROL = re.compile(r"ctrl-([a-z@\[\\\]^_])\Z")


class InvalidDetachKeys(errors.InvalidArgument):
    def __init__(self, keys: str) -> None:
        super().__init__(f"Invalid detach keys ({keys}) provided")


class CannotAttach(errors.Conflict):
    pass


def parse_detach_keys(text: str | None) -> bytes:
    """ "ctrl-p,ctrl-q" as the bytes a terminal sends; None means the default, "" no keys at all."""
    if text is None:
        return DEFAULT_DETACH_KEYS
    keys = bytearray()
    for key in filter(None, text.split(",")):
        control = _CONTROL.match(key)
        if control:
            keys.append(ord(control[1].upper()) & 0x1F)
        elif len(key) == 1 and key.isascii():
            keys.append(ord(key))
        else:
            raise InvalidDetachKeys(text)
    return bytes(keys)


class Attached(msgspec.Struct, frozen=True):
    """A client's end: send it `replay` first, if there is one, then relay `sock` both ways with half-close."""

    sock: socket.socket
    replay: AsyncIterator[bytes] | None


class Attach:
    def __init__(self, logs: Logs, publish: Publisher) -> None:
        self._logs = logs
        self._publish = publish

    async def open(
        self,
        container: Container,
        *,
        stdin: bool,
        stdout: bool,
        stderr: bool,
        stream: bool,
        replay: bool = False,
        detach_keys: str | None = None,
    ) -> Attached:
        """Attach a client. With `replay` the log comes first; without `stream` nothing else does."""
        keys = parse_detach_keys(detach_keys)
        _refuse_if_suspended(container)
        outputs = tuple(name for name, wanted in (("stdout", stdout), ("stderr", stderr)) if wanted)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        position = None
        if stream:
            position = await self._connect(
                container, theirs, Attachment(stdin, outputs, keys, framed=not container.record.terminal)
            )
        else:
            theirs.close()
        self._publish.container(container.record, "attach")
        if not (replay and outputs):
            return Attached(ours, None)
        return Attached(ours, self._logs.read(container, LogOptions(stdout, stderr, stop_at=position)))

    async def _connect(
        self, container: Container, theirs: socket.socket, attachment: Attachment
    ) -> tuple[int, int] | None:
        """Where in the log the live output begins, None if that is at the end of it."""
        if container.state.phase in ALIVE and container.task is not None:
            try:
                return await container.task.attach(theirs, attachment)
            except (RuntimeFailed, ShimGone):
                theirs.close()
        elif container.state.phase in (Phase.CREATED, Phase.EXITED, Phase.STARTING):
            container.early.append((theirs, attachment))
        else:
            theirs.close()
        return None


def _refuse_if_suspended(container: Container) -> None:
    identifier = container.record.id
    if container.state.phase is Phase.PAUSED:
        raise CannotAttach(f"container {identifier} is paused, unpause the container before attach")
    if container.state.phase is Phase.RESTARTING:
        raise CannotAttach(f"container {identifier} is restarting, wait until the container is running")
