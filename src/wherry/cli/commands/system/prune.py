"""`wherry system prune`: remove whatever nothing uses."""

from __future__ import annotations

from wherry.cli import confirm, flags, queries, units
from wherry.cli.command import Command, Invocation
from wherry.cli.commands.image import prune as images
from wherry.cli.failure import Failure
from wherry.client.transport import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    pairs = options.list("filter")
    if options.on("volumes") and any(name == "until" for name, _ in pairs):
        raise Failure('ERROR: The "until" filter is not supported with "--volumes"')
    if not options.on("force") and not confirm.agreed(_warning(call)):
        return 0
    kinds = [("containers", "Containers", "ContainersDeleted"), ("networks", "Networks", "NetworksDeleted")]
    if options.on("volumes"):
        kinds.append(("volumes", "Volumes", "VolumesDeleted"))
    freed = 0
    for path, title, key in kinds:
        answer = call.engine.post(f"/{path}/prune", queries.filters(pairs))
        freed += _report(title, answer.get(key) or [], answer)
    dangling = ("dangling", "false" if options.on("all") else "true")
    answer = call.engine.post("/images/prune", queries.filters([*pairs, dangling]))
    freed += _report("Images", images.lines(answer), answer)
    freed += _build_cache(call, pairs)
    print("Total reclaimed space:", units.decimal_size(freed))
    return 0


def _build_cache(call: Invocation, pairs: list[tuple[str, str]]) -> int:
    parameters = [("all", "1")] if call.options.on("all") else []
    try:
        answer = call.engine.post("/build/prune", parameters + queries.filters(pairs))
    except EngineError as error:
        if error.status not in (404, 501):
            raise
        return 0  # an engine that does not build has no cache
    return _report("build cache objects", answer.get("CachesDeleted") or [], answer)


def _report(title: str, deleted: list[str], answer: dict[str, Any]) -> int:
    if deleted:
        print(f"Deleted {title}:\n" + "\n".join(deleted) + "\n")
    return int(answer.get("SpaceReclaimed") or 0)


def _warning(call: Invocation) -> str:
    options = call.options
    everything = options.on("all")
    lines = [
        "WARNING! This will remove:",
        "  - all stopped containers",
        "  - all networks not used by at least one container",
    ]
    if options.on("volumes"):
        lines.append("  - all anonymous volumes not used by at least one container")
    lines.append(
        "  - all images without at least one container associated to them" if everything else "  - all dangling images"
    )
    lines.append("  - all build cache" if everything else "  - unused build cache")
    if options.list("filter"):
        lines += ["", "  Items to be pruned will be filtered with:"]
        lines += [f"  - {name}={value}" for name, value in options.list("filter")]
    return "\n".join(lines) + "\n"


COMMAND = Command(
    _run,
    "Remove whatever nothing uses",
    "[OPTIONS]",
    flags=(
        flags.switch("all", "a", "Remove every image that no container uses, not only those without a name"),
        flags.several("filter", "", "Only what matches KEY=VALUE", kind="filter", read=flags.key_value),
        flags.switch("force", "f", "Do not ask"),
        flags.switch("volumes", "", "Remove anonymous volumes too"),
    ),
    examples=("system prune -f", "system prune -a --volumes"),
)
