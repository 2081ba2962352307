"""`wherry image prune`: remove images that nothing uses."""

from __future__ import annotations

from wherry.cli import confirm, flags, queries, units
from wherry.cli.command import Command, Invocation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DANGLING = "WARNING! This will remove all dangling images."
_ALL = "WARNING! This will remove all images without at least one container associated to them."


def _run(call: Invocation) -> int:
    options = call.options
    if not options.on("force") and not confirm.agreed(_ALL if options.on("all") else _DANGLING):
        return 0
    pairs = [*options.list("filter"), ("dangling", "false" if options.on("all") else "true")]
    answer = call.engine.post("/images/prune", queries.filters(pairs))
    deleted = lines(answer)
    if deleted:
        print("Deleted Images:\n" + "\n".join(deleted) + "\n")
    print("Total reclaimed space:", units.decimal_size(answer.get("SpaceReclaimed") or 0))
    return 0


def lines(answer: dict[str, Any]) -> list[str]:
    """What a prune of images did, one line a step."""
    steps = answer.get("ImagesDeleted") or []
    return [
        f"untagged: {step['Untagged']}" if step.get("Untagged") else f"deleted: {step['Deleted']}" for step in steps
    ]


COMMAND = Command(
    _run,
    "Remove images that nothing uses",
    "[OPTIONS]",
    flags=(
        flags.switch("all", "a", "Remove every image that no container uses, not only those without a name"),
        flags.several("filter", "", "Only what matches KEY=VALUE", kind="filter", read=flags.key_value),
        flags.switch("force", "f", "Do not ask"),
    ),
    examples=("image prune -f", "image prune -a --filter until=240h"),
)
