"""Which engine a command line means.

Knows the global flags, the environment and Docker's contexts, and the order in which they count. Must not know HTTP.
"""

from __future__ import annotations

import os

from wherry.cli.failure import Failure
from wherry.client import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.configuration import Configuration
    from wherry.cli.flags import Options
    from wherry.client.address import Address, Tls

_UNRESOLVED = "Failed to initialize: unable to resolve docker endpoint"


def choose(configuration: Configuration, settings: Options | None) -> Address:
    """The address of the engine: -H, then --context, the host variable, the context variable, the current context, the
    default.
    """
    hosts = settings.list("host") if settings is not None else []
    context = settings.text("context") if settings is not None else ""
    if len(hosts) > 1:
        raise Failure(f"{_UNRESOLVED}: Specify only one -H")
    if hosts and context:
        raise Failure(f"{_UNRESOLVED}: conflicting options: cannot specify both --host and --context")
    host = hosts[0] if hosts else "" if context else address.from_environment(os.environ)
    if not host:
        context = context or os.environ.get("DOCKER_CONTEXT", "") or configuration.text("currentContext")
        if context and context != "default":
            return _of_context(configuration, context)
    tls = _tls(configuration, settings)
    try:
        return address.Address(address.normalise(host, secure=tls is not None), tls)
    except address.UnusableHost as error:
        raise Failure(f"{_UNRESOLVED}: {error}") from None


def _tls(configuration: Configuration, settings: Options | None) -> Tls | None:
    verify = bool(os.environ.get("DOCKER_TLS_VERIFY"))
    wanted = verify or bool(os.environ.get("DOCKER_TLS"))
    if settings is not None:
        verify = settings.on("tlsverify") if settings.given("tlsverify") else verify
        wanted = wanted or settings.on("tls") or verify
        wanted = settings.on("tls") if settings.given("tls") and not verify else wanted
    if not wanted:
        return None
    directory = address.certificates(os.environ, configuration.directory)

    def file(flag: str, name: str) -> str:
        given = settings.text(flag) if settings is not None else ""
        return given or os.path.join(directory, name)

    return address.Tls(file("tlscacert", "ca.pem"), file("tlscert", "cert.pem"), file("tlskey", "key.pem"), verify)


def _of_context(configuration: Configuration, name: str) -> Address:
    import hashlib

    from wherry.client import jsontext

    identity = hashlib.sha256(name.encode()).hexdigest()
    contexts = os.path.join(configuration.directory, "contexts")
    path = os.path.join(contexts, "meta", identity, "meta.json")
    try:
        with open(path, "rb") as file:
            described: dict[str, Any] = jsontext.decode(file.read())["Endpoints"]["docker"]
    except (OSError, KeyError, ValueError):
        raise Failure(f'{_UNRESOLVED}: context "{name}": context not found: {path} cannot be read') from None
    material = os.path.join(contexts, "tls", identity, "docker")
    tls = None
    if os.path.isdir(material):
        ca, certificate, key = (os.path.join(material, file) for file in ("ca.pem", "cert.pem", "key.pem"))
        tls = address.Tls(ca, certificate, key, not described.get("SkipTLSVerify", False))
    return address.Address(address.normalise(str(described.get("Host") or ""), secure=tls is not None), tls)
