"""The user's config.json: default formats, extra headers, detach keys, the current context.

Knows Docker's file, which is shared with it. Must not write it. Read only if it exists; a broken one is an error that
names the file.
"""

from __future__ import annotations

import os

from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Configuration:
    """`directory` holds config.json; values are looked up by Docker's key."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._values: dict[str, Any] | None = None

    def _load(self) -> dict[str, Any]:
        path = os.path.join(self.directory, "config.json")
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            return {}
        from wherry.client import jsontext

        try:
            document = jsontext.decode(content)
        except ValueError as error:
            raise Failure(f"Error loading config file: {path}: {error}") from None
        return document if isinstance(document, dict) else {}

    def get(self, key: str) -> Any:
        if self._values is None:
            self._values = self._load()
        return self._values.get(key)

    def text(self, key: str) -> str:
        found = self.get(key)
        return found if isinstance(found, str) else ""
