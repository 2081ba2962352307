"""Names and identifiers of containers: what is allowed, what is generated, how an abbreviation is resolved.

Pure. The rules and the message texts are Docker's, since clients search them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Mapping

from wherry import errors

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")

_MOODS = """amber bold brisk calm candid clever crisp daring deft eager fair fleet frank gentle glad grand hardy honest
humble jolly keen kind lively loyal lucid mellow merry mild nimble noble patient placid plucky proud quick quiet ready
robust serene sharp silent sleek smart snug spry stable steady stout sturdy sunny swift tidy tranquil trim vivid warm
wise witty zesty""".split()
_BOATS = """barge bark brig canoe caravel carrack clipper coble cog coracle currach cutter dhow dinghy dory drifter
felucca ferry frigate galleon galley gondola hoy hulk jolly junk kayak ketch launch lighter lugger packet pinnace pram
proa punt raft sampan schooner scow scull shallop skiff sloop smack tartane tender tjalk trawler trireme tug umiak
whaler wherry xebec yacht yawl""".split()


class InvalidName(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        self.name = name


class NameInUse(errors.Conflict):
    def __init__(self, name: str, owner: str) -> None:
        super().__init__(
            f'Conflict. The container name "/{name}" is already in use by container "{owner}". '
            "You have to remove (or rename) that container to be able to reuse that name."
        )
        self.name = name
        self.owner = owner


class NoSuchContainer(errors.NotFound):
    def __init__(self, reference: str) -> None:
        super().__init__(f"No such container: {reference}")
        self.reference = reference


class AmbiguousPrefix(errors.InvalidArgument):
    def __init__(self, prefix: str) -> None:
        super().__init__(f"multiple IDs found with provided prefix: {prefix}")
        self.prefix = prefix


def check(name: str) -> str:
    """The name without its leading slash; InvalidName."""
    bare = name.removeprefix("/")
    if not _NAME.match(bare):
        raise InvalidName(name)
    return bare


def generate(taken: Iterable[str]) -> str:
    """A name that nobody has: a mood and a boat, with a number when luck does not help."""
    names = set(taken)
    for attempt in range(6):
        name = f"{secrets.choice(_MOODS)}_{secrets.choice(_BOATS)}"
        if attempt:
            name += str(secrets.randbelow(10**attempt))
        if name not in names:
            return name
    return f"{secrets.choice(_MOODS)}_{secrets.token_hex(8)}"


def new_id() -> str:
    """64 hexadecimal digits; the first twelve serve as hostname, so they are never all decimal."""
    while (identifier := secrets.token_hex(32))[:12].isdecimal():
        pass
    return identifier


def resolve(reference: str, ids: Collection[str], by_name: Mapping[str, str]) -> str:
    """The id that `reference` means: an id, else a name (with or without slash), else a unique beginning of an id."""
    if reference in ids:
        return reference
    named = by_name.get(reference.removeprefix("/"))
    if named:
        return named
    found = [identifier for identifier in ids if identifier.startswith(reference)] if reference else []
    if len(found) > 1:
        raise AmbiguousPrefix(reference)
    if not found:
        raise NoSuchContainer(reference)
    return found[0]
