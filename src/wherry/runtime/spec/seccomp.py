"""The system call filter: Docker's profile format made into the section `linux.seccomp`.

Knows the conditions of Docker's profiles (architectures, capabilities, kernel) and the section (config-linux.md,
"Seccomp"). Must not know what the calls do. A section costs milliseconds to make and depends on few things, so the
encoded bytes are kept. seccomp-default.json is Docker's default profile, under the Apache License 2.0; see NOTICE.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import Any

import msgspec

from wherry import errors

DEFAULT = "default"
UNCONFINED = "unconfined"

_ARCHITECTURES: dict[str, tuple[str, str]] = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "i386": ("x86", "SCMP_ARCH_X86"),
    "i686": ("x86", "SCMP_ARCH_X86"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "armv7l": ("arm", "SCMP_ARCH_ARM"),
    "armv6l": ("arm", "SCMP_ARCH_ARM"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "loongarch64": ("loongarch64", "SCMP_ARCH_LOONGARCH64"),
    "mips64": ("mips64", "SCMP_ARCH_MIPS64"),
}
"""By the kernel's name of the machine: the name in conditions, and libseccomp's."""


class BadProfile(errors.InvalidArgument):
    def __init__(self, reason: str) -> None:
        super().__init__(f"Decoding seccomp profile failed: {reason}")
        self.reason = reason


class _Condition(msgspec.Struct, frozen=True, rename="camel"):
    caps: tuple[str, ...] | None = None
    arches: tuple[str, ...] | None = None
    min_kernel: str | None = None


class _Argument(msgspec.Struct, frozen=True, rename="camel"):
    index: int
    value: int
    op: str
    value_two: int = 0


class _Rule(msgspec.Struct, frozen=True, rename="camel"):
    action: str
    names: tuple[str, ...] | None = None
    name: str | None = None
    args: tuple[_Argument, ...] | None = None
    errno_ret: int | None = None
    includes: _Condition | None = None
    excludes: _Condition | None = None


class _SubArchitectures(msgspec.Struct, frozen=True, rename="camel"):
    architecture: str
    sub_architectures: tuple[str, ...] | None = None


class _Profile(msgspec.Struct, frozen=True, rename="camel"):
    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] | None = None
    arch_map: tuple[_SubArchitectures, ...] | None = None
    flags: tuple[str, ...] | None = None
    listener_path: str | None = None
    listener_metadata: str | None = None
    syscalls: tuple[_Rule, ...] | None = None


_decoder = msgspec.json.Decoder(_Profile)


@functools.cache
def _default_text() -> str:
    return resources.files(__package__).joinpath("seccomp-default.json").read_text("utf-8")


@functools.lru_cache(maxsize=64)
def section(profile: str, capabilities: tuple[str, ...], machine: str, kernel: tuple[int, int]) -> msgspec.Raw | None:
    """The encoded section for a profile's text, DEFAULT or UNCONFINED (None); BadProfile if the text is no profile."""
    if profile == UNCONFINED:
        return None
    text = _default_text() if profile == DEFAULT else profile
    try:
        decoded = _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise BadProfile(str(error)) from None
    return msgspec.Raw(msgspec.json.encode(_translate(decoded, capabilities, machine, kernel)))


def _translate(
    profile: _Profile, capabilities: tuple[str, ...], machine: str, kernel: tuple[int, int]
) -> dict[str, Any]:
    word, library_word = _ARCHITECTURES.get(machine, (machine, ""))
    translated: dict[str, Any] = {"defaultAction": profile.default_action}
    if profile.default_errno_ret is not None:
        translated["defaultErrnoRet"] = profile.default_errno_ret
    if architectures := _architectures(profile, library_word):
        translated["architectures"] = architectures
    passed_on = {
        "flags": profile.flags,
        "listenerPath": profile.listener_path,
        "listenerMetadata": profile.listener_metadata,
    }
    translated |= {key: value for key, value in passed_on.items() if value}
    rules = (rule for rule in profile.syscalls or () if _applies(rule, frozenset(capabilities), word, kernel))
    translated["syscalls"] = [_rule(rule) for rule in rules]
    return translated


def _architectures(profile: _Profile, native: str) -> tuple[str, ...]:
    if profile.architectures and profile.arch_map:
        raise BadProfile("both 'architectures' and 'archMap' are specified, use one of them")
    for entry in profile.arch_map or ():
        if entry.architecture == native:
            return (native, *(entry.sub_architectures or ()))
    return profile.architectures or ()


def _applies(rule: _Rule, capabilities: frozenset[str], architecture: str, kernel: tuple[int, int]) -> bool:
    """Any condition met excludes a rule; one that includes it needs all its parts met."""
    if (excludes := rule.excludes) is not None:
        if architecture in (excludes.arches or ()) or not capabilities.isdisjoint(excludes.caps or ()):
            return False
        if excludes.min_kernel and kernel >= _version(excludes.min_kernel):
            return False
    if (includes := rule.includes) is not None:
        if includes.arches and architecture not in includes.arches:
            return False
        if not capabilities.issuperset(includes.caps or ()):
            return False
        if includes.min_kernel and kernel < _version(includes.min_kernel):
            return False
    return True


def _version(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\.(\d+)", text)
    if not found:
        raise BadProfile(f"invalid kernel version: {text!r}")
    return int(found[1]), int(found[2])


def _rule(rule: _Rule) -> dict[str, Any]:
    if rule.name and rule.names:
        raise BadProfile("both 'name' and 'names' are specified in a rule, use one of them")
    translated: dict[str, Any] = {"names": rule.names or (rule.name,), "action": rule.action}
    if rule.errno_ret is not None:
        translated["errnoRet"] = rule.errno_ret
    if rule.args:
        translated["args"] = [_argument(argument) for argument in rule.args]
    return translated


def _argument(argument: _Argument) -> dict[str, Any]:
    translated: dict[str, Any] = {"index": argument.index, "value": argument.value, "op": argument.op}
    if argument.value_two:
        translated["valueTwo"] = argument.value_two
    return translated
