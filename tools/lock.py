"""Writes requirements.lock and requirements-dev.lock: each distribution with its version and the hash of its file.

pip resolves what pyproject.toml names, from whatever index it is configured for; no index is named in the result. The
files are those for the interpreter and the machine that this runs on. Run by `make lock`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_HEAD = "# Made by tools/lock.py from pyproject.toml; do not edit.\n"


def wanted(pyproject: Path) -> dict[str, list[str]]:
    """What each lock file has to hold, as requirements."""
    project = tomllib.loads(pyproject.read_text())["project"]
    runtime: list[str] = project["dependencies"]
    return {
        "requirements.lock": runtime,
        "requirements-dev.lock": runtime + project["optional-dependencies"]["dev"],
    }


def resolve(requirements: Sequence[str]) -> str:
    """The text of a lock file; raises CalledProcessError if pip finds no solution."""
    options = ("--dry-run", "--ignore-installed", "--quiet", "--only-binary", ":all:", "--report", "-")
    command = (sys.executable, "-m", "pip", "install", *options, *requirements)
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    lines = []
    for each in report["install"]:
        name = each["metadata"]["name"].lower().replace("_", "-")
        digest = each["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{name}=={each['metadata']['version']} \\\n    --hash=sha256:{digest}\n")
    return _HEAD + "".join(sorted(lines))


def main() -> int:
    for name, requirements in wanted(ROOT / "pyproject.toml").items():
        (ROOT / name).write_text(resolve(requirements))
    return 0


if __name__ == "__main__":
    sys.exit(main())
