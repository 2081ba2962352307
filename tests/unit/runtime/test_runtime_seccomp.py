"""Docker's seccomp profiles in the words of the OCI specification."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from wherry.runtime.spec import seccomp
from wherry.runtime.spec.capabilities import DEFAULT

KERNEL = (6, 1)


def translated(
    profile: str = seccomp.DEFAULT,
    capabilities: tuple[str, ...] = DEFAULT,
    machine: str = "x86_64",
    kernel: tuple[int, int] = KERNEL,
) -> dict[str, Any]:
    raw = seccomp.section(profile, capabilities, machine, kernel)
    assert raw is not None
    decoded: dict[str, Any] = json.loads(bytes(raw))
    return decoded


def rules_for(section: dict[str, Any], call: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in rule.items() if k != "names"} for rule in section["syscalls"] if call in rule["names"]]


def one_rule(**fields: Any) -> str:
    rule = {"names": ["x"], "action": "SCMP_ACT_ALLOW", **fields}
    return json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]})


def test_default_refuses_with_eperm() -> None:
    section = translated()
    assert (section["defaultAction"], section["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 1)
    assert section["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]


def test_only_words_of_the_specification_are_written() -> None:
    section = translated()
    assert set(section) == {"defaultAction", "defaultErrnoRet", "architectures", "syscalls"}
    assert {key for rule in section["syscalls"] for key in rule} == {"names", "action", "errnoRet", "args"}


def test_clone3_is_unknown_without_sys_admin_so_that_libraries_fall_back() -> None:
    assert rules_for(translated(), "clone3") == [{"action": "SCMP_ACT_ERRNO", "errnoRet": 38}]
    assert rules_for(translated(capabilities=("CAP_SYS_ADMIN",)), "clone3") == [{"action": "SCMP_ACT_ALLOW"}]


def test_mount_needs_sys_admin() -> None:
    assert rules_for(translated(), "mount") == []
    assert rules_for(translated(capabilities=(*DEFAULT, "CAP_SYS_ADMIN")), "mount")


def test_clone_may_not_make_namespaces_without_sys_admin() -> None:
    (rule,) = rules_for(translated(), "clone")
    assert rule["args"] == [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}]
    (rule,) = rules_for(translated(machine="s390x"), "clone")
    assert rule["args"][0]["index"] == 1


def test_vsock_and_alg_sockets_are_refused() -> None:
    allowed = [rule["args"][0] for rule in rules_for(translated(), "socket")]
    conditions = {"SCMP_CMP_LT": int.__lt__, "SCMP_CMP_EQ": int.__eq__, "SCMP_CMP_GT": int.__gt__}
    refused = [n for n in range(64) if not any(conditions[arg["op"]](n, arg["value"]) for arg in allowed)]
    assert refused == [38, 40]


def test_ptrace_follows_the_kernel_version() -> None:
    assert rules_for(translated(kernel=(4, 7)), "ptrace") == []
    assert rules_for(translated(kernel=(4, 8)), "ptrace") == [{"action": "SCMP_ACT_ALLOW"}]


def test_calls_of_other_architectures_are_left_out() -> None:
    assert rules_for(translated(), "arch_prctl")
    assert not rules_for(translated(machine="aarch64"), "arch_prctl")
    assert rules_for(translated(machine="aarch64"), "cacheflush")
    assert translated(machine="aarch64")["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    assert translated(machine="riscv64")["architectures"] == ["SCMP_ARCH_RISCV64"]


@pytest.mark.parametrize(
    ("conditions", "applies"),
    [
        ({}, True),
        ({"includes": {"caps": ["CAP_A", "CAP_B"]}}, False),
        ({"includes": {"caps": ["CAP_A"], "arches": ["amd64"], "minKernel": "6.1"}}, True),
        ({"includes": {"caps": ["CAP_A"], "arches": ["arm"]}}, False),
        ({"includes": {"minKernel": "6.2"}}, False),
        ({"excludes": {"caps": ["CAP_A", "CAP_B"]}}, False),
        ({"excludes": {"caps": ["CAP_B"]}}, True),
        ({"excludes": {"arches": ["amd64"]}}, False),
        ({"excludes": {"minKernel": "6.1"}}, False),
        ({"excludes": {"minKernel": "6.2"}}, True),
        ({"includes": {"caps": ["CAP_A"]}, "excludes": {"arches": ["amd64"]}}, False),
    ],
)
def test_rule_applies_when_its_conditions_hold(conditions: dict[str, Any], applies: bool) -> None:
    section = translated(one_rule(**conditions), ("CAP_A",))
    assert bool(section["syscalls"]) == applies


def test_everything_of_a_profile_is_passed_on() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_TRACE",
        "architectures": ["SCMP_ARCH_X86"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "listenerPath": "/run/s",
        "listenerMetadata": "m",
        "syscalls": [
            {
                "name": "old",
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": 5,
                "args": [{"index": 1, "value": 18446744073709551615, "valueTwo": 2, "op": "SCMP_CMP_NE"}],
            }
        ],
    }
    expected = json.loads(json.dumps(profile))
    expected["syscalls"][0]["names"] = [expected["syscalls"][0].pop("name")]
    assert translated(json.dumps(profile)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        one_rule(name="x"),
        one_rule(includes={"minKernel": "new"}),
        json.dumps({"defaultAction": "a", "architectures": ["b"], "archMap": [{"architecture": "b"}]}),
        one_rule(args=[{"index": 0}]),
    ],
)
def test_what_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(seccomp.BadProfile) as caught:
        translated(text)
    assert caught.value.message.startswith("Decoding seccomp profile failed: ")


def test_unconfined_has_no_section() -> None:
    assert seccomp.section(seccomp.UNCONFINED, DEFAULT, "x86_64", KERNEL) is None


def test_section_is_made_once() -> None:
    first = seccomp.section(seccomp.DEFAULT, DEFAULT, "x86_64", KERNEL)
    started = time.perf_counter()
    for _ in range(100):
        assert seccomp.section(seccomp.DEFAULT, DEFAULT, "x86_64", KERNEL) is first
    assert time.perf_counter() - started < 0.1
