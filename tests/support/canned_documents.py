"""Documents that a canned engine answers with: every field a list or a template may show, in ordinary and odd forms."""

from __future__ import annotations

import json
from typing import Any

from tests.support.canned_engine import Raw

A, B, C, D, E = ("".join(letter * 64) for letter in "abcde")
WEB: dict[str, Any] = {
    "Id": A,
    "Names": ["/web", "/other/web"],
    "Image": f"busybox:1@sha256:{C}",
    "ImageID": f"sha256:{B}",
    "Command": "sh -c 'sleep 1' and some long \"words\"",
    "Created": 1700000000,
    "Ports": [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 90, "Type": "tcp"},
        {"PrivatePort": 91, "Type": "tcp"},
        {"IP": "0.0.0.0", "PrivatePort": 92, "PublicPort": 92, "Type": "tcp"},
        {"IP": "0.0.0.0", "PrivatePort": 93, "PublicPort": 93, "Type": "tcp"},
        {"IP": "127.0.0.1", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
    ],
    "Labels": {"a.b": "1", "c": "<x&y>"},
    "State": "running",
    "Status": "Up 2 hours (healthy)",
    "HostConfig": {"NetworkMode": "bridge"},
    "NetworkSettings": {"Networks": {"bridge": {}}},
    "Mounts": [
        {"Type": "volume", "Name": "a_volume_with_a_long_name", "Driver": "local", "Source": ""},
        {"Type": "bind", "Source": "/a", "Destination": "/b"},
    ],
    "SizeRw": 123456,
    "SizeRootFs": 4567890,
}
DB: dict[str, Any] = {
    "Id": B,
    "Names": ["/db"],
    "Image": f"sha256:{B}",
    "ImageID": f"sha256:{B}",
    "Command": "",
    "Created": 1600000000,
    "Ports": [],
    "Labels": None,
    "State": "exited",
    "Status": "Exited (0) 2 days ago",
    "HostConfig": {"NetworkMode": "host"},
    "NetworkSettings": {"Networks": {"host": {}}},
    "Mounts": [],
}
NEW: dict[str, Any] = {
    "Id": C,
    "Names": ["/ünï"],
    "Image": "reg.io/a/b",
    "ImageID": f"sha256:{D}",
    "Command": "/x",
    "Created": 1690000000,
    "Ports": [],
    "Labels": {},
    "State": "created",
    "Status": "Created",
    "NetworkSettings": {"Networks": {}},
    "Mounts": [],
}
INSPECTED: dict[str, Any] = {
    "Id": A,
    "Created": "2026-01-02T03:04:05.123Z",
    "Path": "sh",
    "Args": [],
    "State": {"Status": "running", "Running": True, "Pid": 42, "ExitCode": 0, "StartedAt": "x"},
    "Image": "sha256:b",
    "Name": "/web",
    "RestartCount": 0,
    "Mounts": [
        {"Type": "bind", "Source": "/s<x>", "Destination": "/d", "Mode": "", "RW": True, "Propagation": "rprivate"}
    ],
    "HostConfig": {
        "Binds": None,
        "Memory": 67108864,
        "CpuShares": 0,
        "NanoCpus": 1500000000,
        "CapAdd": ["A", "B"],
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    },
    "Config": {
        "Hostname": "h",
        "Env": ["A=b", "C=d"],
        "Labels": {"x": "1", "y": "2"},
        "Cmd": ["sh", "-c", "a b"],
        "Entrypoint": None,
        "Volumes": None,
        "Tty": False,
    },
    "NetworkSettings": {
        "Ports": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
            "9/udp": None,
            "100/tcp": [{"HostIp": "127.0.0.1", "HostPort": "1"}],
        },
        "Networks": {"bridge": {"IPAddress": "172.17.0.2", "Gateway": "172.17.0.1"}},
    },
}
IMAGES: list[dict[str, Any]] = [
    {
        "Id": f"sha256:{B}",
        "RepoTags": ["busybox:latest", "busybox:1"],
        "RepoDigests": [f"busybox@sha256:{D}"],
        "Created": 1700000000,
        "Size": 4260000,
        "SharedSize": 1000,
        "Containers": 1,
        "Labels": None,
        "ParentId": "",
    },
    {
        "Id": f"sha256:{E}",
        "RepoTags": [],
        "RepoDigests": [],
        "Created": 1600000000,
        "Size": 123456789,
        "SharedSize": -1,
        "Containers": 0,
        "Labels": None,
        "ParentId": "",
    },
]
VOLUMES: list[dict[str, Any]] = [
    {
        "Name": "v10",
        "Driver": "local",
        "Mountpoint": "/m",
        "Scope": "local",
        "Labels": {"z": "y"},
        "UsageData": {"Size": 2048, "RefCount": 1},
    },
    {
        "Name": "v9",
        "Driver": "local",
        "Mountpoint": "/n",
        "Scope": "local",
        "Labels": None,
        "UsageData": {"Size": 4096, "RefCount": 0},
    },
]
NETWORKS: list[dict[str, Any]] = [
    {
        "Name": "b10",
        "Id": D,
        "Created": "2026-01-02T03:04:05.123456789Z",
        "Scope": "local",
        "Driver": "bridge",
        "EnableIPv4": True,
        "EnableIPv6": False,
        "Internal": False,
        "Labels": {"a": "2"},
    },
    {
        "Name": "b9",
        "Id": E,
        "Created": "2026-01-02T03:04:05.1+02:00",
        "Scope": "local",
        "Driver": "host",
        "EnableIPv6": True,
        "Internal": True,
        "Labels": {},
    },
]
HISTORY: list[dict[str, Any]] = [
    {
        "Id": f"sha256:{A}",
        "Created": 1700000000,
        "CreatedBy": '/bin/sh -c #(nop)  CMD ["sh"] and a very long command line\tx',
        "Size": 4261550,
        "Comment": "c",
        "Tags": ["x:latest"],
    },
    {"Id": "<missing>", "Created": 1600000000, "CreatedBy": "RUN x", "Size": 0, "Comment": "", "Tags": None},
]
EVENTS: list[dict[str, Any]] = [
    {
        "status": "start",
        "id": A,
        "from": "busybox",
        "Type": "container",
        "Action": "start",
        "Actor": {"ID": A, "Attributes": {"name": "web", "image": "busybox"}},
        "scope": "local",
        "time": 1700000000,
        "timeNano": 1700000000123456789,
    },
    {
        "Type": "network",
        "Action": "connect",
        "Actor": {"ID": "n1", "Attributes": {}},
        "scope": "local",
        "time": 1700000001,
        "timeNano": 1700000001000000000,
    },
]
STATS: dict[str, Any] = {
    "id": A,
    "name": "/web",
    "read": "2026-01-02T03:04:05Z",
    "preread": "2026-01-02T03:04:04Z",
    "pids_stats": {"current": 3},
    "cpu_stats": {"cpu_usage": {"total_usage": 2 * 10**9}, "system_cpu_usage": 2 * 10**10, "online_cpus": 2},
    "precpu_stats": {"cpu_usage": {"total_usage": 10**9}, "system_cpu_usage": 10**10, "online_cpus": 2},
    "memory_stats": {"usage": 5000000, "limit": 100000000, "stats": {"inactive_file": 1000000}},
    "blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": 100}, {"op": "write", "value": 2000}]},
    "networks": {"eth0": {"rx_bytes": 1000, "tx_bytes": 2500}},
}
USAGE: dict[str, Any] = {
    "LayersSize": 127716789,
    "Images": IMAGES,
    "Containers": [WEB, DB],
    "Volumes": VOLUMES,
    "BuildCache": [
        {
            "ID": "k1",
            "Type": "regular",
            "Description": "step",
            "InUse": False,
            "Shared": False,
            "Size": 100,
            "CreatedAt": "2026-01-02T03:04:05Z",
            "LastUsedAt": "2026-01-02T03:04:05Z",
            "UsageCount": 2,
        }
    ],
}
LOG = Raw(
    b"\x01\0\0\0\0\0\0\x03o1\n\x02\0\0\0\0\0\0\x03e1\n\x01\0\0\0\0\0\0\x03o2\n",
    headers={"Content-Type": "application/vnd.docker.multiplexed-stream"},
)


def routes() -> dict[tuple[str, str], Any]:
    """An engine full of these."""
    lines = "".join(json.dumps(event) + "\n" for event in EVENTS)
    return {
        ("GET", "/containers/json"): [WEB, DB, NEW],
        ("GET", "/containers/web/json"): INSPECTED,
        ("GET", "/containers/db/json"): {**INSPECTED, "Name": "/db"},
        ("GET", "/containers/web/stats"): Raw(json.dumps(STATS).encode()),
        ("GET", "/containers/web/logs"): LOG,
        ("GET", f"/containers/{A}/logs"): LOG,
        ("GET", "/containers/web/changes"): [
            {"Path": path, "Kind": kind} for kind, path in enumerate(("/a", "/b", "/c"))
        ],
        ("GET", "/containers/web/export"): Raw(b"TAR"),
        ("GET", "/containers/web/top"): {
            "Titles": ["UID", "PID", "CMD"],
            "Processes": [["root", "1", "sh -c true"], ["nobody_with_a_long_name_here", "12345", "x"]],
        },
        ("POST", "/containers/web/kill"): None,
        ("POST", "/containers/web/stop"): None,
        ("POST", "/containers/web/restart"): None,
        ("POST", "/containers/web/pause"): None,
        ("POST", "/containers/web/rename"): None,
        ("POST", "/containers/web/wait"): {"StatusCode": 7},
        ("POST", "/containers/web/update"): {"Warnings": ["no swap"]},
        ("DELETE", "/containers/web"): None,
        ("GET", "/images/json"): IMAGES,
        ("GET", "/images/x/json"): {"Id": "sha256:1", "RepoTags": ["x:1"], "Size": 123, "Config": {"Cmd": ["sh"]}},
        ("GET", "/images/x/history"): HISTORY,
        ("GET", "/images/get"): Raw(b"TAR"),
        ("POST", "/images/x/tag"): (201, None),
        ("DELETE", "/images/x"): [{"Untagged": "x:latest"}, {"Deleted": "sha256:1"}],
        ("POST", "/images/create"): Raw(b'{"status":"sha256:abc"}\r\n'),
        ("POST", "/images/load"): Raw(
            b'{"stream":"Loaded image: x:1\\n"}\r\n', headers={"Content-Type": "application/json"}
        ),
        ("POST", "/commit"): (201, {"Id": "sha256:q"}),
        ("GET", "/networks"): NETWORKS,
        ("GET", "/networks/n"): NETWORKS[0],
        ("POST", "/networks/create"): (201, {"Id": "nid", "Warning": ""}),
        ("POST", "/networks/n/connect"): None,
        ("DELETE", "/networks/n"): None,
        ("GET", "/volumes"): {"Volumes": VOLUMES, "Warnings": None},
        ("POST", "/volumes/create"): (201, {"Name": "vol"}),
        ("GET", "/events"): Raw(lines.encode()),
        ("GET", "/system/df"): USAGE,
        ("GET", "/info"): {"ID": "x", "Swarm": {}, "Driver": "overlay2"},
        ("POST", "/containers/prune"): {"ContainersDeleted": ["a"], "SpaceReclaimed": 5},
        ("POST", "/networks/prune"): {"NetworksDeleted": ["n"]},
        ("POST", "/volumes/prune"): {"VolumesDeleted": ["v"], "SpaceReclaimed": 7},
        ("POST", "/images/prune"): {
            "ImagesDeleted": [{"Untagged": "x:1"}, {"Deleted": "sha256:1"}],
            "SpaceReclaimed": 9,
        },
        ("POST", "/build/prune"): {"CachesDeleted": ["k"], "SpaceReclaimed": 3},
    }
