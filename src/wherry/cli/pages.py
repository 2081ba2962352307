"""The pages that belong to no single command: `wherry`, `wherry help`, a group of commands, a command we lack.

Knows how commands are grouped. Must not know what they do; it loads them for their summaries.
"""

from __future__ import annotations

import sys

from wherry.cli import global_flags, help_page, main
from wherry.cli.client_facts import VERSION
from wherry.cli.failure import Failure

_COMMON = ("run", "exec", "ps", "build", "pull", "push", "images", "login", "logout", "search", "version", "info")
_SWARM = ("config", "node", "secret", "service", "stack", "swarm")
_GROUPS = {
    "builder": "Manage builds",
    "buildx": "Build with BuildKit's features",
    "checkpoint": "Manage checkpoints",
    "compose": "Run applications of several containers",
    "config": "Manage configs of a swarm",
    "container": "Manage containers",
    "context": "Manage contexts",
    "image": "Manage images",
    "manifest": "Manage image manifests and manifest lists",
    "network": "Manage networks",
    "node": "Manage nodes of a swarm",
    "plugin": "Manage plugins",
    "secret": "Manage secrets of a swarm",
    "service": "Manage services of a swarm",
    "stack": "Manage stacks of services",
    "swarm": "Manage the swarm itself",
    "system": "Manage wherry",
    "trust": "Manage trust in images",
    "volume": "Manage volumes",
}
_ABSENT = {
    "build": "Build an image from a Dockerfile",
    "login": "Log in to a registry",
    "logout": "Log out of a registry",
}
_HINTS = {
    "build": "make an image elsewhere and bring it here with 'wherry load'",
    "login": "images come here with 'wherry load' or 'wherry import'",
}


def show(words: list[str]) -> int:
    """`wherry`, `wherry --version` and `wherry help [COMMAND]`."""
    if words == ["--version"]:
        print(f"wherry version {VERSION}, build {VERSION}")
        return 0
    topic = [word for word in words[1:] if not word.startswith("-")]
    if not topic:
        _front()
        return 0
    name = topic[0]
    if name in main.TOP:
        return help_page.show(name, main.load(main.TOP[name])) if main.TOP[name] else absent(name)
    if name not in main.GROUPS:
        raise Failure(f"unknown help topic: {' '.join(topic)}")
    module = main.GROUPS[name].get(topic[1], "") if len(topic) > 1 else ""
    return help_page.show(f"{name} {topic[1]}", main.load(module)) if module else group(name, topic[1:])


def group(name: str, words: list[str]) -> int:
    """The page of a group; a complaint about a word that is not a command of it."""
    if words and not words[0].startswith("-"):
        raise Failure(
            f"wherry: unknown command: wherry {name} {words[0]}\n\nUsage:  wherry {name}\n\n"
            f"Run 'wherry {name} --help' for more information"
        )
    if words and words[0] not in ("-h", "--help"):
        raise Failure(
            f"unknown flag: {words[0]}\n\nUsage:  wherry {name} COMMAND\n\n"
            f"Run 'wherry {name} --help' for more information",
            125,
        )
    table = main.GROUPS[name]
    modules = list(table.values())
    # An alias names the same module as the command before it.
    firsts = [sub for index, sub in enumerate(table) if not modules[index] or modules[index] not in modules[:index]]
    lines = [(sub, main.load(table[sub]).summary if table[sub] else "(not implemented yet)") for sub in sorted(firsts)]
    print(f"Usage:  wherry {name} COMMAND\n\n{_GROUPS[name]}\n\nCommands:\n{_listed(lines)}\n")
    print(f"Run 'wherry {name} COMMAND --help' for more information on a command.")
    return 0


def absent(path: str) -> int:
    """Say plainly that a command of Docker's is missing here."""
    hint = _HINTS.get(path.rsplit(" ", maxsplit=1)[-1], "'wherry --help' lists what works")
    raise Failure(f"wherry: '{path}' is not implemented yet\n{hint}")


def unknown_command(name: str) -> int:
    import difflib

    known = [*main.TOP, *main.GROUPS]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    guess = f"\nDid you mean 'wherry {near[0]}'?" if near else ""
    raise Failure(f"wherry: unknown command: wherry {name}{guess}\n\nRun 'wherry --help' for more information")


def _front() -> None:
    def summaries(names: list[str]) -> str:
        return _listed(
            [(name, main.load(main.TOP[name]).summary if main.TOP[name] else _ABSENT[name]) for name in names]
        )

    management = [(name, text) for name, text in _GROUPS.items() if name not in _SWARM]
    print("Usage:  wherry [OPTIONS] COMMAND\n\nA container platform that speaks Docker's language\n")
    print(f"Common Commands:\n{summaries(list(_COMMON))}\n")
    print(f"Management Commands:\n{_listed(management)}\n")
    print(f"Swarm Commands:\n{_listed([(name, _GROUPS[name]) for name in _SWARM])}\n")
    print(f"Commands:\n{summaries([name for name in main.TOP if name not in _COMMON])}\n")
    print(f"Global Options:\n{help_page.flag_lines(global_flags.FLAGS, help_page.page_width())}\n")
    print("Run 'wherry COMMAND --help' for more information on a command.")
    sys.stdout.flush()


def _listed(rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"  {name:<11} {text}" if len(name) < 12 else f"  {name} {text}" for name, text in rows)
