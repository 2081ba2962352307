"""SIGHUP: read the configuration anew and take over what can change while we run."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

import msgspec

from wherry import errors
from wherry.daemon import logs
from wherry.daemon.config import Config
from wherry.engine.engine import Engine

_log = logging.getLogger(__name__)

_RELOADABLE = frozenset({"log_level", "labels", "shutdown_timeout"})


class Reload:
    """Call it in the event loop. A wrong configuration is logged and changes nothing."""

    def __init__(self, config: Config, load: Callable[[], Config], engine: Engine) -> None:
        self._config = config
        self._load = load
        self._engine = engine

    def __call__(self) -> None:
        try:
            new = self._load()
        except errors.WherryError as error:
            _log.error("the configuration is not reloaded: %s", error.message)
            return
        names = [field.name for field in dataclasses.fields(Config)]
        changed = [name for name in names if getattr(new, name) != getattr(self._config, name)]
        for name in changed:
            if name not in _RELOADABLE:
                _log.warning("%s has changed; it takes effect when wherryd is started again", name.replace("_", "-"))
        logs.set_level(new.log_level)
        self._engine.options = msgspec.structs.replace(
            self._engine.options, labels=new.labels, debug=new.log_level == "debug"
        )
        self._config = dataclasses.replace(self._config, **{name: getattr(new, name) for name in _RELOADABLE})
        _log.info("configuration reloaded: %s", ", ".join(changed) or "nothing has changed")
