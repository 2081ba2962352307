"""Changes to how an image runs, written as lines of a Dockerfile: the `--change` of import and commit.

Knows the twelve instructions that change nothing but the config. Must not know builds. The grammar is the one of
"Dockerfile reference" in Docker's documentation; the texts of the errors are Docker's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

import msgspec

from wherry import errors
from wherry.images import times
from wherry.oci.image_config import Execution, Healthcheck

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"""(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"\\])+""", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?)([-+])([^}]*))?\})", re.ASCII)
_PORT = re.compile(r"(\d+)(?:-(\d+))?(?:/(tcp|udp|sctp))?", re.ASCII | re.IGNORECASE)
_SHELL = ("/bin/sh", "-c")


class InvalidChange(errors.InvalidArgument):
    pass


def apply(execution: Execution, changes: Iterable[str]) -> Execution:
    """`execution` with all changes made, in order. Raises InvalidChange."""
    for change in changes:
        for line in re.sub(r"\\[ \t]*\n", "", change).splitlines():
            stripped = line.strip()
            if stripped and not stripped.startswith("#"):
                execution = _apply_line(execution, stripped)
    return execution


def _apply_line(execution: Execution, line: str) -> Execution:
    instruction, _, rest = _SPACE.sub(" ", line, count=1).partition(" ")
    change = _INSTRUCTIONS.get(instruction.upper())
    if change is None:
        raise InvalidChange(f"{instruction} is not a valid change command")
    if not rest.strip():
        raise InvalidChange(f"{instruction.upper()} requires at least one argument")
    return msgspec.structs.replace(execution, **change(execution, rest.strip()))


Fields = dict[str, object]


def _cmd(execution: Execution, rest: str) -> Fields:
    return {"cmd": _command(execution, rest)}


def _entrypoint(execution: Execution, rest: str) -> Fields:
    return {"entrypoint": _command(execution, rest)}


def _env(execution: Execution, rest: str) -> Fields:
    env = list(execution.env or [])
    for name, value in _pairs("ENV", execution, rest):
        entry = f"{name}={value}"
        places = [index for index, known in enumerate(env) if known.partition("=")[0] == name]
        if places:
            env[places[0]] = entry
        else:
            env.append(entry)
    return {"env": env}


def _expose(execution: Execution, rest: str) -> Fields:
    ports = dict(execution.exposed_ports or {})
    for word in rest.split():
        expanded = _expand(word, execution)
        found = _PORT.fullmatch(expanded)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if found is None or not 0 <= first <= last <= 65535:
            raise InvalidChange(f"invalid containerPort: {expanded}")
        protocol = (found[3] or "tcp").lower()
        ports.update({f"{port}/{protocol}": {} for port in range(first, last + 1)})
    return {"exposed_ports": ports}


def _healthcheck(_execution: Execution, rest: str) -> Fields:
    options, rest = _options(rest)
    kind, _, command = rest.partition(" ")
    if kind.upper() == "NONE":
        if command.strip() or options:
            raise InvalidChange("HEALTHCHECK NONE takes no arguments")
        return {"healthcheck": Healthcheck(test=["NONE"])}
    if kind.upper() != "CMD":
        raise InvalidChange(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
    if not command.strip():
        raise InvalidChange("Missing command after HEALTHCHECK CMD")
    words = _json_words(command)
    test = ["CMD", *words] if words is not None else ["CMD-SHELL", command.strip()]
    values: dict[str, int] = {}
    for name, text in options.items():
        field = name.replace("-", "_")
        if field == "retries":
            values[field] = _retries(text)
        elif field in ("interval", "timeout", "start_period", "start_interval"):
            values[field] = _duration(text)
        else:
            raise InvalidChange(f"unknown flag: --{name}")
    return {"healthcheck": Healthcheck(test=test, **values)}


def _label(execution: Execution, rest: str) -> Fields:
    return {"labels": {**(execution.labels or {}), **dict(_pairs("LABEL", execution, rest))}}


def _onbuild(execution: Execution, rest: str) -> Fields:
    trigger = rest.partition(" ")[0].upper()
    if trigger == "ONBUILD":
        raise InvalidChange("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in ("MAINTAINER", "FROM"):
        raise InvalidChange(f"{trigger} isn't allowed as an ONBUILD trigger")
    return {"on_build": [*(execution.on_build or []), rest]}


def _stop_signal(execution: Execution, rest: str) -> Fields:
    return {"stop_signal": _single("STOPSIGNAL", execution, rest)}


def _user(execution: Execution, rest: str) -> Fields:
    return {"user": _single("USER", execution, rest)}


def _volume(execution: Execution, rest: str) -> Fields:
    words = _json_words(rest)
    paths = [_expand(word, execution) for word in (words if words is not None else rest.split())]
    if not all(path.strip() for path in paths):
        raise InvalidChange("VOLUME specified can not be an empty string")
    return {"volumes": {**(execution.volumes or {}), **{path: {} for path in paths}}}


def _workdir(execution: Execution, rest: str) -> Fields:
    path = _expand(rest, execution)
    joined = path if path.startswith("/") else f"{execution.working_dir or '/'}/{path}"
    parts: list[str] = []
    for part in joined.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return {"working_dir": "/" + "/".join(parts)}


_INSTRUCTIONS: dict[str, Callable[[Execution, str], Fields]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}


def _command(execution: Execution, rest: str) -> list[str]:
    words = _json_words(rest)
    return words if words is not None else [*(execution.shell or _SHELL), rest]


def _json_words(text: str) -> list[str] | None:
    """The words of an instruction in JSON form; None if it is not in that form."""
    if not text.lstrip().startswith("["):
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def _pairs(instruction: str, execution: Execution, rest: str) -> list[tuple[str, str]]:
    """`name=value …` or, the old way, one `name value`."""
    words = _words(rest)
    if "=" not in words[0]:
        name, _, value = _SPACE.sub(" ", rest, count=1).partition(" ")
        if not value:
            raise InvalidChange(f"{instruction} must have two arguments")
        return [(_expand(name, execution), _expand(value, execution))]
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InvalidChange(f"Syntax error - can't find = in {json.dumps(word)}. Must be of the form: name=value")
        name = _expand(name, execution)
        if not name:
            raise InvalidChange(f"{instruction} names can not be blank")
        pairs.append((name, _expand(value, execution)))
    return pairs


def _words(rest: str) -> list[str]:
    """The words of an instruction, quotes and backslashes still in them."""
    if _WORD.sub("", rest).strip():
        raise InvalidChange(f"unexpected end of statement in {json.dumps(rest)}: a quote is not closed")
    return _WORD.findall(rest)


def _single(instruction: str, execution: Execution, rest: str) -> str:
    if len(_words(rest)) != 1:
        raise InvalidChange(f"{instruction} requires exactly one argument")
    return _expand(rest, execution)


def _options(rest: str) -> tuple[dict[str, str], str]:
    options = {}
    while found := re.match(r"--([a-z-]+)=(\S+)\s*", rest):
        options[found[1]] = found[2]
        rest = rest[found.end() :]
    return options, rest


def _retries(text: str) -> int:
    if not re.fullmatch(r"\d+", text, re.ASCII):
        raise InvalidChange(f"--retries must be a number, not {text}")
    return int(text)


def _duration(text: str) -> int:
    try:
        nanoseconds = times.duration(text)
    except times.InvalidTime:
        raise InvalidChange(f'time: invalid duration "{text}"') from None
    if 0 < nanoseconds < 1_000_000:
        raise InvalidChange("Interval in HEALTHCHECK cannot be less than 1ms")
    return nanoseconds


def _expand(word: str, execution: Execution) -> str:
    """The word with its quotes and backslashes taken away and its variables replaced, as a shell would."""
    variables = dict(entry.partition("=")[::2] for entry in execution.env or [])
    out, at = [], 0
    quote = ""
    while at < len(word):
        letter = word[at]
        if letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote = letter
        elif letter == "\\" and quote != "'" and at + 1 < len(word):
            following = word[at + 1]
            out.append(following if not quote or following in '"$\\' else letter + following)
            at += 1
        elif letter == "$" and quote != "'" and (found := _VARIABLE.match(word, at)):
            out.append(_value(found, variables))
            at = found.end() - 1
        else:
            out.append(letter)
        at += 1
    if quote:
        raise InvalidChange(f"unexpected end of statement while looking for matching {quote}-quote")
    return "".join(out)


def _value(found: re.Match[str], variables: dict[str, str]) -> str:
    plain, braced, colon, operator, word = found.groups()
    value = variables.get(plain or braced)
    is_set = value is not None and not (colon and value == "")
    if operator == "-":
        return (value or "") if is_set else word
    if operator == "+":
        return word if is_set else ""
    return value or ""
