"""Platforms: which machine an image is for.

Knows the names that Go gives to systems and processors, and which spellings mean the same. Must not know images. See
"Image Index" in image-index.md of the OCI image specification; the normal forms are those of containerd's platforms.
"""

from __future__ import annotations

import os
import re

import msgspec

from wherry import errors

_SYSTEMS = {"macos": "darwin"}
_ARCHITECTURES: dict[str, tuple[str, str | None]] = {
    # name: (normal name, variant it implies; None keeps the variant that is given)
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv8l": ("arm", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "ppc64el": ("ppc64le", None),
}
_BASELINES = {("arm64", "8"), ("arm64", "v8"), ("arm64", "v8.0"), ("amd64", "v1")}
_WORD = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


class InvalidPlatform(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(
            f'"{text}" is an invalid platform specifier', hint="write os/architecture[/variant], as in linux/arm64/v8"
        )


class Platform(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"os_version": "os.version", "os_features": "os.features"}
):
    """`architecture` and `os` in Go's words; "" stands for any. Field names are those of a descriptor's platform."""

    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "/".join(word for word in (self.os or "unknown", self.architecture or "unknown", self.variant) if word)

    def normalized(self) -> Platform:
        """This platform in normal spelling: x86_64 is amd64, arm64/v8 is arm64, arm is arm/v7."""
        system = self.os.lower()
        architecture, variant = self.architecture.lower(), self.variant.lower()
        if architecture in _ARCHITECTURES:
            architecture, implied = _ARCHITECTURES[architecture]
            variant = variant if implied is None else implied
        if (architecture, variant) in _BASELINES:
            variant = ""
        elif architecture == "arm":
            variant = f"v{variant}" if variant.isdigit() else (variant or "v7")
        return msgspec.structs.replace(
            self, os=_SYSTEMS.get(system, system), architecture=architecture, variant=variant
        )


def parse(text: str) -> Platform:
    """The platform written as `os`, `architecture`, `os/architecture` or `os/architecture/variant`."""
    words = text.split("/")
    if not 1 <= len(words) <= 3 or not all(_WORD.fullmatch(word) for word in words):
        raise InvalidPlatform(text)
    if len(words) == 1:
        here = host()
        lone = Platform("", words[0]).normalized()
        if lone.os in ("linux", "windows", "darwin", "freebsd"):
            return msgspec.structs.replace(lone, architecture=here.architecture, variant=here.variant)
        return Platform(words[0], here.os).normalized()
    return Platform(words[1], words[0], words[2] if len(words) == 3 else "").normalized()


def host() -> Platform:
    """The platform this process runs on."""
    system = os.uname()
    return Platform(system.machine, system.sysname).normalized()


def rank(wanted: Platform, offered: Platform) -> int | None:
    """How well `offered` serves `wanted`: 0 is exact, more is worse, None not at all.

    An older variant of the same processor serves a newer one: arm/v6 runs on arm/v7, amd64 on amd64/v3.
    """
    want, offer = wanted.normalized(), offered.normalized()
    if want.os != offer.os or want.architecture != offer.architecture:
        return None
    distance = _variant_number(want) - _variant_number(offer)
    return distance if distance >= 0 else None


def matches(wanted: Platform, offered: Platform) -> bool:
    return rank(wanted, offered) is not None


def _variant_number(platform: Platform) -> int:
    base = {"arm64": 8, "amd64": 1}.get(platform.architecture, 0)
    digits = re.match(r"v?(\d+)", platform.variant)
    return int(digits[1]) if digits else base
