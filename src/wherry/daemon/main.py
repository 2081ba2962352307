"""`wherryd`: read the configuration, then start. Imports nothing heavy, so that --help and mistakes answer at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import wherry
from wherry import errors
from wherry.daemon import config
from wherry.daemon.options import OPTIONS, Kind


def main(argv: Sequence[str] | None = None) -> int:
    try:
        arguments = _parser().parse_args(argv)
        loaded = load(arguments)
    except errors.WherryError as error:
        return _fail(error)
    if arguments.validate:
        print("configuration OK")
        return 0
    from wherry.daemon import app

    try:
        app.run(loaded, lambda: load(arguments))
    except errors.WherryError as error:
        return _fail(error)
    return 0


def load(arguments: argparse.Namespace) -> config.Config:
    """The configuration from the command line and the file as it is now."""
    flags: dict[str, Any] = {}
    for option in OPTIONS:
        words = getattr(arguments, option.field)
        if words is not None:
            flags[option.key] = config.flag_value(option, words)
    path = Path(arguments.config_file or config.DEFAULT_FILE)
    try:
        text = path.read_text()
    except FileNotFoundError:
        if arguments.config_file:
            raise config.InvalidFile(path, "there is no such file") from None
        text = None
    except (OSError, UnicodeDecodeError) as error:
        raise config.InvalidFile(path, str(error)) from None
    return config.build(flags, text, path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wherryd",
        description="The wherry daemon: runs containers and speaks Docker's Engine API.",
        epilog="Every option but the last four can also stand in daemon.json, a JSON object, under its key.",
        allow_abbrev=False,
    )
    for option in OPTIONS:
        names = [name for name in (option.short, option.long) if name]
        default = "" if option.default in ("", (), {}, 0) else f" (default {_default(option.default)})"
        key = "" if option.flag == "" else f"; key {option.key}"
        optional = {"nargs": "?", "const": "true"} if option.kind is Kind.FLAG else {}
        parser.add_argument(
            *names,
            dest=option.field,
            action="append",
            metavar="VALUE",
            help=(option.help + key + default).replace("%", "%%"),
            **optional,  # type: ignore[arg-type]
        )
    parser.add_argument("--config-file", metavar="FILE", help=f"another daemon.json than {config.DEFAULT_FILE}")
    parser.add_argument("--validate", action="store_true", help="check the configuration and exit")
    parser.add_argument("-v", "--version", action="version", version=f"wherryd {wherry.__version__}")
    return parser


def _default(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()


def _fail(error: errors.WherryError) -> int:
    print(f"wherryd: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)
    return 1
