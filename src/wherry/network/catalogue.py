"""The records of networks: in the database, and all of them in memory.

Knows rows, names and ids. Must not know what a network does.
"""

from __future__ import annotations

import builtins
import threading

import msgspec

from wherry.network.network import AmbiguousNetwork, Network, NoSuchNetwork
from wherry.state.database import Database, Schema

TABLES = Schema("networks", ("CREATE TABLE networks (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID",))


class Catalogue:
    """Safe on any thread: readers see one state of all records."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._records: dict[str, Network] = {}

    def load(self) -> None:
        rows = self._database.read(lambda c: c.execute("SELECT record FROM networks").fetchall())
        networks = [msgspec.json.decode(blob, type=Network) for (blob,) in rows]
        self._records = {network.id: network for network in networks}

    def put(self, network: Network) -> None:
        """Store a new network, or what has changed of one."""
        row = (network.id, msgspec.json.encode(network))
        with self._lock:
            self._database.write(lambda c: c.execute("INSERT OR REPLACE INTO networks VALUES (?, ?)", row))
            self._records = {**self._records, network.id: network}

    def remove(self, network: Network) -> None:
        with self._lock:
            self._database.write(lambda c: c.execute("DELETE FROM networks WHERE id = ?", (network.id,)))
            self._records = {key: value for key, value in self._records.items() if key != network.id}

    def list(self) -> builtins.list[Network]:
        """The newest first."""
        return sorted(self._records.values(), key=lambda network: network.created, reverse=True)

    def named(self, name: str) -> Network | None:
        return next((network for network in self._records.values() if network.name == name), None)

    def find(self, reference: str) -> Network:
        """By id, name or beginning of an id: NoSuchNetwork, AmbiguousNetwork."""
        records = self._records
        exact = records.get(reference) or self.named(reference)
        if exact:
            return exact
        found = [network for key, network in records.items() if reference and key.startswith(reference)]
        if len(found) > 1:
            raise AmbiguousNetwork(reference, len(found))
        if not found:
            raise NoSuchNetwork(reference)
        return found[0]
