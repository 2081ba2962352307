"""Network namespaces that outlive the thread that made them.

Knows unshare(2), setns(2) and network_namespaces(7). A namespace is made and entered in threads that exist for nothing
else and end right after, so that no other code ever runs in the wrong one. No policy.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

from wherry.linux import mount, syscalls

T = TypeVar("T")

_OWN = "/proc/thread-self/ns/net"


def _in_thread(function: Callable[[], T]) -> T:
    """The result of `function`, run in a thread of its own, or its exception."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            failure.append(error)

    thread = threading.Thread(target=run, name="netns")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def create_network(path: str, inside: Callable[[], T]) -> T:
    """Make a network namespace that lives at `path` until it is unmounted, and run `inside` in it once."""

    def make() -> T:
        syscalls.unshare(syscalls.CLONE_NEWNET)
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
        try:
            syscalls.mount(_OWN, path, None, syscalls.MS_BIND, None)
        except BaseException:
            os.unlink(path)
            raise
        try:
            return inside()
        except BaseException:
            remove_network(path)
            raise

    return _in_thread(make)


def run_in_network(path: str, inside: Callable[[], T]) -> T:
    """Run `inside` in the network namespace at `path`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def enter() -> T:
        syscalls.setns(fd, syscalls.CLONE_NEWNET)
        return inside()

    try:
        return _in_thread(enter)
    finally:
        os.close(fd)


def remove_network(path: str) -> None:
    """Let go of the namespace; it ends with its last process. Nothing happens if it is not there."""
    mount.unmount(path)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
