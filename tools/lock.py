"""Writes requirements.lock and requirements-dev.lock: each distribution with its version and the hashes of its files.

pip resolves what pyproject.toml names, from whatever index it is configured for; no index is named in the result. It is
resolved for the interpreter that this runs on, then the files for each machine that we support are looked up, since one
lock has to do for all of them. Run by `make lock`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
_HEAD = "# Made by tools/lock.py from pyproject.toml; do not edit.\n"
_MACHINES = ("x86_64", "aarch64")
_GLIBC = range(17, 37)
"""Minor versions of glibc 2 whose wheels run on Debian 12."""


class Distribution(NamedTuple):
    name: str
    version: str
    sha256: str

    @property
    def pinned(self) -> str:
        return f"{self.name}=={self.version}"


def wanted(pyproject: Path) -> dict[str, list[str]]:
    """What each lock file has to hold, as requirements."""
    project = tomllib.loads(pyproject.read_text())["project"]
    runtime: list[str] = project["dependencies"]
    return {
        "requirements.lock": runtime,
        "requirements-dev.lock": runtime + project["optional-dependencies"]["dev"],
    }


def resolve(requirements: Sequence[str], *options: str) -> Iterator[Distribution]:
    """What pip would install; raises CalledProcessError if it finds no solution."""
    always = ("--dry-run", "--ignore-installed", "--quiet", "--only-binary", ":all:", "--report", "-")
    command = (sys.executable, "-m", "pip", "install", *always, *options, *requirements)
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    for each in report["install"]:
        name = each["metadata"]["name"].lower().replace("_", "-")
        yield Distribution(name, each["metadata"]["version"], each["download_info"]["archive_info"]["hashes"]["sha256"])


def lock(requirements: Sequence[str]) -> str:
    """The text of a lock file."""
    pins = sorted({each.pinned for each in resolve(requirements)})
    hashes: dict[str, list[str]] = {pin: [] for pin in pins}
    for machine in _MACHINES:
        platforms = (f"--platform=manylinux_2_{minor}_{machine}" for minor in _GLIBC)
        for each in resolve(pins, "--no-deps", "--target=unused", *platforms, f"--platform=manylinux2014_{machine}"):
            if each.sha256 not in hashes[each.pinned]:
                hashes[each.pinned].append(each.sha256)
    return _HEAD + "".join(_entry(pin, hashes[pin]) for pin in pins)


def _entry(pin: str, hashes: Sequence[str]) -> str:
    return " \\\n    ".join((pin, *(f"--hash=sha256:{each}" for each in hashes))) + "\n"


def main() -> int:
    for name, requirements in wanted(ROOT / "pyproject.toml").items():
        (ROOT / name).write_text(lock(requirements))
    return 0


if __name__ == "__main__":
    sys.exit(main())
