"""Filters of lists, prunes and event streams, apart from those of images.

Knows Docker's filter words. Must not know where things are kept. Values of one word are alternatives, words must all
hold; of labels every value must hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from wherry.engine.events import Event
from wherry.engine.machine import Phase
from wherry.engine.records import Record
from wherry.images import filters
from wherry.images.filters import InvalidFilter
from wherry.network.network import Network
from wherry.server.render import state
from wherry.server.render.container import labels
from wherry.server.render.ports import port_list, port_map
from wherry.volumes.store import ANONYMOUS_LABEL, Volume

Filters = Mapping[str, Sequence[str]]

CONTAINERS = frozenset(
    [
        "ancestor",
        "before",
        "exited",
        "expose",
        "health",
        "id",
        "is-task",
        "isolation",
        "label",
        "name",
        "network",
        "publish",
        "since",
        "status",
        "volume",
    ]
)
_STATUSES = frozenset(["created", "running", "paused", "restarting", "removing", "exited", "dead"])
_HEALTH = frozenset(["none", "starting", "healthy", "unhealthy"])
_PRUNE = frozenset({"label", "label!", "until"})
_PATTERN = 256
_SHOWN = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.STOPPING, Phase.RESTARTING})


def containers(
    records: Sequence[Record],
    given: Filters,
    *,
    everything: bool,
    limit: int,
    find: Callable[[str], Record],
    image_id: Callable[[str], str],
) -> list[Record]:
    """Those of `records`, newest first, that a list shows. A status or a limit asks for ended ones too.

    `find` resolves what `before` and `since` name; `image_id` what `ancestor` names, to "" if there is none.
    """
    filters.check(given, CONTAINERS)
    _check_words("status", given, _STATUSES)
    _check_words("health", given, _HEALTH)
    before = [find(value).created for value in given.get("before", ())]
    since = [find(value).created for value in given.get("since", ())]
    ancestors = {image_id(value) for value in given.get("ancestor", ())}
    exited = [_integer("exited", value) for value in given.get("exited", ())]
    chosen = [
        record
        for record in records
        if (everything or limit > 0 or "status" in given or record.state.phase in _SHOWN)
        and all(record.created < moment for moment in before)
        and all(record.created > moment for moment in since)
        and (not ancestors or record.image_id in ancestors)
        and (not exited or (record.state.phase is Phase.EXITED and record.state.exit_code in exited))
        and _matches(record, given)
    ]
    return chosen[:limit] if limit > 0 else chosen


def _matches(record: Record, given: Filters) -> bool:
    return (
        filters.has_labels(given, labels(record))
        and _any_pattern(given.get("id"), record.id)
        and (_any_pattern(given.get("name"), record.name) or _any_pattern(given.get("name"), f"/{record.name}"))
        and ("status" not in given or state.status(record.state) in given["status"])
        and ("health" not in given or "none" in given["health"])
        and ("is-task" not in given or filters.flag(given, "is-task") is False)
        and ("isolation" not in given or bool({"", "default"} & set(given["isolation"])))
        and _on_network(record, given.get("network"))
        and _has_volume(record, given.get("volume"))
        and _has_port(given.get("expose"), set(port_map(record)))
        and _has_port(given.get("publish"), _published(record))
    )


def _any_pattern(patterns: Sequence[str] | None, text: str) -> bool:
    """Regular expressions as Docker takes them; one that is none is compared as it is."""
    if patterns is None:
        return True
    for pattern in patterns:
        try:
            if pattern in text or (len(pattern) <= _PATTERN and re.search(pattern, text)):
                return True
        except re.error:
            continue
    return False


def _on_network(record: Record, wanted: Sequence[str] | None) -> bool:
    if wanted is None:
        return True
    names = {*record.networks, record.host.network_mode, *(endpoint.network for endpoint in record.endpoints)}
    ids = [endpoint.network_id for endpoint in record.endpoints]
    return any(value in names or any(i.startswith(value) for i in ids) for value in wanted)


def _has_volume(record: Record, wanted: Sequence[str] | None) -> bool:
    return wanted is None or any(value in (m.name, m.source, m.target) for value in wanted for m in record.mounts)


def _published(record: Record) -> set[str]:
    return {f"{entry['PublicPort']}/{entry['Type']}" for entry in port_list(record) if "PublicPort" in entry}


def _has_port(wanted: Sequence[str] | None, ports: Collection[str]) -> bool:
    """ "80", "80/udp" or a range "8000-8010/tcp"."""
    if wanted is None:
        return True
    for value in wanted:
        text, _, protocol = value.partition("/")
        first, _, last = text.partition("-")
        low, high = _integer("publish", first), _integer("publish", last or first)
        for port in ports:
            number, _, of = port.partition("/")
            if low <= int(number) <= high and of == (protocol or "tcp"):
                return True
    return False


def _integer(word: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidFilter(word, text) from None


def _check_words(word: str, given: Filters, allowed: frozenset[str]) -> None:
    for value in given.get(word, ()):
        if value not in allowed:
            raise InvalidFilter(word, value)


def prunable_containers(given: Filters) -> Callable[[Record], bool]:
    filters.check(given, _PRUNE)
    until = filters.until(given)
    return lambda record: (until is None or record.created < until) and filters.has_labels(given, labels(record))


def networks(
    found: Iterable[Network], given: Filters, in_use: Callable[[Network], bool] = lambda _network: True
) -> list[Network]:
    filters.check(given, frozenset(["dangling", "driver", "id", "label", "name", "scope", "type"]))
    dangling = filters.flag(given, "dangling")
    _check_words("type", given, frozenset({"builtin", "custom"}))
    return [
        network
        for network in found
        if ("driver" not in given or network.driver in given["driver"])
        and ("id" not in given or any(network.id.startswith(value) for value in given["id"]))
        and ("name" not in given or any(value in network.name for value in given["name"]))
        and ("scope" not in given or "local" in given["scope"])
        and ("type" not in given or ("builtin" if network.predefined else "custom") in given["type"])
        and filters.has_labels(given, network.labels)
        and (dangling is None or dangling is not (network.predefined or in_use(network)))
    ]


def prunable_networks(given: Filters) -> Callable[[Network], bool]:
    filters.check(given, _PRUNE)
    until = filters.until(given)
    return lambda network: (until is None or network.created < until) and filters.has_labels(given, network.labels)


def volumes(found: Iterable[Volume], given: Filters, in_use: Callable[[str], object]) -> list[Volume]:
    filters.check(given, frozenset(["dangling", "driver", "label", "name"]))
    dangling = filters.flag(given, "dangling")
    return [
        volume
        for volume in found
        if ("driver" not in given or volume.driver in given["driver"])
        and ("name" not in given or any(value in volume.name for value in given["name"]))
        and filters.has_labels(given, volume.labels)
        and (dangling is None or dangling is not bool(in_use(volume.name)))
    ]


def prunable_volumes(given: Filters, *, only_anonymous: bool) -> Callable[[Volume], bool]:
    """`only_anonymous` is the rule of the client's version; the filter `all` overrules it."""
    filters.check(given, frozenset({"all", "label", "label!"}))
    everything = filters.flag(given, "all") or not only_anonymous
    return lambda volume: (everything or ANONYMOUS_LABEL in volume.labels) and filters.has_labels(given, volume.labels)


EVENTS = frozenset(
    [
        "config",
        "container",
        "daemon",
        "event",
        "image",
        "label",
        "network",
        "node",
        "plugin",
        "scope",
        "secret",
        "service",
        "type",
        "volume",
    ]
)


def events(given: Filters) -> Callable[[Event], bool]:
    """Which events a stream shows. Names and ids also match by their beginning, as `exec_start` does any exec_start."""
    filters.check(given, EVENTS)

    def match(event: Event) -> bool:
        action = event.action.partition(":")[0]
        return (
            ("type" not in given or event.type in given["type"])
            and ("event" not in given or event.action in given["event"] or action in given["event"])
            and ("scope" not in given or "local" in given["scope"])
            and ("image" not in given or _about_image(event, given["image"]))
            and filters.has_labels(given, event.attributes)
            and all(_about(event, kind, given[kind]) for kind in _NOUNS if kind in given)
        )

    return match


_NOUNS = ("config", "container", "daemon", "network", "node", "plugin", "secret", "service", "volume")


def _about(event: Event, kind: str, wanted: Sequence[str]) -> bool:
    if event.type != kind:
        return False
    names = (event.actor, event.attributes.get("name", ""))
    return any(name.startswith(value) for value in wanted for name in names)


def _about_image(event: Event, wanted: Sequence[str]) -> bool:
    name = event.attributes.get("name" if event.type == "image" else "image", "")
    head, colon, tag = name.rpartition(":")
    untagged = head if colon and "/" not in tag else name
    return any(value in (event.actor, name, untagged) for value in wanted)
