"""Networks on a host, containers as far as the network sees them, and what of both is in the kernel."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.networking import run
from wherry.linux.netlink.route import Route
from wherry.network import ports
from wherry.network.definition import Asked
from wherry.network.endpoint import Endpoint
from wherry.network.network import Network
from wherry.network.networks import TABLES, Attachment, Networks, Settings
from wherry.state.database import Database


class Scene:
    """`crash` and `start` as often as a test likes: the directory and the kernel's state stay."""

    def __init__(self, root: Path, *, start: bool = True, **settings: Any) -> None:
        self.root = root
        self.settings = Settings(exec_root=root / "exec", **settings)
        self.running: dict[str, tuple[Endpoint, ...]] = {}
        self._database: Database | None = None
        self.networks: Networks
        if start:
            self.start()

    def start(self) -> None:
        self._database = Database.open(self.root / "state.db", [TABLES])
        self.networks = Networks(self._database, self.settings)
        self.networks.start(endpoint for endpoints in self.running.values() for endpoint in endpoints)

    def stop(self) -> None:
        if self._database:
            self.networks.stop()
            self._database.close()
            self._database = None

    def crash(self) -> None:
        """As after SIGKILL: sockets and the database are closed, nothing is taken back."""
        assert self._database
        self.networks._publishing.stop(tear_down=False)
        self.networks._links.close()
        self._database.close()
        self._database = None

    def restart(self) -> None:
        self.crash()
        self.start()

    def clean(self) -> None:
        if self._database is None:
            self.start()
        for container in list(self.running):
            self.disconnect(container)
        self.stop()

    def network(self, name: str, **asked: Any) -> Network:
        return self.networks.create(Asked(name=name, **asked))

    def connect(
        self, network: str = "bridge", *, publish: Sequence[tuple[str, str, str]] = (), **attachment: Any
    ) -> Endpoint:
        """A container on one network; `publish` are triples for `ports.parse_binding`."""
        return self.connect_all([Attachment(network=network, **attachment)], publish)[0]

    def connect_all(
        self, attachments: Sequence[Attachment], publish: Sequence[tuple[str, str, str]] = (), container: str = ""
    ) -> tuple[Endpoint, ...]:
        container = container or secrets.token_hex(32)
        endpoints = self.networks.connect(container, attachments, [ports.parse_binding(*each) for each in publish])
        self.running[container] = endpoints
        return endpoints

    def disconnect(self, container: str) -> None:
        self.networks.disconnect(container, self.running.pop(container))

    def census(self) -> dict[str, Any]:
        """All that is ours in the kernel and on disk, but sandboxes that are still dying."""
        with Route() as links:
            names = {link.name for link in links.links()}
        return {
            "bridges": sorted(name for name in names if re.match(r"br-|wherry0|mine", name)),
            "sandboxes": sorted(os.listdir(self.root / "exec" / "netns")),
            "elements": elements(),
            "networks": sorted(network.name for network in self.networks.list()),
        }


def elements() -> dict[str, int]:
    """How many elements each map and set of the table has."""
    document = json.loads(run("nft -j list table inet wherry"))
    objects = [each.get("map") or each.get("set") for each in document["nftables"]]
    return {each["name"]: len(each.get("elem", [])) for each in objects if each}
