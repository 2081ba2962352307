"""Puts the firewall back when somebody else removes it: `nft flush ruleset`, or a reload of the host's own rules.

Knows when; `Firewall` knows what. One thread that waits for the kernel's notices.
"""

from __future__ import annotations

import logging
import threading

from wherry.linux.netlink.filter_notices import FilterNotices
from wherry.network import firewall

_log = logging.getLogger(__name__)
_PAUSE = 0.1
"""Seconds between two restorations, lest two who insist keep the machine busy."""


class Guard:
    """Make it before the table is made, in the same network namespace."""

    def __init__(self, guarded: firewall.Firewall) -> None:
        self._firewall = guarded
        self._notices = FilterNotices(firewall.NAME)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="firewall-guard", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _watch(self) -> None:
        while self._notices.wait():
            try:
                self._firewall.restore()
                _log.warning("the firewall rules had been removed by another program; they are back")
            except OSError as error:
                _log.error("the firewall rules were removed by another program and cannot be restored: %s", error)
            self._stopped.wait(_PAUSE)

    def stop(self) -> None:
        self._stopped.set()
        self._notices.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._notices.close()
