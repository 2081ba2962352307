"""The daemon's own log: one line a message on standard error, key=value, as dockerd writes it."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_NAMES = {"WARNING": "warning", "CRITICAL": "fatal"}


class KeyValue(logging.Formatter):
    """`time=… level=… msg="…" logger=…`; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        level = _NAMES.get(record.levelname, record.levelname.lower())
        message = json.dumps(record.getMessage(), ensure_ascii=False)
        line = f"time={time} level={level} msg={message} logger={record.name.removeprefix('wherry.')}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def set_up(level: str) -> None:
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(KeyValue())
    logging.getLogger().handlers[:] = [output]
    set_level(level)


def set_level(level: str) -> None:
    logging.getLogger().setLevel(_LEVELS.get(level, logging.CRITICAL))
    logging.getLogger("asyncio").setLevel(logging.WARNING)
