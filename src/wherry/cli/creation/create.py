"""Creating a container, and fetching its image if that is missing.

Knows the create and the pull request, and the file for the ID. Must not know what happens to the container afterwards.
"""

from __future__ import annotations

import os

from wherry.cli.command import Invocation, warn
from wherry.cli.failure import Failure
from wherry.client.transport import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def explained(message: str, path: str, code: int) -> Failure:
    """The form in which `run` and `create` report what they refuse."""
    return Failure(f"wherry: {message}\n\nRun 'wherry {path} --help' for more information" if message else "", code)


def create(call: Invocation, body: dict[str, Any]) -> str:
    """The ID of a container made from `body`. Raises Failure or a WherryError."""
    options = call.options
    image = body["Image"]
    _check_reference(image)
    platform = options.text("platform") or os.environ.get("DOCKER_DEFAULT_PLATFORM", "")
    parameters = [("platform", platform)] if platform else []
    if options.text("name"):
        parameters.append(("name", options.text("name")))
    id_file = _reserve(options.text("cidfile"))
    try:
        answer = _created(call, body, parameters, image, platform)
        if id_file:
            with open(id_file, "w", encoding="ascii") as file:
                file.write(answer["Id"])
    except BaseException:
        if id_file:
            os.unlink(id_file)
        raise
    for warning in answer.get("Warnings") or ():
        warn(f"WARNING: {warning}")
    return str(answer["Id"])


def _created(
    call: Invocation, body: dict[str, Any], parameters: list[tuple[str, str]], image: str, platform: str
) -> dict[str, Any]:
    pull = call.options.text("pull")
    if pull == "always":
        _pull(call, image, platform)
    try:
        answer: dict[str, Any] = call.engine.post("/containers/create", parameters, json=body)
    except EngineError as error:
        if error.status != 404 or pull != "missing":
            raise
        if not call.options.on("quiet"):
            warn(f"Unable to find image '{_shown(image)}' locally")
        _pull(call, image, platform)
        answer = call.engine.post("/containers/create", parameters, json=body)
    return answer


def _pull(call: Invocation, image: str, platform: str) -> None:
    from wherry.cli import progress, references

    name, tag = references.with_tag(image)
    parameters = [("fromImage", references.full_name(name)), ("tag", tag)]
    if platform:
        parameters.append(("platform", platform))
    answer = call.engine.request("POST", "/images/create", parameters)
    progress.show(answer.lines(), 2, quiet=call.options.on("quiet"))


def _shown(image: str) -> str:
    from wherry.cli import references

    return ":".join(references.with_tag(image)) if "@" not in image else image


def _check_reference(image: str) -> None:
    """Refuse what can never be the name of an image; the whole grammar is loaded for suspicious ones only."""
    plain = image.replace("/", "").replace(":", "").replace("-", "").replace("_", "").replace(".", "")
    if plain.isalnum() and plain.islower() and image.isascii() and image[0].isalnum():
        return
    from wherry.oci import reference

    reference.parse(image)


def _reserve(path: str) -> str:
    """Make the file for the ID, empty; it must not exist yet."""
    if not path:
        return ""
    if os.path.exists(path):
        raise Failure(f"container ID file found, make sure the other container isn't running or delete {path}")
    try:
        open(path, "x", encoding="ascii").close()
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise Failure(f"failed to create the container ID file: open {path}: {reason}") from None
    return path
