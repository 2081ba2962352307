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

    from wherry.cli import template

# Go prints nil lists and maps as empty ones; in JSON both are null.
_LISTS = frozenset(
    """
    Aliases Args Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps
    BlkioWeightDevice CapAdd CapDrop Cmd DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch
    DNSNames Entrypoint Env ExecIDs ExtraHosts GroupAdd Links MaskedPaths Mounts OnBuild ReadonlyPaths
    RepoDigests RepoTags SecurityOpt Shell Ulimits VolumesFrom
    """.split()
)
_MAPS = frozenset(
    """
    Annotations Containers DriverOpts ExposedPorts Labels LogOpts Networks Options PortBindings Ports StorageOpt
    Sysctls Tmpfs Volumes
    """.split()
)
# Fields that Go's types have and an engine may leave out: pointers, and texts.
_POINTERS = """
    Health Healthcheck Init MemorySwappiness OomKillDisable PidsLimit SizeRootFs SizeRw StopTimeout UsageData
""".split()
_TEXTS = """
    AppArmorProfile Architecture Author Cgroup CgroupParent CgroupnsMode Comment ContainerIDFile CpusetCpus
    CpusetMems Domainname Driver EndpointID Gateway GlobalIPv6Address HostnamePath HostsPath IPAddress
    IPv6Gateway Image Isolation LogPath MacAddress MountLabel NetworkMode Os Platform ProcessLabel
    ResolvConfPath Runtime SandboxID SandboxKey StopSignal User Variant VolumeDriver WorkingDir
""".split()


def show(names: Sequence[str], format: str, fetch: Callable[[str], bytes]) -> int:
    """Print the documents of `names`.

    The exit code is 1 if one could not be had, and the others are printed all the same.
    """
    parsed = None
    if format not in ("", "json"):
        from wherry.cli import template

        parsed = template.parse(format, code=64)
    documents: list[str] = []
    complaints: list[str] = []
    for name in names:
        try:
            documents.append(fetch(name).decode("utf-8", "surrogateescape").strip())
        except errors.Unavailable:
            raise
        except (errors.WherryError, Failure) as error:
            complaints.append(described(error))
    if parsed is not None:
        complaints[:0] = _rendered(documents, parsed)
    elif format == "json":
        print(jsontext.encode([jsontext.decode(document) for document in documents]))
    else:
        print(jsontext.indent("[" + ",".join(documents) + "]"))
    if complaints:
        raise Failure("\n".join(complaints))
    return 0


def _rendered(documents: Sequence[str], parsed: template.Template) -> list[str]:
    """Print the documents through a template; what went wrong with some."""
    complaints, lines = [], []
    for document in documents:
        try:
            lines.append(parsed.render(typed(jsontext.decode(document))))
        except Failure as failure:
            complaints.append(failure.message)
            lines.append("")
    sys.stdout.write("".join(line + "\n" for line in lines) or "\n")
    return complaints


def typed(document: Any) -> Any:
    """The document as Go's types would hold it: null lists and maps are empty, fields that were left out have their
    zero value.
    """
    from wherry.cli.template_functions import Map, NilList, NilMap, Struct

    absent: dict[str, Any] = {
        **dict.fromkeys(_POINTERS),
        **dict.fromkeys(_TEXTS, ""),
        **dict.fromkeys(_LISTS, NilList()),
        **dict.fromkeys(_MAPS, NilMap()),
    }

    def convert(value: Any, key: str) -> Any:
        if value is None:
            return NilList() if key in _LISTS else NilMap() if key in _MAPS else None
        if isinstance(value, list):
            return [convert(item, "") for item in value]
        if not isinstance(value, dict):
            return value
        fields = {name: convert(item, name) for name, item in value.items()}
        return Map(fields) if key in _MAPS else Struct(fields, absent)

    return convert(document, "")
