"""What a container is asked to be, in the runtime's own words.

Everything is resolved: users are numbers, devices are nodes, paths are absolute. The defaults are Docker's. Must not
know the Engine API or the document that is made of this. Sizes are bytes, times microseconds unless said otherwise.
"""

from __future__ import annotations

import enum

import msgspec

PRIVATE = "private"
"""A namespace of the container's own."""
HOST = "host"
"""The namespace the runtime is started in."""


class User(msgspec.Struct, frozen=True):
    uid: int = 0
    gid: int = 0
    additional_gids: tuple[int, ...] = ()


class Rlimit(msgspec.Struct, frozen=True):
    """`name` as Docker writes it, such as "nofile". -1 is no limit."""

    name: str
    soft: int
    hard: int


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A program to run in a container, its first one or one more. The last three decide the capabilities."""

    args: tuple[str, ...]
    env: tuple[str, ...] = ()
    cwd: str = "/"
    user: User = User()
    terminal: bool = False
    console_size: tuple[int, int] | None = None
    """Rows and columns."""
    no_new_privileges: bool = False
    rlimits: tuple[Rlimit, ...] = ()
    oom_score_adj: int | None = 0
    apparmor_profile: str = ""
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()


class ReadOnly(enum.Enum):
    NO = "no"
    TOP = "top"
    """The mount itself, not what is mounted below it."""
    RECURSIVE = "recursive"
    """With all below it where kernel and runtime can do that, else as TOP."""
    RECURSIVE_OR_FAIL = "recursive-or-fail"


class Bind(msgspec.Struct, frozen=True):
    """A host directory or file. `recursive` brings what is mounted below it along."""

    source: str
    destination: str
    read_only: ReadOnly = ReadOnly.NO
    propagation: str = "rprivate"
    recursive: bool = True


class Tmpfs(msgspec.Struct, frozen=True):
    """`options` as of tmpfs(5); they win over noexec, nosuid and nodev."""

    destination: str
    options: tuple[str, ...] = ()


class Filesystem(msgspec.Struct, frozen=True):
    """Any other mount, passed on as it is."""

    destination: str
    type: str
    source: str
    options: tuple[str, ...] = ()


class Device(msgspec.Struct, frozen=True):
    """A node to make at `path` in the container. `type` is "c" or "b", `access` a part of "rwm"."""

    path: str
    type: str
    major: int
    minor: int
    mode: int = 0o666
    uid: int = 0
    gid: int = 0
    access: str = "rwm"


class DeviceRule(msgspec.Struct, frozen=True):
    """What may be done with devices of these numbers. `type` is "a", "b" or "c"; None is any number."""

    type: str
    major: int | None
    minor: int | None
    access: str
    allow: bool = True


class DeviceWeight(msgspec.Struct, frozen=True):
    major: int
    minor: int
    weight: int


class DeviceRate(msgspec.Struct, frozen=True):
    """A limit in bytes or operations a second."""

    major: int
    minor: int
    rate: int


class HugepageLimit(msgspec.Struct, frozen=True):
    """`page_size` as the kernel names it, such as "2MB"."""

    page_size: str
    limit: int


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """Limits; zero, empty or None is "not set"."""

    memory: int = 0
    memory_swap: int = 0
    """Memory and swap together; -1 for no limit."""
    memory_reservation: int = 0
    memory_swappiness: int | None = None
    oom_kill_disable: bool = False
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    nano_cpus: int = 0
    """CPUs in units of 10^-9; instead of period and quota."""
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids_limit: int | None = None
    """0 or less lifts a limit set before."""
    blkio_weight: int = 0
    blkio_weight_device: tuple[DeviceWeight, ...] = ()
    blkio_read_bps: tuple[DeviceRate, ...] = ()
    blkio_write_bps: tuple[DeviceRate, ...] = ()
    blkio_read_iops: tuple[DeviceRate, ...] = ()
    blkio_write_iops: tuple[DeviceRate, ...] = ()
    hugepages: tuple[HugepageLimit, ...] = ()


class Namespaces(msgspec.Struct, frozen=True, kw_only=True):
    """Each is PRIVATE, HOST or the path of a namespace file to join; `cgroup` None is private on v2 and host on v1."""

    pid: str = PRIVATE
    ipc: str = PRIVATE
    network: str = PRIVATE
    uts: str = PRIVATE
    cgroup: str | None = None
    user: str = HOST


class IdMap(msgspec.Struct, frozen=True):
    """Ids from `container` on are the host's from `host` on, `size` of them."""

    container: int
    host: int
    size: int


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    process: Process
    rootfs: str
    readonly_rootfs: bool = False
    hostname: str = ""
    domainname: str = ""
    cgroup_path: str
    """Such as "/docker/<id>"."""
    namespaces: Namespaces = Namespaces()
    joins_network: bool = False
    """The network namespace is another container's: its settings are left alone."""
    uid_maps: tuple[IdMap, ...] = ()
    gid_maps: tuple[IdMap, ...] = ()
    mounts: tuple[Bind | Tmpfs | Filesystem, ...] = ()
    shm_size: int = 64 << 20
    """Size of /dev/shm; 0 for none."""
    shm_path: str = ""
    """A host directory to be /dev/shm instead of a new file system."""
    writable_cgroups: bool = False
    masked_paths: tuple[str, ...] | None = None
    """None for Docker's defaults."""
    readonly_paths: tuple[str, ...] | None = None
    seccomp: str = "default"
    """"default", "unconfined" or the JSON text of a profile in Docker's format."""
    devices: tuple[Device, ...] = ()
    """A privileged container gets what `devices.on_host()` lists."""
    device_rules: tuple[DeviceRule, ...] = ()
    resources: Resources = Resources()
    sysctls: dict[str, str] = {}
    annotations: dict[str, str] = {}
    init_path: str = ""
    """A static binary on the host that becomes process 1 and reaps, if the pid namespace is private; "" for none."""
