"""The devices a container sees and may use.

Knows Docker's default device rules and the sections `linux.devices` and `linux.resources.devices` (config-linux.md).
The runtime adds null, zero, full, random, urandom, tty and ptmx of its own accord. Must not know what the devices are.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from wherry import errors
from wherry.linux import devices as linux
from wherry.runtime.spec.settings import Device, DeviceRate, DeviceRule, Settings

_RULE = re.compile(r"([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})")
_ACCESS = re.compile(r"[rwm]{1,3}")

_ANYTHING = DeviceRule("a", None, None, "rwm")
_DEFAULT_RULES: tuple[DeviceRule, ...] = (
    DeviceRule("", None, None, "rwm", allow=False),
    *(DeviceRule("c", major, minor, "rwm") for major, minor in ((1, 3), (1, 5), (1, 8), (1, 9), (5, 0), (5, 1))),
    DeviceRule("c", 10, 229, "rwm", allow=False),
)


class BadDeviceRule(errors.InvalidArgument):
    def __init__(self, rule: str) -> None:
        super().__init__(
            f"invalid device cgroup rule format: '{rule}'", hint="write it as in 'c 1:3 rwm', with * for any number"
        )
        self.rule = rule


class BadDeviceAccess(errors.InvalidArgument):
    def __init__(self, access: str) -> None:
        super().__init__(f"invalid device mode: {access}", hint="any of r, w and m")
        self.access = access


class NoDevice(errors.InvalidArgument):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f'error gathering device information while adding custom device "{path}": {reason}')
        self.path = path


def parse_rule(text: str) -> DeviceRule:
    """A rule as `--device-cgroup-rule` takes it."""
    found = _RULE.fullmatch(text)
    if not found:
        raise BadDeviceRule(text)
    major, minor = (None if number == "*" else int(number) for number in found.group(2, 3))
    return DeviceRule(found[1], major, minor, found[4])


def resolve(host_path: str, container_path: str = "", access: str = "rwm") -> tuple[Device, ...]:
    """The node at a host path, or the nodes below it if it is a directory, under a path in the container."""
    if not _ACCESS.fullmatch(access):
        raise BadDeviceAccess(access)
    target = posixpath.normpath(container_path or host_path)
    try:
        return (_device(linux.node(host_path), target, access),)
    except OSError as error:
        nodes = list(linux.below(host_path)) if posixpath.isdir(host_path) else []
        if not nodes:
            raise NoDevice(host_path, (error.strerror or str(error)).lower()) from None
    prefix = host_path.rstrip("/")
    return tuple(_device(node, target + node.path.removeprefix(prefix), access) for node in nodes)


def on_host() -> tuple[Device, ...]:
    """All devices of the host, for a privileged container. /dev/console is the container's own terminal."""
    return tuple(_device(node, node.path, "rwm") for node in linux.below("/dev") if node.path != "/dev/console")


def rate(path: str, value: int) -> DeviceRate:
    """A limit on the block device at `path`."""
    try:
        node = linux.node(path)
    except OSError as error:
        raise NoDevice(path, (error.strerror or str(error)).lower()) from None
    return DeviceRate(node.major, node.minor, value)


def section(settings: Settings) -> list[dict[str, Any]]:
    """linux.devices; of two at the same path the later counts."""
    by_path = {device.path: device for device in settings.devices}
    return [
        {
            "path": device.path,
            "type": device.type,
            "major": device.major,
            "minor": device.minor,
            "fileMode": device.mode,
            "uid": device.uid,
            "gid": device.gid,
        }
        for device in by_path.values()
    ]


def rules(settings: Settings) -> list[dict[str, Any]]:
    """linux.resources.devices"""
    if settings.process.privileged:
        return [_rule(_ANYTHING)]
    own = (DeviceRule(device.type, device.major, device.minor, device.access) for device in settings.devices)
    return [_rule(rule) for rule in (*_DEFAULT_RULES, *own, *settings.device_rules)]


def _device(node: linux.Node, path: str, access: str) -> Device:
    return Device(path, node.type, node.major, node.minor, node.mode, node.uid, node.gid, access)


def _rule(rule: DeviceRule) -> dict[str, Any]:
    encoded: dict[str, Any] = {"allow": rule.allow, "access": rule.access}
    if rule.type:
        encoded["type"] = rule.type
    if rule.major is not None:
        encoded["major"] = rule.major
    if rule.minor is not None:
        encoded["minor"] = rule.minor
    return encoded
