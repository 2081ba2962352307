"""Chain IDs: the names of stacks of layers.

Knows how the diff IDs of a stack become one digest. Must not know layers' bytes. See "Layer ChainID" in config.md of
the OCI image specification.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from wherry.oci.digest import Digest


def chain_ids(diff_ids: Iterable[Digest]) -> tuple[Digest, ...]:
    """The chain ID of every prefix of a stack, lowest first: the last one names the whole stack."""
    chain: list[Digest] = []
    for diff_id in diff_ids:
        chain.append(extend(chain[-1], diff_id) if chain else diff_id)
    return tuple(chain)


def extend(parent: Digest, diff_id: Digest) -> Digest:
    """The chain ID of the layer `diff_id` on top of the stack `parent`."""
    return Digest("sha256:" + hashlib.sha256(f"{parent} {diff_id}".encode()).hexdigest())
