"""`wherry network prune`: remove networks that no container uses."""

from __future__ import annotations

from wherry.cli import confirm, flags, queries
from wherry.cli.command import Command, Invocation

_WARNING = "WARNING! This will remove all custom networks not used by at least one container."


def _run(call: Invocation) -> int:
    if not call.options.on("force") and not confirm.agreed(_WARNING):
        return 0
    deleted = call.engine.post("/networks/prune", queries.filters(call.options.list("filter"))).get("NetworksDeleted")
    if deleted:
        print("Deleted Networks:\n" + "\n".join(deleted) + "\n")
    return 0


COMMAND = Command(
    _run,
    "Remove networks that no container uses",
    "[OPTIONS]",
    flags=(
        flags.several("filter", "", "Only what matches KEY=VALUE", kind="filter", read=flags.key_value),
        flags.switch("force", "f", "Do not ask"),
    ),
    examples=("network prune -f",),
)
