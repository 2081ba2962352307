"""`wherry stats`: what containers use, now or as it changes."""

from __future__ import annotations

import select
import sys
import time

from wherry.cli import flags, listing, units
from wherry.cli.command import Command, Invocation
from wherry.client import jsontext
from wherry.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.client.transport import Response

_EMPTY = "--"
_INTERVAL_MS = 500
_DEFAULT = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")


def _run(call: Invocation) -> int:
    options = call.options
    format = options.text("format") or call.configuration.text("statsFormat")
    fields = _fields(options.on("no-trunc"))
    if options.on("no-stream"):
        # All are asked before the first answer is read: each takes a second or two.
        asked = [(name, _ask(call, name, stream=False)) for name in _names(call)]
        listing.show(
            [(name, answer.json()) for name, answer in asked], fields, format, _DEFAULT, kind="formatter.statsContext"
        )
        return 0
    watched = _Watched(call)
    while True:
        watched.refresh()
        samples = watched.wait()
        if not format or format.startswith("table"):
            sys.stdout.write("\033[H\033[J")
        listing.show(samples, fields, format, _DEFAULT, kind="formatter.statsContext")
        sys.stdout.flush()
        if call.arguments and not watched.streams:
            return 0


def _names(call: Invocation) -> list[str]:
    if call.arguments:
        return call.arguments
    parameters = [("all", "1")] if call.options.on("all") else []
    return [container["Id"] for container in call.engine.get("/containers/json", parameters)]


def _ask(call: Invocation, name: str, *, stream: bool) -> Response:
    return call.engine.request("GET", f"/containers/{quote(name)}/stats", [("stream", "1" if stream else "0")])


class _Watched:
    """The containers whose samples are streamed to us."""

    def __init__(self, call: Invocation) -> None:
        self._call = call
        self.streams: dict[str, tuple[Response, Any]] = {}
        self._last: dict[str, dict[str, Any]] = {}

    def refresh(self) -> None:
        """Begin to watch what has come up since the last time."""
        if self._last and self._call.arguments:
            return
        names = _names(self._call)
        for gone in set(self._last) - set(names):
            del self._last[gone]
            self.streams.pop(gone, None)
        for name in names:
            if name not in self._last:
                answer = _ask(self._call, name, stream=True)
                self.streams[name] = (answer, answer.lines())
                self._last[name] = {}

    def wait(self) -> list[tuple[str, dict[str, Any]]]:
        """The newest sample of every container, half a second later."""
        end = time.monotonic() + _INTERVAL_MS / 1000
        poll = select.poll()
        by_descriptor = {answer.descriptor: name for name, (answer, _) in self.streams.items()}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN)
        while (left := end - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left * 1000):
                name = by_descriptor[descriptor]
                line = next(self.streams[name][1], None)
                if line is None:
                    poll.unregister(descriptor)
                    del self.streams[name]
                else:
                    self._last[name] = jsontext.decode(line)
        return list(self._last.items())


def _cpu(sample: dict[str, Any]) -> float:
    now, before = sample.get("cpu_stats") or {}, sample.get("precpu_stats") or {}
    used = _used(now) - _used(before)
    passed = (now.get("system_cpu_usage") or 0) - (before.get("system_cpu_usage") or 0)
    processors = now.get("online_cpus") or len((now.get("cpu_usage") or {}).get("percpu_usage") or ())
    return used / passed * processors * 100 if used > 0 and passed > 0 else 0.0


def _used(usage: dict[str, Any]) -> int:
    return int((usage.get("cpu_usage") or {}).get("total_usage") or 0)


def _memory(sample: dict[str, Any]) -> tuple[float, float]:
    """Bytes in use, without the cache that is easily given up, and the limit."""
    memory = sample.get("memory_stats") or {}
    usage, details = memory.get("usage") or 0, memory.get("stats") or {}
    for key in ("total_inactive_file", "inactive_file"):
        if key in details:
            usage = usage - details[key] if details[key] < usage else usage
            break
    return usage, memory.get("limit") or 0


def _memory_share(sample: dict[str, Any]) -> float:
    used, limit = _memory(sample)
    return used / limit * 100 if limit else 0.0


def _network(sample: dict[str, Any]) -> tuple[int, int]:
    interfaces = (sample.get("networks") or {}).values()
    return sum(each["rx_bytes"] for each in interfaces), sum(each["tx_bytes"] for each in interfaces)


def _blocks(sample: dict[str, Any]) -> tuple[int, int]:
    entries = (sample.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    read = sum(entry["value"] for entry in entries if entry["op"][:1].lower() == "r")
    return read, sum(entry["value"] for entry in entries if entry["op"][:1].lower() == "w")


def _pair(values: tuple[float, float], *, binary: bool = False) -> str:
    if binary:
        return " / ".join(units.binary_size(value) for value in values)
    return " / ".join(units.decimal_size(value, 3) for value in values)


def _fields(full: bool) -> dict[str, listing.Field]:
    def known(item: tuple[str, dict[str, Any]], text: Any, missing: str = _EMPTY) -> str:
        return str(text(item[1])) if item[1].get("cpu_stats") else missing

    return {
        "BlockIO": ("BLOCK I/O", lambda item: known(item, lambda sample: _pair(_blocks(sample)))),
        "CPUPerc": ("CPU %", lambda item: known(item, lambda sample: f"{_cpu(sample):.2f}%")),
        "Container": ("CONTAINER", lambda item: item[0] if full or item[0] != item[1].get("id") else item[0][:12]),
        "ID": ("CONTAINER ID", lambda item: (item[1].get("id") or "") if full else (item[1].get("id") or "")[:12]),
        "MemPerc": ("MEM %", lambda item: known(item, lambda sample: f"{_memory_share(sample):.2f}%")),
        "MemUsage": (
            "MEM USAGE / LIMIT",
            lambda item: known(item, lambda sample: _pair(_memory(sample), binary=True), "-- / --"),
        ),
        "Name": ("NAME", lambda item: (item[1].get("name") or "").removeprefix("/") or _EMPTY),
        "NetIO": ("NET I/O", lambda item: known(item, lambda sample: _pair(_network(sample)))),
        "PIDs": ("PIDS", lambda item: known(item, lambda sample: (sample.get("pids_stats") or {}).get("current", 0))),
    }


COMMAND = Command(
    _run,
    "Show what containers use, as it changes",
    "[OPTIONS] [CONTAINER...]",
    most=None,
    flags=(
        flags.switch("all", "a", "Show stopped containers too"),
        flags.output_format(),
        flags.switch("no-stream", "", "Show one sample and leave"),
        flags.switch("no-trunc", "", "Show IDs whole"),
    ),
    examples=("stats", "stats --no-stream web"),
)
