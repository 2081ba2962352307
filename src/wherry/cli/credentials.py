"""Who we are at a registry.

Knows the `auths` of config.json and the header the engine takes them in. Must not know registries; credential helpers
are asked as programs.
"""

from __future__ import annotations

import base64
import subprocess

from wherry.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.configuration import Configuration

_HUB = "https://index.docker.io/v1/"


def header(configuration: Configuration, full_name: str) -> dict[str, str]:
    """The X-Registry-Auth header for a repository, empty credentials if we have none."""
    host = full_name.partition("/")[0]
    key = _HUB if host == "docker.io" else host
    found = _from_helper(configuration, key) or _from_file(configuration, key)
    return {"X-Registry-Auth": base64.urlsafe_b64encode(jsontext.encode(found).encode()).decode()}


def _from_file(configuration: Configuration, key: str) -> dict[str, Any]:
    entries = configuration.get("auths")
    entry = entries.get(key) if isinstance(entries, dict) else None
    if not isinstance(entry, dict):
        return {}
    found = {name: entry[name] for name in ("identitytoken", "registrytoken") if entry.get(name)}
    if entry.get("auth"):
        name, _, secret = base64.b64decode(entry["auth"]).decode().partition(":")
        found |= {"username": name, "password": secret.rstrip("\0")}
    return {**found, "serveraddress": key} if found else {}


def _from_helper(configuration: Configuration, key: str) -> dict[str, Any]:
    helpers = configuration.get("credHelpers")
    helper = (helpers.get(key) if isinstance(helpers, dict) else None) or configuration.text("credsStore")
    if not helper:
        return {}
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"], input=key.encode(), capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return {}  # no such helper, or it has nothing for this registry: ask without credentials
    answer = jsontext.decode(done.stdout)
    name, secret = answer.get("Username", ""), answer.get("Secret", "")
    if name == "<token>":
        return {"identitytoken": secret, "serveraddress": key}
    return {"username": name, "password": secret, "serveraddress": key}
