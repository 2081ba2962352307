"""Digests: the names of bytes.

Knows the text form `algorithm:encoded` and the one algorithm wherry computes, sha256. Must not know where bytes are
kept. See "Digests" in descriptor.md of the OCI image specification. `sha512` is registered there as well, and refused
here: a name that nobody can verify is worse than an error.
"""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from wherry import errors

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hexadecimal digits."""

_PATTERN = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidDigest(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid digest: {text!r} is not sha256: and 64 hexadecimal digits")
        self.text = text


def parse(text: str) -> Digest:
    """The digest written as `text`; InvalidDigest if it is none."""
    if not _PATTERN.fullmatch(text):
        raise InvalidDigest(text)
    return Digest(text)


def of(data: bytes | bytearray | memoryview) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def from_hex(encoded: str) -> Digest:
    """The digest with these 64 digits, as a hash object's `hexdigest` gives them."""
    return parse("sha256:" + encoded)


def encoded(digest: Digest) -> str:
    """The hexadecimal digits alone: 64 characters that are safe as a file name."""
    return digest.removeprefix("sha256:")
