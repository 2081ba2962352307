"""The document is what it says it is: real runtimes start it, and the container looks around."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from wherry.linux import capabilities, cgroups
from wherry.linux import mount as mounting
from wherry.linux.cgroups import detect
from wherry.runtime import binaries, bundle, spec, users
from wherry.runtime.spec import devices as devices_of
from wherry.runtime.spec.capabilities import DEFAULT

BUSYBOX = Path("/bin/busybox")


@dataclass
class Outcome:
    code: int
    output: str
    log: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(runtime: binaries.Runtime, rootfs: Path, tmp_path: Path) -> Iterator[Run]:
    """Run a shell script, or `args`, in a container whose settings are Docker's but for what is given."""
    host = spec.Host.probe(binaries.features(runtime))
    used: list[tuple[str, binaries.Commands, str]] = []

    def run_script(script: str = "", process: dict[str, Any] | None = None, **changes: Any) -> Outcome:
        name = f"wherry-test-{uuid.uuid4().hex[:12]}"
        program = spec.Process(
            **{
                "args": ("sh", "-c", script),
                "env": ("PATH=/bin",),
                **(process or {}),
            }
        )
        group = f"/wherry-test/{name}"
        settings = msgspec.structs.replace(
            spec.Settings(process=program, rootfs=str(rootfs), cgroup_path=group, hostname="box"), **changes
        )
        directory = bundle.create(tmp_path, name, spec.build(settings, host))
        commands = binaries.Commands(runtime, runtime.executable(), tmp_path / "state")
        log = str(directory / "runtime.log")
        used.append((name, commands, log))
        command = commands.run(name, bundle=str(directory), pid_file=str(directory / "pid"), log=log)
        command.remove("--detach")
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
        text = Path(log).read_bytes() if os.path.exists(log) else b""
        return Outcome(done.returncode, done.stdout + done.stderr, binaries.error_from_log(text))

    yield run_script
    for name, commands, log in used:
        subprocess.run(commands.delete(name, log=log, force=True), capture_output=True, check=False)
        bundle.remove(tmp_path, name)
        cgroups.at(f"/wherry-test/{name}").remove()
    cgroups.at("/wherry-test").remove()


def checked(outcome: Outcome) -> str:
    assert outcome.code == 0, (outcome.output, outcome.log)
    return outcome.output


def test_default_container_has_exactly_dockers_capabilities(run: Run) -> None:
    masks = capabilities.parse_status(checked(run("cat /proc/self/status")))
    available = [name for name in DEFAULT if name in capabilities.effective()]
    expected = capabilities.to_mask(available)
    assert masks == {"CapInh": 0, "CapPrm": expected, "CapEff": expected, "CapBnd": expected, "CapAmb": 0}


def test_system_calls_are_filtered_by_default(run: Run) -> None:
    assert "Seccomp:\t2" in checked(run("cat /proc/self/status"))


def test_unconfined_container_has_no_filter(run: Run) -> None:
    assert "Seccomp:\t0" in checked(run("cat /proc/self/status", seccomp="unconfined"))


def test_custom_profile_refuses_what_it_names(run: Run) -> None:
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
    profile = json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]})
    assert "Function not implemented" in run("busybox mkdir /tmp/x", seccomp=profile).output


def test_no_new_privileges_reaches_the_process(run: Run) -> None:
    assert "NoNewPrivs:\t1" in checked(run("cat /proc/self/status", process={"no_new_privileges": True}))


def test_masked_files_read_empty(run: Run) -> None:
    assert checked(run("dd if=/proc/kcore bs=16 count=1 2>/dev/null; ls /sys/firmware")) == ""


def test_kernel_settings_are_read_only(run: Run) -> None:
    outcome = run("echo 1 > /proc/sys/vm/swappiness; echo 1 > /sys/kernel/profiling")
    assert outcome.code != 0
    assert outcome.output.count("Read-only file system") == 2


def test_paths_can_be_left_unmasked(run: Run) -> None:
    script = "grep -c ' /proc/sys ' /proc/mounts; grep -c /proc/kcore /proc/mounts"
    assert run(script, masked_paths=(), readonly_paths=()).output.split() == ["0", "0"]


def test_hostname_and_domainname_are_the_containers(run: Run) -> None:
    script = "hostname; cat /proc/sys/kernel/domainname"
    assert checked(run(script, hostname="ark", domainname="example.org")).split() == ["ark", "example.org"]


def test_user_groups_and_home_come_from_the_containers_files(run: Run, rootfs: Path) -> None:
    user = users.resolve(rootfs, "ada")
    output = checked(run("id; echo $HOME; grep CapEff /proc/self/status", process={"user": user}))
    assert output.splitlines() == [
        "uid=1000(ada) gid=1001(ada) groups=10(wheel),1001(ada)",
        "/home/ada",
        "CapEff:\t0000000000000000",
    ]


def test_numeric_user_without_entry_is_accepted(run: Run, rootfs: Path) -> None:
    user = users.resolve(rootfs, "4242")
    assert "uid=4242 gid=0(root)" in checked(run("id", process={"user": user}))


def test_rlimits_are_set(run: Run) -> None:
    limits = (spec.Rlimit("nofile", 512, 1024), spec.Rlimit("core", 0, 0))
    output = checked(run("ulimit -Sn; ulimit -Hn; ulimit -c", process={"rlimits": limits}))
    assert output.split() == ["512", "1024", "0"]


def test_oom_score_is_set(run: Run) -> None:
    assert checked(run("cat /proc/self/oom_score_adj", process={"oom_score_adj": 300})).strip() == "300"


def test_limits_are_written_to_the_cgroup(run: Run) -> None:
    resources = spec.Resources(
        memory=64 << 20, memory_swap=128 << 20, pids_limit=50, cpu_shares=512, nano_cpus=500_000_000, cpuset_cpus="0"
    )
    v2 = detect.mounted().mode is cgroups.Mode.V2
    names = (
        ("memory.max", "pids.max", "cpu.max", "cpuset.cpus")
        if v2
        else (
            "memory/memory.limit_in_bytes",
            "pids/pids.max",
            "cpu/cpu.cfs_quota_us",
            "cpuset/cpuset.cpus",
            "cpu/cpu.shares",
        )
    )
    output = checked(run(f"cd /sys/fs/cgroup; cat {' '.join(names)}", resources=resources))
    assert output.split() == [str(64 << 20), "50", *(["50000", "100000", "0"] if v2 else ["50000", "0", "512"])]


def test_cgroups_are_read_only_unless_asked(run: Run) -> None:
    directory = "/sys/fs/cgroup" if detect.mounted().mode is cgroups.Mode.V2 else "/sys/fs/cgroup/memory"
    assert "Read-only" in run(f"busybox mkdir {directory}/x").output
    checked(run(f"busybox mkdir {directory}/x && busybox rmdir {directory}/x", writable_cgroups=True))


def test_dev_has_the_standard_nodes_only(run: Run) -> None:
    names = set(checked(run("ls /dev")).split()) - {"core"}
    nodes = {"full", "null", "ptmx", "random", "tty", "urandom", "zero"}
    assert names == nodes | {"fd", "stdin", "stdout", "stderr", "mqueue", "pts", "shm"}


def test_added_device_can_be_used_and_others_cannot(run: Run) -> None:
    devices = devices_of.resolve("/dev/zero", "/dev/nought", "r")
    script = (
        "dd if=/dev/nought of=/dev/null bs=1 count=3 2>&1 | grep -c '3+0 records in';"
        "busybox mknod /tmp/m b 7 99; cat /tmp/m"
    )
    outcome = run(script, devices=devices)
    assert outcome.output.startswith("1\n")
    assert "Operation not permitted" in outcome.output


def test_device_rule_opens_what_it_names(run: Run) -> None:
    rule = devices_of.parse_rule("c 240:* rwm")
    script = "busybox mknod /dev/none c 240 77; cat < /dev/none"
    assert "not permitted" in run(script).output
    assert "No such device" in run(script, device_rules=(rule,)).output, "the driver is asked, and there is none"


def test_sysctls_of_the_network_and_ipc_are_set(run: Run) -> None:
    script = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax /proc/sys/net/core/somaxconn"
    asked = {"kernel.msgmax": "4096", "net.core.somaxconn": "321"}
    assert checked(run(script, sysctls=asked)).split() == ["0", "4096", "321"]


def test_no_descriptor_beyond_the_standard_three_is_open(run: Run) -> None:
    extra = os.open("/dev/null", os.O_RDONLY)
    try:
        assert checked(run("exec ls /proc/self/fd")).split() == ["0", "1", "2", "3"], "3 is the directory being listed"
    finally:
        os.close(extra)


def test_readonly_root_leaves_only_devices_and_shared_memory_writable(run: Run) -> None:
    script = "touch /x; touch /dev/shm/x && echo shm; touch /dev/x && echo dev; touch /tmp/x"
    outcome = run(script, readonly_rootfs=True)
    assert outcome.output.count("Read-only file system") == 2
    assert "shm" in outcome.output.split("\n")
    assert "dev" in outcome.output.split("\n")


def test_tmpfs_takes_options_over_the_defaults(run: Run) -> None:
    tmpfs = spec.Tmpfs("/data", ("size=1m", "exec", "mode=1777"))
    line = checked(run("grep ' /data ' /proc/mounts", mounts=(tmpfs,)))
    words = line.split()[3].split(",")
    assert {"nosuid", "nodev", "size=1024k"} <= set(words)
    assert "noexec" not in words


def test_binds_are_as_writable_as_asked(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    binds = (
        spec.Bind(str(source), "/rw"),
        spec.Bind(str(source), "/ro", spec.ReadOnly.RECURSIVE),
    )
    outcome = run("touch /rw/a && ls /ro; touch /ro/b", mounts=binds)
    assert outcome.output.startswith("a\n")
    assert "Read-only" in outcome.output


def test_recursive_read_only_reaches_what_is_mounted_below_if_the_runtime_can(
    run: Run, runtime: binaries.Runtime, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    mounting.MountOperation("tmpfs", "tmpfs", str(source / "sub")).execute()
    try:
        top = run("touch /d/sub/a", mounts=(spec.Bind(str(source), "/d", spec.ReadOnly.TOP),))
        assert top.code == 0
        outcome = run("touch /d/sub/b", mounts=(spec.Bind(str(source), "/d", spec.ReadOnly.RECURSIVE),))
    finally:
        mounting.unmount(str(source / "sub"))
    able = spec.Host.probe(binaries.features(runtime)).recursive_read_only
    assert ("Read-only" in outcome.output) == able


def test_file_bind_makes_its_target(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "hosts"
    source.write_text("127.0.0.1 localhost\n")
    output = checked(run("cat /etc/hosts", mounts=(spec.Bind(str(source), "/etc/hosts"),)))
    assert output == "127.0.0.1 localhost\n"


def test_shm_has_its_size_or_is_missing(run: Run) -> None:
    assert "size=131072k" in checked(run("grep /dev/shm /proc/mounts", shm_size=128 << 20))
    assert checked(run("grep -c /dev/shm /proc/mounts || true", shm_size=0)).strip() == "0"


def test_missing_working_directory_is_made(run: Run) -> None:
    assert checked(run("pwd", process={"cwd": "/new/place"})).strip() == "/new/place"


def test_privileged_container_has_all_capabilities_devices_and_no_filter(run: Run) -> None:
    script = (
        "cat /proc/self/status; echo 60 > /proc/sys/vm/swappiness && echo sysctl; ls /dev; grep ' /sys ' /proc/mounts"
    )
    devices = devices_of.on_host()
    before = Path("/proc/sys/vm/swappiness").read_text()
    output = checked(run(script.replace("60", before.strip()), process={"privileged": True}, devices=devices))
    masks = capabilities.parse_status(output)
    assert masks["CapEff"] == capabilities.to_mask(capabilities.effective())
    assert "Seccomp:\t0" in output
    assert "\nsysctl\n" in output
    assert {Path(d.path).parts[2] for d in devices} <= set(output.split())
    assert "sysfs rw" in output


def test_dropped_and_added_capabilities(run: Run) -> None:
    process = {"cap_add": ("sys_time",), "cap_drop": ("ALL",)}
    masks = capabilities.parse_status(checked(run("cat /proc/self/status", process=process)))
    assert capabilities.from_mask(masks["CapEff"]) == ("CAP_SYS_TIME",)


def test_host_namespaces_are_the_hosts(run: Run) -> None:
    kinds = ("pid", "ipc", "net", "uts")
    namespaces = spec.Namespaces(pid="host", ipc="host", network="host", uts="host")
    script = "; ".join(f"busybox readlink /proc/self/ns/{kind}" for kind in kinds)
    assert checked(run(script, namespaces=namespaces)).split() == [os.readlink(f"/proc/self/ns/{k}") for k in kinds]
    assert not set(checked(run(script)).split()) & {os.readlink(f"/proc/self/ns/{k}") for k in kinds}


def test_private_cgroup_namespace_hides_the_path(run: Run) -> None:
    output = checked(run("cat /proc/self/cgroup", namespaces=spec.Namespaces(cgroup="private")))
    assert "wherry-test" not in output


def test_init_becomes_process_one(run: Run, tmp_path: Path) -> None:
    init = tmp_path / "init"
    shutil.copy(BUSYBOX, init)
    outcome = run("x", init_path=str(init))
    assert "applet not found" in outcome.output, "busybox tells that it was called as docker-init"


def test_missing_program_is_told_in_the_log(run: Run) -> None:
    outcome = run(process={"args": ("/bin/nothing",)})
    assert outcome.code != 0
    assert "no such file or directory" in outcome.log.lower()


def test_missing_name_is_told_in_the_log(run: Run) -> None:
    outcome = run(process={"args": ("nothing",)})
    assert "not found in $PATH" in outcome.log


def test_slave_and_shared_propagation_start(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "shared"
    source.mkdir()
    mounting.MountOperation("tmpfs", "tmpfs", str(source), ("shared",)).execute()
    try:
        binds = (spec.Bind(str(source), "/s", propagation="rshared"),)
        output = checked(run("grep ' /s ' /proc/self/mountinfo", mounts=binds))
    finally:
        mounting.unmount(str(source))
    assert "shared:" in output
