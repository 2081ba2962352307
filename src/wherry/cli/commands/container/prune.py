"""`wherry container prune`: remove all stopped containers."""

from __future__ import annotations

from wherry.cli import confirm, flags, queries, units
from wherry.cli.command import Command, Invocation

WARNING = "WARNING! This will remove all stopped containers."


def _run(call: Invocation) -> int:
    if not call.options.on("force") and not confirm.agreed(WARNING):
        return 0
    answer = call.engine.post("/containers/prune", queries.filters(call.options.list("filter")))
    deleted = answer.get("ContainersDeleted") or []
    if deleted:
        print("Deleted Containers:\n" + "\n".join(deleted) + "\n")
    print("Total reclaimed space:", units.decimal_size(answer.get("SpaceReclaimed") or 0))
    return 0


COMMAND = Command(
    _run,
    "Remove all stopped containers",
    "[OPTIONS]",
    flags=(
        flags.several("filter", "", "Only what matches KEY=VALUE", kind="filter", read=flags.key_value),
        flags.switch("force", "f", "Do not ask"),
    ),
    examples=("container prune -f", "container prune --filter until=24h"),
)
