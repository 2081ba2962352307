"""The OCI document: Docker's defaults exactly, and what each setting changes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from wherry import errors
from wherry.linux.capabilities import NAMES
from wherry.linux.cgroups import Mode
from wherry.linux.mount import MountPoint
from wherry.runtime import spec
from wherry.runtime.spec import devices, mounts, namespaces, resources
from wherry.runtime.spec.host import parse_release

HOST = spec.Host(
    machine="x86_64",
    kernel=(6, 1),
    capabilities=NAMES,
    cgroup=Mode.HYBRID,
    features=spec.Features(frozenset(), frozenset({"rro"})),
)
V2 = msgspec.structs.replace(HOST, cgroup=Mode.V2)
PROCESS = spec.Process(args=("sh",), env=("PATH=/bin",))
SETTINGS = spec.Settings(process=PROCESS, rootfs="/root", cgroup_path="/docker/c1", hostname="c1")

DEFAULT_CAPABILITIES = [
    *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID"),
    *("CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL"),
    "CAP_AUDIT_WRITE",
]
SAFE = ["nosuid", "noexec", "nodev"]
DEFAULT_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": SAFE},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
        "destination": "/dev/pts",
        "type": "devpts",
        "source": "devpts",
        "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*SAFE, "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", *SAFE]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": SAFE},
    {
        "destination": "/dev/shm",
        "type": "tmpfs",
        "source": "shm",
        "options": [*SAFE, "mode=1777", "size=67108864"],
    },
]


def document(host: spec.Host = HOST, **changes: Any) -> dict[str, Any]:
    """The document of the default settings with changes, as it is written."""
    settings = msgspec.structs.replace(SETTINGS, **changes)
    decoded: dict[str, Any] = json.loads(spec.encode(spec.build(settings, host)))
    return decoded


def process(**changes: Any) -> dict[str, Any]:
    section: dict[str, Any] = document(process=msgspec.structs.replace(PROCESS, **changes))["process"]
    return section


def mount_at(built: dict[str, Any], destination: str) -> dict[str, Any]:
    (found,) = [mount for mount in built["mounts"] if mount["destination"] == destination]
    assert isinstance(found, dict)
    return found


def test_default_document_is_dockers() -> None:
    built = document()
    assert built["linux"].pop("seccomp")["defaultAction"] == "SCMP_ACT_ERRNO"
    assert built == {
        "ociVersion": "1.0.2-dev",
        "hostname": "c1",
        "root": {"path": "/root", "readonly": False},
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0, "additionalGids": []},
            "args": ["sh"],
            "env": ["PATH=/bin"],
            "cwd": "/",
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), DEFAULT_CAPABILITIES),
            "noNewPrivileges": False,
            "oomScoreAdj": 0,
        },
        "mounts": DEFAULT_MOUNTS,
        "linux": {
            "cgroupsPath": "/docker/c1",
            "namespaces": [{"type": kind} for kind in ("mount", "network", "uts", "pid", "ipc")],
            "devices": [],
            "resources": {
                "devices": [
                    {"allow": False, "access": "rwm"},
                    *(
                        {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
                        for major, minor in ((1, 3), (1, 5), (1, 8), (1, 9), (5, 0), (5, 1))
                    ),
                    {"allow": False, "type": "c", "major": 10, "minor": 229, "access": "rwm"},
                ]
            },
            "sysctl": {
                "net.ipv4.ip_unprivileged_port_start": "0",
                "net.ipv4.ping_group_range": "0 2147483647",
            },
            "maskedPaths": [
                *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys"),
                *("/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats"),
                *("/sys/devices/virtual/powercap", "/sys/firmware"),
            ],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }


def test_cpu_temperatures_are_masked_where_there_are_some() -> None:
    path = "/sys/devices/system/cpu/cpu0/thermal_throttle"
    host = msgspec.structs.replace(HOST, thermal_throttle=(path,))
    assert document(host)["linux"]["maskedPaths"][-1] == path


def test_process_settings_reach_the_process() -> None:
    section = process(
        cwd="/work",
        user=spec.User(1, 2, (2, 3)),
        terminal=True,
        console_size=(24, 80),
        no_new_privileges=True,
        rlimits=(spec.Rlimit("nofile", 10, -1),),
        oom_score_adj=None,
        apparmor_profile="docker-default",
    )
    assert section["cwd"] == "/work"
    assert section["user"] == {"uid": 1, "gid": 2, "additionalGids": [2, 3]}
    assert (section["terminal"], section["consoleSize"]) == (True, {"height": 24, "width": 80})
    assert section["noNewPrivileges"] is True
    assert section["rlimits"] == [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 2**64 - 1}]
    assert "oomScoreAdj" not in section
    assert section["apparmorProfile"] == "docker-default"


def test_console_size_needs_a_terminal() -> None:
    assert "consoleSize" not in process(console_size=(24, 80))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rlimits": (spec.Rlimit("files", 1, 1),)}, "invalid ulimit type: files"),
        (
            {"rlimits": (spec.Rlimit("nofile", -1, 10),)},
            "ulimit soft limit must be less than or equal to hard limit: -1 > 10",
        ),
        ({"oom_score_adj": 1001}, "Invalid value 1001, range for oom score adj is [-1000, 1000]"),
    ],
)
def test_impossible_process_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        process(**changes)
    assert caught.value.message == message


def test_exec_process_has_the_section_alone() -> None:
    assert json.loads(spec.encode(spec.exec_process(PROCESS, HOST))) == document()["process"]


def test_privileged_container_is_held_back_by_namespaces_only() -> None:
    built = document(process=msgspec.structs.replace(PROCESS, privileged=True))
    assert built["process"]["capabilities"]["bounding"] == list(NAMES)
    assert built["linux"]["maskedPaths"] == built["linux"]["readonlyPaths"] == []
    assert built["linux"]["resources"]["devices"] == [{"allow": True, "type": "a", "access": "rwm"}]
    assert "seccomp" not in built["linux"]
    assert "ro" not in mount_at(built, "/sys")["options"]
    assert "ro" not in mount_at(built, "/sys/fs/cgroup")["options"]
    assert built["linux"]["namespaces"] == document()["linux"]["namespaces"]


def test_profile_asked_for_by_name_holds_even_with_privileges() -> None:
    profile = json.dumps({"defaultAction": "SCMP_ACT_ALLOW"})
    built = document(process=msgspec.structs.replace(PROCESS, privileged=True), seccomp=profile)
    assert built["linux"]["seccomp"] == {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}


def test_paths_can_be_replaced_or_emptied() -> None:
    linux = document(masked_paths=("/proc/x",), readonly_paths=())["linux"]
    assert (linux["maskedPaths"], linux["readonlyPaths"]) == (["/proc/x"], [])


def test_read_only_root_spares_what_has_to_be_written() -> None:
    built = document(readonly_rootfs=True, mounts=(spec.Bind("/host", "/data"),))
    assert built["root"]["readonly"] is True
    assert {mount["destination"] for mount in built["mounts"] if "ro" in mount["options"]} == {"/sys", "/sys/fs/cgroup"}


def test_read_only_root_makes_a_privileged_sys_read_only() -> None:
    built = document(readonly_rootfs=True, process=msgspec.structs.replace(PROCESS, privileged=True))
    assert "ro" in mount_at(built, "/sys")["options"]


def test_mounts_are_made_from_the_root_down() -> None:
    asked = (spec.Bind("/1", "/a/b/c"), spec.Bind("/2", "/a"), spec.Tmpfs("/z/"), spec.Bind("/3", "/a/b"))
    added = document(mounts=asked)["mounts"][len(DEFAULT_MOUNTS) :]
    assert [mount["destination"] for mount in added] == ["/a", "/z", "/a/b", "/a/b/c"]


def test_asked_mounts_replace_defaults_and_a_dev_all_below_it() -> None:
    built = document(mounts=(spec.Bind("/host/dev", "/dev"), spec.Tmpfs("/sys/fs/cgroup")))
    assert [mount["destination"] for mount in built["mounts"]] == ["/proc", "/sys", "/dev", "/sys/fs/cgroup"]
    assert mount_at(built, "/sys/fs/cgroup")["type"] == "tmpfs"


@pytest.mark.parametrize(
    ("read_only", "able", "word"),
    [
        (spec.ReadOnly.NO, True, None),
        (spec.ReadOnly.TOP, True, "ro"),
        (spec.ReadOnly.RECURSIVE, True, "rro"),
        (spec.ReadOnly.RECURSIVE, False, "ro"),
        (spec.ReadOnly.RECURSIVE_OR_FAIL, True, "rro"),
    ],
)
def test_bind_is_as_read_only_as_can_be(read_only: spec.ReadOnly, able: bool, word: str | None) -> None:
    host = HOST if able else msgspec.structs.replace(HOST, features=spec.Features())
    bind = mount_at(document(host, mounts=(spec.Bind("/s", "/d", read_only),)), "/d")
    assert bind["options"] == ["rbind", *([word] if word else []), "rprivate"]


def test_required_recursion_fails_where_it_cannot_be_had() -> None:
    old = msgspec.structs.replace(HOST, kernel=(5, 11))
    with pytest.raises(mounts.CannotMountReadOnlyRecursively):
        document(old, mounts=(spec.Bind("/s", "/d", spec.ReadOnly.RECURSIVE_OR_FAIL),))


def test_bind_need_not_be_recursive() -> None:
    bind = mount_at(document(mounts=(spec.Bind("/s", "/d", propagation="", recursive=False),)), "/d")
    assert bind == {"destination": "/d", "type": "bind", "source": "/s", "options": ["bind"]}


def test_other_file_systems_are_passed_on() -> None:
    mount = spec.Filesystem("/o", "overlay", "overlay", ("lowerdir=/a",))
    assert mount_at(document(mounts=(mount,)), "/o") == {
        "destination": "/o",
        "type": "overlay",
        "source": "overlay",
        "options": ["lowerdir=/a"],
    }


@pytest.mark.parametrize(
    ("propagations", "expected"),
    [
        (("rprivate",), None),
        (("rslave",), "rslave"),
        (("slave", "shared"), "shared"),
        (("rshared", "rslave"), "shared"),
    ],
)
def test_root_propagates_as_far_as_a_mount_wants(propagations: tuple[str, ...], expected: str | None) -> None:
    binds = tuple(spec.Bind("/s", f"/{word}", propagation=word) for word in propagations)
    assert document(mounts=binds)["linux"].get("rootfsPropagation") == expected


def test_sharing_needs_a_shared_source() -> None:
    points = [
        MountPoint("/", "/", "ext4", "/dev/vda", "rw", ()),
        MountPoint("/", "/mnt", "tmpfs", "tmpfs", "rw", ("shared:1",)),
        MountPoint("/", "/slave", "tmpfs", "tmpfs", "rw", ("master:1",)),
    ]
    mounts.check_propagation([spec.Bind("/mnt/x", "/d", propagation="rshared")], points)
    mounts.check_propagation([spec.Bind("/slave", "/d", propagation="rslave"), spec.Bind("/home", "/e")], points)
    for bind, message in (
        (
            spec.Bind("/mntx", "/d", propagation="shared"),
            "path /mntx is mounted on / but it is not a shared mount",
        ),
        (
            spec.Bind("/home", "/d", propagation="slave"),
            "path /home is mounted on / but it is not a shared or slave mount",
        ),
        (
            spec.Bind("/slave", "/d", propagation="shared"),
            "path /slave is mounted on /slave but it is not a shared mount",
        ),
    ):
        with pytest.raises(mounts.NotShared) as caught:
            mounts.check_propagation([bind], points)
        assert caught.value.message == message


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), ("noexec", "nosuid", "nodev")),
        (("exec",), ("nosuid", "nodev", "exec")),
        (("exec", "noexec"), ("nosuid", "nodev", "noexec")),
        (("size=1m", "size=2m", "mode=1770"), ("noexec", "nosuid", "nodev", "size=2m", "mode=1770")),
        (("ro", "rw", "async", "sync"), ("noexec", "nosuid", "nodev", "rw", "sync")),
    ],
)
def test_later_tmpfs_option_wins(asked: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert mount_at(document(mounts=(spec.Tmpfs("/t", asked),)), "/t")["options"] == list(expected)


@pytest.mark.parametrize("option", ["bogus", "size", "exec=1", "", "lowerdir=/x"])
def test_unknown_tmpfs_option_is_refused(option: str) -> None:
    with pytest.raises(mounts.BadTmpfsOption) as caught:
        document(mounts=(spec.Tmpfs("/t", (option,)),))
    assert caught.value.message == f'invalid tmpfs option "{option}"'


def test_shared_memory_can_be_sized_shared_or_left_out() -> None:
    assert mount_at(document(shm_size=1024), "/dev/shm")["options"][-1] == "size=1024"
    assert mount_at(document(shm_path="/run/shm1"), "/dev/shm")["source"] == "/run/shm1"
    assert "/dev/shm" not in [mount["destination"] for mount in document(shm_size=0)["mounts"]]


def test_cgroups_are_writable_on_demand() -> None:
    assert "ro" not in mount_at(document(writable_cgroups=True), "/sys/fs/cgroup")["options"]


def test_namespaces_are_private_host_or_joined() -> None:
    asked = spec.Namespaces(pid="/proc/1/ns/pid", ipc="host", network="/run/netns/x", uts="host", cgroup="private")
    built = document(namespaces=asked, domainname="example")
    assert built["linux"]["namespaces"] == [
        {"type": "mount"},
        {"type": "network", "path": "/run/netns/x"},
        {"type": "pid", "path": "/proc/1/ns/pid"},
        {"type": "cgroup"},
    ]
    assert "hostname" not in built, "without a uts namespace it would be the host's name"
    assert "kernel.domainname" not in built["linux"]["sysctl"]


def test_cgroup_namespace_is_private_on_v2_unless_told_otherwise() -> None:
    assert {"type": "cgroup"} in document(V2)["linux"]["namespaces"]
    assert {"type": "cgroup"} not in document(V2, namespaces=spec.Namespaces(cgroup="host"))["linux"]["namespaces"]


def test_time_namespace_needs_kernel_and_runtime() -> None:
    able = msgspec.structs.replace(HOST, time_namespaces=True, features=spec.Features(frozenset({"time"})))
    assert [each["type"] for each in document(able)["linux"]["namespaces"]][:3] == ["mount", "network", "time"]
    assert {"type": "time"} not in document(msgspec.structs.replace(HOST, time_namespaces=True))["linux"]["namespaces"]


def test_user_namespace_maps_ids_and_may_write_cgroups() -> None:
    maps = (spec.IdMap(0, 100000, 65536),)
    built = document(namespaces=spec.Namespaces(user="private"), uid_maps=maps, gid_maps=maps)
    encoded = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    assert (built["linux"]["uidMappings"], built["linux"]["gidMappings"]) == (encoded, encoded)
    assert "ro" not in mount_at(built, "/sys/fs/cgroup")["options"]


def test_domainname_is_a_sysctl_of_the_uts_namespace() -> None:
    assert document(domainname="example.org")["linux"]["sysctl"]["kernel.domainname"] == "example.org"


def test_settings_of_a_joined_network_are_left_alone() -> None:
    assert document(joins_network=True)["linux"]["sysctl"] == {}
    assert document(namespaces=spec.Namespaces(network="host"))["linux"]["sysctl"] == {}


def test_asked_sysctls_win_over_the_defaults() -> None:
    asked = {"net.ipv4.ip_unprivileged_port_start": "1024", "kernel.shmmax": "1"}
    assert document(sysctls=asked)["linux"]["sysctl"] == {"net.ipv4.ping_group_range": "0 2147483647", **asked}


@pytest.mark.parametrize(
    ("name", "asked", "kind", "message"),
    [
        (
            "kernel.panic",
            spec.Namespaces(),
            namespaces.NotNamespaced,
            'sysctl "kernel.panic" is not in a separate kernel namespace',
        ),
        (
            "net.core.somaxconn",
            spec.Namespaces(network="host"),
            namespaces.SharedNamespace,
            'sysctl "net.core.somaxconn" not allowed in host network namespace',
        ),
        (
            "fs.mqueue.msg_max",
            spec.Namespaces(ipc="host"),
            namespaces.SharedNamespace,
            'sysctl "fs.mqueue.msg_max" not allowed in host ipc namespace',
        ),
    ],
)
def test_sysctls_of_the_host_are_refused(
    name: str, asked: spec.Namespaces, kind: type[errors.InvalidArgument], message: str
) -> None:
    with pytest.raises(kind) as caught:
        document(namespaces=asked, sysctls={name: "1"})
    assert caught.value.message == message


def test_init_runs_the_program_as_its_child() -> None:
    built = document(init_path="/usr/bin/tini")
    assert built["process"]["args"] == ["/sbin/docker-init", "--", "sh"]
    assert built["mounts"][-1] == {
        "destination": "/sbin/docker-init",
        "type": "bind",
        "source": "/usr/bin/tini",
        "options": ["bind", "ro"],
    }


def test_init_is_left_out_where_it_would_not_be_process_one() -> None:
    assert document(init_path="/i", namespaces=spec.Namespaces(pid="host"))["process"]["args"] == ["sh"]


def test_devices_are_made_and_allowed() -> None:
    device = spec.Device("/dev/x", "b", 8, 0, 0o660, 0, 6, "r")
    linux = document(devices=(device,), device_rules=(devices.parse_rule("c 4:* rw"),))["linux"]
    assert linux["devices"] == [
        {"path": "/dev/x", "type": "b", "major": 8, "minor": 0, "fileMode": 0o660, "uid": 0, "gid": 6}
    ]
    assert linux["resources"]["devices"][-2:] == [
        {"allow": True, "type": "b", "major": 8, "minor": 0, "access": "r"},
        {"allow": True, "type": "c", "major": 4, "access": "rw"},
    ]


def test_later_device_at_a_path_counts() -> None:
    pair = (spec.Device("/dev/x", "c", 1, 3), spec.Device("/dev/x", "c", 1, 5))
    assert [device["minor"] for device in document(devices=pair)["linux"]["devices"]] == [5]


@pytest.mark.parametrize("rule", ["", "c 1:3", "d 1:3 r", "c 1:3 x", "c 1 rwm", "c 1:3 rwm\n", "c -1:3 r"])
def test_malformed_device_rule_is_refused(rule: str) -> None:
    with pytest.raises(devices.BadDeviceRule) as caught:
        devices.parse_rule(rule)
    assert caught.value.message == f"invalid device cgroup rule format: '{rule}'"


def test_device_of_the_host_is_found_under_another_name() -> None:
    (device,) = devices.resolve("/dev/null", "/dev/nothing", "rw")
    assert (device.path, device.major, device.minor, device.access) == ("/dev/nothing", 1, 3, "rw")


def test_missing_device_is_refused_with_its_path() -> None:
    with pytest.raises(devices.NoDevice) as caught:
        devices.resolve("/dev/absent")
    assert caught.value.message == (
        'error gathering device information while adding custom device "/dev/absent": no such file or directory'
    )
    with pytest.raises(devices.NoDevice, match="not a device node"):
        devices.resolve("/etc/passwd")
    with pytest.raises(devices.BadDeviceAccess):
        devices.resolve("/dev/null", "", "rx")


def test_resources_use_the_words_of_the_specification() -> None:
    asked = spec.Resources(
        memory=1,
        memory_swap=-1,
        memory_reservation=3,
        memory_swappiness=0,
        oom_kill_disable=True,
        cpu_shares=4,
        cpu_period=5,
        cpu_quota=6,
        cpu_realtime_period=7,
        cpu_realtime_runtime=8,
        cpuset_cpus="0-1",
        cpuset_mems="0",
        pids_limit=9,
        blkio_weight=10,
        blkio_weight_device=(spec.DeviceWeight(8, 0, 11),),
        blkio_read_bps=(spec.DeviceRate(8, 0, 12),),
        blkio_write_bps=(spec.DeviceRate(8, 0, 13),),
        blkio_read_iops=(spec.DeviceRate(8, 0, 14),),
        blkio_write_iops=(spec.DeviceRate(8, 0, 15),),
        hugepages=(spec.HugepageLimit("2MB", 16),),
    )
    assert resources.section(asked, Mode.V1) == {
        "memory": {"limit": 1, "swap": -1, "reservation": 3, "swappiness": 0, "disableOOMKiller": True},
        "cpu": {
            "shares": 4,
            "quota": 6,
            "period": 5,
            "realtimePeriod": 7,
            "realtimeRuntime": 8,
            "cpus": "0-1",
            "mems": "0",
        },
        "pids": {"limit": 9},
        "blockIO": {
            "weight": 10,
            "weightDevice": [{"major": 8, "minor": 0, "weight": 11}],
            "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 12}],
            "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 13}],
            "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 14}],
            "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 15}],
        },
        "hugepageLimits": [{"pageSize": "2MB", "limit": 16}],
    }
    assert resources.section(asked, Mode.V2)["memory"] == {"limit": 1, "swap": -1, "reservation": 3}


def test_resources_not_set_are_not_mentioned() -> None:
    assert resources.section(spec.Resources(), Mode.V1) == {}
    assert resources.section(spec.Resources(memory_swappiness=-1), Mode.V1) == {}


def test_fractions_of_cpus_become_a_quota() -> None:
    assert resources.section(spec.Resources(nano_cpus=1_500_000_000), Mode.V1) == {
        "cpu": {"period": 100_000, "quota": 150_000}
    }


@pytest.mark.parametrize("limit", [0, -1, -5])
def test_limit_of_processes_can_be_lifted(limit: int) -> None:
    assert resources.section(spec.Resources(pids_limit=limit), Mode.V1) == {"pids": {"limit": -1}}


def test_annotations_are_passed_on() -> None:
    assert document(annotations={"a": "b"})["annotations"] == {"a": "b"}


@pytest.mark.parametrize(
    ("release", "version"), [("6.1.0-13-amd64", (6, 1)), ("5.10", (5, 10)), ("6.18.44-fc-v595", (6, 18)), ("x", (0, 0))]
)
def test_kernel_release_is_compared_by_numbers(release: str, version: tuple[int, int]) -> None:
    assert parse_release(release) == version
