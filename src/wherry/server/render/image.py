"""An image as the image endpoints show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wherry.api.versions import Version
from wherry.images.history import Step
from wherry.images.image import Image
from wherry.images.removal import Removed
from wherry.oci.image_config import Execution
from wherry.server.render.configs import V1_44, V1_52
from wherry.server.render.times import stamp

_V1_43 = Version(1, 43)
_V1_50 = Version(1, 50)
_SECOND = 10**9
_NO_TAG, _NO_DIGEST = "<none>:<none>", "<none>@<none>"

_CONTAINER_MEMBERS: dict[str, Any] = {
    "Hostname": "",
    "Domainname": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Image": "",
}
"""Members of a container's Config that an image's had too, always empty, before 1.50."""
_MEMBERS: dict[str, Any] = {
    "User": "",
    "Env": None,
    "Cmd": None,
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}


def summary(image: Image, version: Version, *, containers: int = -1, shared: int = -1) -> dict[str, Any]:
    """A list entry; `containers` and `shared` are -1 where nobody has counted."""
    tags, digests = list(image.references), list(image.repo_digests)
    if version < _V1_43:
        tags, digests = tags or [_NO_TAG], digests or [_NO_DIGEST]
    written: dict[str, Any] = {
        "Containers": containers,
        "Created": image.created // _SECOND,
        "Id": image.id,
        "Labels": image.config.execution.labels,
        "ParentId": image.parent,
        "RepoDigests": digests,
        "RepoTags": tags,
        "SharedSize": shared,
        "Size": image.size,
    }
    return written | ({"VirtualSize": image.size} if version < V1_44 else {})


def inspect(image: Image, version: Version, *, driver: str) -> dict[str, Any]:
    document = image.config
    written: dict[str, Any] = {
        "Id": image.id,
        "RepoTags": list(image.references),
        "RepoDigests": list(image.repo_digests),
        "Parent": image.parent,
        "Comment": document.comment,
        "DockerVersion": document.docker_version,
        "Author": document.author,
    }
    if version >= V1_52:
        written = {name: value for name, value in written.items() if value or name.startswith(("Id", "Repo"))}
    if document.created or version < V1_44:
        written["Created"] = stamp(image.created)
    written |= {"Config": config(document.execution, version), "Architecture": document.architecture}
    if document.variant:
        written["Variant"] = document.variant
    written["Os"] = document.os
    if document.os_version:
        written["OsVersion"] = document.os_version
    written["Size"] = image.size
    if version < V1_44:
        written["VirtualSize"] = image.size
    if version < V1_52:
        written["GraphDriver"] = {"Data": None, "Name": driver}
    return written | {
        "RootFS": {"Type": "layers", "Layers": document.rootfs.diff_ids},
        "Metadata": {"LastTagTime": stamp(image.tagged)},
    }


def config(execution: Execution, version: Version) -> dict[str, Any]:
    """`Config` of an image: from 1.52 on only what is set."""
    given: dict[str, Any] = msgspec.to_builtins(execution)
    if version >= V1_52:
        return {name: value for name, value in given.items() if value not in (None, "", [], {})}
    return (_CONTAINER_MEMBERS if version < _V1_50 else {}) | _MEMBERS | given


def history(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {
            "Id": step.id,
            "Created": step.created // _SECOND,
            "CreatedBy": step.created_by,
            "Tags": list(step.tags) or None,
            "Size": step.size,
            "Comment": step.comment,
        }
        for step in steps
    ]


def removed(each: Removed) -> dict[str, str]:
    return {"Untagged": each.untagged} if each.untagged else {"Deleted": each.deleted}
