"""What inspect and list say of a container, member by member, as dockerd says it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.support.container_records import CREATED, ENDPOINT, ID, IMAGE, record, running
from wherry.api import types as api
from wherry.api.versions import MAXIMUM, Version
from wherry.engine.machine import Phase, State
from wherry.engine.records import Mount, Record
from wherry.server.render import container as render
from wherry.server.render import state

V1_43, V1_44, V1_51 = Version(1, 43), Version(1, 44), Version(1, 51)


def inspected(shown: Record, version: Version = V1_51) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(render.inspect(shown, version, driver="overlay2")))
    return found


def listed(shown: Record, version: Version = V1_51) -> dict[str, Any]:
    now = CREATED + 301 * 10**9
    found: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(render.summary(shown, version, now, image="busybox"))
    )
    return found


def test_a_created_container_in_full() -> None:
    found = inspected(record())
    config, host, settings = (found.pop(name) for name in ("Config", "HostConfig", "NetworkSettings"))
    directory = f"/var/lib/wherry/containers/{ID}"
    assert found == {
        "Id": ID,
        "Created": "2023-11-14T22:13:20.000000001Z",
        "Path": "sh",
        "Args": ["-c", "sleep 1"],
        "State": {
            "Status": "created",
            "Running": False,
            "Paused": False,
            "Restarting": False,
            "OOMKilled": False,
            "Dead": False,
            "Pid": 0,
            "ExitCode": 0,
            "Error": "",
            "StartedAt": "0001-01-01T00:00:00Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
        },
        "Image": IMAGE,
        "ResolvConfPath": f"{directory}/resolv.conf",
        "HostnamePath": f"{directory}/hostname",
        "HostsPath": f"{directory}/hosts",
        "LogPath": f"{directory}/{ID}-json.log",
        "Name": "/web",
        "RestartCount": 0,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "GraphDriver": {"Data": None, "Name": "overlay2"},
        "Mounts": [],
    }
    assert config == {
        "Hostname": ID[:12],
        "Domainname": "",
        "User": "",
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "Env": ["PATH=/bin"],
        "Cmd": ["sh", "-c", "sleep 1"],
        "Image": "busybox",
        "Volumes": None,
        "WorkingDir": "",
        "Entrypoint": None,
        "OnBuild": None,
        "Labels": {"tier": "front"},
    }
    assert settings["Ports"] == {}
    assert settings["IPAddress"] == settings["SandboxKey"] == ""
    assert list(settings["Networks"]) == ["bridge"]
    assert host["MemorySwappiness"] is host["Binds"] is host["PidsLimit"] is None


def test_host_config_has_every_member_that_go_writes() -> None:
    members = set(inspected(record())["HostConfig"])
    omitted = {"Annotations", "StorageOpt", "Tmpfs", "Sysctls", "Mounts", "Init"}
    assert members == set(api.HostConfig.__struct_encode_fields__) - omitted


def test_every_member_of_host_config_is_echoed() -> None:
    everything = dict(_sample(api.HostConfig).items())
    found = inspected(record(host=msgspec.convert(everything, api.HostConfig)))
    assert found["HostConfig"] == everything


def test_every_member_of_config_is_echoed() -> None:
    everything = _sample(api.ContainerConfig)
    found = inspected(record(config=msgspec.convert(everything, api.ContainerConfig)))
    assert found["Config"] == everything


def test_a_running_container_shows_its_network() -> None:
    settings = inspected(running())["NetworkSettings"]
    assert settings["Ports"] == {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}
    assert settings["IPAddress"] == "172.17.0.2"
    assert settings["SandboxKey"] == ENDPOINT.sandbox
    assert settings["Networks"]["bridge"] == {
        "IPAMConfig": None,
        "Links": None,
        "Aliases": None,
        "MacAddress": "02:42:ac:11:00:02",
        "DriverOpts": None,
        "GwPriority": 0,
        "NetworkID": "9" * 64,
        "EndpointID": "e" * 64,
        "Gateway": "172.17.0.1",
        "IPAddress": "172.17.0.2",
        "IPPrefixLen": 16,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "DNSNames": ["web", "4fa6e0f0c678"],
    }


def test_an_exposed_port_that_is_not_published_is_null() -> None:
    shown = running(config={"exposed_ports": {"443/tcp": {}, "80/tcp": {}}})
    ports = inspected(shown)["NetworkSettings"]["Ports"]
    assert ports["443/tcp"] is None
    assert ports["80/tcp"]


def test_members_that_versions_add_and_drop() -> None:
    old, middle, new = inspected(running(), V1_43), inspected(running(), V1_44), inspected(running(), MAXIMUM)
    assert old["Config"]["MacAddress"] == "02:42:ac:11:00:02"
    assert "MacAddress" not in middle["Config"]
    assert "DNSNames" not in old["NetworkSettings"]["Networks"]["bridge"]
    assert set(new["NetworkSettings"]) == {"SandboxID", "SandboxKey", "Ports", "Networks"}
    assert "GraphDriver" not in new
    assert new["Storage"] == {"RootFS": {"Snapshot": {"Name": "overlay2"}}}
    assert "OnBuild" not in new["Config"]


def test_a_list_entry_in_full() -> None:
    found = listed(running())
    networks = found.pop("NetworkSettings")["Networks"]
    assert networks["bridge"]["IPAddress"] == "172.17.0.2"
    assert found == {
        "Id": ID,
        "Names": ["/web"],
        "Image": "busybox",
        "ImageID": IMAGE,
        "Command": "sh -c 'sleep 1'",
        "Created": 1700000000,
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
        "Labels": {"tier": "front"},
        "State": "running",
        "Status": "Up 5 minutes",
        "HostConfig": {"NetworkMode": "bridge"},
        "Mounts": [],
    }


def test_ports_of_a_container_that_does_not_run_are_an_empty_list() -> None:
    assert listed(record(config={"exposed_ports": {"80/tcp": {}}}))["Ports"] == []


def test_mounts_are_shown_with_what_they_have() -> None:
    volume = Mount(type="volume", name="data", source="/v/data/_data", target="/data", driver="local", mode="z")
    bind = Mount(type="bind", source="/etc", target="/host", writable=False, propagation="rprivate")
    tmpfs = Mount(type="tmpfs", target="/tmp")
    found = inspected(record(mounts=(volume, bind, tmpfs), host={"tmpfs": {"/tmp": ""}}))["Mounts"]
    assert found == [
        {
            "Type": "volume",
            "Name": "data",
            "Source": "/v/data/_data",
            "Destination": "/data",
            "Driver": "local",
            "Mode": "z",
            "RW": True,
            "Propagation": "",
        },
        {"Type": "bind", "Source": "/etc", "Destination": "/host", "Mode": "", "RW": False, "Propagation": "rprivate"},
    ]


START = CREATED
RAN: Any = {"started_at": START, "finished_at": START + 10**9}


@pytest.mark.parametrize(
    ("shown", "status", "phrase"),
    [
        (State(), "created", "Created"),
        (State(phase=Phase.STARTING), "created", "Created"),
        (State(phase=Phase.RUNNING, started_at=START), "running", "Up 2 hours"),
        (State(phase=Phase.STOPPING, started_at=START), "running", "Up 2 hours"),
        (State(phase=Phase.PAUSED, started_at=START), "paused", "Up 2 hours (Paused)"),
        (State(phase=Phase.RESTARTING, exit_code=1, **RAN), "restarting", "Restarting (1) 2 hours ago"),
        (State(phase=Phase.EXITED, exit_code=137, **RAN), "exited", "Exited (137) 2 hours ago"),
        (State(phase=Phase.EXITED, exit_code=127, error="no such file"), "created", "Created"),
        (State(phase=Phase.REMOVING, **RAN), "removing", "Removal In Progress"),
        (State(phase=Phase.DEAD, **RAN), "dead", "Dead"),
    ],
)
def test_every_phase_has_a_status_and_a_phrase(shown: State, status: str, phrase: str) -> None:
    assert state.status(shown) == status
    assert state.phrase(shown, START + 7200 * 10**9) == phrase


def test_a_container_that_waits_to_be_restarted_counts_as_running() -> None:
    found = state.inspect(State(phase=Phase.RESTARTING, exit_code=3, **RAN))
    assert (found["Running"], found["Restarting"], found["ExitCode"]) == (True, True, 3)


def _sample(type_: type[msgspec.Struct]) -> dict[str, Any]:
    """A value with content for every member."""
    types = {field.encode_name: field.type for field in msgspec.inspect.type_info(type_).fields}  # type: ignore[attr-defined]
    return {name: _content(kind) for name, kind in types.items()}


def _content(kind: Any) -> Any:
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = next(
            each for each in kind.types if not isinstance(each, (msgspec.inspect.NoneType, msgspec.inspect.CustomType))
        )
    match kind:
        case msgspec.inspect.StrType():
            return "x"
        case msgspec.inspect.IntType():
            return 7
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.ListType():
            return [_content(kind.item_type)]
        case msgspec.inspect.DictType():
            return {"k": _content(kind.value_type)}
        case msgspec.inspect.StructType():
            return {field.encode_name: _content(field.type) for field in kind.fields}
    return {}
