"""References: the names under which images are asked for, in Docker's familiar and normalized forms.

Knows the grammar of `[domain/]path[:tag][@digest]` and Docker's defaults (docker.io, library/, latest). Must not know
whether anything exists under a name. The grammar is that of the distribution project's reference package; the texts of
the errors are part of Docker's API.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from wherry import errors
from wherry.oci import digest as digests
from wherry.oci.digest import Digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_LEGACY_DOMAIN = "index.docker.io"
_OFFICIAL = "library/"
_PATH_MAX = 255

_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = rf"{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"({_DOMAIN})/({_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?", re.ASCII)
_HEX64 = re.compile(r"[a-f0-9]{64}", re.ASCII)


class InvalidReference(errors.InvalidArgument):
    """`text` is no reference; the message is the one of Docker's reference parser."""

    def __init__(self, text: str, message: str) -> None:
        super().__init__(message)
        self.text = text


class Reference(msgspec.Struct, frozen=True):
    """A normalized reference. `tag` and `digest` are "" when absent; both may be present."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Domain and path: the repository."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The repository as people write it: `docker.io/library/x` is `x`, unless that would mean something else."""
        first, slash, _ = self.path.partition("/")
        if self.domain != DEFAULT_DOMAIN or (slash and _is_domain(first)):
            return self.name
        official = self.path.removeprefix(_OFFICIAL)
        return self.path if "/" in official or _HEX64.fullmatch(official) else official

    @property
    def familiar(self) -> str:
        return self.familiar_name + self._suffix

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + self._suffix

    def with_default_tag(self) -> Reference:
        """This reference, or with the tag `latest` if it has neither tag nor digest."""
        return self if self.tag or self.digest else self.with_tag(DEFAULT_TAG)

    def with_tag(self, tag: str) -> Reference:
        if not re.fullmatch(_TAG, tag, re.ASCII):
            raise InvalidReference(tag, "invalid tag format")
        return msgspec.structs.replace(self, tag=tag)

    def with_digest(self, digest: Digest) -> Reference:
        return msgspec.structs.replace(self, digest=digest)

    def canonical(self) -> Reference:
        """What identifies an image: the digest without a tag, or else the tag (`latest` by default)."""
        return msgspec.structs.replace(self, tag="") if self.digest else self.with_default_tag()


@lru_cache(maxsize=4096)
def parse(text: str) -> Reference:
    """The reference written as `text` in either form; InvalidReference if it is none."""
    if _HEX64.fullmatch(text):
        raise InvalidReference(text, f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, remainder = _split_domain(text)
    path = remainder.partition(":")[0]
    if path.lower() != path:
        raise InvalidReference(text, f"invalid reference format: repository name ({path}) must be lowercase")
    found = _REFERENCE.fullmatch(f"{domain}/{remainder}")
    if found is None:
        raise InvalidReference(text, "invalid reference format")
    domain, path, tag, digest = found.groups(default="")
    if len(path) > _PATH_MAX:
        raise InvalidReference(text, f"repository name must not be more than {_PATH_MAX} characters")
    if digest:
        _check_digest(text, digest)
    return Reference(domain, path, tag, digest)


def parse_any(text: str) -> Reference | Digest:
    """Like `parse`, but 64 hexadecimal digits, with or without `sha256:`, are a digest."""
    if _HEX64.fullmatch(text):
        return digests.from_hex(text)
    if text.startswith("sha256:") and _HEX64.fullmatch(text, len("sha256:")):
        return Digest(text)
    return parse(text)


def _is_domain(first: str) -> bool:
    """Whether what stands before the first slash is a host and no part of the path."""
    return "." in first or ":" in first or first == "localhost" or first.lower() != first


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash or not _is_domain(first):
        domain, remainder = DEFAULT_DOMAIN, text
    elif first == _LEGACY_DOMAIN:
        domain, remainder = DEFAULT_DOMAIN, rest
    else:
        domain, remainder = first, rest
    if domain == DEFAULT_DOMAIN and "/" not in remainder:
        remainder = _OFFICIAL + remainder
    return domain, remainder


def _check_digest(text: str, digest: str) -> None:
    algorithm, _, encoded = digest.partition(":")
    if algorithm != "sha256":
        raise InvalidReference(text, "unsupported digest algorithm")
    if len(encoded) != 64:
        raise InvalidReference(text, "invalid checksum digest length")
    if not _HEX64.fullmatch(encoded):
        raise InvalidReference(text, "invalid checksum digest format")
