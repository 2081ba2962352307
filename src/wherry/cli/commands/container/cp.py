"""`wherry cp`: copy between a container and here.

Paths follow the rules of `cp -a`: what is there already decides whether the source goes into the destination or takes
its place; `/.` at the end of a directory means its content.
"""

from __future__ import annotations

import base64
import os
import sys

from wherry.cli import archives, flags, local_tree, units
from wherry.cli.command import Command, Invocation, warn
from wherry.cli.failure import Failure
from wherry.client import jsontext
from wherry.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_DIRECTORY = 1 << 31
_LINK = 1 << 27
_DEEPEST_LINK = 32


def _run(call: Invocation) -> int:
    source, target = call.arguments
    from_container, source_path = _split(source)
    to_container, target_path = _split(target)
    if from_container and to_container:
        raise Failure("copying between containers is not supported")
    if not from_container and not to_container:
        raise Failure("must specify at least one container source")
    counted = _Counted()
    if from_container:
        _receive(call, from_container, source_path, target_path, counted)
    else:
        _send(call, source_path, to_container, target_path, counted)
    if sys.stderr.isatty() and not call.options.on("quiet") and target_path != "-":
        warn(f"Successfully copied {units.decimal_size(counted.total)} to {target}")
    return 0


class _Counted:
    """Passes pieces on and adds up their length."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.total += len(piece)
            yield piece


def _split(word: str) -> tuple[str, str]:
    """Container and path; the container is "" for a path here. `./a:b` and `/a:b` are paths."""
    if word == "-" or word.startswith(("/", ".")):
        return "", word
    container, colon, path = word.partition(":")
    return (container, path) if colon else ("", word)


def _archive(container: str) -> str:
    return f"/containers/{quote(container)}/archive"


def _stat(call: Invocation, container: str, path: str) -> dict[str, Any] | None:
    """What the engine says about a path, None if it is not there."""
    answer = call.engine.send("HEAD", _archive(container) + f"?path={quote(path)}")
    answer.close()
    described = answer.headers.get("x-docker-container-path-stat")
    if not described or answer.status >= 400:
        return None
    found: dict[str, Any] = jsontext.decode(base64.b64decode(described))
    return found


def _receive(call: Invocation, container: str, path: str, target: str, counted: _Counted) -> None:
    local = os.path.abspath(target) + ("/" if target.endswith("/") else "")
    if target != "-" and not os.path.isdir(os.path.dirname(local.rstrip("/")) or "/"):
        raise Failure(f'invalid output path: directory "{os.path.dirname(local)}" does not exist')
    name = os.path.basename(path.rstrip("/"))
    if call.options.on("follow-link"):
        found = _stat(call, container, path)
        if found and found["mode"] & _LINK and found.get("linkTarget"):
            path = os.path.join(os.path.dirname(path), found["linkTarget"])
    answer = call.engine.request("GET", _archive(container), [("path", path)])
    if target == "-":
        archives.receive(answer, "")
        return
    local_tree.extract(
        counted(answer.chunks()), local, name=name, content_only=path.endswith("/.") or path in (".", "/")
    )


def _send(call: Invocation, path: str, container: str, target: str, counted: _Counted) -> None:
    options = call.options
    found = _stat(call, container, target)
    for _ in range(_DEEPEST_LINK):
        if not found or not found["mode"] & _LINK or not found.get("linkTarget"):
            break
        target = os.path.join(os.path.dirname(target.rstrip("/")) or "/", found["linkTarget"])
        found = _stat(call, container, target)
    is_directory = bool(found and found["mode"] & _DIRECTORY)
    if path == "-":
        if not is_directory:
            raise Failure(f'destination "{container}:{target}" must be a directory')
        pieces, place = archives.pieces(0), target
    else:
        place, name = _placed(path, target, found is not None, is_directory)
        pieces = local_tree.packed(path, name, follow=options.on("follow-link"))
    parameters = [("path", place), ("noOverwriteDirNonDir", "true")]
    parameters += [("copyUIDGID", "true")] if options.on("archive") else []
    headers = {"Content-Type": "application/x-tar"}
    call.engine.request("PUT", _archive(container), parameters, body=counted(pieces), headers=headers).read()


def _placed(path: str, target: str, exists: bool, is_directory: bool) -> tuple[str, str]:
    """The directory in the container to unpack in, and the name that the source gets there."""
    local_tree.check(path)
    source_is_directory = os.path.isdir(path) and not os.path.islink(path.rstrip("/"))
    content_only = path.endswith("/.") or path == "."
    if is_directory:
        return target, "." if content_only else os.path.basename(os.path.abspath(path))
    if exists and source_is_directory:
        raise Failure("cannot copy directory")
    if not exists and target.endswith("/") and not source_is_directory:
        raise Failure("no such directory")
    trimmed = target.rstrip("/")
    return os.path.dirname(trimmed) or "/", os.path.basename(trimmed)


COMMAND = Command(
    _run,
    "Copy files and directories between a container and here",
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    least=2,
    most=2,
    flags=(
        flags.switch("archive", "a", "Keep owner and group"),
        flags.switch("follow-link", "L", "Copy what a symbolic link names, not the link"),
        flags.switch("quiet", "q", "Do not say how much was copied"),
    ),
    examples=("cp web:/etc/hosts .", "cp site/. web:/srv/www"),
)
