"""From settings to the OCI config.json of a container: a pure function of the settings and of facts about the host.

Knows the runtime specification (config.md, config-linux.md) and Docker's defaults. Must not know the Engine API.

    settings     what is asked for, in words of its own
    host         what kernel and runtime can do
    document     build() and exec_process(), which join the sections
    process, capabilities, mounts, namespaces, devices, resources, seccomp    the sections
"""

from __future__ import annotations

from wherry.runtime.spec.document import build, encode, exec_process
from wherry.runtime.spec.host import Features, Host
from wherry.runtime.spec.settings import (
    HOST,
    PRIVATE,
    Bind,
    Device,
    DeviceRate,
    DeviceRule,
    DeviceWeight,
    Filesystem,
    HugepageLimit,
    IdMap,
    Namespaces,
    Process,
    ReadOnly,
    Resources,
    Rlimit,
    Settings,
    Tmpfs,
    User,
)

__all__ = [
    "HOST",
    "PRIVATE",
    "Bind",
    "Device",
    "DeviceRate",
    "DeviceRule",
    "DeviceWeight",
    "Features",
    "Filesystem",
    "Host",
    "HugepageLimit",
    "IdMap",
    "Namespaces",
    "Process",
    "ReadOnly",
    "Resources",
    "Rlimit",
    "Settings",
    "Tmpfs",
    "User",
    "build",
    "encode",
    "exec_process",
]
