"""Control groups read from recorded trees and files: the same words for v1 and v2."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.linux import cgroups
from wherry.linux.cgroups import detect, v1, v2
from wherry.linux.cgroups.statistics import BlockIo, Cpu, DeviceCount, Memory, Tasks

TREES = Path(__file__).parents[2] / "fixtures" / "cgroups"

UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n"
HYBRID = (
    "proc /proc proc rw 0 0\n"
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
    "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n"
    "cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,xattr,name=systemd 0 0\n"
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n"
)
SYSTEMD_ONLY = (
    "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\ncgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0\n"
)


@pytest.fixture
def new() -> v2.Cgroup:
    return v2.Cgroup(str(TREES / "v2"), "/system.slice/app")


@pytest.fixture
def old() -> v1.Cgroup:
    names = ("cpu", "cpuacct", "memory", "pids", "blkio", "freezer")
    return v1.Cgroup("/docker/app", {name: f"{TREES}/v1/{name}/docker/app" for name in names})


@pytest.mark.parametrize(
    ("text", "mode", "unified"),
    [
        (UNIFIED, cgroups.Mode.V2, "/sys/fs/cgroup"),
        (HYBRID, cgroups.Mode.HYBRID, "/sys/fs/cgroup/unified"),
        (HYBRID.replace("cgroup2 ", "none ").replace(" cgroup2 ", " none "), cgroups.Mode.V1, ""),
        (SYSTEMD_ONLY, cgroups.Mode.V2, "/sys/fs/cgroup"),
    ],
)
def test_mode_follows_from_where_controllers_are_mounted(text: str, mode: cgroups.Mode, unified: str) -> None:
    found = detect.parse_mounts(text)
    assert (found.mode, found.unified) == (mode, unified)


def test_controllers_of_one_hierarchy_share_its_directory() -> None:
    assert detect.parse_mounts(HYBRID).roots() == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct",
        "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
        "memory": "/sys/fs/cgroup/memory",
        "name=systemd": "/sys/fs/cgroup/systemd",
        "": "/sys/fs/cgroup/unified",
    }


def test_no_cgroup_mount_is_an_error() -> None:
    with pytest.raises(detect.NotMounted):
        detect.parse_mounts("proc /proc proc rw 0 0\n")


def test_second_mount_of_a_hierarchy_does_not_count() -> None:
    text = "a /one cgroup rw,memory 0 0\na /two cgroup rw,memory 0 0\n"
    assert detect.parse_mounts(text).controllers == {"memory": "/one"}


def test_group_of_a_process_is_found_in_both_interfaces() -> None:
    membership = detect.parse_membership("4:memory:/docker/a:b\n3:cpu,cpuacct:/other\n0::/unified.scope\n")
    assert membership == {"memory": "/docker/a:b", "cpu": "/other", "cpuacct": "/other", "": "/unified.scope"}
    assert cgroups.from_membership(membership, detect.parse_mounts(UNIFIED)).path == "/unified.scope"
    mixed = cgroups.from_membership(membership, detect.parse_mounts(HYBRID))
    assert isinstance(mixed, v1.Cgroup)
    assert mixed.directories == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct/other",
        "cpuacct": "/sys/fs/cgroup/cpu,cpuacct/other",
        "memory": "/sys/fs/cgroup/memory/docker/a:b",
        "": "/sys/fs/cgroup/unified/unified.scope",
    }


def test_process_that_does_not_exist_has_no_group() -> None:
    with pytest.raises(ProcessLookupError):
        cgroups.of_pid(2**22 + 1)


def test_only_a_hybrid_host_can_miss_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("hugetlb misc\n")
    for mode, missing in (
        (cgroups.Mode.HYBRID, ("hugetlb", "misc")),
        (cgroups.Mode.V2, ()),
        (cgroups.Mode.V1, ()),
    ):
        assert cgroups.missing_v1(cgroups.Hierarchies(mode, {}, str(tmp_path))) == missing


def test_cpu_time_is_nanoseconds_in_both(new: v2.Cgroup, old: v1.Cgroup) -> None:
    assert new.cpu() == Cpu(8519217000, 5023000000, 3496217000, (), 120, 7, 350021000)
    assert old.cpu() == Cpu(8519217345, 5020000000, 3490000000, (4519217345, 4000000000), 120, 7, 350021000)


def test_memory_without_limit_is_none(new: v2.Cgroup, old: v1.Cgroup) -> None:
    details = {"anon": 41943040, "file": 8388608, "kernel": 1048576, "inactive_file": 4194304, "pgfault": 10240}
    assert new.memory() == Memory(52428800, 134217728, 60817408, 2, details)
    assert old.memory() == Memory(
        52428800, None, 60817408, 31, {"cache": 8388608, "rss": 41943040, "total_inactive_file": 4194304}
    )


def test_tasks(new: v2.Cgroup, old: v1.Cgroup) -> None:
    assert (new.tasks(), old.tasks()) == (Tasks(12, None), Tasks(12, 100))


def test_block_io_counts_by_device_and_leaves_sums_out(new: v2.Cgroup, old: v1.Cgroup) -> None:
    assert new.block_io().bytes[:2] == (DeviceCount(8, 0, "read", 1462272), DeviceCount(8, 0, "write", 4096))
    assert new.block_io().operations[2:] == (DeviceCount(254, 16, "read", 0), DeviceCount(254, 16, "write", 0))
    assert [count.operation for count in old.block_io().bytes] == ["read", "write", "sync", "async", "discard", "total"]
    assert old.block_io().operations[0] == DeviceCount(8, 0, "read", 41)


def test_out_of_memory_kills_are_counted(new: v2.Cgroup, old: v1.Cgroup) -> None:
    assert (new.oom_kills(), old.oom_kills()) == (3, 3)


def test_frozen_is_read_from_the_kernel(new: v2.Cgroup, old: v1.Cgroup) -> None:
    assert new.frozen()
    assert old.frozen()


def test_processes_of_groups_below_are_included(new: v2.Cgroup, old: v1.Cgroup) -> None:
    assert sorted(new.pids()) == [101, 102, 203]
    assert sorted(old.pids()) == [101, 102]


@pytest.mark.parametrize("group", [v2.Cgroup("/nowhere", "/x"), v1.Cgroup("/x", {"memory": "/nowhere/x"})])
def test_group_that_is_gone_reads_as_empty(group: cgroups.Cgroup) -> None:
    assert group.cpu() == Cpu()
    assert group.memory() == Memory()
    assert group.tasks() == Tasks()
    assert group.block_io() == BlockIo()
    assert (group.pids(), group.oom_kills(), group.frozen()) == ([], 0, False)
    group.kill()
    group.remove()
