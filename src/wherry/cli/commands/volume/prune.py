"""`wherry volume prune`: remove volumes that no container uses."""

from __future__ import annotations

from wherry.cli import confirm, flags, queries, units
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure

_ANONYMOUS = "WARNING! This will remove anonymous local volumes not used by at least one container."
_ALL = "WARNING! This will remove all local volumes not used by at least one container."


def _run(call: Invocation) -> int:
    options = call.options
    pairs = options.list("filter")
    if options.on("all"):
        if any(name == "all" for name, _ in pairs):
            raise Failure("conflicting options: cannot specify both --all and --filter all=1")
        pairs.append(("all", "true"))
    if not options.on("force") and not confirm.agreed(_ALL if options.on("all") else _ANONYMOUS):
        return 0
    answer = call.engine.post("/volumes/prune", queries.filters(pairs))
    deleted = answer.get("VolumesDeleted") or []
    if deleted:
        print("Deleted Volumes:\n" + "\n".join(deleted) + "\n")
    print("Total reclaimed space:", units.decimal_size(answer.get("SpaceReclaimed") or 0))
    return 0


COMMAND = Command(
    _run,
    "Remove volumes that no container uses",
    "[OPTIONS]",
    flags=(
        flags.switch("all", "a", "Remove named volumes too"),
        flags.several("filter", "", "Only what matches KEY=VALUE", kind="filter", read=flags.key_value),
        flags.switch("force", "f", "Do not ask"),
    ),
    examples=("volume prune -f", "volume prune -a"),
)
