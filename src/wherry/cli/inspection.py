"""What every `inspect` command does with the documents it gets.

Knows JSON documents and --format. Must not know what they describe. Without a format the engine's own text is printed,
laid out over lines.
"""

from __future__ import annotations

import sys

from wherry import errors
from wherry.cli.command import described
from wherry.cli.failure import Failure
from wherry.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

# Go prints nil lists and maps as empty ones; in JSON both are null.
_LISTS = frozenset(
    "Args Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps BlkioWeightDevice CapAdd CapDrop Cmd Config "
    "DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch Entrypoint Env ExecIDs ExtraHosts GroupAdd IPAMConfig Links "
    "MaskedPaths Mounts OnBuild ReadonlyPaths RepoDigests RepoTags SecurityOpt Shell Ulimits VolumesFrom Aliases DNSNames".split()
)
_MAPS = frozenset("Annotations DriverOpts ExposedPorts Labels LogOpts Options PortBindings Ports StorageOpt Sysctls Tmpfs Volumes".split())
# Fields that Go's types have and an engine leaves out when they are empty.
_OPTIONAL = ("Health", "Healthcheck")


def show(names: Sequence[str], format: str, fetch: Callable[[str], bytes]) -> int:
    """Print the documents of `names`; the exit code is 1 if one could not be had, and the others are printed all the same."""
    documents: list[str] = []
    complaints: list[str] = []
    for name in names:
        try:
            documents.append(fetch(name).decode("utf-8", "surrogateescape").strip())
        except errors.Unavailable:
            raise
        except (errors.WherryError, Failure) as error:
            complaints.append(described(error))
    _write(documents, format, complaints)
    if complaints:
        raise Failure("\n".join(complaints))
    return 0


def _write(documents: Sequence[str], format: str, complaints: list[str]) -> None:
    if not format:
        if documents or complaints:
            sys.stdout.write(jsontext.indent("[" + ",".join(documents) + "]") + "\n")
        return
    if format == "json":
        sys.stdout.write("".join(document + "\n" for document in documents) or "\n")
        return
    from wherry.cli import template

    parsed = template.parse(format.replace("\\t", "\t").replace("\\n", "\n"), wrapped="template parsing error: ")
    lines = []
    for document in documents:
        try:
            lines.append(parsed.render(typed(jsontext.decode(document))))
        except Failure as failure:
            complaints.append(str(failure))
            lines.append("")
    sys.stdout.write("".join(line + "\n" for line in lines) or "\n")


def typed(value: Any) -> Any:
    """The document as Go's types would hold it: null lists and maps are empty, optional objects are there as nil."""
    from wherry.cli.template_functions import NilList, NilMap

    if isinstance(value, list):
        return [typed(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, item in value.items():
        if item is None and key in _LISTS:
            found[key] = NilList()
        elif item is None and key in _MAPS:
            found[key] = NilMap()
        else:
            found[key] = typed(item)
    return found
