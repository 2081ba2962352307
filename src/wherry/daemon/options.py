"""What can be configured: one row per option, with its flag, its key in daemon.json, its kind and its default.

Names are dockerd's, so that its files and habits go on working. Knows no value's meaning: `config` does.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Kind(enum.Enum):
    FLAG = "flag"
    TEXT = "text"
    NUMBER = "number"
    LIST = "list"
    MAP = "map"
    """On the command line key=value, several times; in the file an object."""
    POOLS = "pools"
    ULIMITS = "ulimits"
    RUNTIMES = "runtimes"


@dataclass(frozen=True, slots=True)
class Option:
    """`key` is the name in the file, `flag` the one on the command line, "" where they are the same."""

    key: str
    kind: Kind
    default: Any
    help: str
    flag: str = ""
    short: str = ""
    reloadable: bool = False

    @property
    def long(self) -> str:
        return f"--{self.flag or self.key}"

    @property
    def field(self) -> str:
        return self.key.replace("-", "_")


OPTIONS = (
    Option("data-root", Kind.TEXT, "/var/lib/wherry", "directory of everything that is kept"),
    Option("exec-root", Kind.TEXT, "/run/wherry", "directory of everything that a reboot forgets"),
    Option(
        "hosts",
        Kind.LIST,
        ("unix:///run/wherry/wherry.sock",),
        "where to listen: unix://, tcp:// or fd://",
        "host",
        "-H",
    ),
    Option("pidfile", Kind.TEXT, "/run/wherry/wherryd.pid", "file for our process id", short="-p"),
    Option("group", Kind.TEXT, "wherry", "group that may use the unix socket", short="-G"),
    Option("socket-mode", Kind.TEXT, "0660", "mode of the unix socket"),
    Option("debug", Kind.FLAG, False, "log everything", short="-D", reloadable=True),
    Option("log-level", Kind.TEXT, "info", "debug, info, warn, error or fatal", short="-l", reloadable=True),
    Option("exec-opts", Kind.LIST, (), "native.cgroupdriver=cgroupfs", "exec-opt"),
    Option("runtimes", Kind.RUNTIMES, {}, "another OCI runtime, NAME=PATH", "add-runtime"),
    Option("default-runtime", Kind.TEXT, "runc", "OCI runtime of containers that name none"),
    Option("init-path", Kind.TEXT, "", "path of the init for containers that ask for one"),
    Option(
        "default-ulimits", Kind.ULIMITS, {}, "not implemented: limits of containers that name none", "default-ulimit"
    ),
    Option("log-driver", Kind.TEXT, "json-file", "logging driver of containers that name none"),
    Option("log-opts", Kind.MAP, {}, "options of that driver", "log-opt"),
    Option(
        "storage-driver", Kind.TEXT, "", "overlay or native; chosen by what the kernel can do if not given", short="-s"
    ),
    Option("bridge", Kind.TEXT, "", "interface of the default network", short="-b"),
    Option("bip", Kind.TEXT, "", "address and prefix of that interface, 172.30.0.1/16"),
    Option("fixed-cidr", Kind.TEXT, "", "not implemented: part of that subnet for containers"),
    Option("mtu", Kind.NUMBER, 0, "MTU of the default network"),
    Option("icc", Kind.FLAG, True, "let containers of the default network reach each other"),
    Option("ip-masq", Kind.FLAG, True, "let containers of the default network reach other hosts"),
    Option("ip", Kind.TEXT, "0.0.0.0", "address for published ports that name none"),
    Option(
        "default-address-pools",
        Kind.POOLS,
        (),
        "where subnets come from, base=CIDR,size=PREFIX",
        "default-address-pool",
    ),
    Option("labels", Kind.LIST, (), "label of this engine, KEY=VALUE", "label", reloadable=True),
    Option("tls", Kind.FLAG, False, "speak TLS on tcp://"),
    Option("tlsverify", Kind.FLAG, False, "speak TLS on tcp:// and let only clients with a certificate in"),
    Option("tlscacert", Kind.TEXT, "", "certificates that sign those of clients"),
    Option("tlscert", Kind.TEXT, "", "our certificate"),
    Option("tlskey", Kind.TEXT, "", "its key"),
    Option("shutdown-timeout", Kind.NUMBER, 15, "seconds for requests to end when we do", reloadable=True),
    Option("live-restore", Kind.FLAG, True, "always on: containers outlive the daemon"),
)

BY_KEY = {option.key: option for option in OPTIONS}
