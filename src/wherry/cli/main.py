"""The `wherry` command: from a command line to the module that does it.

Knows the names of all commands and the global flags. Must not know what any command does: a module of
wherry.cli.commands is loaded only when its command is asked for. Everything on the way to a command is kept to built-
in modules, because `wherry ps` is to be done in 10 ms; start-up is measured by tests/perf.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from wherry.cli.command import Command, Invocation
    from wherry.cli.configuration import Configuration
    from wherry.cli.flags import Options
    from wherry.client.transport import Engine

# The command's name, and the module below wherry.cli.commands; "" for what Docker has and we do not have yet.
TOP = {
    "attach": "container.attach",
    "build": "",
    "commit": "container.commit",
    "cp": "container.cp",
    "create": "container.create",
    "diff": "container.diff",
    "events": "system.events",
    "exec": "container.exec",
    "export": "container.export",
    "history": "image.history",
    "images": "image.ls",
    "import": "image.import_",
    "info": "system.info",
    "inspect": "inspect",
    "kill": "container.kill",
    "load": "image.load",
    "login": "",
    "logout": "",
    "logs": "container.logs",
    "pause": "container.pause",
    "port": "container.port",
    "ps": "container.ls",
    "pull": "image.pull",
    "push": "image.push",
    "rename": "container.rename",
    "restart": "container.restart",
    "rm": "container.rm",
    "rmi": "image.rm",
    "run": "container.run",
    "save": "image.save",
    "search": "search",
    "start": "container.start",
    "stats": "container.stats",
    "stop": "container.stop",
    "tag": "image.tag",
    "top": "container.top",
    "unpause": "container.unpause",
    "update": "container.update",
    "version": "version",
    "wait": "container.wait",
}
GROUPS: dict[str, dict[str, str]] = {
    "builder": {"build": "", "prune": ""},
    "buildx": dict.fromkeys(
        ("bake", "build", "create", "du", "inspect", "ls", "prune", "rm", "stop", "use", "version"), ""
    ),
    "checkpoint": dict.fromkeys(("create", "ls", "rm"), ""),
    "compose": dict.fromkeys(
        ("up", "down", "ps", "logs", "build", "config", "run", "exec", "start", "stop", "restart"), ""
    ),
    "config": dict.fromkeys(("create", "inspect", "ls", "rm"), ""),
    "container": {
        "attach": "container.attach",
        "commit": "container.commit",
        "cp": "container.cp",
        "create": "container.create",
        "diff": "container.diff",
        "exec": "container.exec",
        "export": "container.export",
        "inspect": "container.inspect",
        "kill": "container.kill",
        "logs": "container.logs",
        "ls": "container.ls",
        "list": "container.ls",
        "ps": "container.ls",
        "pause": "container.pause",
        "port": "container.port",
        "prune": "container.prune",
        "rename": "container.rename",
        "restart": "container.restart",
        "rm": "container.rm",
        "remove": "container.rm",
        "run": "container.run",
        "start": "container.start",
        "stats": "container.stats",
        "stop": "container.stop",
        "top": "container.top",
        "unpause": "container.unpause",
        "update": "container.update",
        "wait": "container.wait",
    },
    "context": dict.fromkeys(("create", "export", "import", "inspect", "ls", "rm", "show", "update", "use"), ""),
    "image": {
        "build": "",
        "history": "image.history",
        "import": "image.import_",
        "inspect": "image.inspect",
        "load": "image.load",
        "ls": "image.ls",
        "list": "image.ls",
        "prune": "image.prune",
        "pull": "image.pull",
        "push": "image.push",
        "rm": "image.rm",
        "remove": "image.rm",
        "save": "image.save",
        "tag": "image.tag",
    },
    "manifest": dict.fromkeys(("annotate", "create", "inspect", "push", "rm"), ""),
    "network": {
        "connect": "network.connect",
        "create": "network.create",
        "disconnect": "network.disconnect",
        "inspect": "network.inspect",
        "ls": "network.ls",
        "list": "network.ls",
        "prune": "network.prune",
        "rm": "network.rm",
        "remove": "network.rm",
    },
    "node": dict.fromkeys(("demote", "inspect", "ls", "promote", "ps", "rm", "update"), ""),
    "plugin": dict.fromkeys(
        ("create", "disable", "enable", "inspect", "install", "ls", "push", "rm", "set", "upgrade"), ""
    ),
    "secret": dict.fromkeys(("create", "inspect", "ls", "rm"), ""),
    "service": dict.fromkeys(("create", "inspect", "logs", "ls", "ps", "rm", "rollback", "scale", "update"), ""),
    "stack": dict.fromkeys(("config", "deploy", "ls", "ps", "rm", "services"), ""),
    "swarm": dict.fromkeys(("ca", "init", "join", "join-token", "leave", "unlock", "unlock-key", "update"), ""),
    "system": {
        "bootstrap-image": "system.bootstrap_image",
        "df": "system.df",
        "dial-stdio": "system.dial_stdio",
        "events": "system.events",
        "info": "system.info",
        "prune": "system.prune",
    },
    "trust": dict.fromkeys(("inspect", "revoke", "sign"), ""),
    "volume": {
        "create": "volume.create",
        "inspect": "volume.inspect",
        "ls": "volume.ls",
        "list": "volume.ls",
        "prune": "volume.prune",
        "rm": "volume.rm",
        "remove": "volume.rm",
        "update": "",
    },
}


def main() -> NoReturn:
    """Do what the command line says and leave at once: nothing is worth the interpreter's own clean-up."""
    import os

    code = 1
    try:
        code = perform(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        code = 1  # the reader of our output has gone, as in `wherry logs x | head -1`
    except KeyboardInterrupt:
        code = 130
    except Exception:
        import traceback

        traceback.print_exc()
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


def perform(words: list[str]) -> int:
    """The exit code of a command line without the program's name."""
    from wherry import errors
    from wherry.cli.failure import Failure

    try:
        return _dispatch(words)
    except Failure as failure:
        return _complain(failure.message, failure.code)
    except errors.WherryError as error:
        from wherry.cli.command import described

        return _complain(described(error), 1)


def _complain(message: str, code: int) -> int:
    sys.stdout.flush()
    if message:
        sys.stderr.write(message + "\n")
    return code


def _dispatch(words: list[str]) -> int:
    settings: Options | None = None
    if words and words[0].startswith("-"):
        from wherry.cli import global_flags

        settings, words = global_flags.read(words)
        if settings.on("version"):
            words = ["--version"]
    if not words or words[0] in ("help", "--version"):
        from wherry.cli import pages

        return pages.show(words)
    name, *rest = words
    if name in TOP:
        return _run(name, TOP[name], rest, settings)
    if name not in GROUPS:
        from wherry.cli import pages

        return pages.unknown_command(name)
    while rest and rest[0] == "--help":
        rest = []
    if not rest or rest[0].startswith("-") or rest[0] not in GROUPS[name]:
        from wherry.cli import pages

        return pages.group(name, rest)
    return _run(f"{name} {rest[0]}", GROUPS[name][rest[0]], rest[1:], settings)


def load(module: str) -> Command:
    """The command of a module below wherry.cli.commands."""
    name = "wherry.cli.commands." + module
    __import__(name)
    command: Command = sys.modules[name].COMMAND
    return command


def _run(path: str, module: str, words: list[str], settings: Options | None) -> int:
    if not module:
        from wherry.cli import pages

        return pages.absent(path)
    from wherry.cli import flags
    from wherry.cli.failure import FlagError, HelpAsked

    command = load(module)
    try:
        options, arguments = flags.parse(command.flags, words, interspersed=command.interspersed)
    except HelpAsked as asked:
        from wherry.cli import help_page

        return help_page.show(path, command, deprecated=asked.deprecated)
    except FlagError as error:
        from wherry.cli import help_page

        return help_page.flag_error(path, command, error.message)
    if command.complaint(len(arguments)):
        from wherry.cli import help_page

        return help_page.arity_error(path, command, len(arguments))
    return command.run(_invocation(path, options, arguments, settings))


def _invocation(path: str, options: Options, arguments: list[str], settings: Options | None) -> Invocation:
    import os

    from wherry.cli.command import Invocation
    from wherry.cli.configuration import Configuration
    from wherry.client import address

    directory = settings.text("config") if settings is not None else ""
    configuration = Configuration(directory or address.configuration_directory(os.environ))
    return Invocation(path, options, arguments, configuration, lambda: _engine(configuration, settings))


def _engine(configuration: Configuration, settings: Options | None) -> Engine:
    from wherry.cli import endpoint
    from wherry.client import transport

    target = endpoint.choose(configuration, settings)
    headers = configuration.get("HttpHeaders")
    return transport.Engine(
        target, version=transport.version_from_environment(), headers=headers if isinstance(headers, dict) else None
    )
