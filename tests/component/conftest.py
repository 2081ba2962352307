"""Component tests run in a network and a mount namespace of their own, so that the machine's stay as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import networking
from wherry.linux import syscalls


@pytest.fixture(scope="session", autouse=True)
def own_namespaces() -> Iterator[None]:
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE, None)
    with networking.own_network():
        yield
